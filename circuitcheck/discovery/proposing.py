"""From a model and a prompt family to a proposal: discovered, measured, confirmed.

In: `Wanted`. Out: `Proposal`, which `proposal_text` writes as a circuit file. Nodes are chosen on the first part of the
prompts, thresholds set on the second, every claim confirmed on the third; see `splitting` and `placing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from circuitcheck.checking.bench import Bench, Overrides, open_bench
from circuitcheck.checking.check import check
from circuitcheck.discovery.attribution import Where, attribution
from circuitcheck.discovery.choosing import Chosen, smallest
from circuitcheck.discovery.faithfulness import Faithfulness, scope_of
from circuitcheck.discovery.placing import LEAST_DROP, Margin, Measured, parts_of, rate_at_least
from circuitcheck.discovery.scan import exact_scores, heads_of
from circuitcheck.discovery.scores import Drawn, Scores
from circuitcheck.discovery.splitting import Split, check_has_answers
from circuitcheck.discovery.stages import Stage, stages_of
from circuitcheck.engine import CLEAN, CORRUPT, MetricReading, Plan, Progress, Request
from circuitcheck.engines import LensEngine
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import ALL, Node, NodeKind
from circuitcheck.prompts.build import build_prompts, build_references
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.shapes import bundled_models
from circuitcheck.spec import CircuitSpec
from circuitcheck.statistics import Sample, interval
from circuitcheck.verdict import Outcome, Verdict

METHODS = ("scan", "attribution", "integrated-gradients")
METRIC = MetricReading("logit_diff")
MOST_RECOVERED = 1.2
"""Where a bare `recovered >=` fails as well, since it is over-recovery."""


@dataclass(frozen=True)
class Wanted:
    """What to discover: which behaviour of which model, by which method, how faithful.

    `target` is the share of the behaviour to recover on the discovery prompts, in its weakest order. `n` is the
    number of pairs that the file will ask for, `n_discovery` that of the first part. `kinds` are heads, or heads and
    mlps.
    """

    model: str = "ioi-mini"
    family: str = "ioi"
    method: str = "scan"
    target: float = 0.8
    n: int = 480
    n_discovery: int = 80
    seed: int = 0
    circuit: str = "proposal"
    kinds: tuple[str, ...] = ("heads",)
    device: str | None = None
    corrupt: str | None = None
    """The family's corruption; its first for None."""

    @property
    def model_reference(self) -> str | dict[str, str]:
        """The model as a circuit file names it."""
        if self.model in bundled_models():
            return self.model
        folder = Path(self.model)
        return {"path": str(folder.resolve())} if folder.is_dir() else {"name": self.model}


@dataclass(frozen=True)
class Settled:
    """One claim with its thresholds, its measured values as words, and whether the third part confirmed it."""

    claim: Mapping[str, Any]
    measured: Mapping[str, str]
    outcome: Outcome | None = None


@dataclass(frozen=True)
class Proposal:
    """A circuit and its claims, with all that went into it."""

    wanted: Wanted
    split: Split
    scores: Scores[Node]
    chosen: Chosen
    stages: tuple[Stage, ...]
    claims: tuple[Settled, ...]
    left_out: tuple[str, ...]
    """Why what one might look for is not claimed, in sentences."""
    margin: Margin
    provenance: Mapping[str, Any]
    parts: Mapping[str, Drawn]
    """The prompts of each part."""

    @property
    def confirmed(self) -> tuple[Settled, ...]:
        """The claims that the third part supported; the file has these only."""
        return tuple(each for each in self.claims if each.outcome is Outcome.SUPPORTED)

    def spec(self, prompts: Mapping[str, Any], claims: Sequence[Mapping[str, Any]]) -> CircuitSpec:
        """A circuit file of these claims."""
        return _spec(self.wanted, prompts, claims, self.stages)


def propose(
    wanted: Wanted, progress: Progress | None = None, tell: Callable[[str], None] = lambda _: None
) -> Proposal:
    """Discover a circuit, set thresholds, confirm them.

    Raises:
        MeasurementError: clean and corrupt prompts do not differ, the target cannot be reached, or no claim holds.
        CircuitCheckError: model or prompts cannot be had.
    """
    check_has_answers(wanted.family)
    split = Split.of(
        wanted.family, seed=wanted.seed, n_discovery=wanted.n_discovery, n=wanted.n, corrupt=wanted.corrupt
    )
    return _Discovery(wanted, split, progress, tell).proposal()


