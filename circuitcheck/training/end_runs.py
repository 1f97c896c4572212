"""Runs of the model that look at, or replace, what one head writes at the last position.

Plain hooks on the Hugging Face module, so that the evaluation shares no code with the engine it helps to test.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import GPT2LMHeadModel


@dataclass(frozen=True)
class EndRun:
    """What a run shows at the last position.

    Attributes:
        logits: Next-token logits.
        attention: Attention from the last position to every position.
        z: Each head's weighted values, before the output projection.
    """

    logits: Float[Tensor, "batch vocab"]
    attention: Float[Tensor, "layer batch head pos"]
    z: Float[Tensor, "layer batch head d_head"]


@dataclass(frozen=True)
class HeadValue:
    """A value of one head at the last position, to be put into another run."""

    layer: int
    head: int
    z: Float[Tensor, "batch d_head"]


@torch.inference_mode()
def run_at_end(model: GPT2LMHeadModel, tokens: Int[Tensor, "batch pos"], *replaced: HeadValue) -> EndRun:
    """Runs the model, with some heads' values at the last position replaced; needs eager attention."""
    seen: list[Float[Tensor, "batch head d_head"]] = []
    with _hooked(model, replaced, seen):
        output = model(input_ids=tokens, output_attentions=True)
    attention = torch.stack([layer[:, :, -1] for layer in output.attentions])
    return EndRun(output.logits[:, -1], attention, torch.stack(seen))


@contextmanager
def _hooked(
    model: GPT2LMHeadModel,
    replaced: tuple[HeadValue, ...],
    seen: list[Float[Tensor, "batch head d_head"]],
) -> Iterator[None]:
    """Hooks on the input of every attention output projection, which is z with its heads side by side."""
    heads = model.config.n_head

    def hook(layer: int) -> torch.utils.hooks.RemovableHandle:
        def replace(module: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
            z = inputs[0].reshape(*inputs[0].shape[:-1], heads, -1).clone()
            for value in replaced:
                if value.layer == layer:
                    z[:, -1, value.head] = value.z
            seen.append(z[:, -1])
            return (z.flatten(-2),)

        projection: nn.Module = model.transformer.h[layer].attn.c_proj
        return projection.register_forward_pre_hook(replace)

    handles = [hook(layer) for layer in range(model.config.n_layer)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
