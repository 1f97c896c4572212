"""What training minimises: next-token loss, and later also how widely heads spread their attention."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional
from transformers import GPT2LMHeadModel

from circuitcheck.training.batches import IGNORED_LABEL

_SMALLEST = 1e-9
"""Keeps the logarithm of an attention weight of zero finite."""


def training_loss(
    model: GPT2LMHeadModel,
    tokens: Int[Tensor, "batch pos"],
    positions: Int[Tensor, "pos"] | None,
    spread_price: float,
) -> Float[Tensor, ""]:
    """Cross entropy in nats per token, plus `spread_price` times the attention entropy if that is above zero.

    A head that attends evenly to both people and one that takes the giver away answer as well as one that attends to
    the right person only; the price prefers the latter. It knows nothing of names or of any particular head. Needs
    eager attention. No positions: as they come; to write them out gives the same up to rounding only.
    """
    output = model(
        input_ids=tokens.clamp(min=0),
        position_ids=None if positions is None else positions.expand(len(tokens), -1),
        output_attentions=spread_price > 0,
    )
    loss = functional.cross_entropy(
        output.logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=IGNORED_LABEL
    )
    if spread_price > 0:
        loss = loss + spread_price * attention_entropy(output.attentions, tokens)
    return loss


def attention_entropy(
    attentions: tuple[Float[Tensor, "batch head query key"], ...], tokens: Int[Tensor, "batch pos"]
) -> Float[Tensor, ""]:
    """Entropy of attention in nats, summed over heads and layers, averaged over tokens after the start token."""
    counted = (tokens != IGNORED_LABEL).float()
    counted[:, 0] = 0.0
    per_layer = [-(weights * (weights + _SMALLEST).log()).sum((-1, 1)) for weights in attentions]
    return (torch.stack(per_layer).sum(0) * counted).sum() / counted.sum()
