"""What a file is checked on: the model with its tokenizer and dictionaries, behind an engine."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from circuitcheck.claims.conditions import Aliases
from circuitcheck.engine import Engine
from circuitcheck.errors import ModelError
from circuitcheck.prompts.tokens import Tokenizer
from circuitcheck.shapes import bundled_models
from circuitcheck.spec import CircuitSpec, ModelRef

if TYPE_CHECKING:
    from circuitcheck.engines import Dictionary, DictionaryFolder, LensModel

_MLP_SITES = frozenset({"transcoder", "mlp_out"})


@dataclass(frozen=True)
class Overrides:
    """What the caller puts in the place of the file's own words; None leaves them.

    `model` is a TransformerBridge already in memory, `model_ref` a bundled model's name or a directory.
    `dictionaries` gives, by alias, a directory pattern with {layer} or dictionaries by layer.
    """

    model: Any = None
    dictionaries: Mapping[str, Any] | None = None
    model_ref: str | None = None
    device: str | None = None


@dataclass(frozen=True)
class Bench:
    """An engine on one model, with the dictionaries of one file by alias."""

    engine: Engine
    tokenizer: Tokenizer
    weights: str
    """How the model's weights were processed: raw or folded."""
    folders: Mapping[str, DictionaryFolder | Mapping[int, Dictionary]]

    def dictionary(self, alias: str, layer: int) -> Dictionary:
        """One dictionary, read when first asked for.

        Raises:
            DictionaryError: it is missing or damaged.
        """
        folder = self.folders[alias]
        return folder[layer] if isinstance(folder, Mapping) else folder.layer(layer)

    def mlp_aliases(self, layers: Mapping[str, int]) -> Aliases:
        """The aliases whose dictionaries write an MLP's output; `layers` names a layer of each."""
        return frozenset(
            alias for alias, layer in layers.items() if self.dictionary(alias, layer).site in _MLP_SITES
        )


def open_bench(spec: CircuitSpec, overrides: Overrides) -> Bench:
    """Load the model (once per process) and find the dictionaries of a file.

    Raises:
        ModelError, DictionaryError, PromptError: something is missing, damaged or does not fit.
    """
    from circuitcheck.engines import LensEngine, wrap_model

    lens = wrap_model(overrides.model) if overrides.model is not None else _load(spec, overrides)
    folders = {alias: _folder(spec, alias, overrides) for alias in spec.dictionaries}
    return Bench(LensEngine(lens, folders), _tokenizer_of(lens), lens.weights, folders)


def model_source(reference: ModelRef, directory: Path) -> str | Path:
    """Where a model's weights are: a directory, or a Hub name."""
    return reference.folder(directory) or str(reference.name)


def _load(spec: CircuitSpec, overrides: Overrides) -> LensModel:
    reference = spec.model if overrides.model_ref is None else _named(overrides.model_ref)
    source = model_source(reference, spec.directory if overrides.model_ref is None else Path.cwd())
    device = overrides.device or reference.device
    return _loaded(source, reference.revision, reference.dtype, device, reference.weights or "raw")


@functools.lru_cache(maxsize=1)
def _loaded(
    source: str | Path,
    revision: str | None,
    dtype: str,
    device: str | None,
    weights: Literal["raw", "folded"],
) -> LensModel:
    """One model is held at a time: files that share it load it once, and memory holds no two."""
    from circuitcheck.engines import load_model

    return load_model(source, revision=revision, dtype=dtype, device=device, weights=weights)


def _named(text: str) -> ModelRef:
    if text in bundled_models():
        return ModelRef(bundled=text)
    if Path(text).is_dir():
        return ModelRef(path=str(Path(text).resolve()))
    msg = f"{text!r} is neither a bundled model ({', '.join(bundled_models())}) nor a directory."
    raise ModelError(msg)


def _folder(
    spec: CircuitSpec, alias: str, overrides: Overrides
) -> DictionaryFolder | Mapping[int, Dictionary]:
    from circuitcheck.engines import DictionaryFolder

    given = (overrides.dictionaries or {}).get(alias)
    if given is None:
        return DictionaryFolder(spec.dictionaries[alias].pattern(spec.directory))
    return DictionaryFolder(str(given)) if isinstance(given, str | Path) else given


def _tokenizer_of(lens: LensModel) -> Tokenizer:
    tokenizer = lens.bridge.tokenizer
    return Tokenizer.from_backend(tokenizer.backend_tokenizer, tokenizer.bos_token_id)
