"""What the page shows of a circuit's features: where they fire, and which tokens they speak for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from circuitcheck.report.html.status import Status
from circuitcheck.report.numerals import numeral
from circuitcheck.report.results import ContextRecord, FeatureRecord
from circuitcheck.report.wording import cell_name

ClaimLink = tuple[str, str, Status]
"""Anchor, id and status of a claim."""

_IN_SHORT = 4
_NOWHERE = "not in a group"


@dataclass(frozen=True)
class TokenView:
    """A stretch of a prompt: its space before, its text, the roles on it, whether the feature fires here most."""

    space: str
    text: str
    roles: str
    fires: bool


@dataclass(frozen=True)
class ContextView:
    """One prompt on which a feature fired; stretches of tokens without role are one piece."""

    tokens: tuple[TokenView, ...]
    activation: str
    cell: str
    before: int
    after: int


@dataclass(frozen=True)
class FeatureView:
    """One feature. `rate` and `promoted` are the short form; words are (text, logit with sign)."""

    anchor: str
    name: str
    at: str
    rate: str
    mean: str
    fires: str
    promoted: tuple[str, ...]
    contexts: tuple[ContextView, ...]
    promotes: tuple[tuple[str, str], ...]
    suppresses: tuple[tuple[str, str], ...]
    claims: tuple[ClaimLink, ...]
    missing: str


@dataclass(frozen=True)
class FeatureGroupView:
    """Features that the same groups of the file name; `label` is what the file says they do."""

    name: str
    label: str
    features: tuple[FeatureView, ...]


def feature_groups(
    features: Sequence[FeatureRecord], claims: Mapping[str, Sequence[ClaimLink]], anchor: str
) -> tuple[FeatureGroupView, ...]:
    """The features of a file in its own order; `claims` gives those that name a feature, by `NAME@POSITION`."""
    found: dict[tuple[str, str], list[FeatureView]] = {}
    for number, record in enumerate(features, 1):
        heading = ", ".join(record.groups) or _NOWHERE, "; ".join(record.labels)
        about = tuple(claims.get(f"{record.name}@{record.at}", ()))
        found.setdefault(heading, []).append(_feature(record, about, f"{anchor}-n{number}"))
    return tuple(FeatureGroupView(name, label, tuple(views)) for (name, label), views in found.items())


def _feature(record: FeatureRecord, claims: tuple[ClaimLink, ...], anchor: str) -> FeatureView:
    return FeatureView(
        anchor=anchor,
        name=record.name,
        at=record.at,
        rate=share(record.rate),
        mean=numeral(record.mean),
        fires=_fires(record),
        promoted=tuple(word(text) for text, _ in record.promotes[:_IN_SHORT]),
        contexts=tuple(map(_context, record.contexts)),
        promotes=_words(record.promotes),
        suppresses=_words(record.suppresses),
        claims=claims,
        missing=record.missing,
    )


def share(rate: float | None) -> str:
    """`47%`; never a rounded 0% or 100%."""
    if rate is None:
        return "not measured"
    percent = 100 * rate
    if 0 < percent < 1:
        return "under 1%"
    return "over 99%" if 99 < percent < 100 else f"{percent:.0f}%"


def _fires(record: FeatureRecord) -> str:
    places = {"all": "at one token at least", "all+bos": "at one token at least"}
    where = places.get(record.at, f"at {record.at}")
    return (
        f"Fires {where} on {share(record.rate)} of the clean prompts; its mean activation there is "
        f"{numeral(record.mean)}."
    )


def word(text: str) -> str:
    """A token as a word of a list: its space before is left out, one that is nothing else is named."""
    named = {"": "(nothing)", " ": "␣", "\n": "⏎", "\t": "⇥"}
    return named.get(text, text.strip(" ") or "␣" * len(text)).replace("\n", "⏎").replace("\t", "⇥")


def _words(pairs: Iterable[tuple[str, float | None]]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (word(text), f"{'+' if logit and logit > 0 else ''}{numeral(logit)}") for text, logit in pairs
    )


def _context(record: ContextRecord) -> ContextView:
    return ContextView(
        tokens=tuple(_tokens(record)),
        activation=numeral(record.activation),
        cell=cell_name(record.template, record.order),
        before=record.before,
        after=record.after,
    )


def _tokens(record: ContextRecord) -> Iterable[TokenView]:
    """Tokens with a role, and the firing one, alone; what lies between them as one piece of text."""
    roles: dict[int, list[str]] = {}
    for role, index in record.roles.items():
        roles.setdefault(index, []).append(role)
    between = ""
    for index, text in enumerate(record.tokens):
        shown = text.replace("\n", "⏎").replace("\t", "⇥")
        if index not in roles and index != record.firing:
            between += shown
            continue
        if between:
            yield TokenView("", between, "", fires=False)
            between = ""
        bare = shown.lstrip(" ")
        space = " " * bool(len(shown) - len(bare) and bare)
        yield TokenView(space, bare or "␣", ", ".join(roles.get(index, ())), fires=index == record.firing)
    if between:
        yield TokenView("", between, "", fires=False)
