"""The coefficients of `steer`: one number, or several for a dose-response."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, get_args

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from circuitcheck.engine import SteerHow
from circuitcheck.spec.fields import listed, shown

HOWS: tuple[SteerHow, ...] = get_args(SteerHow)
"""The keys that give coefficients."""
NEUTRAL: Mapping[SteerHow, float] = {"add": 0.0, "scale": 1.0}
"""Coefficients that leave the model as it is: a place on the scale of a dose-response, and nothing by themselves."""
DOSE_RESPONSE = frozenset({"step", "slope"})
"""Quantities that compare coefficients, of which they need two."""


def _coefficients(value: Any) -> tuple[float, ...]:
    found = listed(value)
    if not isinstance(found, list | tuple) or not found:
        msg = f"{shown(value)} is no coefficient. Write a number such as 4, or a list such as [2, 4, 8]."
        raise ValueError(msg)
    read = tuple(map(_number, found))
    twice = next((number for place, number in enumerate(read) if number in read[:place]), None)
    if twice is not None:
        msg = f"{twice:g} is listed twice. Keep one."
        raise ValueError(msg)
    return read


def _number(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    msg = f"{shown(value)} is not a number. Write coefficients such as 4 or [2, 4, 8]."
    raise ValueError(msg)


_NUMBERS = {"type": "array", "items": {"type": "number"}, "minItems": 1}
Coefficients = Annotated[
    tuple[float, ...],
    PlainValidator(_coefficients),
    PlainSerializer(list),
    WithJsonSchema({"anyOf": [{"type": "number"}, _NUMBERS]}),
]
