"""What must hold whatever the model's weights are."""

import numpy as np
import pytest
import torch
from asking import PROMPTS, REFERENCES, ask, changes, keep, measure, nodes, replace
from tiny_models import HEADS, LAYERS

from circuitcheck.engine import ActivationReading, Condition, SourceKind, Splice, WriteReading
from circuitcheck.engines import DictionaryFolder, LensEngine
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import parse_node

EVERY_HEAD = tuple(f"L{layer}H{head}@all" for layer in range(LAYERS) for head in range(HEADS))
EVERY_MLP = tuple(f"L{layer}.mlp@all" for layer in range(LAYERS))
ONE_OF_EACH = (
    "L1H2@END", "L1.attn@S", "L2.mlp@all", "L0.mlp.n5@IO", "L1.resid@S", "L2.resid_mid@END", "embed@IO",
    "L0.z/3@all", "L1.z/error@END", "L2.tc/4@END", "L2.tc/error@END", "L1.skip/2@END", "L1.skip/error@all",
    "L1.res/7@S", "L0.out/3@END", "L1.att/2@S", "L2H1.q@END", "L1H3.k@S", "L1H3.v@all", "L2G0.k@IO",
)  # fmt: skip


def clean(engine: LensEngine) -> np.ndarray:
    return ask(engine, None)


def corrupt(engine: LensEngine) -> np.ndarray:
    return ask(engine, None, side="corrupt")


@pytest.mark.parametrize("node", ONE_OF_EACH)
def test_replacing_a_node_by_its_own_value_changes_nothing(engine: LensEngine, node: str) -> None:
    intervention = replace("clean", node)
    np.testing.assert_allclose(ask(engine, intervention), clean(engine), atol=1e-5)
    assert changes(engine, intervention).max() <= 1e-6


@pytest.mark.parametrize("node", ONE_OF_EACH)
def test_replacing_a_node_by_another_prompts_value_changes_it(engine: LensEngine, node: str) -> None:
    assert changes(engine, replace("resample", node)).max() > 1e-3


def test_the_corrupt_residual_stream_everywhere_gives_the_corrupt_metric(engine: LensEngine) -> None:
    patched = ask(engine, replace("corrupt", "L0.resid@all"))
    np.testing.assert_allclose(patched, corrupt(engine), atol=1e-4)
    assert np.abs(patched - clean(engine)).max() > 0.5


def test_every_head_and_mlp_from_corrupt_with_the_embedding_gives_the_corrupt_metric(
    engine: LensEngine,
) -> None:
    patched = ask(engine, replace("corrupt", "embed@all", *EVERY_HEAD, *EVERY_MLP))
    np.testing.assert_allclose(patched, corrupt(engine), atol=1e-4)


def test_parts_all_from_corrupt_are_their_whole_from_corrupt(engine: LensEngine) -> None:
    neurons = [f"L1.mlp.n{number}@all" for number in range(engine.shape.d_mlp)]
    heads = [f"L1H{head}@all" for head in range(HEADS)]
    projections = [
        *(f"L1H{head}.q@all" for head in range(HEADS)),
        *(f"L1G{group}.{kind}@all" for group in range(engine.shape.n_kv_heads) for kind in "kv"),
    ]
    for parts, whole in ((neurons, "L1.mlp@all"), (heads, "L1.attn@all"), (projections, "L1.attn@all")):
        together = ask(engine, replace("corrupt", whole))
        np.testing.assert_allclose(ask(engine, replace("corrupt", *parts)), together, atol=1e-4)
        assert np.abs(together - clean(engine)).max() > 0.1


@pytest.mark.parametrize("source", ["zero", "mean", "resample", "corrupt"])
def test_keeping_every_head_and_mlp_is_the_clean_model(engine: LensEngine, source: SourceKind) -> None:
    everything = keep(source, *EVERY_HEAD, *EVERY_MLP, scope="heads+mlps")
    np.testing.assert_allclose(ask(engine, everything), clean(engine), atol=1e-5)
    assert changes(engine, everything).max() == 0


