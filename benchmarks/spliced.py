"""SAELens' way with a feature: the whole autoencoder runs in the place of the stream, its error added back.

Only where sae_lens is installed; elsewhere the table says so. In: feature interventions. Out: hooks for `HookedLoop`.
"""

from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks.plain_hooks import Edit, Writer
from benchmarks.setting import Setting
from circuitcheck.engine import Intervention, Replace
from circuitcheck.engines import Dictionary
from circuitcheck.nodes import NodeKind

_CODE = "hook_sae_acts_post"
"""The hook inside an autoencoder of SAELens 6 where its code passes (`sae_lens/saes/standard_sae.py`)."""


def is_installed() -> bool:
    """Whether sae_lens can be imported."""
    return find_spec("sae_lens") is not None


def is_about_features(intervention: Intervention) -> bool:
    """Whether it replaces features and nothing else."""
    return isinstance(intervention, Replace) and all(
        node.kind is NodeKind.FEATURE for node in intervention.nodes
    )


def splicer() -> Writer:
    """Writes feature interventions as hooks; each dictionary is made into an autoencoder once."""
    autoencoder = cache(_autoencoder)

    def written(intervention: Intervention, setting: Setting) -> list[Edit]:
        assert isinstance(intervention, Replace), "see is_about_features"
        found = []
        for node in intervention.nodes:
            dictionary = setting.dictionaries[node.layer or 0]
            sae = autoencoder(dictionary)
            change = partial(
                splice, sae=sae, feature=node.index or 0, places=list(setting.places(node.at)), cut=dictionary
            )
            found.append(Edit(dictionary.reads_from, change))
        return found

    return written


def splice(
    value: Float[Tensor, "batch pos d_model"],
    corrupt: Tensor,
    *,
    sae: Any,
    feature: int,
    places: list[int],
    cut: Dictionary,
) -> None:
    """Run the autoencoder with one feature's activation set to the corrupt side's at some tokens."""
    other = cut.encode_features(corrupt[:, places], (feature,))[..., 0]
    with sae.hooks(fwd_hooks=[(_CODE, partial(_set_code, feature=feature, places=places, to=other))]):
        value.copy_(sae(value))


def _set_code(
    code: Float[Tensor, "batch pos d_sae"], hook: Any, *, feature: int, places: list[int], to: Tensor
) -> Tensor:
    del hook
    code[:, places, feature] = to
    return code


def _autoencoder(dictionary: Dictionary) -> Any:
    sae_lens = import_module("sae_lens")
    weight = dictionary.weights["W_enc"]
    config = sae_lens.StandardSAEConfig(
        d_in=dictionary.d_in,
        d_sae=dictionary.d_sae,
        dtype=str(weight.dtype).removeprefix("torch."),
        device=str(weight.device),
        apply_b_dec_to_input=dictionary.apply_b_dec_to_input,
    )
    sae = sae_lens.StandardSAE(config, use_error_term=True)
    with torch.no_grad():
        for name, value in dictionary.weights.items():
            getattr(sae, name).copy_(value)
    return sae
