"""What nobody reads is not computed: the unembedding of other tokens, and numbers fetched one by one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from asking import PROMPTS, REFERENCES, replace
from torch.utils._python_dispatch import TorchDispatchMode

from circuitcheck.engine import CLEAN, Condition, Intervention, MetricName, MetricReading, Plan, Request
from circuitcheck.engines import DictionaryFolder, LensEngine, LensModel
from circuitcheck.engines.batches import Batch
from circuitcheck.engines.metrics import Targets

EDITS: dict[str, Intervention] = {
    "head": replace("resample", "L2H1@END"),
    "feature": replace("mean", "L1.res/7@END"),
    "mlp": replace("corrupt", "L1.mlp@S"),
}
ALL_METRICS: tuple[MetricName, ...] = (
    "logit_diff", "accuracy", "prob_diff", "log_prob", "kl", "top1", "rank",
)  # fmt: skip
OF_TARGETS: tuple[MetricName, ...] = ("logit_diff", "accuracy")


def plan_of(*metrics: MetricName) -> Plan:
    conditions = [Condition("clean", edit) for edit in EDITS.values()]
    return Plan(tuple(Request(one, MetricReading(name)) for one in conditions for name in metrics))


@pytest.fixture
def exact(gpt2: LensModel, shelves: dict[str, DictionaryFolder]) -> LensEngine:
    return LensEngine(gpt2, shelves, exact_passes=True)


@pytest.mark.parametrize("metric", ALL_METRICS)
def test_each_metric_alone_is_that_of_whole_passes(
    gpt2_engine: LensEngine, exact: LensEngine, metric: MetricName
) -> None:
    """Alone, so that no other metric makes the pass tell every token's logit."""
    whole, found = (
        engine.measure(plan_of(metric), PROMPTS, REFERENCES).values for engine in (exact, gpt2_engine)
    )
    for request, values in whole.items():
        np.testing.assert_allclose(found[request], values, rtol=1e-4, atol=1e-5)


@contextmanager
def vocabulary_rows(engine: LensEngine) -> Iterator[list[int]]:
    """How many rows go through the whole unembedding, one entry per call."""
    counted: list[int] = []

    def note(module: Any, arguments: tuple[Any, ...], out: torch.Tensor) -> None:
        del module, arguments
        counted.append(out[..., 0].numel())

    handle = engine.model.bridge.unembed.register_forward_hook(note)
    try:
        yield counted
    finally:
        handle.remove()


def test_only_metrics_of_the_vocabulary_unembed_it(gpt2_engine: LensEngine) -> None:
    gpt2_engine.measure(plan_of("logit_diff"), PROMPTS, REFERENCES)  # tries the model, averages references
    rows = {}
    for metric in ALL_METRICS:
        with vocabulary_rows(gpt2_engine) as counted:
            gpt2_engine.measure(plan_of(metric), PROMPTS, REFERENCES)
        rows[metric] = sum(counted)
    assert len({rows[metric] for metric in OF_TARGETS}) == 1
    others = {rows[metric] for metric in ALL_METRICS if metric not in OF_TARGETS}
    assert min(others) >= rows["logit_diff"] + len(EDITS) * len(PROMPTS)


def test_targets_among_their_tokens_pick_the_same_numbers() -> None:
    targets = Targets.of([5, 2, 9], [[7], [2, 11], [5]], "cpu")
    logits = torch.arange(36.0).reshape(3, 12) ** 2
    assert targets.tokens.tolist() == [0, 2, 5, 7, 9, 11]  # 0 pads a missing foil
    among = targets.among(targets.tokens)
    told = logits[:, targets.tokens]
    torch.testing.assert_close(among.of_answer(told), targets.of_answer(logits))
    torch.testing.assert_close(among.mean_of_foils(told), targets.mean_of_foils(logits))


class _Fetches(TorchDispatchMode):
    """Counts what makes an accelerator wait: a tensor's number read by the program."""

    FETCHING = ("_local_scalar_dense", "is_nonzero", "item", "equal", "nonzero", "masked_select")

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func.overloadpacket.__name__
        if name in self.FETCHING:
            self.seen.append(name)
        return func(*args, **(kwargs or {}))


def test_no_number_is_fetched_while_interventions_run(
    gpt2_engine: LensEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan((Request(CLEAN, MetricReading("logit_diff")), *plan_of("logit_diff", "kl").requests))
    gpt2_engine.measure(plan, PROMPTS, REFERENCES)  # tries the model, averages references
    treat, fetched, runs = Batch.treat, [], []

    def watched(self: Batch, *arguments: Any, **named: Any) -> Any:
        with _Fetches() as mode:
            passes = treat(self, *arguments, **named)
        fetched.extend(mode.seen)
        runs.append(len(passes))
        return passes

    monkeypatch.setattr(Batch, "treat", watched)
    gpt2_engine.measure(plan, PROMPTS, REFERENCES)
    assert sum(runs) >= len(EDITS)
    assert fetched == []
