"""Plain data for records: what JSON and execnet know, without numbers that JSON lacks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_finite)]
"""A number, or null where there is none or it is not finite."""

Scalar = Annotated[float | str | None, BeforeValidator(_finite)]
"""A number, null, or text."""


def plain(value: Any) -> Any:
    """The same data as JSON and execnet know it: dicts, lists and plain scalars."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, bool | int | float | str) or value is None:
        return _finite(value)
    return value.item() if hasattr(value, "item") else str(value)


def or_nan(value: float | None) -> float:
    """The number, or NaN where the record has null."""
    return math.nan if value is None else value
