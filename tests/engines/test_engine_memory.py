"""The memory budget: kept by measurement, halved where the device has less, and without influence on numbers."""

import gc
import json
import os
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from asking import LOGIT_DIFF, frozen, keep, nodes, replace, route, steer
from tiny_models import tiny_prompts

from circuitcheck.engine import (
    CLEAN,
    Condition,
    Measurement,
    MetricReading,
    Plan,
    Replace,
    Request,
    Source,
)
from circuitcheck.engines import DictionaryFolder, LensEngine, LensModel, load_model
from circuitcheck.engines import rounds as rounds_module
from circuitcheck.engines.batches import Batch
from circuitcheck.engines.footprints import Load
from circuitcheck.engines.gauges import ProcessGauge
from circuitcheck.engines.halving import OutOfMemory, in_parts, is_out_of_memory
from circuitcheck.engines.memory import Memory
from circuitcheck.engines.stacks import Stack, room_on
from circuitcheck.engines.windows import WHOLE, Window
from circuitcheck.errors import MeasurementError

HERE = Path(__file__).parent
MIB = 1 << 20
PROMPTS = tiny_prompts(16, lengths=2)
REFERENCES = tiny_prompts(16, seed=7, lengths=2)
INTERVENTIONS = (
    *(replace("resample", f"L2H{head}@END") for head in range(4)),
    replace("corrupt", "L1.mlp@S"),
    replace("mean", "L1H2@all"),
    replace("resample", "L2.z/3@END", "L2.z/5@END"),
    replace("zero", "embed@IO"),
    Replace(nodes("L2H2@END", "L2H3@END"), Source("resample", donors="independent")),
    keep("mean", "L1H0@END", "L2.z/3@END"),
    keep("resample", scope="heads+mlps"),
    steer("scale", 2.0, "L1H0@END", "L1.mlp@S"),
    frozen("resample", "L1H3@S"),
    route("L0H1@S", "L2H1.k@S"),
    route("L0H2@S", "L2H0.k@S"),
    route("L0H3@END L0.mlp@END", "L2H1.q@END", "mean", downstream="frozen"),
)
REQUESTS = (
    Request(CLEAN, LOGIT_DIFF),
    *(Request(Condition("clean", one), LOGIT_DIFF) for one in INTERVENTIONS),
    Request(Condition("clean", INTERVENTIONS[0]), MetricReading("kl")),
    Request(Condition("corrupt", replace("clean", "L1H1@END")), LOGIT_DIFF),
)


class Gauge:
    """Says what a test tells it to."""

    def __init__(self, peak: int | None = None) -> None:
        self.told = peak

    def free(self) -> int:
        return 10 * MIB

    def begin(self) -> None:
        pass

    def peak(self) -> int | None:
        return self.told


def load(held: int, passing: int) -> Load:
    return Load(8, held, passing, {})


