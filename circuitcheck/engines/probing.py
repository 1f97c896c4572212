"""Finds out, by one short pass, whether a block's parts write in the way that formulas assume.

In: a model and a layer. Out: the matrix through which heads or neurons write, or a `MeasurementError`:
some architectures put a norm or a factor behind it (Gemma 2, OLMo 2, Granite), or have many (Mixtral).
"""

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from circuitcheck.engines.hooks import agree
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.sites import (
    ATTN_OUT,
    EMBED,
    MLP_OUT,
    NEURONS,
    RESID,
    RESID_POST,
    Z,
    block_hook,
    weight_of,
)
from circuitcheck.errors import MeasurementError

_HOOKS: Mapping[str, tuple[str, str]] = {"attn.W_O": (Z, ATTN_OUT), "mlp.W_out": (NEURONS, MLP_OUT)}
_TOKENS = 8
_seen: WeakKeyDictionary[LensModel, dict[int, dict[str, Tensor]]] = WeakKeyDictionary()
"""Probes by model and layer; weak, so that a model can go when its engine does."""
_entering: WeakKeyDictionary[LensModel, bool] = WeakKeyDictionary()
"""Whether the embedding enters the stream as it is, by model."""


def linear_map(model: LensModel, layer: int, name: str) -> Tensor:
    """The matrix `attn.W_O` (head, d_head, d_model) or `mlp.W_out` (d_mlp, d_model) of one block.

    Raises:
        MeasurementError: when the block has no such single matrix, or its output is not that matrix
            times its parts plus a constant.
    """
    weight = weight_of(model, layer, name)
    seen, (inward, outward) = _probe(model, layer), _HOOKS[name]
    if inward in seen and outward in seen:
        made = seen[inward].flatten(2) @ weight.flatten(0, -2)
        if agree(made + (seen[outward] - made).mean(1, keepdim=True), seen[outward]):
            return weight
    msg = (
        f"{outward} of layer {layer} of {model.name} is not {name} times its parts plus a bias, so what a "
        "single part writes cannot be told; name the whole output instead."
    )
    raise MeasurementError(msg)


def check_adds_up(model: LensModel, layer: int) -> None:
    """Check that a block adds its attention and MLP outputs to the residual stream as they are.

    Raises:
        MeasurementError: when it does not.
    """
    seen = _probe(model, layer)
    needed = (RESID, ATTN_OUT, MLP_OUT, RESID_POST)
    if seen.keys() >= set(needed):
        before, attention, mlp, after = (seen[name] for name in needed)
        if agree(before + attention + mlp, after):
            return
    msg = (
        f"layer {layer} of {model.name} does not add its attention and MLP outputs to the residual stream "
        "as they are, so what they write cannot be followed to the logits."
    )
    raise MeasurementError(msg)


def check_embedding_enters(model: LensModel) -> None:
    """Check that the embedding is added to the residual stream as it is: beside it nothing depends on the tokens.

    Raises:
        MeasurementError: when something does, such as a factor or a norm behind it.
    """
    if model not in _entering:
        seen: dict[str, Tensor] = {}
        tokens = torch.arange(1, 1 + 2 * _TOKENS, device=model.device).reshape(2, -1) % model.shape.d_vocab
        names = (EMBED, block_hook(0, RESID))
        with torch.inference_mode():
            model.bridge.run_with_hooks(tokens, fwd_hooks=[(name, _saver(seen, name)) for name in names])
        beside = seen[names[1]] - seen[names[0]]
        _entering[model] = agree(seen[names[0]] + beside[:1], seen[names[1]])
    if not _entering[model]:
        msg = (
            f"{model.name} does not add its embedding to the residual stream as it is, so what it writes cannot "
            "be followed; name L0.resid instead."
        )
        raise MeasurementError(msg)


def _probe(model: LensModel, layer: int) -> dict[str, Tensor]:
    """The hooks of one block on a short, fixed prompt, by their names within the block."""
    layers = _seen.setdefault(model, {})
    if layer not in layers:
        layers[layer] = _run_probe(model, layer)
    return layers[layer]


def _run_probe(model: LensModel, layer: int) -> dict[str, Tensor]:
    seen: dict[str, Tensor] = {}
    names = [
        name for name in (Z, ATTN_OUT, NEURONS, MLP_OUT, RESID, RESID_POST) if _exists(model, layer, name)
    ]
    tokens = torch.arange(1, 1 + _TOKENS, device=model.device)[None] % model.shape.d_vocab
    with torch.inference_mode():
        hooks = [(block_hook(layer, name), _saver(seen, name)) for name in names]
        model.bridge.run_with_hooks(tokens, fwd_hooks=hooks)
    return seen


def _saver(seen: dict[str, Tensor], name: str) -> Any:
    def save(value: Tensor, hook: Any) -> None:
        del hook
        seen[name] = value

    return save


def _exists(model: LensModel, layer: int, name: str) -> bool:
    return model.bridge.get_hook_point(block_hook(layer, name)) is not None
