"""Copies of the bundled model with one thing changed: a head silenced, two heads swapped, noise on a matrix."""

import shutil

import torch
from safetensors.torch import load_file, save_file
from transformers import GPT2LMHeadModel

from circuitcheck.shapes import bundled_path

HEADS, WIDTH = 4, 32
QUERY, KEY, VALUE = range(3)


def edited(folder, edit):
    """A copy of ioi-mini in `folder`, whose weights `edit` has changed."""
    shutil.copytree(bundled_path("ioi-mini") / "model", folder)
    weights = {name: matrix.float() for name, matrix in load_file(folder / "model.safetensors").items()}
    edit(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def silence(layer, head):
    """The head writes nothing."""

    def edit(weights):
        weights[f"transformer.h.{layer}.attn.c_proj.weight"][_of(head)] = 0.0

    return edit


def swap(layer, one, other):
    """Each of the two heads is where the other was; the model computes the same."""

    def edit(weights):
        for part in _parts(weights, layer):
            part[..., [one, other], :] = part[..., [other, one], :].clone()
        output = weights[f"transformer.h.{layer}.attn.c_proj.weight"].view(HEADS, WIDTH, -1)
        output[[one, other]] = output[[other, one]].clone()

    return edit


def noise_on_inputs(layer, share):
    """Noise of this share of its entries' spread on the matrix that an MLP reads by."""

    def edit(weights):
        matrix = weights[f"transformer.h.{layer}.mlp.c_fc.weight"]
        matrix += share * matrix.std() * torch.randn(matrix.shape, generator=_generator())

    return edit


def noise_on_values(layer, heads, share, tokens):
    """Noise on W_V that changes a head's value vectors by this share of their own size, on these tokens.

    As a share of the entries of W_V it would be less: what a head reads lies along few directions, on which a
    random matrix is small.
    """
    read = normed_input(layer, tokens)

    def edit(weights):
        generator = _generator()
        for head in heads:
            columns = slice(VALUE * HEADS * WIDTH + head * WIDTH, VALUE * HEADS * WIDTH + (head + 1) * WIDTH)
            matrix = weights[f"transformer.h.{layer}.attn.c_attn.weight"]
            bias = weights[f"transformer.h.{layer}.attn.c_attn.bias"][columns]
            noise = torch.randn(matrix[:, columns].shape, generator=generator)
            size = (read @ matrix[:, columns] + bias).norm() / (read @ noise).norm()
            matrix[:, columns] += share * size * noise

    return edit


def normed_input(layer, tokens):
    """What the heads of a layer read, after the norm, shape (tokens in all, d_model)."""
    model = GPT2LMHeadModel.from_pretrained(bundled_path("ioi-mini") / "model", dtype=torch.float32).eval()
    seen = []
    model.transformer.h[layer].ln_1.register_forward_hook(lambda _module, _args, out: seen.append(out[0]))
    with torch.inference_mode():
        for row in tokens:
            model(torch.tensor([row]))
    return torch.cat(seen).clone()


def _parts(weights, layer):
    """Weight and bias of queries, keys and values of all heads, shape (..., 3 * heads, width)."""
    stem = f"transformer.h.{layer}.attn.c_attn"
    return (weights[f"{stem}.{name}"].unflatten(-1, (3, HEADS, WIDTH)) for name in ("weight", "bias"))


def _of(head):
    return slice(head * WIDTH, (head + 1) * WIDTH)


def _generator():
    return torch.Generator().manual_seed(0)
