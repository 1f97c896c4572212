"""A store for the time of one check, and what there is to say about it afterwards.

In: what the caller gave. Out: a `Store`, trimmed when the check has ended.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from circuitcheck.store.folder import Store


class StoreWarning(UserWarning):
    """Stored measurements were damaged, or cannot be stored; verdicts are not touched by that."""


@contextmanager
def opened(given: Store | str | Path | None) -> Iterator[Store | None]:
    """A store of one's own in a folder, which is trimmed and spoken for at the end; a given one is the caller's."""
    if given is None or isinstance(given, Store):
        yield given
        return
    store = Store(Path(given))
    try:
        yield store
    finally:
        store.trim()
        for sentence in sentences([str(path) for path in store.damaged], store.fault):
            warnings.warn(sentence, StoreWarning, stacklevel=4)


def sentences(damaged: Sequence[str], fault: str) -> list[str]:
    """What a run has to say about its store; nothing, as a rule."""
    said = [fault] if fault else []
    if damaged:
        others = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        said.append(f"the stored measurements in {damaged[0]}{others} were damaged, and were made again.")
    return said
