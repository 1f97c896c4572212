"""Toy repositories with the file layout of public ones: GPT-2's, and a Llama's in shards."""

import json

import torch
from tiny_models import tiny_llama
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

CIRCUIT = """
circuitcheck: 1
circuit: words
model: {model}
prompts:
  family:
    name: words
    templates: {{short: "w9 [A] w10 [B] w11 [A] w12", long: "w9 [B] w10 w11 [A] w9 [A] w12"}}
    roles: {{A: S, B: IO}}
    words: {{A: [w1, w2, w3, w4, w5, w6, w7, w8], B: [w1, w2, w3, w4, w5, w6, w7, w8]}}
"""


def toy_gpt2(folder, *, seed=0, layers=2):
    """A GPT-2 with random weights; its tokenizer is vocab.json and merges.txt, as the first ones were."""
    vocabulary, merges = _byte_pairs()
    config = GPT2Config(
        n_layer=layers, n_embd=16, n_head=4, n_positions=32, vocab_size=len(vocabulary),
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=256, eos_token_id=256,
    )  # fmt: skip
    model = GPT2LMHeadModel(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.3 * torch.randn(weight.shape, generator=generator))
    model.save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "GPT2Tokenizer"}))
    return folder


def sharded_llama(folder):
    """A Llama whose weights are in several files, with an index."""
    tiny_llama(folder, layers=2)
    model = AutoModelForCausalLM.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="8KB")
    return folder


def _byte_pairs():
    """One token per byte, GPT-2's end of text, and one token for each of ` w1` to ` w12`."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    merges = ["Ġ w", *(f"Ġw {digit}" for digit in range(1, 10)), *(f"Ġw1 {digit}" for digit in range(3))]
    tokens = [*bytes_to_unicode().values(), "<|endoftext|>", *(pair.replace(" ", "") for pair in merges)]
    return {token: number for number, token in enumerate(tokens)}, merges
