"""Keep-only runs compute what is kept and nothing else, and give what whole passes with hooks give."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace as changed
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from asking import LOGIT_DIFF, keep, nodes
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tiny_models import HEADS, LAYERS, tiny_gemma2, tiny_gpt2, tiny_llama, tiny_neox, tiny_prompts, tiny_qwen2
from torch.utils.flop_counter import FlopCounterMode

from circuitcheck.engine import (
    AttentionReading,
    Condition,
    KeepOnly,
    Measurement,
    MetricReading,
    Plan,
    Reading,
    Request,
    Source,
)
from circuitcheck.engines import DictionaryFolder, LensEngine, LensModel, load_model
from circuitcheck.engines.kept_circuit import KeptParts
from circuitcheck.engines.library import Library
from circuitcheck.engines.schedule import Schedule
from circuitcheck.engines.windows import Window
from circuitcheck.nodes import parse_node
from circuitcheck.prompts.pairs import PromptSet

MODELS: Mapping[str, Callable[[Path], Path]] = {
    "gpt2": tiny_gpt2, "llama": tiny_llama, "qwen2": tiny_qwen2, "neox": tiny_neox, "gemma2": tiny_gemma2,
}  # fmt: skip
WHOLE_PARTS = ("L{layer}H{head}", "L{layer}.attn", "L{layer}.mlp")
IN_PARTS = (
    *(f"L{{layer}}.{alias}/{{number}}" for alias in ("z", "zz", "tc", "skip", "out")),
    *(f"L{{layer}}.{alias}/error" for alias in ("z", "zz", "tc", "out")),
    "L{layer}.mlp.n{number}",
)
WITHOUT_PLAIN_PARTS = {"gemma2"}
"""Norms stand behind attention and MLP, so features and neurons write in no known direction."""

PROMPTS = tiny_prompts(16, templates=4, lengths=2)
REFERENCES = {
    length: tiny_prompts(32, seed=7, templates=4, length=length, lengths=2) for length in (5, 7, 13)
}
Engines = tuple[LensEngine, LensEngine]


@pytest.fixture(scope="module")
def engines(
    tmp_path_factory: pytest.TempPathFactory, shelves: dict[str, DictionaryFolder]
) -> dict[str, Engines]:
    """By architecture, in double precision: the engine that runs everything whole, and the engine as it is."""
    found = {}
    for name, make in MODELS.items():
        model = load_model(make(tmp_path_factory.mktemp(name)), device="cpu", dtype="float64")
        found[name] = (LensEngine(model, shelves, exact_passes=True), LensEngine(model, shelves))
    return found


def window_of(
    engine: LensEngine, kept: KeepOnly, reading: Reading = LOGIT_DIFF, prompts: PromptSet = PROMPTS
) -> Window:
    library, condition = Library(engine.model, engine._library._shelves), Condition("clean", kept)
    group = prompts.subset(prompts.groups[0])
    return Schedule.of({condition: (reading,)}, engine.model, library, group).windows[condition]


def kept_nodes(forms: tuple[str, ...]) -> st.SearchStrategy[tuple[Any, ...]]:
    one = st.builds(
        lambda form, layer, head, number, at: f"{form.format(layer=layer, head=head, number=number)}@{at}",
        st.sampled_from(forms),
        st.integers(0, LAYERS - 1),
        st.integers(0, HEADS - 1),
        st.integers(0, 11),
        st.sampled_from(["all", "all", "END", "IO", "S", "0", "-2"]),
    )
    return st.lists(one, max_size=14, unique=True).map(lambda names: nodes(*names))


def conditions(forms: tuple[str, ...]) -> st.SearchStrategy[Condition]:
    sources = st.builds(
        Source,
        st.sampled_from(["zero", "mean", "resample", "clean", "corrupt"]),
        over=st.sampled_from(["clean", "corrupt"]),
    )
    kept = st.builds(
        KeepOnly,
        kept_nodes(forms),
        sources,
        st.sampled_from(["heads", "heads+mlps"]),
        st.sampled_from(["reference", "reference", "live", "clean", "drop"]),
    )
    return st.builds(Condition, st.sampled_from(["clean", "corrupt"]), kept)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.sampled_from(sorted(MODELS)), length=st.sampled_from([5, 7, 13]), data=st.data())
def test_kept_parts_alone_give_the_numbers_of_whole_passes(
    engines: dict[str, Engines], name: str, length: int, data: st.DataObject
) -> None:
    """Llama and Qwen take their softmax in single precision, this engine in the model's."""
    forms = WHOLE_PARTS if name in WITHOUT_PLAIN_PARTS else WHOLE_PARTS + IN_PARTS
    asked = data.draw(st.lists(conditions(forms), min_size=1, max_size=4, unique=True))
    metrics = data.draw(st.sampled_from([("logit_diff",), ("logit_diff", "kl")]))
    plan = Plan(tuple(Request(one, MetricReading(metric)) for one in asked for metric in metrics))  # type: ignore[arg-type]
    prompts = tiny_prompts(16, templates=4, length=length, lengths=2)
    event(name)
    whole, found = (engine.measure(plan, prompts, REFERENCES[length]) for engine in engines[name])
    check_alike(found, whole, plan)


