"""From the residual stream to logits, for the whole vocabulary or for a few tokens of it.

In: the stream after the last block. Out: logits as the model itself gives them, up to rounding. Models that
do more than norm, matrix and soft-cap are found out by `suffix.can_run_suffixes`, which tries it.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


def unembedded(
    stream: Float[Tensor, "rows d_model"], bridge: Any, tokens: Tensor | None = None
) -> Float[Tensor, "rows tokens"]:
    """Final norm, unembedding and, where the model has one, the soft-cap.

    A row of the unembedding is read per token of `tokens`, or all of them for None.
    """
    normalised = bridge.ln_final(stream[:, None])
    logits: Tensor = bridge.unembed(normalised) if tokens is None else _of_tokens(normalised, bridge, tokens)
    cap = getattr(bridge.cfg, "output_logits_soft_cap", None) or 0
    return (cap * torch.tanh(logits / cap) if cap > 0 else logits)[:, 0]


def _of_tokens(stream: Float[Tensor, "rows 1 d_model"], bridge: Any, tokens: Tensor) -> Tensor:
    logits: Tensor = stream @ bridge.unembed.W_U[:, tokens] + bridge.unembed.b_U[tokens]
    return logits
