"""What a measurement is worth: metrics by hand, independence of batches and of other requests, faults."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from asking import LOGIT_DIFF, PROMPTS, REFERENCES, ask, keep, measure, nodes, replace
from tiny_models import tiny_prompts
from transformer_lens.model_bridge import TransformerBridge

from circuitcheck.engine import (
    CLEAN,
    CORRUPT,
    ActivationReading,
    AttentionReading,
    Condition,
    MetricName,
    MetricReading,
    Plan,
    Reading,
    Request,
    Splice,
    WriteReading,
)
from circuitcheck.engines import DictionaryFolder, LensEngine, LensModel, load_model, wrap_model
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import parse_node

METRICS: tuple[MetricName, ...] = get_args(MetricName)
CONDITIONS = (
    CLEAN,
    CORRUPT,
    Condition("clean", replace("resample", "L1H2@S", "L0.z/3@END")),
    Condition("clean", keep("mean", "L1H2@END", "L2.tc/4@all", scope="heads+mlps")),
    Condition("corrupt", replace("clean", "L1H2.k@S", "L1H3.v@all", "L1.skip/2@END", error="drop")),
    Condition("clean", Splice(nodes("L1.z/error@END"))),
)
PLAN = Plan(tuple(Request(condition, LOGIT_DIFF) for condition in CONDITIONS))


def test_metrics_are_their_formulas(gpt2_engine: LensEngine) -> None:
    prompts = tiny_prompts(12, foils=3)
    with torch.inference_mode():
        logits, clean = (
            gpt2_engine.model.bridge(torch.tensor(side))[:, -1].double().numpy()
            for side in (prompts.corrupt, prompts.clean)
        )
    plan = Plan(tuple(Request(CORRUPT, MetricReading(name)) for name in METRICS))
    found = gpt2_engine.measure(plan, prompts, prompts).values
    for row in range(12):
        answer, foils = prompts.answers[row], list(prompts.foils[row])
        p, q = (np.exp(one[row]) / np.exp(one[row]).sum() for one in (logits, clean))
        expected: dict[MetricName, float] = {
            "logit_diff": logits[row, answer] - logits[row, foils].mean(),
            "prob_diff": p[answer] - p[foils].sum(),
            "log_prob": np.log(p[answer]),
            "kl": (q * np.log(q / p)).sum(),
            "accuracy": float(logits[row, answer] > logits[row, foils].max()),
            "top1": float(logits[row].argmax() == answer),
            "rank": 1 + (logits[row] > logits[row, answer]).sum(),
        }
        for name, value in expected.items():
            assert found[Request(CORRUPT, MetricReading(name))][row] == pytest.approx(value, abs=1e-5), name


def test_kl_of_the_clean_run_is_zero(engine: LensEngine) -> None:
    np.testing.assert_array_equal(ask(engine, None, reading=MetricReading("kl")), 0)


def test_attention_is_the_pattern_from_one_role_to_another(engine: LensEngine) -> None:
    found = ask(engine, None, reading=AttentionReading(parse_node("L1H2@END"), "IO"))
    with torch.inference_mode():
        _, cache = engine.model.bridge.run_with_cache(torch.tensor(PROMPTS.clean))
    pattern = cache["blocks.1.attn.hook_pattern"]
    np.testing.assert_allclose(found, pattern[range(24), 2, -1, PROMPTS.roles["IO"]].numpy(), atol=1e-6)


@pytest.mark.parametrize("name", ["L1.tc/4@IO", "L1.z/3@S", "L2.res/7@END", "L0.out/3@END"])
def test_an_activation_is_the_code_of_that_conditions_stream(
    engine: LensEngine, shelves: dict[str, DictionaryFolder], name: str
) -> None:
    node = parse_node(name)
    assert node.dictionary is not None
    assert node.layer is not None
    dictionary = shelves[node.dictionary].layer(node.layer)
    with torch.inference_mode():
        _, cache = engine.model.bridge.run_with_cache(torch.tensor(PROMPTS.corrupt))
        code = dictionary.encode(cache[dictionary.reads_from].flatten(2))[..., node.index]
    expected = code[range(24), PROMPTS.roles[node.at]].numpy()
    found = ask(engine, None, side="corrupt", reading=ActivationReading(node))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_everything_that_is_written_adds_up_to_the_logit_difference(llama_engine: LensEngine) -> None:
    """Llama's final norm has no bias and its unembedding neither, so nothing else is left."""
    parts = [f"L{layer}.{part}@END" for layer in range(3) for part in ("attn", "mlp")]
    together = ask(llama_engine, None, reading=WriteReading(nodes("embed@END", *parts)))
    np.testing.assert_allclose(together, ask(llama_engine, None), atol=1e-4)
    singly = sum(ask(llama_engine, None, reading=WriteReading(nodes(part))) for part in ("embed@END", *parts))
    np.testing.assert_allclose(singly, together, atol=1e-4)