def test_a_real_process_stays_within_its_budget() -> None:
    """Ignoring the budget, the same takes several times as much."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    layers, budget, short, long = "2", 224, "4", "6"
    found = subprocess.run(
        [sys.executable, str(HERE / "memory_run.py"), layers, str(budget), short, long],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    taken = json.loads(found.stdout.splitlines()[-1])["taken"]
    assert budget * MIB / 4 < taken < budget * MIB


def test_half_of_what_is_free_is_the_budget_unless_it_is_said(gpt2: LensModel) -> None:
    free = ProcessGauge().free()
    assert LensEngine(gpt2, {})._memory.limit == pytest.approx(free / 2, rel=0.2)
    assert LensEngine(gpt2, {}, memory=5 * MIB)._memory.limit == 5 * MIB


def test_a_batch_is_as_large_as_the_budget_allows_and_never_larger_than_pays() -> None:
    memory = Memory(100 * MIB, Gauge())  # a quarter of it is kept aside
    assert memory.prompts(load(held=0, passing=MIB), most=64) == 64
    assert memory.prompts(load(held=0, passing=15 * MIB), most=64) == 5
    assert memory.prompts(load(held=10 * MIB, passing=0), most=64) == 3, "half of the room is for stacks"
    assert memory.prompts(load(held=0, passing=15 * MIB), most=64, taken=31 * MIB) == 2


def test_a_budget_that_one_prompt_does_not_fit_into_says_what_it_needs() -> None:
    memory = Memory(100 * MIB, Gauge())
    with pytest.raises(MeasurementError) as refused:
        memory.prompts(load(held=60 * MIB, passing=60 * MIB), most=64)
    assert str(refused.value) == (
        "one prompt of 8 tokens needs about 145 MiB, and measuring may take 100 MiB; "
        "give it more with --circuit-memory, or use shorter prompts."
    )


def test_an_engine_with_a_budget_too_small_for_one_prompt_measures_nothing(gpt2: LensModel) -> None:
    with pytest.raises(
        MeasurementError, match=r"one prompt of 8 tokens needs about .* KiB, and measuring may"
    ):
        LensEngine(gpt2, {}, memory=4096).measure(Plan(REQUESTS[:1]), PROMPTS, REFERENCES)


def test_passes_that_took_more_than_their_sum_make_the_next_smaller() -> None:
    memory = Memory(1000 * MIB, gauge := Gauge())
    before = memory.prompts(load(held=0, passing=10 * MIB), most=10_000)
    memory.begin()
    gauge.told = 64 * MIB + 300 * MIB  # the part kept aside, and three times what was expected
    memory.saw(expected=100 * MIB)
    assert memory.factor == pytest.approx(3)
    assert memory.prompts(load(held=0, passing=10 * MIB), most=10_000) == before // 3
    memory.saw(expected=1000 * MIB)
    assert memory.factor == pytest.approx(3), "what was seen once is not forgotten"


def test_where_the_system_does_not_tell_the_sum_stands() -> None:
    memory = Memory(1000 * MIB, Gauge(peak=None))
    memory.saw(expected=100 * MIB)
    assert memory.factor == 1


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
def test_a_process_sees_what_it_took_at_most_and_not_what_it_took_before() -> None:
    gauge = ProcessGauge()
    np.ones(100 * MIB, dtype=np.int8)
    gauge.begin()
    np.ones(50 * MIB, dtype=np.int8)
    peak = gauge.peak()
    assert peak is not None
    assert 45 * MIB < peak < 70 * MIB


def conditions(count: int) -> tuple[Condition, ...]:
    return tuple(Condition("clean", replace("zero", f"L{number}H0@END")) for number in range(count))


def test_a_stack_has_no_more_copies_than_fit_beside_what_the_batch_holds() -> None:
    first, second = conditions(2)
    part = Window(1, 6)
    room = Load(8, 2 * MIB, 0, {(first, part): MIB, (second, part): 2 * MIB})
    share = Memory(100 * MIB, Gauge()).share(room, prompts=5)
    assert [share.copies(one, part) for one in (first, second)] == [13, 6]
    assert share.of_stack(Stack("clean", part, (first, second))) == 5 * (2 + 1 + 2) * MIB
    assert [len(one.conditions) for one in Stack("clean", part, conditions(5)).within(lambda *_: 2)] == [
        2,
        2,
        1,
    ]


def test_a_cuda_device_gets_larger_passes() -> None:
    here, there = room_on("cpu"), room_on("cuda:1")
    assert (here.prompts, here.rows) == (64, 1024)
    assert there.prompts > here.prompts
    assert there.rows > here.rows
    assert room_on("cuda", 5, 6, exact=True).prompts == 5


ERRORS: list[Exception] = [
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:118] . DefaultCPUAllocator: can't allocate memory: you tried"
    ),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    MemoryError(),
]


@pytest.mark.parametrize("error", ERRORS, ids=["cpu", "cuda", "python"])
def test_work_that_does_not_fit_is_done_in_halves_of_halves(error: Exception) -> None:
    done: list[str] = []

    def do(work: str) -> None:
        if len(work) > 3:
            raise error
        done.append(work)

    def halves(work: str) -> list[str]:
        return [work[: len(work) // 2], work[len(work) // 2 :]]

    assert in_parts(do, "abcdefghij", halves) == 3
    assert "".join(done) == "abcdefghij"
    assert in_parts(do, "abc", halves) == 0
    with pytest.raises(OutOfMemory):
        in_parts(do, "abcd", lambda work: [])


def test_other_errors_are_not_taken_for_missing_memory() -> None:
    assert not is_out_of_memory(RuntimeError("shape '[2, 3]' is invalid for input of size 7"))
    with pytest.raises(ValueError, match="seven"):
        in_parts(lambda work: (_ for _ in ()).throw(ValueError("seven")), "ab", list)


def starve(monkeypatch: pytest.MonkeyPatch, fits: Callable[[int, int], bool]) -> list[tuple[int, int]]:
    """Let stacks of (prompts, conditions) run out of memory unless `fits` says otherwise."""
    tried: list[tuple[int, int]] = []
    treat = Batch.treat

    def small(batch: Batch, side: Any, variants: Any, *others: Any) -> Any:
        size = len(batch.rows), len(variants)
        tried.append(size)
        if not fits(*size):
            raise ERRORS[0]
        return treat(batch, side, variants, *others)

    monkeypatch.setattr(Batch, "treat", small)
    return tried


def expect_equal(found: Measurement, expected: Measurement) -> None:
    assert found.values.keys() == expected.values.keys()
    for request, values in expected.values.items():
        scale = max(1.0, float(np.abs(values).max()))
        np.testing.assert_allclose(found.values[request], values, rtol=1e-6, atol=1e-6 * scale)
    for condition, changes in expected.changes.items():
        np.testing.assert_allclose(found.changes[condition], changes, rtol=1e-6, atol=1e-6)


@pytest.fixture(scope="module")
def precise(gpt2_directory: Path) -> LensModel:
    return load_model(gpt2_directory, device="cpu", dtype="float64")


@pytest.fixture(scope="module")
def expected(precise: LensModel, shelves: dict[str, DictionaryFolder]) -> Measurement:
    return LensEngine(precise, shelves).measure(Plan(REQUESTS), PROMPTS, REFERENCES)


@pytest.mark.parametrize(
    "fits",
    [lambda prompts, copies: prompts * copies <= 12, lambda prompts, copies: prompts * copies <= 3],
    ids=["smaller stacks", "smaller batches"],
)
def test_where_memory_runs_out_nothing_is_lost_and_it_is_said_once(
    precise: LensModel,
    shelves: dict[str, DictionaryFolder],
    expected: Measurement,
    monkeypatch: pytest.MonkeyPatch,
    fits: Callable[[int, int], bool],
) -> None:
    told: list[tuple[int, int]] = []
    tried = starve(monkeypatch, fits)
    engine = LensEngine(precise, shelves)
    found = engine.measure(
        Plan(REQUESTS), PROMPTS, REFERENCES, lambda done, total, what: told.append((done, total))
    )
    expect_equal(found, expected)
    assert any(not fits(*size) for size in tried)
    assert engine.provenance["notes"] == [
        "memory ran out while measuring, so passes were made smaller; that changes numbers by rounding only."
    ]
    assert told[-1][0] == told[-1][1]
    assert all(done <= total for done, total in told)


def test_what_ran_out_once_is_not_tried_at_that_size_again(
    precise: LensModel, shelves: dict[str, DictionaryFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = starve(monkeypatch, lambda prompts, copies: prompts <= 4)
    engine = LensEngine(precise, shelves)
    engine.measure(Plan(REQUESTS[:2]), PROMPTS, REFERENCES)
    first = len(tried)
    engine.measure(Plan(REQUESTS[:2]), PROMPTS, REFERENCES)
    assert max(prompts for prompts, _ in tried[first:]) <= 4


def test_one_prompt_that_does_not_fit_into_the_device_ends_it_in_one_sentence(
    precise: LensModel, shelves: dict[str, DictionaryFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    starve(monkeypatch, lambda prompts, copies: False)
    with pytest.raises(MeasurementError) as refused:
        LensEngine(precise, shelves).measure(Plan(REQUESTS[:2]), PROMPTS, REFERENCES)
    assert str(refused.value) == (
        "one prompt of 8 tokens does not fit into the memory of cpu; "
        "use shorter prompts, a smaller dtype or a device with more memory."
    )


def test_an_engine_that_never_ran_out_of_memory_has_no_note(gpt2_engine: LensEngine) -> None:
    assert "notes" not in gpt2_engine.provenance


@pytest.mark.parametrize(
    "settings",
    [{"batch_size": 5}, {"batch_size": 1, "batch_rows": 1}, {"batch_rows": 7}, {"memory": 700 << 10}],
    ids=str,
)
def test_numbers_do_not_depend_on_how_prompts_and_claims_share_passes(
    precise: LensModel, shelves: dict[str, DictionaryFolder], expected: Measurement, settings: dict[str, int]
) -> None:
    engine = LensEngine(precise, shelves, **settings)
    engine._memory.gauge = Gauge()  # what a process takes besides tensors is more than a tiny model does
    expect_equal(engine.measure(Plan(REQUESTS), PROMPTS, REFERENCES), expected)


def test_numbers_do_not_depend_on_the_order_of_claims_or_on_which_others_run(
    precise: LensModel, shelves: dict[str, DictionaryFolder], expected: Measurement
) -> None:
    engine = LensEngine(precise, shelves)
    backwards = engine.measure(Plan(REQUESTS[::-1]), PROMPTS, REFERENCES)
    for request in REQUESTS:
        alone = LensEngine(precise, shelves).measure(Plan((request,)), PROMPTS, REFERENCES)
        for found in (alone, backwards):
            np.testing.assert_allclose(
                found.values[request], expected.values[request], rtol=1e-6, atol=1e-9, err_msg=str(request)
            )


def test_the_passes_of_a_batch_are_let_go_before_the_next_begins(
    gpt2: LensModel, shelves: dict[str, DictionaryFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: list[weakref.ref[Any]] = []
    most = 0
    measured = rounds_module.Round.measured

    def counted(one: Any) -> Any:
        nonlocal most
        gc.collect()
        alive.append(weakref.ref(one.batch))
        most = max(most, sum(ref() is not None for ref in alive))
        return measured(one)

    monkeypatch.setattr(rounds_module.Round, "measured", counted)
    LensEngine(gpt2, shelves, batch_size=3).measure(Plan(REQUESTS), PROMPTS, REFERENCES)
    assert len(alive) > 4
    assert most == 1


def test_a_whole_window_is_weighed_beside_the_part_for_passes_in_doubt(
    gpt2: LensModel, shelves: dict[str, DictionaryFolder]
) -> None:
    from circuitcheck.engines.dealing import Deal
    from circuitcheck.engines.library import Library

    plan = Plan((Request(Condition("clean", replace("corrupt", "L2H0@END")), LOGIT_DIFF),))
    (deal, *_) = Deal.all_of(plan, PROMPTS, gpt2, Library(gpt2, shelves), exact=False)
    sizes = {window: size for (_, window), size in deal.load.copies.items()}
    assert set(sizes) == {WHOLE, Window(2, 7)}
    assert sizes[Window(2, 7)] < sizes[WHOLE]
    assert deal.load.prompt == deal.load.held + sizes[WHOLE]
