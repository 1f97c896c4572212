"""The floor's arithmetic, against operations that torch counts on real passes, and written out by hand."""

from collections import Counter
from functools import partial

import pytest
import torch
from bench_configs import CONFIGS, LENGTH, VOCABULARY
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM, DynamicCache

from benchmarks.counting import counted_flops
from benchmarks.floor import (
    Sizes,
    Tokens,
    causal_pairs,
    feature_flops,
    head_flops,
    keep_flops,
    suffix_flops,
    whole_flops,
    work_flops,
)
from benchmarks.sides import EngineSide
from benchmarks.works import WORKS
from circuitcheck.nodes import parse_node

LAYERS, HEADS, WIDTH = 4, 4, 32
TEN = Sizes(layers=3, heads=2, groups=1, d_model=10, d_head=5, d_mlp=40, gated=False, parallel=False)
BLOCKS = {"gpt2": "transformer.h", "neox": "gpt_neox.layers", "llama": "model.layers"}


def counted_blocks(name, first):
    """Operations of each block of the Hugging Face model, on the tokens from `first` on, with the others cached."""
    torch_model = AutoModelForCausalLM.from_config(CONFIGS[name], attn_implementation="eager")
    ids, cache = torch.randint(VOCABULARY, (1, LENGTH)), DynamicCache(config=CONFIGS[name])
    counter = FlopCounterMode(display=False)
    with torch.no_grad():
        if first:
            torch_model(ids[:, :first], past_key_values=cache)
        with counter:
            torch_model(ids[:, first:], past_key_values=cache)
    counts = counter.get_flop_counts()
    root = type(torch_model).__name__
    return [sum(counts[f"{root}.{BLOCKS[name]}.{layer}"].values()) for layer in range(LAYERS)]


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("first", [0, 10, LENGTH - 1])
def test_a_block_costs_what_torch_counts_on_a_partial_pass(settings, name, first):
    again = LENGTH - first
    tokens = Tokens(q=again, kv=again, pairs=again * LENGTH, out=again, mlp=again)  # eager attention sees all
    assert counted_blocks(name, first) == [Sizes.of(settings[name].model).block(tokens).total()] * LAYERS


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("layer", range(LAYERS))
def test_an_edit_at_end_costs_what_torch_counts_on_one_token_from_its_block_on(settings, name, layer):
    sizes = Sizes.of(settings[name].model)
    counted = sum(counted_blocks(name, LENGTH - 1)[layer:])
    assert suffix_flops(sizes, layer, [LENGTH - 1], LENGTH).total() == counted


def test_multiplying_in_place_counts_as_much_as_not_in_place():
    added, left, right = torch.zeros(5, 7), torch.ones(5, 3), torch.ones(3, 7)
    assert counted_flops(lambda: added.addmm_(left, right)) == 2 * 5 * 3 * 7
    assert counted_flops(lambda: torch.addmm(added, left, right)) == 2 * 5 * 3 * 7
    assert counted_flops(lambda: left @ right) == 2 * 5 * 3 * 7


def test_pairs_are_those_of_a_query_with_itself_and_what_is_before_it():
    assert causal_pairs(0, 3) == 1 + 2 + 3
    assert causal_pairs(2, 5) == 3 + 4 + 5
    assert causal_pairs(4, 5) == 5


def test_a_head_in_the_middle_of_the_prompt_written_out():
    """Block 0: that head and one MLP. Block 1: one token is projected, four attend. Block 2: four are, END attends."""
    head = 2 * 5 * 10
    mlp_in = mlp_out = 2 * 10 * 40
    expected = Counter(out=head, mlp_in=mlp_in, mlp_out=mlp_out)
    expected += Counter(
        q=2 * 100,
        kv=4 * 50,
        attention=4 * 10 * (5 + 6 + 7 + 8),
        out=4 * 2 * 100,
        mlp_in=4 * mlp_in,
        mlp_out=4 * mlp_out,
    )
    expected += Counter(
        q=2 * 100, kv=4 * 4 * 50, attention=4 * 10 * 8, out=2 * 100, mlp_in=mlp_in, mlp_out=mlp_out
    )
    assert head_flops(TEN, 0, [4], 8) == expected


