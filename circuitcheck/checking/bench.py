"""What a file is checked on: the model with its tokenizer and dictionaries, behind an engine.

With a store none of them is loaded before something has to be measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer as Backend

from circuitcheck.checking.dictionaries import Dictionaries, Given
from circuitcheck.checking.models import GivenModel, NamedModel
from circuitcheck.claims.conditions import Aliases
from circuitcheck.engine import Engine
from circuitcheck.errors import ModelError
from circuitcheck.prompts.tokens import Tokenizer
from circuitcheck.shapes import bundled_models
from circuitcheck.spec import CircuitSpec, ModelRef
from circuitcheck.store import DictionaryIdentity, Identity, Store, StoredEngine

if TYPE_CHECKING:
    from circuitcheck.engines import LensEngine

_MLP_SITES = frozenset({"transcoder", "mlp_out"})


@dataclass(frozen=True)
class Overrides:
    """What the caller puts in the place of the file's own words; None leaves them.

    `model` is a TransformerBridge already in memory, `model_ref` a bundled model's name or a directory.
    `dictionaries` gives, by alias, a directory pattern with {layer} or dictionaries by layer. `memory` is what
    measuring may take on top of the loaded model and dictionaries, in bytes.
    """

    model: Any = None
    dictionaries: Mapping[str, Any] | None = None
    model_ref: str | None = None
    device: str | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Bench:
    """An engine on one model, with the dictionaries of one file by alias."""

    engine: Engine
    tokenizer: Tokenizer
    weights: str
    """How the model's weights were processed: raw or folded."""
    dictionaries: Dictionaries
    identity: Identity
    """What the engine measures with."""
    store: Store | None = None
    """Where measurements and prompts are kept, if anywhere."""

    def dictionary(self, alias: str, layer: int) -> DictionaryIdentity:
        """Who a dictionary is, with its configuration.

        Raises:
            DictionaryError: it is missing or damaged.
        """
        return self.dictionaries.identity(alias, layer)

    def mlp_aliases(self, layers: Mapping[str, int]) -> Aliases:
        """The aliases whose dictionaries write an MLP's output; `layers` names a layer of each."""
        return frozenset(
            alias for alias, layer in layers.items() if self.dictionary(alias, layer).site in _MLP_SITES
        )


def open_bench(spec: CircuitSpec, overrides: Overrides, store: Store | None = None) -> Bench:
    """Find the model and the dictionaries of a file; without a store, load the model (once per process).

    Raises:
        ModelError, DictionaryError, PromptError: something is missing, damaged or does not fit.
    """
    model = _model(spec, overrides, store)
    known = model.identity
    given = {alias: _given(spec, alias, overrides) for alias in spec.dictionaries}
    dictionaries = Dictionaries(given, known.shape, store)

    def engine() -> LensEngine:
        from circuitcheck.engines import LensEngine

        return LensEngine(model.lens, dictionaries.shelves(), memory=overrides.memory)

    identity = Identity(model.name, known, dictionaries.identity)
    return Bench(
        engine=engine() if store is None else StoredEngine(engine, identity, store),
        tokenizer=Tokenizer(Backend.from_str(known.tokenizer), known.bos_id),
        weights=known.weights,
        dictionaries=dictionaries,
        identity=identity,
        store=store,
    )


def model_source(reference: ModelRef, directory: Path) -> str | Path:
    """Where a model's weights are: a directory, or a Hub name."""
    return reference.folder(directory) or str(reference.name)


def _model(spec: CircuitSpec, overrides: Overrides, store: Store | None) -> GivenModel | NamedModel:
    if overrides.model is not None:
        return GivenModel(overrides.model)
    reference = spec.model if overrides.model_ref is None else _named(overrides.model_ref)
    source = model_source(reference, spec.directory if overrides.model_ref is None else Path.cwd())
    return NamedModel(reference, source, overrides.device or reference.device, store)


def _named(text: str) -> ModelRef:
    if text in bundled_models():
        return ModelRef(bundled=text)
    if Path(text).is_dir():
        return ModelRef(path=str(Path(text).resolve()))
    msg = f"{text!r} is neither a bundled model ({', '.join(bundled_models())}) nor a directory."
    raise ModelError(msg)


def _given(spec: CircuitSpec, alias: str, overrides: Overrides) -> Given:
    given = (overrides.dictionaries or {}).get(alias)
    if given is None:
        reference = spec.dictionaries[alias]
        return reference.saelens or reference.pattern(spec.directory)
    return str(given) if isinstance(given, str | Path) else given