def test_keeping_nothing_is_replacing_the_whole_scope(engine: LensEngine) -> None:
    kept = ask(engine, keep("corrupt", scope="heads+mlps"))
    replaced = ask(engine, replace("corrupt", *EVERY_HEAD, *EVERY_MLP))
    np.testing.assert_allclose(kept, replaced, atol=1e-5)
    assert np.abs(kept - clean(engine)).max() > 0.1


def test_keeping_every_feature_and_the_error_is_keeping_the_heads(engine: LensEngine) -> None:
    features = [f"L1.z/{number}@all" for number in range(24)]
    others = [head for head in EVERY_HEAD if not head.startswith("L1")]
    np.testing.assert_allclose(
        ask(engine, keep("mean", *features, "L1.z/error@all", *others)), clean(engine), atol=1e-4
    )
    without_error = ask(engine, keep("mean", *features, *others))
    assert np.abs(without_error - clean(engine)).max() > 0.1
    with_live_error = ask(engine, keep("mean", *features, *others, error="live"))
    np.testing.assert_allclose(with_live_error, clean(engine), atol=1e-4)


def test_keeping_every_transcoder_feature_and_the_error_is_keeping_the_mlp(engine: LensEngine) -> None:
    features = [f"L1.tc/{number}@all" for number in range(24)]
    others = [*EVERY_HEAD, "L0.mlp@all", "L2.mlp@all"]
    kept = keep("resample", *features, "L1.tc/error@all", *others, scope="heads+mlps")
    np.testing.assert_allclose(ask(engine, kept), clean(engine), atol=1e-4)


def test_keeping_every_neuron_is_keeping_the_mlp(engine: LensEngine) -> None:
    neurons = [f"L1.mlp.n{number}@all" for number in range(engine.shape.d_mlp)]
    others = [*EVERY_HEAD, "L0.mlp@all", "L2.mlp@all"]
    kept = keep("corrupt", *neurons, *others, scope="heads+mlps")
    np.testing.assert_allclose(ask(engine, kept), clean(engine), atol=1e-4)


def test_a_kept_attention_output_is_all_its_heads(engine: LensEngine) -> None:
    heads = ask(engine, keep("mean", *(f"L1H{head}@END" for head in range(HEADS))))
    np.testing.assert_array_equal(ask(engine, keep("mean", "L1.attn@END")), heads)


def test_keep_leaves_bos_and_what_is_outside_the_scope_alone(gpt2_engine: LensEngine) -> None:
    last = [head for head in EVERY_HEAD if head.startswith("L2")]
    earlier = [head for head in EVERY_HEAD if not head.startswith("L2")]
    kept = ask(gpt2_engine, keep("zero", *last))
    replaced = ask(gpt2_engine, replace("zero", *earlier))
    np.testing.assert_allclose(kept, replaced, atol=1e-5)
    with_bos = ask(gpt2_engine, replace("zero", *(head.replace("all", "all+bos") for head in earlier)))
    assert np.abs(kept - with_bos).max() > 1e-3


def test_kept_features_of_a_kept_head_count_once(engine: LensEngine) -> None:
    heads = [f"L1H{head}@END" for head in range(HEADS)]
    np.testing.assert_array_equal(
        ask(engine, keep("mean", *heads, "L1.z/3@END")), ask(engine, keep("mean", *heads))
    )


def test_head_writes_and_the_bias_add_up_to_the_attention_output(engine: LensEngine) -> None:
    heads = ask(engine, None, reading=WriteReading(nodes(*(f"L1H{head}@END" for head in range(HEADS)))))
    output = ask(engine, None, reading=WriteReading(nodes("L1.attn@END")))
    bias = getattr(engine.model.bridge.blocks[1].attn, "b_O", None)
    written = 0 if bias is None else _written(engine, bias)
    np.testing.assert_allclose(heads + written, output, atol=1e-4)


def _bias_through_heads(engine: LensEngine, bias: torch.Tensor) -> torch.Tensor:
    output = engine.model.bridge.blocks[1].attn.W_O
    return torch.einsum("hd,hdm->m", bias.reshape(output.shape[:2]), output)


