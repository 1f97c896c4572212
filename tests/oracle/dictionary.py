"""A dictionary read from a SAELens folder: x -> features -> reconstruction, error = target - reconstruction."""

from __future__ import annotations

import json
import re
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from oracle.network import Network, Record, Site

_SITES = {
    "attn.hook_z": "z",
    "ln2.hook_normalized": "normalised",
    "hook_mlp_out": "mlp",
    "hook_resid_pre": "resid",
    "hook_resid_mid": "resid_mid",
}


class Dictionary:
    """One SAE or transcoder of one layer, in double precision."""

    def __init__(self, folder: Path, network: Network) -> None:
        config = json.loads((folder / "cfg.json").read_text())
        self.weights = {
            name: weight.double() for name, weight in load_file(folder / "sae_weights.safetensors").items()
        }
        self.jumps = config["architecture"].startswith("jumprelu")
        self.subtracts_bias = config["apply_b_dec_to_input"]
        self.read_site = _site(config["metadata"]["hook_name"])
        self.site = _site(config["metadata"].get("hook_name_out") or config["metadata"]["hook_name"])
        self._network = network

    @property
    def directions(self) -> Tensor:
        """The decoder, (features, width of what is written)."""
        return self.weights["W_dec"]

    def features(self, record: Record, current: Tensor | None = None) -> Tensor:
        """Activations on one run, (position, features); `current` overrides what the run holds at `site`."""
        source = self.source(record, current)
        if self.subtracts_bias:
            source = source - self.weights["b_dec"]
        before = source @ self.weights["W_enc"] + self.weights["b_enc"]
        if self.jumps:
            return before * (before > self.weights["threshold"])
        return before.relu()

    def error(self, record: Record, current: Tensor | None = None) -> Tensor:
        """Target minus reconstruction on one run, (position, width)."""
        target = record.at[self.site] if current is None else current
        reconstruction = self.features(record, current) @ self.weights["W_dec"] + self.weights["b_dec"]
        return target - reconstruction

    def source(self, record: Record, current: Tensor | None = None) -> Tensor:
        """What the encoder reads on one run, (position, width)."""
        name, layer = self.read_site
        if name == "normalised":
            # Before the norm's own weight and bias, as the hook of that name reads.
            return self._network.normalised(record.at["resid_mid", layer])
        return record.at[self.read_site] if current is None else current


def _site(hook: str) -> Site:
    match = re.fullmatch(r"blocks\.(\d+)\.(.+)", hook)
    assert match is not None, hook
    return _SITES[match[2]], int(match[1])


def read_dictionaries(patterns: dict[str, str], network: Network) -> dict[tuple[str, int], Dictionary]:
    """Every dictionary of every alias; a pattern holds `{layer}` and folders that do not exist are passed over."""
    found = {}
    for alias, pattern in patterns.items():
        for layer in range(network.n_layers):
            folder = Path(pattern.format(layer=layer))
            if folder.exists():
                found[alias, layer] = Dictionary(folder, network)
    return found
