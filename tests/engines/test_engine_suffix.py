"""Partial and shared passes give what whole passes give, for every kind of intervention and architecture.

In double precision, so that only rounding of 1e-9 is forgiven and no wrong convention hides behind it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from asking import LOGIT_DIFF, keep, nodes, replace
from tiny_models import tiny_gemma2, tiny_gpt2, tiny_llama, tiny_neox, tiny_prompts

from circuitcheck.engine import (
    CLEAN,
    CORRUPT,
    ActivationReading,
    AttentionReading,
    Condition,
    Measurement,
    MetricReading,
    Plan,
    Reading,
    Replace,
    Request,
    Source,
    Splice,
    WriteReading,
)
from circuitcheck.engines import DictionaryFolder, LensEngine, load_model
from circuitcheck.engines.library import Library
from circuitcheck.engines.schedule import Schedule
from circuitcheck.engines.suffix import can_run_suffixes
from circuitcheck.engines.windows import WHOLE
from circuitcheck.nodes import parse_node

PROMPTS = tiny_prompts(24, templates=4, length=7, lengths=2)
"""Two lengths, two places of IO and S."""
REFERENCES = tiny_prompts(32, seed=7, templates=4, length=7, lengths=2)

MODELS: Mapping[str, Callable[[Path], Path]] = {
    "gpt2": tiny_gpt2, "llama": tiny_llama, "neox": tiny_neox, "gemma2": tiny_gemma2,
}  # fmt: skip
WITHOUT_MIDDLE = {"neox"}
WITHOUT_PLAIN_PARTS = {"gemma2"}
"""Norms stand behind attention and MLP, so heads and neurons write in no known direction."""

EVERYWHERE = ("L1H2", "L1.attn", "L2.mlp", "L1.mlp.n5", "L1.res/7", "L2.res/error", "L0.out/3", "L1.att/2")
AT_SOURCES = [
    (f"{node}@{at}", source)
    for node in EVERYWHERE
    for at, source in (
        ("END", "zero"),
        ("END", "resample"),
        ("S", "corrupt"),
        ("IO", "mean"),
        ("all", "mean"),
    )
]
STREAMS = [
    (f"{node}@{at}", source)
    for node in ("L1.resid", "L2.resid", "L2H1.q", "L1G1.k", "L2G1.v", "L2H3.k", "L1H0.v", "embed")
    for at, source in (("END", "resample"), ("S", "corrupt"), ("all", "corrupt"), ("-2", "resample"))
]
HEAD_DICTIONARIES = ("L1.z/3", "L1.z/error", "L2.zz/5")
TRANSCODERS = ("L2.tc/4", "L2.tc/error", "L1.skip/2", "L1.skip/error", "L1.mid/3", "L1.resid_mid")

ATTENTION = AttentionReading(parse_node("L2H1@END"), "S")
ATTENTION_BETWEEN = AttentionReading(parse_node("L2H3@S"), "0")
ACTIVATION = ActivationReading(parse_node("L2.out/3@END"))
WRITE = WriteReading(nodes("L2.mlp@END"))
EARLY_WRITE = WriteReading(nodes("L0.attn@END", "L2.attn@END"))
READINGS: tuple[Reading, ...] = (LOGIT_DIFF, MetricReading("kl"), ATTENTION, ACTIVATION, WRITE)
"""All in the last block and at END, so that they widen no window."""
WIDE_READINGS: tuple[Reading, ...] = (ATTENTION_BETWEEN, EARLY_WRITE)
WIDE = {
    said: Condition("clean", replace("resample", *names))
    for said, names in {
        "a head at END": ("L2H3@END",),
        "a head before what is read": ("L2H3@IO", "L2H3@END"),
        "the attention that is written": ("L2.attn@END",),
        "a query": ("L2H3.q@S",),
        "an earlier part at END": ("L1.mlp@END",),
    }.items()
}


def single(name: str, source: str) -> Condition:
    return Condition("clean", replace(source, name))  # type: ignore[arg-type]  # plain words


def of_several_nodes() -> dict[str, Condition]:
    mixed = ("L1H2@END", "L2.mlp@END", "L1.res/7@S", "L1.res/9@END", "L2.out/3@END")
    separate = Source("resample", donors="independent")
    return {
        "several nodes from one donor": Condition("clean", replace("resample", *mixed)),
        "several nodes from their own donors": Condition("clean", Replace(nodes(*mixed), separate)),
        "clean donors": Condition("clean", Replace(nodes("L1.res/7@END"), Source("resample", over="clean"))),
        "patched into corrupt": Condition("corrupt", replace("clean", "L1H2@END", "L2.res/7@END")),
        "noise patched in": Condition("clean", replace("corrupt", "L2H2@END", "L1.attn@S")),
        "mean on the corrupt side": Condition("corrupt", replace("mean", "L2H0@END")),
        "heads kept": Condition("clean", keep("mean", "L1H2@END", "L2H1@all")),
        "everything kept": Condition("corrupt", keep("corrupt", "L1H2@END", scope="heads+mlps")),
        "spliced": Condition("clean", Splice(nodes("L1.res/error@END", "L2.out/error@S"))),
        "its own value": Condition("clean", replace("clean", "L1H2@END", "L2.out/3@END")),
    } | {
        f"features, error {policy}": Condition(
            "clean", replace("resample", "L1.out/3@END", "L2.out/8@END", "L2.res/7@END", error=policy)
        )
        for policy in ("live", "clean", "reference", "drop")
    }


def conditions(model: str) -> dict[str, Condition]:
    names = [*AT_SOURCES, *STREAMS]
    if model not in WITHOUT_PLAIN_PARTS:
        names += [
            (f"{node}@END", source) for node in HEAD_DICTIONARIES for source in ("zero", "resample", "mean")
        ]
        names += [(f"{node}@S", "corrupt") for node in HEAD_DICTIONARIES]
    if model not in WITHOUT_PLAIN_PARTS | WITHOUT_MIDDLE:
        names += [(f"{node}@{at}", "resample") for node in TRANSCODERS for at in ("END", "S")]
    singles = {f"{name} {source}": single(name, source) for name, source in names}
    return {"clean": CLEAN, "corrupt": CORRUPT, **singles, **of_several_nodes()}


Both = tuple[str, Measurement, Measurement]
"""The model's name; every condition by whole passes of their own, and as the engine runs them."""


