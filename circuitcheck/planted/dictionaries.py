"""Dictionaries whose features are what was planted: outputs of heads, the residual stream, an MLP's read-out.

Each knows the parts as they were designed, not the noise around them, so that its error is small but not zero. A
few features are random directions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from circuitcheck.engines import Dictionary
from circuitcheck.engines.dictionaries import Architecture, Site
from circuitcheck.engines.weights_check import digest_of
from circuitcheck.planted.design import LENGTH, Design
from circuitcheck.planted.frame import Array
from circuitcheck.planted.planting import OUTPUTS, READOUT, STREAM, UNREAD, in_layer
from circuitcheck.planted.weights import value_basis

FIRES_ABOVE = 0.12
"""Below this a feature is silent, in units of a code's length."""
RANDOM_FEATURES = 8
IMPRECISION = 0.01
"""Spread of the random part of every decoder weight."""


def planted_dictionaries(design: Design, rng: np.random.Generator) -> dict[str, dict[int, Dictionary]]:
    """Dictionaries by alias and layer."""
    layers = sorted({head.seat.layer for head in design.heads})
    found = {
        OUTPUTS: {layer: _of_outputs(design, layer, rng) for layer in layers},
        STREAM: {design.stream_layer: _of_stream(design, rng)},
    }
    read = {neurons.layer for neurons in design.neurons}
    return found | ({READOUT: {layer: _of_readout(design, layer, rng) for layer in read}} if read else {})


def _of_outputs(design: Design, layer: int, rng: np.random.Generator) -> Dictionary:
    rows = [np.zeros((0, design.sizes.d_model))]
    for head in in_layer(design.heads, layer):
        basis = value_basis(design, head)
        first = head.seat.head * design.sizes.d_head
        wide = np.zeros((len(basis), design.sizes.d_model))
        wide[:, first : first + design.sizes.d_head] = basis
        rows.append(wide)
    hook = f"blocks.{layer}.attn.hook_z"
    return _sae(
        _with_random(np.concatenate(rows), rng), np.zeros(design.sizes.d_model), "z", layer, hook, rng
    )


def _of_stream(design: Design, rng: np.random.Generator) -> Dictionary:
    rows = np.concatenate([rows for name, rows in design.frame.rows.items() if name != UNREAD])
    # Codes of fillers have either sign, and features only one.
    rows = np.concatenate([rows, -design.frame["filler"]])
    bias = LENGTH * design.frame[UNREAD][0]
    hook = f"blocks.{design.stream_layer}.hook_resid_pre"
    return _sae(_with_random(rows, rng), bias, "resid", design.stream_layer, hook, rng)


def _of_readout(design: Design, layer: int, rng: np.random.Generator) -> Dictionary:
    neurons = [each for each in design.neurons if each.layer == layer]
    read, bias, write = (
        np.concatenate([getattr(each, part) for each in neurons]) for part in ("read", "bias", "write")
    )
    # The dictionary reads the norm's output before its weight.
    weights = {
        "W_enc": read.T * LENGTH / math.sqrt(design.sizes.d_model),
        "b_enc": bias,
        "W_dec": _imprecise(write, rng),
        "b_dec": np.zeros(design.sizes.d_model),
    }
    reads = f"blocks.{layer}.ln2.hook_normalized"
    return _dictionary("transcoder", "transcoder", layer, (reads, f"blocks.{layer}.hook_mlp_out"), weights)


def _sae(rows: Array, bias: Array, site: Site, layer: int, hook: str, rng: np.random.Generator) -> Dictionary:
    weights = {
        "W_enc": rows.T,
        "b_enc": np.zeros(len(rows)),
        "threshold": np.full(len(rows), FIRES_ABOVE),
        "W_dec": _imprecise(rows, rng),
        "b_dec": bias,
    }
    return _dictionary("jumprelu", site, layer, (hook, hook), weights)


def _dictionary(
    architecture: Architecture, site: Site, layer: int, hooks: tuple[str, str], weights: Mapping[str, Array]
) -> Dictionary:
    tensors = {name: torch.from_numpy(weight).float() for name, weight in weights.items()}
    metadata: dict[str, Any] = {"prepend_bos": True, "weights": "raw"}
    return Dictionary(
        architecture=architecture,
        site=site,
        layer=layer,
        reads_from=hooks[0],
        writes_to=hooks[1],
        weights=tensors,
        digest=digest_of(tensors),
        apply_b_dec_to_input=architecture == "jumprelu",
        metadata=metadata,
    )


def _with_random(rows: Array, rng: np.random.Generator) -> Array:
    drawn = rng.standard_normal((RANDOM_FEATURES, rows.shape[1]))
    return np.concatenate([rows, drawn / np.linalg.norm(drawn, axis=1, keepdims=True) / 8])


def _imprecise(rows: Array, rng: np.random.Generator) -> Array:
    return rows + IMPRECISION * rng.standard_normal(rows.shape)
