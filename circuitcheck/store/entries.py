"""One file of the store: a safetensors file whose header holds, as JSON text, what the numbers are.

In: an `Entry`. Out: bytes, and back. A single file needs a single rename, so that no reader sees the arrays of
one writer beside the words of another. `head -c 2000 FILE` shows the words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from circuitcheck.store.keys import digest

_WORDS, _SUM = "circuitcheck", "sha256"
_LENGTH = 8
"""Bytes before a safetensors header that give its length, least significant first."""
_LONGEST_HEADER = 1 << 27


class DamagedEntry(Exception):
    """A file of the store is not what it was written as."""


@dataclass(frozen=True)
class Entry:
    """Something measured.

    `key` describes everything that it depends on; `facts` are plain data, `arrays` numbers by name.
    """

    key: Mapping[str, Any]
    facts: Any = None
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The digest of its key."""
        return digest(self.key)


def encode(entry: Entry) -> bytes:
    """The bytes of an entry, with a sum over all of it."""
    words = json.dumps({"key": entry.key, "facts": entry.facts})
    arrays = {name: np.ascontiguousarray(array) for name, array in entry.arrays.items()}
    return save(arrays, metadata={_WORDS: words, _SUM: _sum(words, arrays)})


def decode(data: bytes) -> Entry:
    """The entry that these bytes hold.

    Raises:
        DamagedEntry: they are cut short, changed, or not an entry.
    """
    try:
        arrays = load(data)
        metadata = _header(data)["__metadata__"]
        words = metadata[_WORDS]
        if metadata[_SUM] != _sum(words, arrays):
            msg = "its sum does not fit its content"
            raise DamagedEntry(msg)
        content = json.loads(words)
        return Entry(content["key"], content["facts"], arrays)
    except (SafetensorError, ValueError, KeyError, TypeError) as fault:
        raise DamagedEntry(str(fault)) from fault


def array_names(path: Path) -> tuple[str, ...]:
    """The names of the arrays in a file, from its header alone.

    Raises:
        DamagedEntry: it has no such header.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(_LENGTH)
        data = start + file.read(min(int.from_bytes(start, "little"), _LONGEST_HEADER))
    try:
        return tuple(name for name in _header(data) if name != "__metadata__")
    except ValueError as fault:
        raise DamagedEntry(str(fault)) from fault


def _header(data: bytes) -> dict[str, Any]:
    length = int.from_bytes(data[:_LENGTH], "little")
    header = json.loads(data[_LENGTH : _LENGTH + length])
    if not isinstance(header, dict):
        msg = "its header is not a JSON object"
        raise DamagedEntry(msg)
    return header


def _sum(words: str, arrays: Mapping[str, NDArray[Any]]) -> str:
    total = hashlib.sha256(words.encode())
    for name in sorted(arrays):
        array = arrays[name]
        total.update(f"{name} {array.dtype} {array.shape}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()
