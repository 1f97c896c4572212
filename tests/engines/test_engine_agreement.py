"""What the engine makes of any intervention is what whole passes, one per intervention, make of it.

Hypothesis draws the architecture, the prompts, several interventions of several nodes, and what is read.
"""

import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking import nodes
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tiny_models import (
    HEADS,
    LAYERS,
    tiny_gemma2,
    tiny_gpt2,
    tiny_llama,
    tiny_neox,
    tiny_prompts,
    tiny_qwen2,
)

from circuitcheck.engine import (
    ActivationReading,
    AttentionReading,
    Condition,
    Intervention,
    KeepOnly,
    Measurement,
    MetricReading,
    Plan,
    Reading,
    Replace,
    Request,
    Route,
    Source,
    Splice,
    Steer,
    WriteReading,
)
from circuitcheck.engines import DictionaryFolder, LensEngine, load_model, schedule
from circuitcheck.engines.suffix import can_run_suffixes
from circuitcheck.errors import CircuitCheckError
from circuitcheck.nodes import parse_node
from circuitcheck.prompts.pairs import PromptSet

MODELS: Mapping[str, Callable[[Path], Path]] = {
    "gpt2": tiny_gpt2, "llama": tiny_llama, "qwen2": tiny_qwen2, "neox": tiny_neox, "gemma2": tiny_gemma2,
}  # fmt: skip
REFERENCES = {
    length: tiny_prompts(32, seed=7, templates=4, length=length, lengths=2) for length in (6, 9, 14)
}

Engines = tuple[LensEngine, LensEngine]


@cache
def prompts_of(length: int, lengths: int, seed: int) -> PromptSet:
    return tiny_prompts(16, seed=seed, templates=4, length=length, lengths=lengths)


@pytest.fixture(scope="module")
def engines(
    tmp_path_factory: pytest.TempPathFactory, shelves: dict[str, DictionaryFolder]
) -> dict[str, Engines]:
    """By architecture: the engine that runs everything whole, and the engine as it is."""
    found = {}
    for name, make in MODELS.items():
        model = load_model(make(tmp_path_factory.mktemp(name)), device="cpu")
        assert can_run_suffixes(model), "else whole passes would be compared with whole passes"
        found[name] = (LensEngine(model, shelves, exact_passes=True), LensEngine(model, shelves))
    return found


layers = st.integers(0, LAYERS - 1)
positions = st.sampled_from(["END", "S", "IO", "all", "0", "-2", "S+1"])
features = st.integers(0, 11)


def _each(text: str, layers: st.SearchStrategy[int] = layers) -> st.SearchStrategy[str]:
    """Node names of one form, with any layer, head and number."""
    heads, groups = st.integers(0, HEADS - 1), st.integers(0, 1)
    return st.builds(
        lambda layer, head, group, number: text.format(layer=layer, head=head, group=group, number=number),
        layers,
        heads,
        groups,
        features,
    )


PLAIN = st.one_of(
    *map(
        _each,
        ["L{layer}H{head}", "L{layer}.attn", "L{layer}.mlp", "L{layer}.mlp.n{number}", "L{layer}.resid"],
    )
)
INPUTS = st.one_of(
    _each("L{layer}H{head}.q"),
    _each("L{layer}H{head}.k"),
    _each("L{layer}H{head}.v"),
    _each("L{layer}G{group}.k"),
)
CODED = st.one_of(
    *(
        _each(f"L{{layer}}.{alias}/{which}")
        for alias in ("z", "zz", "tc", "skip", "res", "out", "att")
        for which in ("{number}", "error")
    )
)
KEEPABLE = st.one_of(
    *map(
        _each,
        [
            "L{layer}H{head}",
            "L{layer}.attn",
            "L{layer}.mlp",
            "L{layer}.mlp.n{number}",
            "L{layer}.zz/{number}",
            "L{layer}.tc/{number}",
            "L{layer}.out/{number}",
        ],
    )
)
SPLICED = st.one_of(
    *map(_each, ["L{layer}.z/error", "L{layer}.res/error", "L{layer}.tc/error", "L{layer}.out/error"])
)


def _placed(names: st.SearchStrategy[str], *, most: int) -> st.SearchStrategy[tuple[Any, ...]]:
    one = st.builds(lambda name, at: f"{name}@{at}", names, positions)
    return st.lists(one, min_size=1, max_size=most, unique=True).map(lambda found: nodes(*found))


sources = st.builds(
    Source,
    st.sampled_from(["zero", "mean", "resample", "clean", "corrupt"]),
    over=st.sampled_from(["clean", "corrupt"]),
    donors=st.sampled_from(["shared", "independent"]),
)
policies = st.sampled_from(["live", "clean", "reference", "drop"])
downstream, mlps = st.sampled_from(["free", "frozen"]), st.sampled_from(["frozen", "live"])


@st.composite
def _together(draw: st.DrawFn, *names: st.SearchStrategy[str]) -> tuple[tuple[Any, ...], ...]:
    """One to three of each kind of node, mostly all at one position."""
    at = draw(positions)
    found = []
    for kind in names:
        drawn = draw(st.lists(kind, min_size=1, max_size=3, unique=True))
        found.append(
            nodes(*(f"{name}@{at if draw(st.integers(0, 9)) else draw(positions)}" for name in drawn))
        )
    return tuple(found)


