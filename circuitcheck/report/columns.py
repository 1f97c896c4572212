"""Numbers per prompt as short text: base64 of little-endian bytes, so that 480 numbers take 2.5 KB.

Decimal digits would take ten times as much in the indented `results.json`, and a baseline is committed.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_FLOAT, _WHOLE = np.dtype("<f4"), np.dtype("<u4")


def packed_floats(values: Sequence[float]) -> str:
    """Numbers rounded to single precision."""
    return _text(np.asarray(values, dtype=_FLOAT))


def floats(text: str) -> NDArray[np.float64]:
    """What `packed_floats` wrote, shape (n,).

    Raises:
        ValueError: it did not write this.
    """
    return np.frombuffer(_bytes(text), dtype=_FLOAT).astype(np.float64)


def packed_wholes(values: Sequence[int]) -> str:
    """Whole numbers of 32 bits, none below zero."""
    return _text(np.asarray(values, dtype=_WHOLE))


def wholes(text: str) -> NDArray[np.int64]:
    """What `packed_wholes` wrote, shape (n,).

    Raises:
        ValueError: it did not write this.
    """
    return np.frombuffer(_bytes(text), dtype=_WHOLE).astype(np.int64)


def packed_rows(rows: Sequence[bool]) -> str:
    """Which rows of all are meant, one bit each; "" for every row."""
    chosen = np.asarray(rows, dtype=np.bool_)
    return "" if chosen.all() else _text(np.packbits(chosen))


def rows_of(text: str, n: int) -> NDArray[np.bool_]:
    """What `packed_rows` wrote of n rows, shape (n,).

    Raises:
        ValueError: it did not write this, or of fewer rows.
    """
    if not text:
        return np.ones(n, dtype=np.bool_)
    bits = np.unpackbits(np.frombuffer(_bytes(text), dtype=np.uint8))
    if len(bits) < n:
        msg = f"{len(bits)} rows are marked of {n}"
        raise ValueError(msg)
    return bits[:n].astype(np.bool_)


def _text(values: NDArray[np.generic]) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
