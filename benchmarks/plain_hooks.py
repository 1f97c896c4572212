"""Interventions as plain hooks, which share no code with the engine.

In: interventions from the corrupt side. Out: `Edit`s, functions that write into the tensor of one hook.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmarks.setting import Setting
from circuitcheck.engine import Intervention, KeepOnly, Replace, Source
from circuitcheck.engines import Dictionary
from circuitcheck.nodes import Node, NodeKind

Change = Callable[[Tensor, Tensor], None]
"""Writes into the live tensor of one hook; the second argument is the corrupt side's."""


@dataclass(frozen=True)
class Edit:
    """What one intervention does at one hook."""

    hook: str
    change: Change


Writer = Callable[[Intervention, Setting], list[Edit]]
"""Writes an intervention as hooks."""


def edits_of(intervention: Intervention, setting: Setting) -> list[Edit]:
    """An intervention from the corrupt side as plain hooks.

    Raises:
        ValueError: for one that no work asks for.
    """
    if isinstance(intervention, Replace | KeepOnly) and intervention.source != Source("corrupt"):
        msg = f"there is no plain hook for values from {intervention.source}"
        raise ValueError(msg)
    if isinstance(intervention, Replace):
        return [_edit(node, setting) for node in intervention.nodes]
    if isinstance(intervention, KeepOnly):
        return _keeping(intervention, setting)
    msg = f"there is no plain hook for {intervention}"
    raise ValueError(msg)


def _edit(node: Node, setting: Setting) -> Edit:
    places = list(setting.places(node.at))
    if node.kind is NodeKind.HEAD:
        return Edit(
            f"blocks.{node.layer}.attn.hook_z", partial(patch_head, places=places, head=node.head or 0)
        )
    dictionary = setting.dictionaries[node.layer or 0]
    change = partial(patch_feature, places=places, feature=node.index or 0, dictionary=dictionary)
    return Edit(dictionary.reads_from, change)


def _keeping(intervention: KeepOnly, setting: Setting) -> list[Edit]:
    """Two hooks for each layer, which replace all heads and the MLP at every token but BOS, kept ones aside."""
    shape, edits = setting.model.shape, []
    for layer in range(shape.n_layers):
        here = [node for node in intervention.nodes if node.layer == layer]
        heads = [node.head or 0 for node in here if node.kind is NodeKind.HEAD]
        replaced = torch.ones(shape.n_heads, dtype=torch.bool, device=setting.model.device)
        replaced[heads] = False
        edits.append(Edit(f"blocks.{layer}.attn.hook_z", partial(patch_heads, replaced=replaced)))
        if not any(node.kind is NodeKind.MLP for node in here):
            edits.append(Edit(f"blocks.{layer}.hook_mlp_out", patch_output))
    return edits


def patch_head(
    value: Float[Tensor, "batch pos head d_head"], corrupt: Tensor, *, places: list[int], head: int
) -> None:
    """Put one head's corrupt output in at these tokens."""
    value[:, places, head] = corrupt[:, places, head]


def patch_heads(
    value: Float[Tensor, "batch pos head d_head"], corrupt: Tensor, *, replaced: Bool[Tensor, " head"]
) -> None:
    """Put the corrupt outputs of some heads in at every token but BOS."""
    value[:, 1:, replaced] = corrupt[:, 1:, replaced]


def patch_output(value: Float[Tensor, "batch pos d_model"], corrupt: Tensor) -> None:
    """Put a whole corrupt output in at every token but BOS."""
    value[:, 1:] = corrupt[:, 1:]


def patch_feature(
    value: Float[Tensor, "batch pos d_model"],
    corrupt: Tensor,
    *,
    places: list[int],
    feature: int,
    dictionary: Dictionary,
) -> None:
    """Move one feature's activation to the corrupt side's: x + (f_corrupt - f) W_dec[i]; the error stays."""
    encoder, decoder = dictionary.weights["W_enc"][:, feature], dictionary.weights["W_dec"][feature]
    bias = dictionary.weights["b_enc"][feature]
    live, other = ((side[:, places] @ encoder + bias).relu() for side in (value, corrupt))
    value[:, places] += (other - live)[..., None] * decoder
