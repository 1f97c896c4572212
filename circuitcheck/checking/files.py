"""What the files of a model or dictionary hold, as digests: known without reading any weight into a model."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_READ = frozenset({".json", ".safetensors", ".txt", ".model", ".jinja"})
"""Endings of files that loading a model may look into: weights, configurations, tokenizers."""


def folder_digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each file in a folder by its name; "" for files that are there and not read.

    Empty where there is no such folder: whoever loads it says so.
    """
    if not folder.is_dir():
        return {}
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return {path.name: _digest(path) if path.suffix in _READ else "" for path in files}


def _digest(path: Path) -> str:
    found = path.stat()
    return _content(path, found.st_mtime_ns, found.st_size)


@cache
def _content(path: Path, changed: int, size: int) -> str:
    """Once per process for files that several circuit files share, until they change."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