def _written(engine: LensEngine, vector: torch.Tensor) -> np.ndarray:
    """The direct effect of one vector, by the arithmetic of the norm, from the clean run's own scale."""
    bridge, scales = engine.model.bridge, []
    with torch.inference_mode():
        hook = ("ln_final.hook_scale", lambda value, hook: scales.append(value[:, -1].double()))
        bridge.run_with_hooks(torch.tensor(PROMPTS.clean), fwd_hooks=[hook])
        vector = vector.double()
        centred = vector if bridge.cfg.uses_rms_norm else vector - vector.mean()
        unembedding = bridge.W_U.double()
        foils = [foils[0] for foils in PROMPTS.foils]
        direction = (unembedding[:, PROMPTS.answers] - unembedding[:, foils]).T
        written: np.ndarray = (
            ((centred * bridge.ln_final.weight.double() / scales[0]) * direction).sum(1).numpy()
        )
    return written


def test_features_error_and_decoder_bias_write_what_their_heads_write(
    engine: LensEngine, shelves: dict[str, DictionaryFolder]
) -> None:
    features = nodes(*(f"L1.z/{number}@END" for number in range(24)))
    without_bias = ask(engine, None, reading=WriteReading((*features, *nodes("L1.z/error@END"))))
    heads = ask(engine, None, reading=WriteReading(nodes(*(f"L1H{head}@END" for head in range(HEADS)))))
    bias = _written(engine, _bias_through_heads(engine, shelves["z"].layer(1).weights["b_dec"]))
    np.testing.assert_allclose(without_bias + bias, heads, atol=1e-4)
    assert np.abs(bias).max() > 0.01


def test_zero_of_every_feature_is_not_zero_of_every_head(engine: LensEngine) -> None:
    features = replace("zero", *(f"L1.z/{number}@END" for number in range(24)))
    heads = replace("zero", *(f"L1H{head}@END" for head in range(HEADS)))
    assert np.abs(ask(engine, features) - ask(engine, heads)).max() > 0.01


def test_zero_of_the_attention_output_is_not_zero_of_every_head(gpt2_engine: LensEngine) -> None:
    heads = replace("zero", *(f"L1H{head}@END" for head in range(HEADS)))
    assert np.abs(ask(gpt2_engine, replace("zero", "L1.attn@END")) - ask(gpt2_engine, heads)).max() > 0.01


def test_features_and_error_and_bias_replaced_by_corrupt_are_the_heads_replaced(engine: LensEngine) -> None:
    features = [f"L1.z/{number}@END" for number in range(24)]
    heads = ask(engine, replace("corrupt", *(f"L1H{head}@END" for head in range(HEADS))))
    by_node = ask(engine, replace("corrupt", *features, "L1.z/error@END"))
    by_policy = ask(engine, replace("corrupt", *features, error="reference"))
    np.testing.assert_allclose(by_node, heads, atol=1e-4)
    np.testing.assert_allclose(by_policy, heads, atol=1e-4)
    assert np.abs(ask(engine, replace("corrupt", *features)) - heads).max() > 1e-3


def test_dropping_the_error_with_live_features_is_splicing(engine: LensEngine) -> None:
    dropped = ask(engine, replace("clean", "L1.z/3@END", error="drop"))
    spliced = ask(engine, Splice(nodes("L1.z/error@END")))
    np.testing.assert_allclose(dropped, spliced, atol=1e-5)
    np.testing.assert_allclose(ask(engine, replace("zero", "L1.z/error@END")), spliced, atol=1e-6)
    assert np.abs(spliced - clean(engine)).max() > 0.01


def test_a_clean_error_policy_puts_the_clean_error_on_the_corrupt_side(engine: LensEngine) -> None:
    policy = ask(engine, replace("corrupt", "L1.z/3@END", error="clean"), side="corrupt")
    node = ask(engine, replace("clean", "L1.z/error@END"), side="corrupt")
    np.testing.assert_allclose(policy, node, atol=1e-5)
    assert np.abs(node - corrupt(engine)).max() > 1e-3


