"""Attribution is the slope of the metric, tested against what the model does when it is moved a little, or all the way."""

import numpy as np
import pytest
import torch
from tiny_models import tiny_dictionary, tiny_gpt2, tiny_llama, tiny_prompts

from circuitcheck.discovery import heads_of
from circuitcheck.discovery.attribution import attribution
from circuitcheck.discovery.gradients import batches
from circuitcheck.discovery.scan import scan
from circuitcheck.engines import DictionaryFolder, LensEngine, LensModel, load_model
from circuitcheck.engines.sites import site_of
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import Node, NodeKind, parse_node

PROMPTS = tiny_prompts(8)
STEP = 1e-5


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("attribution")
    tiny_dictionary(root / "res" / "1", "standard", layer=1, site="resid")
    tiny_dictionary(root / "tc" / "1", "transcoder", layer=1)
    return {alias: DictionaryFolder(f"{root}/{alias}/{{layer}}") for alias in ("res", "tc")}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LensModel:
    return load_model(tiny_gpt2(tmp_path_factory.mktemp("gpt2")), dtype="float64", device="cpu")


def slope_by_moving(model: LensModel, node: Node, side: str, step: float = STEP) -> np.ndarray:
    """By how much the metric falls per share of the way from the node's clean to its corrupt value."""
    (batch,) = batches(model, PROMPTS, "logit_diff")
    site = site_of(node, model)
    here, there = (batch.values(one, [site.hook]).values[site.hook] for one in ("clean", "corrupt"))
    start = here if side == "clean" else there
    moved = []
    for share in (step, -step):
        value = start.clone()
        for row, place in enumerate(PROMPTS.positions(node.at)):
            where = (row, place, ...) if site.part is None else (row, place, site.part)
            value[where] += share * (there[where] - here[where])
        moved.append(batch.run(side, [], replaced={site.hook: value}, differentiate=False).metric)
    return ((moved[1] - moved[0]) / (2 * step)).numpy()


@pytest.mark.parametrize("where", ["clean", "corrupt"])
@pytest.mark.parametrize(
    "name", ["L1H2@S", "L0.mlp@all", "L1H0.q@END", "L2H1.v@IO", "L1.mlp.n3@IO", "L1.resid@S"]
)
def test_a_score_is_the_slope_on_the_way_to_the_corrupt_value(
    model: LensModel, name: str, where: str
) -> None:
    node = parse_node(name)
    found = attribution(model, [node], PROMPTS, where=where).per_prompt[0]  # type: ignore[arg-type]  # a plain word
    np.testing.assert_allclose(found, slope_by_moving(model, node, where), rtol=1e-5, atol=1e-7)
    assert np.abs(found).max() > 1e-3


def test_integrated_gradients_of_a_whole_hook_add_up_to_what_patching_it_does(model: LensModel) -> None:
    heads = heads_of(model.shape, "all", [1])
    found = attribution(model, heads, PROMPTS, where="between", steps=40)
    whole = LensEngine(model, {})
    patched = scan(whole, [parse_node("L1.attn@all")], PROMPTS)
    np.testing.assert_allclose(found.per_prompt.sum(0), patched.effects[0], rtol=1e-3, atol=1e-4)


def test_features_and_the_error_add_up_to_the_stream_that_they_stand_for(model: LensModel, folders) -> None:
    size = folders["res"].layer(1).d_sae
    parts = [Node(NodeKind.FEATURE, 1, index=index, dictionary="res", at="S") for index in range(size)]
    parts.append(parse_node("L1.res/error@S"))
    nodes = [*parts, parse_node("L1.resid@S")]
    found = attribution(model, nodes, PROMPTS, dictionaries=folders).per_prompt
    np.testing.assert_allclose(found[:-1].sum(0), found[-1], rtol=1e-6, atol=1e-8)
    assert (np.abs(found[:-2]).sum(1) > 1e-3).sum() > 3


def test_transcoder_features_and_their_error_add_up_to_the_mlp(model: LensModel, folders) -> None:
    size = folders["tc"].layer(1).d_sae
    parts = [Node(NodeKind.FEATURE, 1, index=index, dictionary="tc", at="END") for index in range(size)]
    nodes = [*parts, parse_node("L1.tc/error@END"), parse_node("L1.mlp@END")]
    found = attribution(model, nodes, PROMPTS, dictionaries=folders, where="between", steps=2).per_prompt
    np.testing.assert_allclose(found[:-1].sum(0), found[-1], rtol=1e-6, atol=1e-8)


def test_prompts_of_two_lengths_are_scored_in_their_order(model: LensModel) -> None:
    mixed = tiny_prompts(8, lengths=2)
    node = parse_node("L1H2@END")
    both = attribution(model, [node], mixed).per_prompt[0]
    for row in (0, 3, 5):
        alone = attribution(model, [node], mixed.subset([row])).per_prompt[0]
        np.testing.assert_allclose(both[row], alone[0], rtol=1e-9)


def test_the_cost_counts_both_sides_and_each_backward_pass_twice(model: LensModel) -> None:
    heads = heads_of(model.shape, "END")
    assert attribution(model, heads, PROMPTS).cost == 2 + 2
    assert (
        attribution(model, heads, PROMPTS, where="between", steps=4).cost == 2 + 3 * 4 * model.shape.n_layers
    )


def test_nothing_is_left_of_the_graph_in_the_model(model: LensModel) -> None:
    attribution(model, [parse_node("L1H2@END")], PROMPTS)
    assert all(weight.grad is None for weight in model.bridge.parameters())
    assert not torch.is_inference_mode_enabled()


@pytest.mark.parametrize(
    ("name", "metric", "sentence"),
    [
        ("L1H2", "logit_diff", r"L1H2 has no position .* write it as L1H2@END"),
        ("L1H9@END", "logit_diff", "L1H9 is not in this model"),
        ("L1H2@END", "rank", "rank has no gradient; choose one of kl, log_prob, logit_diff, prob_diff"),
        ("L1H2@END", "kl", "kl is 0 at the clean run and so is its gradient"),
    ],
)
def test_what_has_no_slope_is_refused(model: LensModel, name: str, metric: str, sentence: str) -> None:
    with pytest.raises(MeasurementError, match=sentence):
        attribution(model, [parse_node(name)], PROMPTS, metric=metric)  # type: ignore[arg-type]  # a plain word


def test_no_nodes_and_no_prompts_are_refused(model: LensModel) -> None:
    with pytest.raises(MeasurementError, match="there are no nodes to score"):
        attribution(model, [], PROMPTS)
    with pytest.raises(MeasurementError, match="there are no prompts to score on"):
        attribution(model, [parse_node("L1H2@END")], PROMPTS.subset([]))


def test_a_shared_key_is_scored_by_its_group(tmp_path) -> None:
    llama = load_model(tiny_llama(tmp_path), dtype="float64", device="cpu")
    with pytest.raises(MeasurementError, match=r"L1H3\.k is shared by several query heads"):
        attribution(llama, [parse_node("L1H3.k@S")], PROMPTS)
    node = parse_node("L1G1.k@S")
    # A larger step, since norms of this architecture are computed in single precision whatever the weights are in.
    found = attribution(llama, [node], PROMPTS).per_prompt[0]
    np.testing.assert_allclose(found, slope_by_moving(llama, node, "clean", 1e-2), rtol=1e-2, atol=1e-3)
