"""Amounts of memory as people write them: `2GiB`, `512 MiB`.

In: text. Out: bytes, and back.
"""

from __future__ import annotations

import re

_UNITS = {
    "b": 1,
    "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
    "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
}  # fmt: skip
_TEXT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", re.IGNORECASE)
_SHOWN = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))


def parse_bytes(text: str) -> int:
    """The number of bytes in a text such as `2GiB`, `512 MiB` or `1.5GB`.

    Raises:
        ValueError: in one sentence, when it is not an amount of memory of one byte or more.
    """
    found = _TEXT.fullmatch(text)
    unit = _UNITS.get(found[2].lower()) if found else None
    if found is None or unit is None or float(found[1]) * unit < 1:
        msg = f"{text!r} is not an amount of memory. Write a number with its unit, such as 2GiB or 512MiB."
        raise ValueError(msg)
    return int(float(found[1]) * unit)


def bytes_text(count: float) -> str:
    """Bytes in the largest unit that leaves a number of 1 or above: `1.5 GiB`, `300 MiB`, `12 bytes`."""
    for unit, size in _SHOWN:
        if count >= size:
            amount = count / size
            return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:.0f} {unit}"
    return f"{count:.0f} bytes"
