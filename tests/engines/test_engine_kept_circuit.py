"""Which places of which parts a keep-only run needs, and which models can be run part by part."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny_models
import torch
from asking import PROMPTS, keep
from tiny_models import HEADS, LAYERS, tiny_gpt2, tiny_llama, tiny_neox, tiny_qwen2
from transformers import MistralConfig, MistralForCausalLM, Qwen3Config, Qwen3ForCausalLM

from circuitcheck.engine import KeepOnly
from circuitcheck.engines import DictionaryFolder, LensModel, kept_heads, kept_trial, load_model
from circuitcheck.engines.calls import BlockCall
from circuitcheck.engines.keeping import keep_treatment
from circuitcheck.engines.kept_circuit import KeptParts, LiveBlock, can_run_parts, live_blocks
from circuitcheck.engines.kept_heads import HeadWeights, Projection
from circuitcheck.engines.kept_scene import KeptScene
from circuitcheck.engines.kept_trial import can_run_parts_of
from circuitcheck.engines.library import Library
from circuitcheck.engines.passes import Treatment
from circuitcheck.engines.scene import Scene
from circuitcheck.engines.sources import nothing_to_look_up
from circuitcheck.engines.steps import KeepHook
from circuitcheck.engines.traces import Trace

GROUP = PROMPTS.subset(PROMPTS.groups[0])
"""Eight tokens, BOS counted: places 0 to 6, END at 6; IO and S at 1 and 2."""
END, EVERYWHERE, NOWHERE = (6,), tuple(range(7)), ()


def treatment_of(model: LensModel, shelves: dict[str, DictionaryFolder], kept: KeepOnly) -> Treatment:
    return keep_treatment(kept, Scene(model, Library(model, shelves), GROUP))


@pytest.fixture
def blocks_of(gpt2: LensModel, shelves: dict[str, DictionaryFolder]) -> Callable[..., list[LiveBlock]]:
    def found(*names: str, scope: str = "heads+mlps") -> list[LiveBlock]:
        kept = treatment_of(gpt2, shelves, keep("mean", *names, scope=scope))
        return live_blocks(kept, layers=LAYERS, first=1, end=7)

    return found


def only(head: int, places: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    return tuple(places if one == head else NOWHERE for one in range(HEADS))


def test_with_nothing_kept_nothing_is_run(blocks_of: Callable[..., list[LiveBlock]]) -> None:
    for block in blocks_of():
        assert (block.queries, block.mixed, block.mlp) == ((NOWHERE,) * HEADS, NOWHERE, NOWHERE)


def test_the_last_block_is_followed_at_end_only(blocks_of: Callable[..., list[LiveBlock]]) -> None:
    last = blocks_of("L2H1@all", "L2.mlp@all")[-1]
    assert (last.queries, last.mlp) == (only(1, END), END)


def test_in_front_of_a_head_every_token_that_it_looks_back_on_is_needed(
    blocks_of: Callable[..., list[LiveBlock]],
) -> None:
    first, second, _ = blocks_of("L0H2@all", "L0.mlp@all", "L1H1@2", "L1.mlp@all", "L2H0@S")
    assert second.queries == (NOWHERE,) * HEADS, "what is written at token 2 is read by nobody"
    assert first.queries == only(2, END), "and so only END is followed"
    assert first.mlp == second.mlp == END
    first, second, _ = blocks_of("L0H2@all", "L1H1@2", "L2H0@END")
    assert second.queries == only(1, (2,))
    assert first.queries == only(2, EVERYWHERE), "L2H0 looks back on all that L0H2 wrote"


def test_mlps_outside_the_scope_run_wherever_something_is_read(
    blocks_of: Callable[..., list[LiveBlock]],
) -> None:
    blocks = blocks_of("L1H1@END", scope="heads")
    assert [block.mlp for block in blocks] == [EVERYWHERE, END, END]
    assert all(block.mlp_runs for block in blocks)


def test_a_feature_on_heads_needs_all_of_them_at_its_place(
    blocks_of: Callable[..., list[LiveBlock]],
) -> None:
    assert blocks_of("L2.z/3@END", "L2H1@END")[-1].queries == (END,) * HEADS


def test_a_transcoder_feature_needs_what_the_mlp_reads_but_not_the_mlp(
    blocks_of: Callable[..., list[LiveBlock]],
) -> None:
    feature, error, neuron = (blocks_of(f"L2.{name}@END")[-1] for name in ("tc/3", "tc/error", "mlp.n3"))
    assert feature.mlp == error.mlp == neuron.mlp == END
    assert (feature.mlp_runs, error.mlp_runs, neuron.mlp_runs) == (False, True, True)


def test_a_feature_is_outranked_where_all_heads_are_kept(
    gpt2: LensModel, shelves: dict[str, DictionaryFolder]
) -> None:
    hooks = {}
    for name in ("L1.attn@END", "L1.attn@S"):
        steps = treatment_of(gpt2, shelves, keep("mean", name, "L1.z/3@END")).steps
        hooks[name] = steps[1]
    counts = {name: len(step.terms) for name, step in hooks.items() if isinstance(step, KeepHook)}
    assert counts == {"L1.attn@END": 0, "L1.attn@S": 1}


def test_a_term_that_is_read_outside_its_block_is_run_whole(
    gpt2: LensModel, shelves: dict[str, DictionaryFolder]
) -> None:
    treatment = treatment_of(gpt2, shelves, keep("mean", "L2.tc/3@END", scope="heads+mlps"))
    assert can_run_parts(treatment)
    assert not can_run_parts(Treatment())
    *others, last = treatment.steps
    assert isinstance(last, KeepHook)
    elsewhere = KeepHook(
        last.hook, last.positions, last.kept, last.reference, last.terms, ("blocks.2.hook_resid_mid",)
    )
    assert not can_run_parts(Treatment((*others, elsewhere)))


def tiny_qwen3(directory: Path) -> Path:
    """Queries and keys are normalised."""
    config = Qwen3Config(
        num_hidden_layers=3, hidden_size=16, num_attention_heads=4, num_key_value_heads=2, head_dim=4,
        intermediate_size=24, vocab_size=40, max_position_embeddings=32, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    return tiny_models.write_model(Qwen3ForCausalLM(config), directory, 0)


def tiny_mistral(directory: Path) -> Path:
    """Attention reaches back four tokens only."""
    config = MistralConfig(
        num_hidden_layers=3, hidden_size=16, num_attention_heads=4, num_key_value_heads=2, intermediate_size=24,
        vocab_size=40, max_position_embeddings=32, sliding_window=4, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    return tiny_models.write_model(MistralForCausalLM(config), directory, 0)


@pytest.mark.parametrize("weights", ["raw", "folded"])
@pytest.mark.parametrize("make", [tiny_gpt2, tiny_llama, tiny_qwen2, tiny_neox])
def test_these_architectures_can_be_run_part_by_part(make: Any, weights: Any, tmp_path: Path) -> None:
    model = load_model(make(tmp_path), device="cpu", weights=weights)
    assert can_run_parts_of(model, 2)
    assert can_run_parts_of(model, 12)


def test_normalised_queries_are_found_out(tmp_path: Path) -> None:
    assert not can_run_parts_of(load_model(tiny_qwen3(tmp_path), device="cpu"), 8)


def test_a_sliding_window_is_found_out_at_the_lengths_where_it_matters(tmp_path: Path) -> None:
    model = load_model(tiny_mistral(tmp_path), device="cpu")
    assert can_run_parts_of(model, 3)
    assert not can_run_parts_of(model, 12)


def _without_value_bias(weights: HeadWeights) -> HeadWeights:
    value = Projection(weights.value.weight, None)
    return HeadWeights(weights.query, weights.key, value, weights.output, weights.output_bias)


def _with_heads_in_another_order(weights: HeadWeights) -> HeadWeights:
    return HeadWeights(weights.query, weights.key, weights.value, weights.output.flip(0), weights.output_bias)


def _without_output_bias(weights: HeadWeights) -> HeadWeights:
    return HeadWeights(weights.query, weights.key, weights.value, weights.output, None)


@pytest.mark.parametrize("fault", [_without_value_bias, _with_heads_in_another_order, _without_output_bias])
def test_weights_that_are_not_what_they_seem_are_found_out(
    fault: Callable[[HeadWeights], HeadWeights], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, real = load_model(tiny_gpt2(tmp_path), device="cpu"), HeadWeights.of
    monkeypatch.setattr(kept_heads.HeadWeights, "of", lambda *asked: fault(real(*asked)))
    assert not can_run_parts_of(model, 8)


def test_a_model_whose_weights_have_other_names_is_run_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unnamed(*_: Any) -> HeadWeights:
        msg = "no W_Q"
        raise AttributeError(msg)

    model = load_model(tiny_gpt2(tmp_path), device="cpu")
    monkeypatch.setattr(kept_heads.HeadWeights, "of", unnamed)
    assert not can_run_parts_of(model, 8)


def test_a_model_is_tried_once_per_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, asked = load_model(tiny_gpt2(tmp_path), device="cpu"), []
    monkeypatch.setattr(kept_trial, "_agrees", lambda _, length: asked.append(length) or True)
    assert all(can_run_parts_of(model, length) for length in (7, 8, 7, 8))
    assert asked == [7, 8]


def test_scores_behind_a_cap_are_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small scores would not show it, and others would."""
    model = load_model(tiny_gpt2(tmp_path), device="cpu")
    monkeypatch.setattr(model.bridge.cfg, "attn_scores_soft_cap", 50.0, raising=False)
    assert not can_run_parts_of(model, 8)


