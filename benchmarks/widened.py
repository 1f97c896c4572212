"""The bundled model in a body of GPT-2 small's size: the same function, at that size's arithmetic.

In: nothing. Out: a model folder. The residual stream holds six copies of the small one, side by side, so that
every LayerNorm sees the same mean and spread; matrices read and write the copies alike; further heads, neurons and
blocks write nothing. So circuit files about the bundled model can be timed at this size, verdicts and all.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel
from transformers.utils import logging as transformers_logging

from circuitcheck.shapes import bundled_model_path

NAME, SMALL = "ioi-mini-wide", "ioi-mini"
WIDTH, BLOCKS, HEADS = 768, 12, 12
"""Of GPT-2 small; the vocabulary stays the bundled model's."""


@contextmanager
def file_model(name: str) -> Iterator[str]:
    """What circuit files about the bundled model are to be checked on: a name, or a folder for the large body.

    Raises:
        ValueError: for any other model, which has not learned what the files are about.
    """
    if name == SMALL:
        yield name
    elif name == NAME:
        with widened_folder() as folder:
            yield str(folder)
    else:
        msg = f"circuit files are about {SMALL}; choose it or {NAME}, not {name}."
        raise ValueError(msg)


@contextmanager
def widened_folder() -> Iterator[Path]:
    """A folder with the model and the bundled tokenizer, removed in the end."""
    with tempfile.TemporaryDirectory() as folder:
        source = bundled_model_path(SMALL)
        shown = transformers_logging.is_progress_bar_enabled()
        transformers_logging.disable_progress_bar()
        try:
            widened(AutoModelForCausalLM.from_pretrained(source)).save_pretrained(folder)
        finally:
            if shown:
                transformers_logging.enable_progress_bar()
        for file in source.glob("tokenizer*"):
            shutil.copy(file, folder)
        yield Path(folder)


def widened(small: GPT2LMHeadModel) -> GPT2LMHeadModel:
    """The same function of token ids, up to rounding."""
    given = small.config
    config = GPT2Config.from_dict({**given.to_dict(), "n_embd": WIDTH, "n_layer": BLOCKS, "n_head": HEADS})
    wide = GPT2LMHeadModel(config)
    state = {name: torch.zeros_like(value) for name, value in wide.state_dict().items()}
    copies = WIDTH // given.n_embd
    assert copies * given.n_embd == WIDTH, "whole copies only, or norms would see another spread"
    for name, value in small.state_dict().items():
        if name.endswith(("wte.weight", "wpe.weight", "lm_head.weight")):
            state[name] = value.repeat(1, copies)
        elif "ln_" in name:
            # The unembedding sums over all copies.
            state[name] = value.repeat(copies) / (copies if "ln_f" in name else 1)
    for block in range(given.n_layer):
        _fill_block(state, small.state_dict(), f"transformer.h.{block}.", given, copies)
    wide.load_state_dict(state)
    return wide


def _fill_block(
    state: dict[str, Tensor], small: Mapping[str, Tensor], block: str, given: GPT2Config, copies: int
) -> None:
    """The matrices of one block; inputs are means over the copies, outputs go to each of them."""
    reads, writes = f"{block}attn.c_attn.", f"{block}attn.c_proj."
    own, other = given.n_embd // given.n_head, WIDTH // HEADS
    for part in range(3):
        scale = (other / own) ** 0.5 if part == 0 else 1.0  # scores are divided by the root of a head's width
        for head in range(given.n_head):
            here, there = (
                slice(start, start + own)
                for start in (part * given.n_embd + head * own, part * WIDTH + head * other)
            )
            columns = small[f"{reads}weight"][:, here]
            state[f"{reads}weight"][:, there] = scale * columns.repeat(copies, 1) / copies
            state[f"{reads}bias"][there] = scale * small[f"{reads}bias"][here]
    for head in range(given.n_head):
        rows = small[f"{writes}weight"][head * own : (head + 1) * own]
        state[f"{writes}weight"][head * other : head * other + own] = rows.repeat(1, copies)
    state[f"{writes}bias"] = small[f"{writes}bias"].repeat(copies)
    hidden = small[f"{block}mlp.c_fc.weight"].shape[1]
    state[f"{block}mlp.c_fc.weight"][:, :hidden] = small[f"{block}mlp.c_fc.weight"].repeat(copies, 1) / copies
    state[f"{block}mlp.c_fc.bias"][:hidden] = small[f"{block}mlp.c_fc.bias"]
    state[f"{block}mlp.c_proj.weight"][:hidden] = small[f"{block}mlp.c_proj.weight"].repeat(1, copies)
    state[f"{block}mlp.c_proj.bias"] = small[f"{block}mlp.c_proj.bias"].repeat(copies)
