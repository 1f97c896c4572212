"""What a run would take: its own schedules, batches and stacks, counted instead of run.

In: errands. Out: `Forecast`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from circuitcheck.engine import Condition, Errand, Forecast, Shape, Side, Survey
from circuitcheck.engines.averaging import Wanted
from circuitcheck.engines.batches import rows_in_batches
from circuitcheck.engines.dealing import Deal, Donors, Rows
from circuitcheck.engines.fitting import kept_plan
from circuitcheck.engines.kept_circuit import KeptParts, LiveBlock, live_blocks
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.paces import leaves_trace, pace_of
from circuitcheck.engines.rounds import stacks_for
from circuitcheck.engines.runs import Run, Tools
from circuitcheck.engines.schedule import Schedule
from circuitcheck.engines.stacks import Stack
from circuitcheck.engines.surveys import Surveyor
from circuitcheck.engines.windows import WHOLE, Window
from circuitcheck.prompts.pairs import PromptSet


@dataclass
class _Count:
    """Passes as they would come; tokens of whole blocks are counted in whole numbers, so that none is rounded away."""

    model: LensModel
    passes: int = 0
    block_passes: int = 0
    block_tokens: int = 0
    parts_tokens: float = 0.0
    """Of keep-only runs, which run parts of blocks."""
    peak_bytes: int = 0

    def add(self, rows: int, length: int, window: Window = WHOLE) -> None:
        """One pass over so many rows of this length."""
        layers = self.model.shape.n_layers
        self.passes += 1
        self.block_passes += layers - window.layer + (window.only is not None)
        self.block_tokens += rows * window.tokens(layers, length)

    def add_parts(self, rows: int, tokens: Sequence[float]) -> None:
        """One keep-only run on so many prompts; `tokens` of whole passes, per prompt and condition."""
        self.passes += 1
        self.block_passes += self.model.shape.n_layers
        self.parts_tokens += rows * sum(tokens)

    def forecast(self, naive_tokens: int) -> Forecast:
        """The sum, with the time that it takes here."""
        layers = self.model.shape.n_layers
        tokens = self.block_tokens / layers + self.parts_tokens
        seconds = pace_of(self.model).seconds(self.block_passes / layers, tokens)
        return Forecast(self.passes, tokens, naive_tokens, seconds, self.peak_bytes)


def forecast_errands(errands: Iterable[Errand], tools: Tools, surveyor: Surveyor) -> Forecast:
    """What errands would take, one after the other; means over a reference set are made by the first that wants them.

    Raises:
        MeasurementError: for the first thing that cannot be done, or when one prompt does not fit into memory.
    """
    total, averaged = Forecast(), Averaged(set())
    for errand in errands:
        if errand.plan.requests:
            run = Run(tools, errand.plan, errand.prompts, errand.references, None)
            total += _forecast_run(run, averaged)
        for survey in errand.surveys:
            total += _forecast_survey(survey, errand.prompts, tools, surveyor)
    return total


@dataclass
class Averaged:
    """Means that earlier errands would have made, by the digest of the reference set."""

    made: set[tuple[str, Wanted]]

    def claim(self, references: PromptSet, wanted: Iterable[Wanted]) -> list[Wanted]:
        """Those that are still to be made; from now on they count as made."""
        fresh = [one for one in wanted if (references.digest, one) not in self.made]
        self.made |= {(references.digest, one) for one in fresh}
        return fresh


def _forecast_run(run: Run, averaged: Averaged) -> Forecast:
    count = _Count(run.tools.model)
    donors = Schedule.donors((deal.schedule for deal in run.deals), run.prompts.whole)
    for deal in run.deals:
        for rows in run.batches(deal):
            _add_batch(count, run, deal, rows, donors)
    of_conditions = len(run.readings) * sum(map(len, run.prompts.clean))
    wanted = averaged.claim(run.references, run.means)
    return count.forecast(of_conditions + _add_references(count, run, wanted))


def _forecast_survey(survey: Survey, prompts: PromptSet, tools: Tools, surveyor: Surveyor) -> Forecast:
    """One untouched pass of every clean prompt, and what else a survey runs.

    A fit measures what is kept without the error; a description follows one prompt from feature to logits.
    """
    count, size = _Count(tools.model), surveyor.size(survey.nodes, prompts)
    for group in prompts.groups:
        for rows in rows_in_batches(group.tolist(), size):
            count.add(len(rows), len(prompts.clean[rows[0]]))
    if survey.kind == "describe":
        count.add(1, len(prompts.clean[0]))
    walk = count.forecast(sum(map(len, prompts.clean)))
    if survey.kind != "fit":
        return walk
    run = Run(tools, kept_plan(survey.nodes[0], prompts), prompts, prompts, None)
    return walk + _forecast_run(run, Averaged(set()))


def _add_batch(count: _Count, run: Run, deal: Deal, rows: Rows, donors: Donors) -> None:
    schedule, length = deal.schedule, deal.schedule.scene.length
    share = run.share(deal, rows)
    count.peak_bytes = max(count.peak_bytes, share.of_untouched())
    for _, lenders in deal.untouched(rows, donors):
        count.add(len(lenders), length)

    def runnable(side: Side, window: Window) -> Window:
        del side
        return window if window == WHOLE or leaves_trace(run.tools.model, length) else WHOLE

    for stack in stacks_for(schedule, runnable, run.tools.room, share):
        if isinstance(stack.window, KeptParts):
            count.add_parts(len(rows), [_kept_tokens(schedule, condition) for condition in stack.conditions])
        else:
            count.add(len(rows) * _copies(stack, schedule), length, stack.window)
        count.peak_bytes = max(count.peak_bytes, share.of_stack(stack))


def _copies(stack: Stack, schedule: Schedule) -> int:
    """Copies of the batch that a stack runs: one per condition, and their shadows."""
    shadows: Sequence[int] = [schedule.treatments[condition].shadows for condition in stack.conditions]
    return len(stack.conditions) + sum(shadows)


def _kept_tokens(schedule: Schedule, condition: Condition) -> float:
    """What a keep-only run computes for one prompt, in tokens of a whole pass."""
    scene = schedule.scene
    treatment, first, layers = schedule.treatments[condition], scene.everywhere[0], scene.shape.n_layers
    blocks = live_blocks(treatment, layers=layers, first=first, end=scene.end)
    return sum(block_share(block, scene.shape) for block in blocks) / layers


def block_share(block: LiveBlock, shape: Shape) -> float:
    """The tokens that one block runs, where a head and the MLP count by their weights.

    Those are four matrices of d_model x d_head, and two of d_model x d_mlp.
    """
    head, mlp = 4 * shape.d_head, 2 * shape.d_mlp
    heads = sum(map(len, block.queries)) * head
    run = len(block.mlp) * mlp if block.mlp_runs else 0
    return (heads + run) / (shape.n_heads * head + mlp)


def _add_references(count: _Count, run: Run, wanted: Sequence[Wanted]) -> int:
    """The passes that average over the reference set; gives back their tokens."""
    tokens = 0
    for rows in run.tools.averages.batches_to_come(run.references, wanted):
        length = len(run.references.clean[rows[0]])
        count.add(len(rows), length)
        tokens += len(rows) * length
    return tokens