def check_alike(found: Measurement, whole: Measurement, plan: Plan) -> None:
    for request in plan.requests:
        scale = max(1.0, float(np.abs(whole.values[request]).max()))
        np.testing.assert_allclose(
            found.values[request], whole.values[request], atol=1e-5 * scale, rtol=1e-5, err_msg=str(request)
        )
        np.testing.assert_allclose(found.changes[request.condition], whole.changes[request.condition])


@pytest.mark.parametrize("name", sorted(set(MODELS) - WITHOUT_PLAIN_PARTS))
def test_features_heads_and_mlps_are_run_in_parts(engines: dict[str, Engines], name: str) -> None:
    """Else the other tests would compare whole passes with whole passes."""
    kept = ("L1H0@all", "L2.mlp@END", "L0.z/3@S", "L1.tc/2@all", "L1.out/error@END", "L2.mlp.n3@END")
    assert window_of(engines[name][1], keep("mean", *kept, scope="heads+mlps")) == KeptParts(0, 1)


def test_a_model_with_capped_scores_and_norms_behind_its_parts_runs_whole(
    engines: dict[str, Engines],
) -> None:
    window = window_of(engines["gemma2"][1], keep("mean", "L1H0@all", scope="heads+mlps"))
    assert not isinstance(window, KeptParts)


def test_a_reading_inside_the_model_runs_every_part(engines: dict[str, Engines]) -> None:
    attention = AttentionReading(parse_node("L2H1@END"), "S")
    assert not isinstance(window_of(engines["gpt2"][1], keep("mean", "L1H0@all"), attention), KeptParts)


def test_prompts_without_bos_have_everything_in_the_scope(engines: dict[str, Engines]) -> None:
    whole, found = engines["gpt2"]
    prompts, references = (changed(one, has_bos=False) for one in (PROMPTS, REFERENCES[7]))
    kept = keep("mean", "L0H1@all", "L1H0@END", "L2.mlp@all", scope="heads+mlps")
    assert window_of(found, kept, prompts=prompts) == KeptParts(0, 0)
    plan = Plan((Request(Condition("clean", kept), LOGIT_DIFF),))
    check_alike(found.measure(plan, prompts, references), whole.measure(plan, prompts, references), plan)