@pytest.fixture(scope="module", params=sorted(MODELS))
def engines(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    shelves: dict[str, DictionaryFolder],
) -> tuple[str, LensEngine, LensEngine]:
    name: str = request.param
    model = load_model(MODELS[name](tmp_path_factory.mktemp(name)), device="cpu", dtype="float64")
    assert can_run_suffixes(model)
    return name, LensEngine(model, shelves, exact_passes=True), LensEngine(model, shelves)


@pytest.fixture(scope="module")
def both(engines: tuple[str, LensEngine, LensEngine]) -> Both:
    name, exact, engine = engines
    plan = Plan(tuple(Request(condition, one) for condition in conditions(name).values() for one in READINGS))
    return name, exact.measure(plan, PROMPTS, REFERENCES), engine.measure(plan, PROMPTS, REFERENCES)


def check_equal(whole: Measurement, found: Measurement, request: Request, said: str) -> None:
    np.testing.assert_allclose(
        found.values[request],
        whole.values[request],
        rtol=1e-9,
        atol=1e-9,
        err_msg=f"{said}, {request.reading}",
    )


def test_most_of_these_conditions_run_in_a_part_of_the_model(
    engines: tuple[str, LensEngine, LensEngine], shelves: dict[str, DictionaryFolder]
) -> None:
    """Else the other tests would compare whole passes with whole passes."""
    name, _, engine = engines
    library, group = Library(engine.model, shelves), PROMPTS.subset(PROMPTS.groups[0])
    asked = {condition: READINGS for condition in conditions(name).values() if condition.intervention}
    windows = Schedule.of(asked, engine.model, library, group).windows.values()
    assert sum(window != WHOLE for window in windows) > 0.6 * len(windows)
    asked = dict.fromkeys(WIDE.values(), (ATTENTION_BETWEEN,))
    windows = Schedule.of(asked, engine.model, library, group).windows.values()
    assert len(set(windows) - {WHOLE}) >= 2


def test_partial_and_shared_passes_give_the_numbers_of_whole_ones(both: Both) -> None:
    name, whole, found = both
    moved = 0
    for said, condition in conditions(name).items():
        for reading in READINGS:
            request = Request(condition, reading)
            check_equal(whole, found, request, said)
            moved += bool(np.abs(whole.values[request] - whole.values[Request(CLEAN, reading)]).max() > 1e-3)
    assert moved > 3 * len(conditions(name)), "most conditions move most readings"


@pytest.mark.parametrize("reading", WIDE_READINGS, ids=lambda reading: type(reading).__name__)
def test_a_reading_outside_the_edited_part_is_the_same_too(
    engines: tuple[str, LensEngine, LensEngine], reading: Reading
) -> None:
    plan = Plan(tuple(Request(condition, reading) for condition in WIDE.values()))
    whole, found = (engine.measure(plan, PROMPTS, REFERENCES) for engine in engines[1:])
    for said, condition in WIDE.items():
        check_equal(whole, found, Request(condition, reading), said)


def test_partial_and_shared_passes_see_the_same_changes_of_nodes(both: Both) -> None:
    name, whole, found = both
    assert found.changes.keys() == whole.changes.keys()
    for said, condition in conditions(name).items():
        if condition.intervention is not None:
            np.testing.assert_allclose(
                found.changes[condition], whole.changes[condition], rtol=1e-9, atol=1e-9, err_msg=said
            )
    untouched = conditions(name)["its own value"]
    np.testing.assert_array_equal(found.changes[untouched], 0)