@dataclass(frozen=True)
class _Discovery:
    wanted: Wanted
    split: Split
    progress: Progress | None
    tell: Callable[[str], None]

    def proposal(self) -> Proposal:
        spec = _spec(self.wanted, self.split.discovery, [_behaviour()])
        bench = open_bench(spec, Overrides(device=self.wanted.device))
        prompts = build_prompts(spec.prompts, bench.tokenizer, base=Path())
        references = build_references(spec.prompts, bench.tokenizer, evaluated=prompts, base=Path())
        refuse_without_effect(bench, prompts)
        self.tell(f"scoring by {self.wanted.method} on {len(prompts)} pairs")
        scores = _scores(bench, prompts, self.wanted, [*prompts.roles], self.progress)
        widening = _scores(bench, prompts, self.wanted, [ALL], self.progress)
        asked = Faithfulness(
            bench.engine, prompts, references, scope_of(scores.items), progress=self.progress
        )
        self.tell(f"choosing the smallest circuit that recovers {self.wanted.target:g}")
        ranking = [node for node, _ in scores.ranked()]
        chosen = smallest(asked, ranking, self.wanted.target, [node for node, _ in widening.ranked()])
        stages = stages_of(chosen.nodes, bench.engine, prompts)
        return self._measured(prompts, scores, chosen, stages, bench)

    def _measured(
        self,
        prompts: PromptSet,
        scores: Scores[Node],
        chosen: Chosen,
        stages: tuple[Stage, ...],
        bench: Bench,
    ) -> Proposal:
        """Thresholds from the second part, confirmation on the third."""
        self.tell("setting thresholds on other pairs")
        open_claims = [_behaviour(), *map(_necessity, stages), _faithful(stages)]
        draws = [self._checked(part, open_claims, stages) for part in self.split.thresholds]
        margin = _margin([list(found.values()) for found, _ in draws], self.wanted.n)
        settled = [
            _settled(claim, [found[claim["id"]] for found, _ in draws], margin) for claim in open_claims
        ]
        left_out = tuple(each for each in settled if isinstance(each, str))
        claims = [each for each in settled if isinstance(each, Settled)]
        self.tell("confirming every claim on prompts that nothing has seen")
        fresh, third = self._checked(self.split.confirmation, [each.claim for each in claims], stages)
        judged = tuple(replace(each, outcome=fresh[each.claim["id"]].outcome) for each in claims)
        seconds = {f"thresholds {number}": drawn for number, (_, drawn) in enumerate(draws, 1)}
        parts = {"discovery": Drawn.of(prompts), **seconds, "confirmation": third}
        proposal = Proposal(
            self.wanted, self.split, scores, chosen, stages, judged, left_out, margin, bench.engine.provenance, parts
        )  # fmt: skip
        if not proposal.confirmed:
            msg = "none of the proposal's claims was confirmed on fresh prompts, so there is nothing to propose."
            raise MeasurementError(msg)
        return proposal

    def _checked(
        self, prompts: Mapping[str, Any], claims: Sequence[Mapping[str, Any]], stages: tuple[Stage, ...]
    ) -> tuple[dict[str, Verdict], Drawn]:
        spec = _spec(self.wanted, prompts, claims, stages)
        result = check(spec, device=self.wanted.device, progress=self.progress)
        if result.errors:
            claim, why = next(iter(result.errors.items()))
            msg = f"the proposed claim {claim} could not be measured: {why}"
            raise MeasurementError(msg)
        digest = next(iter(result.provenance["prompts"].values()))
        drawn = Drawn(result.provenance["seed"], result.provenance["n"], digest)
        return {verdict.claim: verdict for verdict in result.verdicts}, drawn


def refuse_without_effect(bench: Bench, prompts: PromptSet) -> None:
    """Refuse prompts on which there is nothing to explain.

    Raises:
        MeasurementError: the metric of clean and corrupt sides cannot be told apart, with both.
    """
    clean, corrupt = Request(CLEAN, METRIC), Request(CORRUPT, METRIC)
    values = bench.engine.measure(Plan((clean, corrupt)), prompts, prompts.subset([])).values
    sample = Sample(values[clean] - values[corrupt], None, prompts.strata)
    found = interval(sample, 0.025)
    if found is None or found.low <= 0 <= found.high:
        msg = (
            f"there is nothing to explain: {METRIC.name} is {values[clean].mean():.2f} on clean prompts and "
            f"{values[corrupt].mean():.2f} on corrupt ones, which {len(prompts)} pairs cannot tell apart. Choose prompts "
            "of a task that this model does, or take more."
        )
        raise MeasurementError(msg)


def _scores(
    bench: Bench, prompts: PromptSet, wanted: Wanted, positions: Sequence[str], progress: Progress | None
) -> Scores[Node]:
    nodes = [node for at in positions for node in _candidates(bench, wanted.kinds, at)]
    if wanted.method == "scan":
        return exact_scores(bench.engine, nodes, prompts, progress=progress)
    if wanted.method not in METHODS:
        msg = f"there is no method {wanted.method!r} for proposals; choose one of {', '.join(METHODS)}."
        raise MeasurementError(msg)
    assert isinstance(bench.engine, LensEngine), "without a store the engine is the model's own"
    where: Where = "between" if wanted.method == "integrated-gradients" else "clean"
    return attribution(bench.engine.model, nodes, prompts, where=where)


