"""Runs keep-only interventions at the price of what they keep.

In: an untouched pass's trace, some keep-only variants. Out: their logits at END, those of whole passes up to
rounding. Every ablated part is its reference, the same for all variants, so that only kept heads and MLPs
are run, each for those variants and places that need it.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuitcheck.engines.kept_attention import add_attention
from circuitcheck.engines.kept_circuit import live_blocks
from circuitcheck.engines.kept_mlps import add_mlps
from circuitcheck.engines.kept_scene import KeptScene
from circuitcheck.engines.passes import Treatment
from circuitcheck.engines.unembedding import unembedded


def kept_logits(
    scene: KeptScene, treatments: Sequence[Treatment], end: int, tokens: Tensor | None = None
) -> list[Float[Tensor, "batch tokens"]]:
    """Each variant's logits at the token `end`, of these tokens or of the whole vocabulary."""
    start, first = scene.trace.calls[0].stream, scene.window.position
    variants = [live_blocks(one, layers=len(scene.trace.calls), first=first, end=end) for one in treatments]
    bridge: Any = scene.model.bridge
    scene.begin(treatments)
    with torch.inference_mode():
        streams = start[:, first:].repeat(len(variants), 1, 1, 1)
        for layer in range(len(scene.trace.calls)):
            here = [blocks[layer] for blocks in variants]
            before = streams.clone() if bridge.cfg.parallel_attn_mlp else streams
            add_attention(streams, here, layer, scene)
            add_mlps(streams, before, here, layer, scene)
        ends = streams[:, :, scene.window.place(end)].flatten(0, 1)
        return list(torch.split(unembedded(ends, bridge, tokens), len(start)))
