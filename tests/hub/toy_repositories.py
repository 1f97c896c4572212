"""Toy repositories with the file layout of public ones: GPT-2's, and a Llama's in shards."""

import json
import re

import torch
from tiny_models import tiny_llama
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import bytes_to_unicode

CIRCUIT = """
circuitcheck: 1
circuit: words
model: MODEL
dictionaries: DICTIONARIES
prompts:
  family:
    family: words
    title: two words, one again
    lists: {names: [wa, wb, wc, wd, we, wf, wg, wh]}
    slots: {IO: names, S: names}
    roles: {IO: IO, S1: S, S2: S}
    orders: {ABBA: {first: IO, second: S1}, BABA: {first: S1, second: IO}}
    templates:
      - {id: short, text: "wi {first} wj {second} wk {S2} wl"}
      - {id: long, text: "wi {first} wj {second} wl wk {S2} wl"}
    answer: IO
    foil: S
    corruptions: {fresh: {IO: fresh, S1: fresh, S2: fresh}}
  n: 16
claims:
  - {id: behaviour, says: x, measure: clean, expect: {logit_diff: "?", accuracy: "?"}}
  - {id: head, says: x, ablate: L0H1@END, expect: {effect: "?"}}
"""


LETTERS = "abcdefghijkl"
"""The words are wa, wb, ...: letters only, since GPT-2 cuts digits off."""


def circuit_file(folder, model, *, dictionaries="{}", claims=""):
    """A circuit file about a model, written as YAML, with two claims and more."""
    path = folder / "words.circuit.yaml"
    text = CIRCUIT.replace("MODEL", model).replace("DICTIONARIES", dictionaries)
    path.write_text(text + claims, encoding="utf-8")
    return path


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
        for name, weight in model.named_parameters():
            # Not on top of the weights that it was made with, which depend on the tests before.
            middle = 1.0 if re.search(r"ln_.*weight", name) else 0.0
            weight.copy_(middle + 0.3 * torch.randn(weight.shape, generator=generator))
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
    words = {"<|endoftext|>": 0, **{f"w{letter}": number for number, letter in enumerate(LETTERS, 1)}}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<|endoftext|>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|endoftext|>").save_pretrained(folder)
    return folder


def _byte_pairs():
    """One token per byte, GPT-2's end of text, and one token for each word behind its space."""
    merges = ["Ġ w", *(f"Ġw {letter}" for letter in LETTERS)]
    tokens = [*bytes_to_unicode().values(), "<|endoftext|>", *(pair.replace(" ", "") for pair in merges)]
    return {token: number for number, token in enumerate(tokens)}, merges