def _candidates(bench: Bench, kinds: Sequence[str], at: str) -> list[Node]:
    """What a circuit may be made of, at one position."""
    shape = bench.engine.shape
    mlps = [Node(NodeKind.MLP, layer, at=at) for layer in range(shape.n_layers)] if "mlps" in kinds else []
    return [*heads_of(shape, at), *mlps]


def _spec(
    wanted: Wanted,
    prompts: Mapping[str, Any],
    claims: Sequence[Mapping[str, Any]],
    stages: Sequence[Stage] = (),
) -> CircuitSpec:
    groups = {stage.name: {"nodes": [node.name for node in stage.nodes], "at": stage.at} for stage in stages}
    return CircuitSpec.model_validate(
        {
            "circuitcheck": 1,
            "circuit": wanted.circuit,
            "model": wanted.model_reference,
            "prompts": dict(prompts),
            "metric": METRIC.name,
            "correction": "file",
            "nodes": groups,
            "claims": [dict(claim) for claim in claims],
        }
    )


def _behaviour() -> dict[str, Any]:
    expect = {METRIC.name: "?", "accuracy": "?"}
    return {"id": "behaviour", "says": "The model does the task.", "measure": "clean", "expect": expect}


def _necessity(stage: Stage) -> dict[str, Any]:
    return {
        "id": f"{stage.name}-matters",
        "says": f"{stage.names} {stage.where} matters.",
        "ablate": stage.name,
        "with": "resample",
        "expect": {"drop": "?"},
    }


def _faithful(stages: Sequence[Stage]) -> dict[str, Any]:
    kept = [stage.name for stage in stages]
    return {
        "id": "faithful",
        "says": "The circuit keeps the behaviour.",
        "keep": kept,
        "with": "mean",
        "expect": {"recovered": "?"},
    }


def _margin(draws: Sequence[Sequence[Verdict]], n: int) -> Margin:
    verdicts = draws[0]
    assert verdicts[0].prompts is not None, "claims are measured on prompts"
    strata = len(set(verdicts[0].prompts.cells))
    here = sum(each[0].n for each in draws)
    return Margin(len(verdicts), parts_of(verdicts), n, here, strata, verdicts[0].confidence)


def _settled(claim: Mapping[str, Any], draws: Sequence[Verdict], margin: Margin) -> Settled | str:
    """The claim with thresholds in it; a sentence where what was measured is too little to claim anything."""
    found = {quantity: Measured.of(draws, quantity, margin.n) for quantity in claim["expect"]}
    words = {quantity: measured.text for quantity, measured in found.items()}
    if claim["id"] == "behaviour":
        return _settled_behaviour(claim, found, margin, words)
    if claim["id"] == "faithful":
        return _settled_faithful(claim, found["recovered"], margin, words)
    return _settled_drop(claim, found["drop"], margin, words)


def _settled_behaviour(
    claim: Mapping[str, Any], found: Mapping[str, Measured], margin: Margin, words: Mapping[str, str]
) -> Settled:
    hits = round(found["accuracy"].size * margin.n_here)
    expect = {
        METRIC.name: f">= {found[METRIC.name].at_least(margin):g}",
        "accuracy": f">= {rate_at_least(hits, margin):g}",
    }
    says = f"The model prefers the right answer by {found[METRIC.name].size:.1f} in {METRIC.name}."
    return Settled({**claim, "says": says, "expect": expect}, words)


def _settled_faithful(
    claim: Mapping[str, Any], recovered: Measured, margin: Margin, words: Mapping[str, str]
) -> Settled:
    low, high = recovered.at_least(margin), recovered.at_most(margin)
    expected = f">= {low:g}" if high <= MOST_RECOVERED else f"between {low:g} and {high:g}"
    says = f"Kept alone in its scope, the circuit recovers {recovered.size:.0%} of the behaviour."
    return Settled({**claim, "says": says, "expect": {"recovered": expected}}, words)


def _settled_drop(
    claim: Mapping[str, Any], drop: Measured, margin: Margin, words: Mapping[str, str]
) -> Settled | str:
    subject = claim["says"].removesuffix(" matters.")
    low, high = drop.at_least(margin), drop.at_most(margin)
    if low >= LEAST_DROP:
        says = f"Without {subject} the preference loses {drop.size:.0%} of its size."
        return Settled({**claim, "says": says, "expect": {"drop": f">= {low:g}"}}, words)
    if high <= -LEAST_DROP:
        says = f"Without {subject} the preference grows by {-drop.size:.0%} of its size."
        return Settled({**claim, "says": says, "expect": {"drop": f"<= {high:g}"}}, words)
    return f"{subject}: ablated, a drop of {drop.text}, too little to claim anything of it alone"
