"""What is in a store: how much, how old, and what of it is of no use.

In: a `Store`. Out: `Inspection`. Every entry is read in full, so this takes its time on a large store.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from circuitcheck.store.entries import DamagedEntry, Entry, decode
from circuitcheck.store.folder import Store
from circuitcheck.store.keys import VERSIONS
from circuitcheck.store.measured import MEASURED

COUNTED = frozenset({"fit", "profile", "describe"})
"""Kinds of entries of their own that are measurements."""


@dataclass(frozen=True)
class Inspection:
    """A store's content.

    `files` are all entries, `measurements` what they hold: a file may hold many, or only say who a model is. `size` is in bytes, `oldest` and
    `newest` are when an entry was last used or written, None in an empty store. `outdated` counts measurements
    of an older version of the code: they are never read, and go when room is needed.
    """

    files: int
    measurements: int
    size: int
    oldest: datetime | None
    newest: datetime | None
    outdated: int
    damaged: tuple[Path, ...]


def inspect(store: Store) -> Inspection:
    """Read everything in a store; changes nothing, times of last use included."""
    found: dict[Path, Entry | None] = {}
    sizes, times = [], []
    for path in sorted(store.paths()):
        try:
            facts, data = path.stat(), path.read_bytes()
        except OSError:
            continue  # another process has just taken it away
        sizes.append(facts.st_size)
        times.append(facts.st_mtime)
        found[path] = _entry(path, data)
    entries = {path: entry for path, entry in found.items() if entry is not None}
    counted = [_counts(path, entry) for path, entry in entries.items()]
    return Inspection(
        files=len(found),
        measurements=sum(held for held, _ in counted),
        size=sum(sizes),
        oldest=_time(min(times)) if times else None,
        newest=_time(max(times)) if times else None,
        outdated=sum(old for _, old in counted),
        damaged=tuple(path for path, entry in found.items() if entry is None),
    )


def _entry(path: Path, data: bytes) -> Entry | None:
    """The entry in a file; None for a damaged one, or another file's."""
    try:
        entry = decode(data)
    except DamagedEntry:
        return None
    return entry if entry.name in {path.stem, path.parent.name} else None


def _counts(path: Path, entry: Entry) -> tuple[int, int]:
    """How many measurements an entry holds, and how many of them older code made."""
    if path.parent.parent.name != MEASURED:
        kind = str(entry.key.get("kind"))
        return int(kind in COUNTED), int(entry.key.get("version") != VERSIONS.get(kind))
    versions = [described["versions"] for described in entry.facts.values()]
    return len(versions), sum(
        any(VERSIONS.get(word, 1) != of for word, of in one.items()) for one in versions
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
