"""Measurements kept by what they depend on, so that only what is missing is measured.

In: an engine and a folder. Out: `StoredEngine`, which answers as the engine does. No torch here.
"""

from circuitcheck.store.engine import StoredEngine
from circuitcheck.store.folder import Store
from circuitcheck.store.identity import DictionaryIdentity, Identity, ModelIdentity

__all__ = ["DictionaryIdentity", "Identity", "ModelIdentity", "Store", "StoredEngine"]