def test_neurons_and_the_bias_write_what_their_mlp_writes(llama_engine: LensEngine) -> None:
    neurons = nodes(*(f"L1.mlp.n{number}@END" for number in range(llama_engine.shape.d_mlp)))
    np.testing.assert_allclose(
        ask(llama_engine, None, reading=WriteReading(neurons)),
        ask(llama_engine, None, reading=WriteReading(nodes("L1.mlp@END"))),
        atol=1e-4,
    )


def test_a_write_under_an_intervention_uses_the_clean_scale(engine: LensEngine) -> None:
    """Removing another layer's MLP changes the final scale, but not what the embedding writes."""
    reading = WriteReading(nodes("embed@END"))
    np.testing.assert_allclose(
        ask(engine, replace("zero", "L2.mlp@END"), reading=reading),
        ask(engine, None, reading=reading),
        atol=1e-6,
    )


@pytest.mark.parametrize("name", ["L1H2@S", "L1H2@all"])
def test_a_write_away_from_end_is_refused(engine: LensEngine, name: str) -> None:
    with pytest.raises(MeasurementError, match="does not write at END"):
        ask(engine, None, reading=WriteReading(nodes(name)))


def test_order_and_batches_of_prompts_do_not_matter(
    gpt2: LensModel, llama: LensModel, shelves: dict[str, DictionaryFolder]
) -> None:
    for model in (gpt2, llama):
        whole = LensEngine(model, shelves).measure(PLAN, PROMPTS, REFERENCES)
        parts = LensEngine(model, shelves, batch_size=5).measure(PLAN, PROMPTS, REFERENCES)
        for request in PLAN.requests:
            np.testing.assert_allclose(parts.values[request], whole.values[request], rtol=1e-5, atol=1e-5)
        for condition, changed in whole.changes.items():
            np.testing.assert_allclose(parts.changes[condition], changed, atol=1e-5)
    backwards = np.arange(len(PROMPTS))[::-1]
    plan = Plan(tuple(one for one in PLAN.requests if "resample" not in str(one)))
    turned = LensEngine(gpt2, shelves).measure(plan, PROMPTS.subset(backwards), REFERENCES)
    straight = LensEngine(gpt2, shelves).measure(plan, PROMPTS, REFERENCES)
    for request in plan.requests:
        np.testing.assert_allclose(
            turned.values[request], straight.values[request][backwards], rtol=1e-5, atol=1e-5
        )


def test_adding_a_request_changes_the_others_by_rounding_at_most(
    gpt2: LensModel, shelves: dict[str, DictionaryFolder]
) -> None:
    together = LensEngine(gpt2, shelves).measure(PLAN, PROMPTS, REFERENCES)
    for request in PLAN.requests:
        alone = LensEngine(gpt2, shelves).measure(Plan((request,)), PROMPTS, REFERENCES)
        np.testing.assert_allclose(alone.values[request], together.values[request], rtol=1e-5, atol=1e-6)
        if request.condition in together.changes:
            np.testing.assert_allclose(
                alone.changes[request.condition], together.changes[request.condition], atol=1e-6
            )