CROWD = (
    keep("mean", "L0H0@all", "L1H2@END", "L2.mlp@all", scope="heads+mlps"),
    keep("zero", "L0H0@all", "L1.mlp@S", scope="heads+mlps"),
    keep("resample", "L0H0@END", "L1.z/3@END", "L2.tc/4@all", scope="heads+mlps"),
    keep("mean", "L1H2@END", "L1H3@all", "L0H0@S"),
    keep("corrupt", scope="heads+mlps"),
)


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_what_else_is_run_beside_a_circuit_does_not_change_its_numbers(
    engines: dict[str, Engines], name: str
) -> None:
    engine = engines[name][1]
    plan = Plan(tuple(Request(Condition("clean", one), LOGIT_DIFF) for one in CROWD))
    together = engine.measure(plan, PROMPTS, REFERENCES[7])
    backwards = engine.measure(Plan(plan.requests[::-1]), PROMPTS, REFERENCES[7])
    for request in plan.requests:
        alone = engine.measure(Plan((request,)), PROMPTS, REFERENCES[7]).values[request]
        np.testing.assert_allclose(together.values[request], alone, rtol=1e-9)
        np.testing.assert_allclose(backwards.values[request], alone, rtol=1e-9)


def arithmetic(engine: LensEngine, *circuits: KeepOnly) -> int:
    """Floating-point operations in matrix products of measuring these, from the second time on."""
    plan = Plan(tuple(Request(Condition("clean", one), LOGIT_DIFF) for one in circuits))
    engine.measure(plan, PROMPTS, REFERENCES[7])  # tries the model, averages the reference set
    with FlopCounterMode(display=False) as counter:
        engine.measure(plan, PROMPTS, REFERENCES[7])
    return counter.get_total_flops()


def test_the_arithmetic_is_that_of_the_kept_share(engines: dict[str, Engines]) -> None:
    """Of GPT-2's weights in a block a head is 1/12 and the MLP 2/3, with four heads here.

    A circuit is measured beside another with the same source, so that the untouched pass and the reference,
    which they share, count for neither. The last block runs for END only, so that there even less is done.
    """
    whole, engine = engines["gpt2"]
    nothing = keep("mean", scope="heads+mlps")
    base, whole_base = arithmetic(engine, nothing), arithmetic(whole, nothing)
    for names, share in (
        (("L0H1@all",), 1 / 12),
        (("L0.mlp@all",), 2 / 3),
        (("L0H1@all", "L0H2@all", "L1H0@all", "L1.mlp@all"), 3 / 12 + 2 / 3),
    ):
        circuit = keep("mean", *names, "L2H0@END", scope="heads+mlps")
        ours = arithmetic(engine, nothing, circuit) - base
        passes = arithmetic(whole, nothing, circuit) - whole_base
        last_head = 1 / 12
        assert 0.5 * share / LAYERS * passes < ours < 1.1 * (share + last_head) / LAYERS * passes, names


@contextmanager
def calls_of_mlps(model: LensModel) -> Iterator[list[tuple[int, int]]]:
    """Layer and number of tokens of each call of an MLP."""
    calls: list[tuple[int, int]] = []

    def counter(layer: int) -> Any:
        def count(mlp: Any, arguments: Any) -> None:
            del mlp
            calls.append((layer, arguments[0].shape[0] * arguments[0].shape[1]))

        return count

    handles = [block.mlp.register_forward_pre_hook(counter(n)) for n, block in enumerate(model.bridge.blocks)]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox"])
def test_an_ablated_mlp_is_not_run_and_a_kept_one_where_it_is_kept(
    engines: dict[str, Engines], name: str
) -> None:
    engine, prompts = engines[name][1], tiny_prompts(12)
    kept = keep("zero", "L1.mlp@IO", "L2H0@END", scope="heads+mlps")
    plan = Plan((Request(Condition("clean", kept), LOGIT_DIFF),))
    engine.measure(plan, prompts, REFERENCES[7])
    with calls_of_mlps(engine.model) as calls:
        engine.measure(plan, prompts, REFERENCES[7])
    groups = {tuple(prompts.positions("IO")[row]) for row in range(len(prompts))}
    untouched = len(groups) * [(layer, 6 * 8) for layer in range(LAYERS)]
    assert sorted(calls) == sorted([*untouched, *len(groups) * [(1, 6)]])