def test_a_named_head_outranks_features(engine: LensEngine) -> None:
    heads = [f"L1H{head}@END" for head in range(HEADS)]
    both = ask(engine, replace("corrupt", "L1.z/3@END", "L1.z/error@END", *heads))
    np.testing.assert_allclose(both, ask(engine, replace("corrupt", *heads)), atol=1e-6)


def test_a_feature_named_twice_is_replaced_once(engine: LensEngine) -> None:
    once = ask(engine, replace("zero", "L1.zz/0@all"))
    np.testing.assert_array_equal(ask(engine, replace("zero", "L1.zz/0@all", "L1.zz/0@END")), once)
    assert np.abs(once - clean(engine)).max() > 1e-4


def test_an_error_named_twice_is_replaced_once(engine: LensEngine) -> None:
    twice = replace("corrupt", "L1.zz/error@all", "L1.zz/error@END")
    np.testing.assert_array_equal(ask(engine, twice), ask(engine, replace("corrupt", "L1.zz/error@all")))
    assert changes(engine, twice).max(0).min() > 1e-3


def test_what_is_kept_at_bos_is_live_there_anyway(engine: LensEngine) -> None:
    everywhere = keep("mean", "L1.z/3@all", "L1.z/error@all", "L1H2@all", "L1.mlp.n3@all", scope="heads+mlps")
    with_bos = keep(
        "mean", *(str(node).replace("all", "all+bos") for node in everywhere.nodes), scope="heads+mlps"
    )
    np.testing.assert_array_equal(ask(engine, with_bos), ask(engine, everywhere))


def test_a_replaced_feature_reads_as_what_it_was_given(engine: LensEngine) -> None:
    feature = ActivationReading(parse_node("L1.zz/0@END"))
    before = ask(engine, None, reading=feature)
    assert before.max() > 0
    assert not ask(engine, replace("zero", "L1.zz/0@END"), reading=feature).any()
    given = ask(engine, replace("corrupt", "L1.zz/0@END"), reading=feature)
    np.testing.assert_allclose(given, ask(engine, None, side="corrupt", reading=feature), atol=1e-6)


def test_an_intervention_later_in_the_model_does_not_reach_an_earlier_reading(engine: LensEngine) -> None:
    feature = ActivationReading(parse_node("L1.zz/0@END"))
    before = ask(engine, None, reading=feature)
    # Up to rounding: a pass over a part of the tokens adds up attention in another order.
    np.testing.assert_allclose(ask(engine, replace("zero", "L2.mlp@all"), reading=feature), before, atol=1e-6)
    assert np.abs(ask(engine, replace("zero", "L0.mlp@all"), reading=feature) - before).max() > 1e-3


@pytest.mark.parametrize("name", ["L1.resid@all", "L1H2.q@END", "embed@all", "L1.att/3@END", "L1.res/3@END"])
def test_what_is_not_in_the_scope_cannot_be_kept(gpt2_engine: LensEngine, name: str) -> None:
    with pytest.raises(MeasurementError, match="cannot be kept"):
        ask(gpt2_engine, keep("mean", name))


@pytest.mark.parametrize("kind", ["zero", "mean"])
@pytest.mark.parametrize("name", ["L1H2.q@END", "L1H2.k@S", "L1G0.v@S"])
def test_zero_and_mean_of_a_projection_are_refused(engine: LensEngine, kind: SourceKind, name: str) -> None:
    with pytest.raises(MeasurementError, match=f"cannot be replaced by {kind}: .* use resample"):
        ask(engine, replace(kind, name))


def test_the_change_of_keep_is_that_of_the_layer_that_changes_most(engine: LensEngine) -> None:
    condition = Condition("clean", keep("zero"))
    found = measure(engine, condition, PROMPTS, REFERENCES).changes[condition]
    assert found.shape == (len(PROMPTS), 1)
    np.testing.assert_allclose(found, 1)