def test_a_boolean_mask_and_none_hide_what_comes_later(gpt2: LensModel) -> None:
    """As some attention implementations are told; these models are told a sum."""
    weights, empty = kept_heads.HeadWeights.of(gpt2, 0), torch.zeros(1, 4, 8, 4)
    scores = torch.zeros(1, 2, 7, 8)
    told = {}
    for mask in (torch.ones(8, 8, dtype=torch.bool).tril()[None, None], None):
        call = BlockCall(torch.zeros(1, 8, 16), empty, empty, "cache", {"attention_mask": mask})
        masked = kept_heads.LiveAttention(weights, call, 1)._masked(scores.clone(), 0, EVERYWHERE)
        told[mask is None] = masked
    torch.testing.assert_close(told[True], told[False])
    expected = torch.zeros(7, 8).masked_fill(torch.ones(7, 8, dtype=torch.bool).triu(2), -torch.inf)
    torch.testing.assert_close(told[True][0, 0], expected)


def test_a_run_forgets_what_other_sources_put_in_place_of_the_scope(
    gpt2: LensModel, shelves: dict[str, DictionaryFolder]
) -> None:
    """Else memory would grow with the sources of a file."""
    means, zeros = (treatment_of(gpt2, shelves, keep(kind)) for kind in ("mean", "zero"))
    lookup, trace = nothing_to_look_up, Trace(())
    scene = KeptScene(gpt2, trace, KeptParts(0, 1), lookup)
    scene._values.update(
        {one: torch.zeros(1) for step in (*means.steps, *zeros.steps) for one in step.references}
    )
    scene.begin([zeros])
    assert scene._values.keys() == {one for step in zeros.steps for one in step.references}
