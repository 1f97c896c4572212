"""The IOI family as training needs it: its word lists and templates, filled into sentences.

What comes in is `prompts/families/ioi.yaml`; what goes out are texts whose {braces} are filled. It knows no tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ruamel.yaml import YAML


@dataclass(frozen=True)
class IoiFamily:
    """The parts of the family file that the corpus and the evaluation share.

    Attributes:
        names: First names, each one token.
        places: What fills {place}.
        objects: What fills {object}.
        templates: Template id to text, with {first}, {second}, {S2}, {place} and {object}.
        orders: Order name to the slot (`IO` or `S`) that fills {first} and {second}.
    """

    names: tuple[str, ...]
    places: tuple[str, ...]
    objects: tuple[str, ...]
    templates: Mapping[str, str]
    orders: Mapping[str, Mapping[str, str]]


@cache
def ioi_family() -> IoiFamily:
    """The built-in IOI family, read from the package data."""
    text = files("circuitcheck").joinpath("prompts/families/ioi.yaml").read_text(encoding="utf-8")
    data = YAML(typ="safe", pure=True).load(text)
    roles = data["roles"]
    return IoiFamily(
        names=tuple(data["lists"]["names"]),
        places=tuple(data["lists"]["places"]),
        objects=tuple(data["lists"]["objects"]),
        templates={template["id"]: template["text"] for template in data["templates"]},
        orders={
            order: {part: roles[role] for part, role in parts.items()}
            for order, parts in data["orders"].items()
        },
    )


@cache
def frozen_templates() -> Mapping[str, str]:
    """The evaluation templates that the corpus keeps clear of: id to text."""
    text = files("circuitcheck").joinpath("prompts/families/ioi-new-wording.yaml").read_text(encoding="utf-8")
    data = YAML(typ="safe", pure=True).load(text)
    return {template["id"]: template["text"] for template in data["templates"]}


def opener_and_clause(template: str) -> tuple[str, str]:
    """The start of a template up to the last of its first-clause braces, and its end from the giver on."""
    clause = template[template.index("{S2}") :]
    first_part = template[: -len(clause)]
    return first_part[: first_part.rindex("}") + 1], clause


@cache
def _openers_and_clauses() -> tuple[tuple[str, str], ...]:
    return tuple(opener_and_clause(text) for text in ioi_family().templates.values())


def is_reserved(skeleton: str) -> bool:
    """Whether an unfilled sentence joins the start of a family template to that template's end."""
    return any(
        skeleton.startswith(opener) and skeleton.endswith(clause) for opener, clause in _openers_and_clauses()
    )