def test_values_are_float64_one_per_prompt(gpt2_engine: LensEngine) -> None:
    measured = gpt2_engine.measure(PLAN, PROMPTS, REFERENCES)
    assert {values.shape for values in measured.values.values()} == {(24,)}
    assert {values.dtype for values in measured.values.values()} == {np.dtype("float64")}
    assert [measured.changes[condition].shape for condition in CONDITIONS[2:]] == [
        (24, 2),
        (24, 1),
        (24, 3),
        (24, 1),
    ]
    assert CLEAN not in measured.changes


def test_requests_of_one_condition_are_one_pass_and_sides_are_shared(
    gpt2: LensModel, shelves: dict[str, DictionaryFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    forward = gpt2.bridge.forward

    def counted(*args: object, **kwargs: object) -> object:
        calls.append(1)
        return forward(*args, **kwargs)

    monkeypatch.setattr(gpt2.bridge, "forward", counted)
    condition = Condition("clean", replace("corrupt", "L1H2@S"))
    readings: list[Reading] = [LOGIT_DIFF, MetricReading("kl"), AttentionReading(parse_node("L2H1@END"), "S")]
    plan = Plan(tuple(Request(one, reading) for one in (CLEAN, CORRUPT, condition) for reading in readings))
    LensEngine(gpt2, shelves, exact_passes=True).measure(plan, PROMPTS, REFERENCES)
    assert len(calls) == 3 * len(PROMPTS.groups)
    calls.clear()
    LensEngine(gpt2, shelves).measure(plan, PROMPTS, REFERENCES)
    assert len(calls) == 2 * len(PROMPTS.groups), "the intervention runs a part of the model only"


def test_progress_counts_up_to_the_total(gpt2_engine: LensEngine, gpt2: LensModel) -> None:
    seen: list[tuple[int, int, str]] = []
    engine = LensEngine(gpt2, {}, batch_size=5)
    plan = Plan(
        (Request(CLEAN, LOGIT_DIFF), Request(Condition("clean", replace("mean", "L1H2@S")), LOGIT_DIFF))
    )
    engine.measure(plan, PROMPTS, REFERENCES, lambda *told: seen.append(told))
    assert [done for done, _, _ in seen] == list(range(1, seen[0][1] + 1))
    assert {total for _, total, _ in seen} == {len(seen)}
    assert [what for _, _, what in seen][:1] == ["reference prompts"]
    seen.clear()
    engine.measure(plan, PROMPTS, REFERENCES, lambda *told: seen.append(told))
    assert {what for _, _, what in seen} == {"prompts"}, "the reference set was averaged already"


def test_a_number_that_is_not_finite_names_the_reading_and_the_prompt(gpt2_directory: Path) -> None:
    model = load_model(gpt2_directory, device="cpu")
    word = PROMPTS.clean[7][3]
    with torch.no_grad():
        model.bridge.embed.weight[word] = torch.inf
    with pytest.raises(MeasurementError, match=r"MetricReading\(name='logit_diff'\) is nan on the prompt 'w"):
        ask(LensEngine(model, {}), None)


def test_no_prompts_are_no_measurement(gpt2_engine: LensEngine) -> None:
    with pytest.raises(MeasurementError, match="no prompts to measure on"):
        ask(gpt2_engine, None, prompts=PROMPTS.subset([]))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("L3H0@END", "L3H0 is not in this model, which has 3 layers, numbered from 0"),
        ("L1H4@END", "which has 4 heads"),
        ("L1G4.k@END", "which has 4 key-value groups"),
        ("L1.mlp.n64@END", "which has 64 neurons"),
        ("L1.z/24@END", "L1.z/24 is not in its dictionary, which has 24 features"),
        ("L1.nope/2@END", "no dictionary is called 'nope'; declared: att, mid, out, res, skip, tc, z, zz"),
    ],
)
def test_a_node_that_is_not_there_is_named(gpt2_engine: LensEngine, name: str, message: str) -> None:
    with pytest.raises(MeasurementError, match=message):
        ask(gpt2_engine, replace("corrupt", name))


