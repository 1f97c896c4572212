"""Random sparse autoencoders on the residual stream, and which of their features fire.

In: a model. Out: standard (ReLU) `Dictionary`s, eight times as wide as the stream.
"""

from collections.abc import Mapping, Sequence

import torch

from circuitcheck.engines import Dictionary, LensModel

ALIAS = "random"
EXPANSION = 8


def random_dictionaries(model: LensModel, *, seed: int) -> dict[int, Dictionary]:
    """One for each layer's resid_pre; encoder columns and decoder rows have length about 1."""
    return {layer: _dictionary(model, layer, seed) for layer in range(model.shape.n_layers)}


def stream_hook(layer: int) -> str:
    """Where the dictionary of a layer reads and writes."""
    return f"blocks.{layer}.hook_resid_pre"


def active_features(
    model: LensModel, dictionaries: Mapping[int, Dictionary], tokens: Sequence[tuple[int, ...]], position: int
) -> dict[int, list[int]]:
    """By layer, the features that fire on at least half of these prompts at the position, in order."""
    ids = torch.tensor(tokens, device=model.device)
    with torch.inference_mode():
        hooks = [stream_hook(layer) for layer in dictionaries]
        _, cache = model.bridge.run_with_cache(ids, names_filter=hooks)
        rates = {
            layer: (one.encode(cache[stream_hook(layer)][:, position]) > 0).float().mean(0)
            for layer, one in dictionaries.items()
        }
    return {layer: (rate >= 0.5).nonzero()[:, 0].tolist() for layer, rate in rates.items()}


def _dictionary(model: LensModel, layer: int, seed: int) -> Dictionary:
    width = model.shape.d_model
    generator = torch.Generator().manual_seed(1000 * seed + layer)
    encoder, decoder = (
        torch.randn(shape, generator=generator) * width**-0.5
        for shape in ((width, EXPANSION * width), (EXPANSION * width, width))
    )
    weights = {
        "W_enc": encoder,
        "W_dec": decoder,
        "b_enc": torch.zeros(EXPANSION * width),
        "b_dec": torch.zeros(width),
    }
    hook, dtype = stream_hook(layer), getattr(torch, model.dtype)
    return Dictionary("standard", "resid", layer, hook, hook, weights, digest=f"random-{seed}-{layer}").moved(
        device=torch.device(model.device), dtype=dtype
    )
