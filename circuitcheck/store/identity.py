"""What measurements are made with, as plain words: a model, its dictionaries, the libraries.

In: digests that whoever loaded them found. Out: `Identity`, which keys are made of. No names and no paths:
a model that was moved, or a dictionary under another alias, is the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import Any

from circuitcheck.engine import Shape

LIBRARIES = ("torch", "transformers", "transformer-lens")


@cache
def library_versions() -> Mapping[str, str]:
    """The versions of what does the arithmetic; installed packages are asked, nothing is imported."""
    return {name: version(name) for name in LIBRARIES}


@dataclass(frozen=True)
class ModelIdentity:
    """A model as it is run.

    `digest` is SHA-256 of the weights as loaded, `configuration` of everything else that shapes its
    arithmetic (activation function, norm epsilon, rotary base, ...). `weights` is raw or folded, `device`
    as torch names it. `tokenizer` is its tokenizer as JSON text, `bos_id` None where it has no BOS.
    """

    digest: str
    configuration: str
    weights: str
    dtype: str
    device: str
    shape: Shape
    tokenizer: str = ""
    bos_id: int | None = None

    @property
    def device_type(self) -> str:
        """`cuda` for `cuda:1`: which of several equal devices is used changes nothing."""
        return self.device.partition(":")[0]


@dataclass(frozen=True)
class DictionaryIdentity:
    """One dictionary of one layer.

    `digest` is what reports name it by; `content` is SHA-256 of all that its numbers depend on, which is the
    same for dictionaries that were read from files. `metadata` is its configuration as plain data.
    """

    digest: str
    content: str
    layer: int
    site: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Identity:
    """What an engine measures with.

    `name` is how reports call the model; `dictionary` finds one by alias and layer. Versions of the libraries
    belong to it, although a rerun under a new torch then measures everything again: that a result drifts
    with a library is one of the things that a circuit file is there to show, and a stored number would hide it.
    """

    name: str
    model: ModelIdentity
    dictionary: Callable[[str, int], DictionaryIdentity]
    libraries: Mapping[str, str] = field(default_factory=library_versions)

    def key(self) -> dict[str, Any]:
        """What keys hold of the model and the libraries."""
        model = self.model
        return {
            "weights sha256": model.digest,
            "configuration sha256": model.configuration,
            "processing": model.weights,
            "dtype": model.dtype,
            "device": model.device_type,
            "libraries": dict(self.libraries),
        }