def test_a_head_of_the_last_block_costs_something_at_end_only():
    assert head_flops(TEN, 2, [4], 8).total() == 0
    assert head_flops(TEN, 2, [7], 8) == Counter(out=100, mlp_in=800, mlp_out=800)


def test_an_edit_in_front_of_the_last_block_changes_a_key_but_not_the_query():
    assert suffix_flops(TEN, 2, [4], 8)["q"] == 0
    assert suffix_flops(TEN, 2, [7], 8)["q"] == 200


def test_beside_attention_the_mlp_runs_again_only_where_the_stream_is_new():
    parallel = Sizes(layers=3, heads=2, groups=1, d_model=10, d_head=5, d_mlp=40, gated=False, parallel=True)
    assert head_flops(parallel, 0, [4], 8)["mlp_in"] == (0 + 1 + 1) * 800
    assert suffix_flops(parallel, 2, [4], 8)["mlp_in"] == 0


def test_a_feature_adds_its_encoder_twice_and_its_decoder_once():
    own = feature_flops(TEN, 1, [4], 8) - suffix_flops(TEN, 1, [4], 8)
    assert own == Counter(feature=3 * 2 * 10)


def kept(*names):
    return [parse_node(f"{name}@all") for name in names]


def test_keeping_pays_for_what_is_kept_at_every_token_but_bos_while_a_later_head_reads_it():
    """Block 0 is known but for its MLP. Block 1 is read by block 2's head; in block 2 only END asks."""
    expected = Counter(mlp_in=7 * 800, mlp_out=7 * 800)
    expected += Counter(
        q=7 * 100,
        kv=7 * 2 * 100,
        attention=4 * 5 * sum(range(2, 9)),
        out=7 * 100,
        mlp_in=7 * 800,
        mlp_out=7 * 800,
    )
    expected += Counter(q=100, kv=7 * 2 * 100, attention=4 * 5 * 8, out=100, mlp_in=800, mlp_out=800)
    nodes = kept("L0H1", "L0.mlp", "L1H0", "L1.mlp", "L2H1", "L2.mlp")
    assert keep_flops(TEN, nodes, 8) == expected


def test_behind_the_last_kept_head_only_end_is_read():
    nodes = kept("L0.mlp", "L1.mlp", "L2.mlp")
    assert keep_flops(TEN, nodes, 8) == Counter(mlp_in=3 * 800, mlp_out=3 * 800)


def test_what_lies_before_the_first_ablated_part_is_known():
    everything = ("L0H0", "L0H1", "L0.mlp", "L1H0", "L1H1", "L1.mlp", "L2H0", "L2H1", "L2.mlp")
    assert keep_flops(TEN, kept(*everything), 8).total() == 0
    assert keep_flops(TEN, kept(*everything[:-1]), 8).total() == 0
    assert keep_flops(TEN, kept(*everything[:6]), 8).total() == 0


def test_heads_of_one_group_share_its_keys_and_values():
    alone, both = (keep_flops(TEN, kept(*names), 8) for names in (["L1H0"], ["L1H0", "L1H1"]))
    assert both["kv"] == alone["kv"]
    assert both["q"] == 2 * alone["q"]


def test_a_work_pays_for_both_sides_of_the_prompts_once_and_for_two_logits_each_time(gpt2):
    sizes, work = Sizes.of(gpt2.model), WORKS["a"](gpt2)
    few, more = (work_flops(work.interventions[:count], gpt2) for count in (1, 2))
    passes = whole_flops(sizes, LENGTH) + whole_flops(sizes, LENGTH)
    one = head_flops(sizes, 0, [LENGTH - 1], LENGTH) + Counter(unembed=2 * 2 * WIDTH)
    n = len(gpt2.prompts)
    assert few.total() == n * (passes + one).total()
    assert (more - few).total() == n * one.total()


@pytest.mark.parametrize("key", WORKS)
def test_the_engine_does_no_less_than_the_floor(setting, key):
    """In all, and for what is added to one intervention, where the shared passes hide nothing."""
    work = WORKS[key](setting).interventions
    counted, needed = [], []
    for asked in (work, work[:1]):
        counted.append(counted_flops(partial(EngineSide(setting).measure, asked)))
        needed.append(work_flops(asked, setting).total())
    assert counted[0] >= needed[0]
    assert counted[0] - counted[1] >= needed[0] - needed[1]