def test_what_nothing_reads_any_more_is_not_run(engines: dict[str, Engines]) -> None:
    """Behind the last kept head only END is followed, so an MLP kept elsewhere is not."""
    engine, prompts = engines["gpt2"][1], tiny_prompts(12)
    kept = keep("zero", "L0H0@END", "L1.mlp@all", scope="heads+mlps")
    plan = Plan((Request(Condition("clean", kept), LOGIT_DIFF),))
    engine.measure(plan, prompts, REFERENCES[7])
    with calls_of_mlps(engine.model) as calls:
        engine.measure(plan, prompts, REFERENCES[7])
    assert (1, 12) in calls
    assert {tokens for _, tokens in calls} == {12, 12 * 8}


def test_a_scope_that_keeps_its_values_has_not_changed(engines: dict[str, Engines]) -> None:
    for engine in engines["gpt2"]:
        condition = Condition("clean", keep("clean", "L1H0@END", scope="heads+mlps"))
        measured = engine.measure(Plan((Request(condition, LOGIT_DIFF),)), PROMPTS, REFERENCES[7])
        np.testing.assert_array_equal(measured.changes[condition], 0)


def test_a_scope_kept_by_all_its_features_and_the_error_has_not_changed(engines: dict[str, Engines]) -> None:
    features = [f"L{layer}.z/{number}@all" for layer in range(LAYERS) for number in range(24)]
    errors = [f"L{layer}.z/error@all" for layer in range(LAYERS)]
    everything = Condition("clean", keep("corrupt", *features, *errors))
    but_one = Condition("clean", keep("corrupt", *features, *errors[1:]))
    engine = engines["gpt2"][1]
    plan = Plan((Request(everything, LOGIT_DIFF), Request(but_one, LOGIT_DIFF)))
    measured = engine.measure(plan, PROMPTS, REFERENCES[7])
    assert measured.changes[everything].max() < 1e-12
    assert measured.changes[but_one].min() > 1e-3


def values_at(model: LensModel, tokens: tuple[tuple[int, ...], ...], hook: str) -> np.ndarray:
    """What a pass has there behind BOS: prompt, place, head or 1, width."""
    seen: list[torch.Tensor] = []
    with torch.inference_mode():
        model.bridge.run_with_hooks(
            torch.tensor(tokens), fwd_hooks=[(hook, lambda value, hook: seen.append(value))]
        )
    value = seen[0][:, 1:]
    return (value if value.ndim == 4 else value[:, :, None]).numpy()


def test_the_change_of_the_scope_is_that_of_untouched_values_at_the_layer_that_changes_most(
    engines: dict[str, Engines],
) -> None:
    """Heads 0 and 3 of layer 1 and the last MLP are kept, the rest comes from the other side."""
    engine, prompts = engines["gpt2"][1], tiny_prompts(12)
    condition = Condition("clean", keep("corrupt", "L1H0@all", "L1H3@all", "L2.mlp@all", scope="heads+mlps"))
    found = engine.measure(Plan((Request(condition, LOGIT_DIFF),)), prompts, REFERENCES[7]).changes[condition]
    kept = {"blocks.1.attn.hook_z": [0, 3], "blocks.2.hook_mlp_out": [0]}
    expected = []
    for hook in (f"blocks.{n}.{name}" for n in range(LAYERS) for name in ("attn.hook_z", "hook_mlp_out")):
        clean, corrupt = (values_at(engine.model, side, hook) for side in (prompts.clean, prompts.corrupt))
        new = corrupt.copy()
        new[:, :, kept.get(hook, [])] = clean[:, :, kept.get(hook, [])]
        difference, before, after = (np.sqrt((one**2).sum((1, 2, 3))) for one in (new - clean, clean, new))
        expected.append(difference / np.maximum(before, after))
    np.testing.assert_allclose(found[:, 0], np.max(expected, axis=0))
