"""From a design to a GPT-2 of transformers: its weights are what the parts read and write, plus noise.

LayerNorm stays. Every token has the same long vector of zero mean, and the norm's weight undoes what division by
the length of the stream does to it: the norm hands on x K / |x|, with K the length of that vector, which is a
little less than x, the less the more has been written.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.utils import logging as transformers_logging

from circuitcheck.engines import LensModel, load_model
from circuitcheck.planted.design import LENGTH, POSITIONS, Design
from circuitcheck.planted.frame import Array, rotation
from circuitcheck.planted.parts import Head, Neurons
from circuitcheck.planted.words import NAMES

Weights = dict[str, Array]


def drawn_weights(design: Design, rng: np.random.Generator) -> Weights:
    """Every weight of the model by its name in transformers."""
    weights = _noise(_empty(design), design.noise, rng)
    _embed(weights, design)
    for head in design.heads:
        _wire_head(weights, head, design, rng)
    for neurons in design.neurons:
        _wire_neurons(weights, neurons, first=_taken(design, neurons))
    return weights


def save(design: Design, weights: Weights, directory: Path) -> None:
    """Write model and tokenizer in Hugging Face format."""
    model = _empty(design)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weights[name]))
    transformers_logging.disable_progress_bar()
    model.save_pretrained(directory)
    design.lexicon.tokenizer().save_pretrained(directory)


def loaded(design: Design, weights: Weights) -> LensModel:
    """The model in memory, called by its kind."""
    with TemporaryDirectory() as folder:
        save(design, weights, Path(folder))
        model = load_model(folder, device="cpu")
    name = f"planted-{design.kind}"
    model.bridge.cfg.model_name = name
    return replace(model, name=name)


def value_basis(design: Design, head: Head) -> Array:
    """The random directions that a head's copies have in its z; shape (features, d_head)."""
    seat = head.seat
    turned = rotation(design.sizes.d_head, np.random.default_rng([design.basis, seat.layer, seat.head]))
    return turned[: len(head.values)]


def _empty(design: Design) -> Any:
    sizes = design.sizes
    config = GPT2Config(
        n_layer=sizes.n_layers, n_embd=sizes.d_model, n_head=sizes.n_heads, n_inner=sizes.d_mlp, n_positions=POSITIONS,
        vocab_size=len(design.lexicon.words), activation_function="relu", tie_word_embeddings=False,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    return GPT2LMHeadModel(config)


def _noise(model: Any, spread: float, rng: np.random.Generator) -> Weights:
    """Every weight as noise of zero mean; norms as what hands the stream on."""
    weights: Weights = {}
    for name, parameter in model.named_parameters():
        weights[name] = spread * rng.standard_normal(tuple(parameter.shape))
        if ".ln_" in name and name.endswith("weight"):
            weights[name] += LENGTH / math.sqrt(parameter.shape[0])
    return weights


def _embed(weights: Weights, design: Design) -> None:
    frame = design.frame
    weights["transformer.wte.weight"] += design.embeddings
    weights["transformer.wpe.weight"] += LENGTH * frame["always"] + frame["position"]
    weights["lm_head.weight"][design.lexicon.ids(NAMES)] += design.answers


def _wire_head(weights: Weights, head: Head, design: Design, rng: np.random.Generator) -> None:
    width, d_model = design.sizes.d_head, design.sizes.d_model
    needed = max(len(head.queries), len(head.values))
    assert needed <= width, f"{head.name} needs {needed} of {width} dimensions"
    turned, basis = rotation(width, rng)[: len(head.queries)], value_basis(design, head)
    first = head.seat.head * width
    attention = f"transformer.h.{head.seat.layer}.attn"
    # Attention divides scores by the root of the width.
    reads = (math.sqrt(width) * head.queries.T @ turned, head.keys.T @ turned, head.values.T @ basis)
    for number, block in enumerate(reads):
        start = number * d_model + first
        weights[f"{attention}.c_attn.weight"][:, start : start + width] += block
    weights[f"{attention}.c_proj.weight"][first : first + width] += basis.T @ head.outputs


def _wire_neurons(weights: Weights, neurons: Neurons, first: int) -> None:
    own = slice(first, first + len(neurons.read))
    mlp = f"transformer.h.{neurons.layer}.mlp"
    weights[f"{mlp}.c_fc.weight"][:, own] += neurons.read.T
    weights[f"{mlp}.c_fc.bias"][own] += neurons.bias
    weights[f"{mlp}.c_proj.weight"][own] += neurons.write


def _taken(design: Design, neurons: Neurons) -> int:
    """How many neurons of the layer are wired before these."""
    before = design.neurons[: design.neurons.index(neurons)]
    return sum(len(each.read) for each in before if each.layer == neurons.layer)