FIRST, LAST = st.sampled_from([0, 0, 0, 1]), st.sampled_from([LAYERS - 1, LAYERS - 1, LAYERS - 1, 1, 0])
SENDERS = st.one_of(
    *(
        _each(f"L{{layer}}{part}", FIRST)
        for part in (
            "H{head}", ".attn", ".mlp", ".mlp.n{number}", ".resid", ".resid_mid",
            ".z/{number}", ".z/error", ".tc/{number}", ".res/{number}", ".att/{number}", ".out/{number}", ".skip/error",
        )
    ),
    st.just("embed"),
)  # fmt: skip
RECEIVERS = st.one_of(
    *(
        _each(f"L{{layer}}{part}", LAST)
        for part in (
            "H{head}.q",
            "H{head}.q",
            "H{head}.k",
            "H{head}.v",
            "G{group}.k",
            "G{group}.v",
            ".mlp",
            ".mlp",
        )
    )
)
LATE = st.one_of(*(_each(f"L{{layer}}.{part}", LAST) for part in ("resid", "resid_mid"))).map(parse_node)
routes = st.builds(
    lambda pairs, *rest: Route(*pairs, *rest),
    _together(SENDERS, RECEIVERS),
    sources,
    policies,
    downstream,
    mlps,
)
detours = st.builds(
    lambda placed, *rest: Replace(placed[0], *rest),
    _together(SENDERS),
    sources,
    policies,
    downstream,
    mlps,
    st.none() | LATE,
    st.none() | LATE,
)
steers = st.builds(
    Steer,
    _placed(st.one_of(PLAIN, CODED), most=2),
    st.sampled_from(["add", "scale", "scale", "scale", "set"]),
    st.floats(-3, 3),
    policies,
)
interventions: st.SearchStrategy[Intervention] = st.one_of(
    routes,
    detours,
    steers,
    st.builds(
        Replace,
        _placed(st.one_of(PLAIN, INPUTS, CODED), most=3),
        sources,
        policies,
        st.just("frozen"),
        mlps,
    ),
    st.builds(Replace, _placed(PLAIN, most=4), sources),
    st.builds(Replace, _placed(st.one_of(PLAIN, INPUTS), most=3), sources),
    st.builds(
        Replace,
        _placed(st.one_of(PLAIN, CODED), most=4),
        sources,
        policies,
    ),
    st.builds(KeepOnly, _placed(KEEPABLE, most=8), sources, st.sampled_from(["heads", "heads+mlps"])),
    st.builds(Splice, _placed(SPLICED, most=3)),
)
conditions = st.builds(Condition, st.sampled_from(["clean", "corrupt"]), interventions)
readings: st.SearchStrategy[Reading] = st.sampled_from(
    [
        *(MetricReading(name) for name in ("logit_diff", "logit_diff", "prob_diff", "kl", "log_prob")),
        AttentionReading(parse_node("L2H1@END"), "S"),
        ActivationReading(parse_node("L2.out/3@END")),
        WriteReading(nodes("L2.mlp@END")),
    ]
)
asked = st.lists(st.builds(Request, conditions, readings), min_size=1, max_size=5)


def _measured(engine: LensEngine, plan: Plan, prompts: PromptSet, references: PromptSet) -> Measurement | str:
    """The measurement, or the sentence why there is none."""
    try:
        return engine.measure(plan, prompts, references)
    except CircuitCheckError as error:
        return str(error)


def _check_alike(found: np.ndarray, whole: np.ndarray, said: object) -> None:
    """Within 1e-4 of the largest number, as a metric that is near zero on one prompt is rounded like the others."""
    scale = max(1.0, float(np.abs(whole).max(initial=0)))
    np.testing.assert_allclose(found, whole, rtol=1e-4, atol=1e-4 * scale, err_msg=str(said))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(sorted(MODELS)),
    requests=asked,
    length=st.sampled_from([6, 9, 14]),
    lengths=st.sampled_from([1, 2]),
    seed=st.integers(0, 2),
    wide=st.booleans(),
)
def test_any_mixture_of_interventions_gives_what_whole_passes_give(
    engines: dict[str, Engines],
    name: str,
    requests: list[Request],
    length: int,
    lengths: int,
    seed: int,
    wide: bool,  # noqa: FBT001
) -> None:
    """`wide`: with the first and the last block run for some tokens only, as in models that are wider than these."""
    prompts, references, plan = prompts_of(length, lengths, seed), REFERENCES[length], Plan.of(requests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schedule, "_WIDE", 1 if wide else sys.maxsize)
        whole, found = (_measured(engine, plan, prompts, references) for engine in engines[name])
    if isinstance(whole, str) or isinstance(found, str):
        event("refused")
        assert found == whole, "what cannot be done is refused in the same words"
        return
    for request in plan.requests:
        _check_alike(found.values[request], whole.values[request], (name, request))
