"""`with`: what replaces a node; one way, or several, under each of which the claim has to hold."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from circuitcheck.prompts.wording import did_you_mean
from circuitcheck.spec.fields import listed, shown

Replacement = Literal["zero", "mean", "resample", "corrupt"]

_KNOWN = get_args(Replacement)


def _replacements(value: Any) -> Replacement | tuple[Replacement, ...]:
    """One replacement, or several different ones; a list of one is that one."""
    found = listed(value)
    if not isinstance(found, list | tuple):
        msg = f"{shown(value)} is not one of {', '.join(_KNOWN)}. Write one of them, or a list."
        raise ValueError(msg)
    if not found:
        msg = f"the list is empty. Name at least one of {', '.join(_KNOWN)}."
        raise ValueError(msg)
    for number, name in enumerate(found):
        _refuse_unknown(name)
        if name in found[:number]:
            msg = f"{name} is named twice. Keep one."
            raise ValueError(msg)
    return found[0] if len(found) == 1 else tuple(found)


def _refuse_unknown(name: Any) -> None:
    if name in _KNOWN:
        return
    near = did_you_mean(name, _KNOWN) if isinstance(name, str) else ""
    how = near if near.startswith("Did") else "Write one of them."
    msg = f"{shown(name)} is not one of {', '.join(_KNOWN)}. {how}"
    raise ValueError(msg)


_ONE = {"enum": list(_KNOWN)}
Replacements = Annotated[
    Replacement | tuple[Replacement, ...],
    PlainValidator(_replacements),
    PlainSerializer(lambda value: value if isinstance(value, str) else list(value)),
    WithJsonSchema({"anyOf": [_ONE, {"type": "array", "items": _ONE, "minItems": 1, "uniqueItems": True}]}),
]