def test_only_errors_are_spliced_and_only_heads_attend(gpt2_engine: LensEngine) -> None:
    with pytest.raises(MeasurementError, match=r"L1.z/3 cannot be spliced; name a dictionary's error"):
        ask(gpt2_engine, Splice(nodes("L1.z/3@END")))
    with pytest.raises(MeasurementError, match=r"L1.mlp attends to nothing"):
        ask(gpt2_engine, None, reading=AttentionReading(parse_node("L1.mlp@END"), "S"))
    with pytest.raises(MeasurementError, match="L1H2 has no activation"):
        ask(gpt2_engine, None, reading=ActivationReading(parse_node("L1H2@END")))
    with pytest.raises(MeasurementError, match="reads one position, and 'all' is 7"):
        ask(gpt2_engine, None, reading=AttentionReading(parse_node("L1H1@END"), "all"))
    with pytest.raises(MeasurementError, match=r"L1H2.q writes nothing"):
        ask(gpt2_engine, None, reading=WriteReading(nodes("L1H2.q@END")))


def test_the_fit_is_the_arithmetic_of_the_clean_run(
    gpt2_engine: LensEngine, shelves: dict[str, DictionaryFolder]
) -> None:
    place, dictionary = parse_node("L1.out/error@END"), shelves["out"].layer(1)
    with torch.inference_mode():
        _, cache = gpt2_engine.model.bridge.run_with_cache(torch.tensor(PROMPTS.clean))
        x = cache["blocks.1.hook_mlp_out"][:, -1].double()
        code = dictionary.encode(x.float())
        errors = x - dictionary.decode(code)

    def spread(rows: torch.Tensor) -> float:
        cells = [rows[PROMPTS.strata == cell] for cell in range(4)]
        return sum((cell - cell.mean(0)).square().sum().item() for cell in cells)

    clean, spliced = (ask(gpt2_engine, one).mean() for one in (None, Splice((place,))))
    found = gpt2_engine.fit(place, (3, 8), PROMPTS)
    assert found.variance_explained == pytest.approx(1 - spread(errors) / spread(x), rel=1e-4)
    assert found.kept == pytest.approx(spliced / clean, rel=1e-4)
    assert found.l0 == pytest.approx((code > 0).sum(1).float().mean().item())
    assert found.firing == {number: (code[:, number] > 0).float().mean().item() for number in (3, 8)}


def test_the_fit_is_asked_of_errors_and_of_features_that_exist(gpt2_engine: LensEngine) -> None:
    with pytest.raises(MeasurementError, match=r"L1.z/3 is not a dictionary's error"):
        gpt2_engine.fit(parse_node("L1.z/3@END"), (), PROMPTS)
    with pytest.raises(
        MeasurementError, match=r"feature 99 is not in the dictionary of L1.z/error, which has 24"
    ):
        gpt2_engine.fit(parse_node("L1.z/error@END"), (99,), PROMPTS)


def test_folded_weights_measure_what_raw_weights_measure(
    gpt2_directory: Path, gpt2_engine: LensEngine, tmp_path: Path
) -> None:
    folded = load_model(gpt2_directory, device="cpu", weights="folded")
    engine = LensEngine(folded, {})
    for intervention in (None, replace("corrupt", "L1H2@S", "L2.mlp@END"), keep("corrupt", "L1H2@all")):
        np.testing.assert_allclose(ask(engine, intervention), ask(gpt2_engine, intervention), atol=1e-4)
    assert folded.digest != gpt2_engine.model.digest
    assert engine.provenance["weights"] == "folded"
    assert wrap_model(folded.bridge).weights == "folded"


