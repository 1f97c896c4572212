"""A query head's private copy of a shared key or value, against a model that really has copies."""

from pathlib import Path

import numpy as np
import pytest
import torch
from asking import PROMPTS, REFERENCES, ask, changes, keep, nodes, replace
from safetensors.torch import load_file, save_file
from tiny_models import HEADS, WIDTH, tiny_llama

from circuitcheck.engine import AttentionReading, Replace, Source, SourceKind
from circuitcheck.engines import LensEngine, LensModel, load_model
from circuitcheck.nodes import parse_node

KV_HEADS = 2


@pytest.fixture(scope="module")
def expanded(llama: LensModel, tmp_path_factory: pytest.TempPathFactory) -> LensEngine:
    """The same Llama with every shared key and value head written out once per query head."""
    directory = tiny_llama(tmp_path_factory.mktemp("expanded"), kv_heads=HEADS)
    weights = load_file(Path(llama.name) / "model.safetensors")
    for name, weight in weights.items():
        if "k_proj" in name or "v_proj" in name:
            heads = weight.reshape(KV_HEADS, WIDTH // HEADS, WIDTH)
            weights[name] = (
                heads.repeat_interleave(HEADS // KV_HEADS, dim=0).reshape(WIDTH, WIDTH).contiguous()
            )
    save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})
    return LensEngine(load_model(directory, device="cpu"), {})


def test_the_expanded_model_is_the_same_function(llama_engine: LensEngine, expanded: LensEngine) -> None:
    np.testing.assert_allclose(ask(llama_engine, None), ask(expanded, None), atol=1e-5)


@pytest.mark.parametrize(
    "names",
    [
        ("L1H2.k@S",),
        ("L1H2.v@all",),
        ("L1H2.k@S", "L1H2.v@IO"),
        ("L1H2.k@S", "L1H3.k@IO", "L1H0.v@S"),
        ("L0H1.v@S", "L2H3.k@IO", "L1H2.q@END"),
        ("L1H2.k@S", "L1H2@END", "L1.mlp@S"),
        ("L1.resid@S", "L1H2.k@S", "L1H3.v@all", "L2H1.v@S"),
    ],
)
@pytest.mark.parametrize("source", ["corrupt", "resample"])
def test_private_copies_equal_those_of_the_expanded_model(
    llama_engine: LensEngine, expanded: LensEngine, names: tuple[str, ...], source: SourceKind
) -> None:
    ours, theirs = (ask(engine, replace(source, *names)) for engine in (llama_engine, expanded))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert np.abs(ours - ask(llama_engine, None)).max() > 1e-3
    ours, theirs = (changes(engine, replace(source, *names)) for engine in (llama_engine, expanded))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_every_private_copy_of_a_group_is_the_shared_one(llama_engine: LensEngine) -> None:
    private = ask(llama_engine, replace("corrupt", "L1H2.k@S", "L1H3.k@S"))
    np.testing.assert_allclose(private, ask(llama_engine, replace("corrupt", "L1G1.k@S")), atol=1e-5)
    one = ask(llama_engine, replace("corrupt", "L1H2.k@S"))
    assert np.abs(private - one).max() > 1e-3


def test_a_private_key_moves_the_attention_of_its_own_head_only(llama_engine: LensEngine) -> None:
    patched = replace("corrupt", "L1H2.k@S")
    for head in range(HEADS):
        reading = AttentionReading(parse_node(f"L1H{head}@END"), "S")
        moved = np.abs(ask(llama_engine, patched, reading=reading) - ask(llama_engine, None, reading=reading))
        assert (moved.max() > 1e-3) == (head == 2)


def test_independent_donors_give_each_private_copy_its_own(
    llama_engine: LensEngine, expanded: LensEngine
) -> None:
    both = Replace(nodes("L1H2.k@S", "L1H3.k@S"), Source("resample", donors="independent"))
    ours = ask(llama_engine, both)
    np.testing.assert_allclose(ours, ask(expanded, both), atol=1e-5)
    assert np.abs(ours - ask(llama_engine, replace("resample", "L1G1.k@S"))).max() > 1e-3


@pytest.mark.parametrize("kind", ["q", "k", "v"])
def test_a_projection_reads_the_other_runs_residual_stream_alone(gpt2_engine: LensEngine, kind: str) -> None:
    """Head 2 with its q (k, v) projected, by plain arithmetic, from the corrupt run's residual stream."""
    bridge = gpt2_engine.model.bridge
    clean, corrupt = (torch.tensor(side) for side in (PROMPTS.clean, PROMPTS.corrupt))
    places = [int(index) for index in PROMPTS.roles["S"]]
    with torch.inference_mode():
        _, cache = bridge.run_with_cache(corrupt)
        block = bridge.blocks[1]
        stream = cache["blocks.1.hook_resid_pre"]
        centred = stream - stream.mean(-1, keepdim=True)
        normed = centred / (centred.square().mean(-1, keepdim=True) + bridge.cfg.eps).sqrt()
        normed = normed * block.ln1.weight + block.ln1.bias
        weight, bias = getattr(block.attn, f"W_{kind.upper()}"), getattr(block.attn, f"b_{kind.upper()}")
        projected = normed @ weight[2] + bias[2]

        def put_in(value: torch.Tensor, hook: object) -> torch.Tensor:
            value = value.clone()
            for row, place in enumerate(places):
                value[row, place, 2] = projected[row, place]
            return value

        logits = bridge.run_with_hooks(clean, fwd_hooks=[(f"blocks.1.attn.hook_{kind}", put_in)])[:, -1]
    rows = range(len(PROMPTS))
    expected = logits[rows, PROMPTS.answers] - logits[rows, [foils[0] for foils in PROMPTS.foils]]
    found = ask(gpt2_engine, replace("corrupt", f"L1H2.{kind}@S"), prompts=PROMPTS, references=REFERENCES)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-4)


def test_keep_runs_no_private_copies(llama_engine: LensEngine) -> None:
    assert changes(llama_engine, keep("corrupt", "L1H2@END")).shape == (len(PROMPTS), 1)
