"""The model of a check: who it is, and, only when something has to be measured, the model itself."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from circuitcheck.checking.devices import default_device
from circuitcheck.checking.files import folder_digests
from circuitcheck.checking.identities import model_facts, model_identity, model_of
from circuitcheck.errors import ModelError
from circuitcheck.spec import ModelRef
from circuitcheck.store import ModelIdentity, Store
from circuitcheck.store.identity import library_versions
from circuitcheck.store.recalling import recalled_facts

if TYPE_CHECKING:
    from circuitcheck.engines import LensModel
    from circuitcheck.hub import Host, Snapshot


@dataclass(frozen=True)
class GivenModel:
    """A TransformerBridge that the caller has in memory."""

    bridge: Any

    @property
    def name(self) -> str:
        """As reports call it."""
        return self.lens.name

    @cached_property
    def identity(self) -> ModelIdentity:
        """Who it is."""
        return model_identity(self.lens)

    @cached_property
    def lens(self) -> LensModel:
        """The model.

        Raises:
            ModelError: it cannot be measured.
        """
        from circuitcheck.engines import wrap_model

        return wrap_model(self.bridge)


@dataclass(frozen=True)
class NamedModel:
    """A model by its folder or its name on the Hub.

    One that the store has met before is known by its files; those of a repository are fetched first.
    """

    reference: ModelRef
    source: str | Path
    device: str | None
    store: Store | None = None

    @property
    def name(self) -> str:
        """As reports call it."""
        return str(self.source)

    @cached_property
    def identity(self) -> ModelIdentity:
        """Who it is; loads it if nothing knows.

        Raises:
            ModelError: it is missing, damaged, or cannot be measured.
        """
        files = folder_digests(self._folder) if self.store is not None else {}
        if not files:
            return model_identity(self._load())
        key = {
            "files": files,
            "processing": self.reference.weights or "raw",
            "dtype": self.reference.dtype,
            "device": self.device or default_device(),
            "libraries": dict(library_versions()),
        }
        return recalled_facts(
            self.store, "model", key, model_of, lambda: model_facts(model_identity(self._load()))
        )

    @cached_property
    def lens(self) -> LensModel:
        """The model itself.

        Raises:
            ModelError: it is missing, damaged, cannot be measured, or changed since its identity was taken.
        """
        lens = self._load()
        if model_identity(lens) != self.identity:
            msg = f"the model {self.name} changed on disk while it was being used; run again."
            raise ModelError(msg)
        return lens

    @cached_property
    def _place(self) -> Path | Snapshot:
        """The folder, or the commit that the Hub has now; asked once, so that one check sees one model."""
        if isinstance(self.source, Path):
            return self.source
        # What models on this disk need not wait for.
        from circuitcheck.hub import Wanted, model_snapshot

        wanted = Wanted(self.source, self.reference.revision, "model")
        return model_snapshot(wanted, _host(self.device or default_device(), self.reference.dtype))

    @property
    def _folder(self) -> Path:
        return self._place if isinstance(self._place, Path) else self._place.folder

    def _load(self) -> LensModel:
        reference = self.reference
        # Asked again, since a model may be saved into its folder between two checks.
        stamp = folder_digests(self._folder)
        return loaded(
            self._place, reference.dtype, self.device, reference.weights or "raw", tuple(stamp.items())
        )


@functools.lru_cache(maxsize=1)
def loaded(
    place: Path | Snapshot,
    dtype: str,
    device: str | None,
    weights: Literal["raw", "folded"],
    stamp: tuple[tuple[str, str], ...] = (),
) -> LensModel:
    """One model is held at a time: files that share it load it once, and memory holds no two.

    `stamp` is of its files, so that a folder that has changed is loaded again.

    Raises:
        ModelError: it is missing, damaged, or cannot be measured.
    """
    from circuitcheck.engines import load_model

    return load_model(place, dtype=dtype, device=device, weights=weights)


def _host(device: str, dtype: str) -> Host:
    """The same as engines' `host_on`; torch is only imported to ask when something is to be downloaded."""
    from circuitcheck.hub import Host

    def there() -> Host:
        from circuitcheck.engines.models import host_on

        return host_on(device, dtype)

    return Host(dtype, device, lambda: there().free(), lambda config: there().unknown(config))