def test_double_precision_agrees_with_single(
    gpt2_directory: Path, shelves: dict[str, DictionaryFolder], gpt2_engine: LensEngine
) -> None:
    double = LensEngine(load_model(gpt2_directory, device="cpu", dtype="float64"), shelves)
    for condition in CONDITIONS[2:]:
        found, single = (measure(one, condition).values for one in (double, gpt2_engine))
        request = Request(condition, LOGIT_DIFF)
        np.testing.assert_allclose(found[request], single[request], atol=1e-4)


def test_a_bridge_in_memory_measures_like_one_from_disk(
    gpt2_directory: Path, gpt2_engine: LensEngine
) -> None:
    bridge = TransformerBridge.boot_transformers(str(gpt2_directory), device="cpu")
    bridge.train()
    wrapped = wrap_model(bridge)
    assert (wrapped.digest, wrapped.weights) == (gpt2_engine.model.digest, "raw")
    np.testing.assert_array_equal(ask(LensEngine(wrapped, {}), None), ask(gpt2_engine, None))
    bridge.enable_compatibility_mode(no_processing=True, disable_warnings=True)
    renamed = LensEngine(wrap_model(bridge), {})
    np.testing.assert_allclose(
        ask(renamed, replace("corrupt", "L1H2@S", "L1.mlp@END", "L1.resid_mid@S")),
        ask(gpt2_engine, replace("corrupt", "L1H2@S", "L1.mlp@END", "L1.resid_mid@S")),
        atol=1e-5,
    )


def test_provenance_names_the_dictionaries_that_were_used(
    gpt2: LensModel, shelves: dict[str, DictionaryFolder]
) -> None:
    engine = LensEngine(gpt2, shelves)
    assert engine.provenance["dictionaries"] == {}
    ask(engine, replace("zero", "L1.z/3@END"))
    assert engine.provenance["dictionaries"] == {"z/1": shelves["z"].layer(1).digest}
    assert engine.provenance["model"] == {"name": gpt2.name, "sha256": gpt2.digest}
    assert set(engine.provenance["versions"]) == {"torch", "transformers", "transformer-lens"}  # type: ignore[call-overload]


def test_sources_are_read_from_the_side_that_they_name(engine: LensEngine) -> None:
    """Denoising and noising meet in the middle only at their ends."""
    everywhere = "L2.resid@all"
    denoised = ask(engine, replace("clean", everywhere), side="corrupt")
    np.testing.assert_allclose(denoised, ask(engine, None), atol=1e-4)
    assert np.abs(denoised - ask(engine, None, side="corrupt")).max() > 0.5


@pytest.mark.parametrize("mode", ["raw", "no_processing", "folded"])
def test_an_edit_in_the_middle_of_a_block_reaches_the_stream_beside_the_mlp(
    engine: LensEngine, shelves: dict[str, DictionaryFolder], mode: str
) -> None:
    bridge = TransformerBridge.boot_transformers(engine.model.name, device="cpu")
    if mode != "raw":
        bridge.enable_compatibility_mode(no_processing=mode == "no_processing", disable_warnings=True)
    engine = LensEngine(wrap_model(bridge), shelves)
    patched = ask(engine, replace("corrupt", "L2.resid_mid@all"))
    np.testing.assert_allclose(patched, ask(engine, None, side="corrupt"), atol=1e-4)
    np.testing.assert_allclose(
        ask(engine, replace("corrupt", "L2.resid_mid@END", "L2.mlp@END")), patched, atol=1e-4
    )
    code = [f"L2.mid/{number}@all" for number in range(24)]
    np.testing.assert_allclose(ask(engine, replace("corrupt", *code, "L2.mid/error@all")), patched, atol=1e-4)
