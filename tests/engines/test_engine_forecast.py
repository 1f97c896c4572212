"""What a forecast says is what then happens, to the last token."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from asking import LOGIT_DIFF, frozen, keep, nodes, replace, route, steer
from tiny_models import LAYERS, tiny_gemma2, tiny_prompts

from circuitcheck.engine import (
    CLEAN,
    CORRUPT,
    ActivationReading,
    Condition,
    Errand,
    Forecast,
    MetricReading,
    Plan,
    Replace,
    Request,
    Source,
    Survey,
    WriteReading,
)
from circuitcheck.engines import DictionaryFolder, LensEngine, LensModel, batches, load_model
from circuitcheck.engines.forecasting import block_share
from circuitcheck.engines.kept_circuit import live_blocks
from circuitcheck.engines.paces import Pace
from circuitcheck.errors import MeasurementError

PROMPTS = tiny_prompts(26, lengths=2)
REFERENCES = tiny_prompts(16, seed=7, lengths=2)
INTERVENTIONS = (
    replace("resample", "L2H0@END"),
    replace("resample", "L2H1@END"),
    replace("corrupt", "L1.mlp@S"),
    replace("mean", "L1H2@all"),
    replace("zero", "embed@IO"),
    replace("resample", "L2.z/3@END", "L2.z/5@END"),
    Replace(nodes("L2H2@END", "L2H3@END"), Source("resample", donors="independent")),
    keep("mean", "L1H0@END", "L2.z/3@END"),
    keep("resample", scope="heads+mlps"),
    steer("scale", 2.0, "L1H0@END", "L1.mlp@S"),
    frozen("resample", "L1H3@S"),
    route("L0H1@S", "L2H1.k@S"),
    route("L0H2@S", "L2H0.k@S"),
    route("L0H3@END L0.mlp@END", "L2H1.q@END", "mean", downstream="frozen"),
)
PLAN = Plan(
    (
        Request(CLEAN, LOGIT_DIFF),
        Request(CORRUPT, LOGIT_DIFF),
        Request(CLEAN, WriteReading(nodes("L2H0@END"))),
        Request(CLEAN, ActivationReading(nodes("L2.z/3@S")[0])),
        *(Request(Condition("clean", one), LOGIT_DIFF) for one in INTERVENTIONS),
        Request(Condition("corrupt", replace("clean", "L1H1@END")), LOGIT_DIFF),
        Request(Condition("corrupt", replace("clean", "L1H1@END")), MetricReading("loss")),
    )
)


@dataclass
class Counted:
    """Calls of the first and of every block, and their tokens."""

    passes: int = 0
    block_tokens: int = 0
    parts: float = 0.0

    @property
    def tokens(self) -> float:
        return (self.block_tokens + self.parts) / LAYERS


@contextmanager
def counting(model: LensModel) -> Iterator[Counted]:
    seen = Counted()
    last = len(model.bridge.blocks) - 1
    kept_logits = batches.kept_logits

    def kept(scene: Any, treatments: Any, end: int, tokens: Any = None) -> Any:
        """Keep-only runs call no block as a whole."""
        seen.passes += 1
        blocks = [
            block
            for one in treatments
            for block in live_blocks(one, layers=last + 1, first=scene.window.position, end=end)
        ]
        seen.parts += scene.rows * sum(block_share(block, model.shape) for block in blocks)
        return kept_logits(scene, treatments, end, tokens)

    def counter(layer: int) -> Any:
        def count(block: Any, arguments: Any) -> None:
            del block
            rows, length = arguments[0].shape[:2]
            seen.block_tokens += rows * length
            seen.passes += layer == last  # every pass runs to the end

        return count

    handles = [block.register_forward_pre_hook(counter(n)) for n, block in enumerate(model.bridge.blocks)]
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(batches, "kept_logits", kept)
            yield seen
    finally:
        for handle in handles:
            handle.remove()


def expect_what_is_forecast(engine: LensEngine, errand: Errand) -> Forecast:
    told = engine.forecast([errand])
    with counting(engine.model) as seen:
        engine.measure(errand.plan, errand.prompts, errand.references)
    assert (told.passes, told.tokens) == (seen.passes, pytest.approx(seen.tokens, rel=1e-12))
    return told


@pytest.mark.parametrize("batch_size", [64, 5])
@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_passes_and_tokens_are_those_that_are_then_run(
    architecture: str, batch_size: int, request: pytest.FixtureRequest, shelves: dict[str, DictionaryFolder]
) -> None:
    model: LensModel = request.getfixturevalue(architecture)
    engine = LensEngine(model, shelves, batch_size=batch_size)
    told = expect_what_is_forecast(engine, Errand(PROMPTS, REFERENCES, PLAN))
    again = engine.forecast([Errand(PROMPTS, REFERENCES, PLAN)])
    assert told.passes - again.passes >= 2, "the reference set was averaged already"


def test_a_private_copy_of_a_key_is_counted_with_the_batch_that_it_lives_in(
    llama: LensModel, shelves: dict[str, DictionaryFolder]
) -> None:
    plan = Plan(
        tuple(
            Request(Condition("clean", replace("corrupt", name)), LOGIT_DIFF)
            for name in ("L1H0.k@S", "L2H1.v@S")
        )
    )
    expect_what_is_forecast(LensEngine(llama, shelves), Errand(PROMPTS, REFERENCES, plan))


def test_a_model_that_leaves_no_trace_at_this_length_is_forecast_whole(tmp_path: Any) -> None:
    """Its first layer forgets keys and values before the last three tokens."""
    model = load_model(tiny_gemma2(tmp_path, sliding_window=3), device="cpu")
    plan = Plan((Request(Condition("clean", replace("corrupt", "L2H0@END")), LOGIT_DIFF),))
    told = expect_what_is_forecast(LensEngine(model, {}), Errand(PROMPTS, REFERENCES, plan))
    assert told.tokens >= 2 * sum(map(len, PROMPTS.clean)), "nothing runs in part"


def test_a_forecast_under_a_tight_budget_is_kept_too(
    gpt2: LensModel, shelves: dict[str, DictionaryFolder]
) -> None:
    plan = Plan(tuple(one for one in PLAN.requests if "mean" not in str(one)))
    errand = Errand(PROMPTS, REFERENCES, plan)
    free = LensEngine(gpt2, shelves).forecast([errand])
    tight = LensEngine(gpt2, shelves, memory=free.peak_bytes // 4)
    tight._memory.gauge = NoGauge()  # what a process takes besides tensors is more than a tiny model does
    told = expect_what_is_forecast(tight, errand)
    assert told.passes > 2 * free.passes
    assert told.peak_bytes <= free.peak_bytes // 4


class NoGauge:
    def free(self) -> int:
        return 1 << 30

    def begin(self) -> None:
        pass

    def peak(self) -> int | None:
        return None


def test_a_naive_run_passes_every_prompt_once_per_condition(gpt2: LensModel) -> None:
    plan = Plan(
        tuple(
            Request(Condition("clean", replace("corrupt", f"L2H{head}@END")), LOGIT_DIFF) for head in range(4)
        )
    )
    errand = Errand(PROMPTS, PROMPTS.subset([]), plan)
    told = LensEngine(gpt2, {}).forecast([errand])
    whole = sum(map(len, PROMPTS.clean))
    assert told.naive_tokens == 4 * whole
    assert told.tokens < 3 * whole, "two untouched passes, and one token of one block for each head"
    assert told.seconds > 0
    assert told.peak_bytes > 0


def test_errands_share_the_means_over_one_reference_set(
    gpt2: LensModel, shelves: dict[str, DictionaryFolder]
) -> None:
    plans = [
        Plan((Request(Condition("clean", replace("mean", f"L1H{head}@END")), LOGIT_DIFF),)) for head in (0, 0)
    ]
    errands = [Errand(PROMPTS, REFERENCES, plan) for plan in plans]
    one, both = (LensEngine(gpt2, shelves).forecast(some) for some in (errands[:1], errands))
    references = len(REFERENCES.groups) and sum(map(len, REFERENCES.corrupt))
    assert both.tokens == pytest.approx(2 * one.tokens - references)


@pytest.mark.parametrize("kind", ["fit", "profile", "describe"])
def test_a_survey_is_forecast_as_it_is_run(
    gpt2: LensModel, shelves: dict[str, DictionaryFolder], kind: Any
) -> None:
    engine = LensEngine(gpt2, shelves, batch_size=5)
    asked = nodes("L2.z/3@END") if kind == "describe" else nodes("L2.z/error@END")
    told = engine.forecast([Errand(PROMPTS, REFERENCES, surveys=(Survey(kind, asked),))])
    engine.describe(nodes("L2.z/3@END"), PROMPTS)  # tries how the block writes, once
    with counting(gpt2) as seen:
        {
            "fit": lambda: engine.fit(asked[0], (3,), PROMPTS),
            "profile": lambda: engine.profile(asked[0], PROMPTS),
            "describe": lambda: engine.describe(asked, PROMPTS),
        }[kind]()
    assert (told.passes, told.tokens) == (seen.passes, pytest.approx(seen.tokens, rel=1e-12))


def test_a_fault_in_a_plan_is_found_by_its_forecast(gpt2: LensModel) -> None:
    plan = Plan((Request(Condition("clean", replace("zero", "L9H0@END")), LOGIT_DIFF),))
    with pytest.raises(MeasurementError, match="L9H0"):
        LensEngine(gpt2, {}).forecast([Errand(PROMPTS, REFERENCES, plan)])


def test_forecasts_add_up_but_their_peaks_do_not() -> None:
    both = Forecast(2, 10.0, 30, 1.0, 500) + Forecast(1, 5.0, 10, 0.5, 400)
    assert both == Forecast(3, 15.0, 40, 1.5, 500)


def test_seconds_are_those_of_passes_and_of_their_tokens() -> None:
    assert Pace(per_pass=0.1, per_token=0.01).seconds(3.0, 20.0) == pytest.approx(0.5)
