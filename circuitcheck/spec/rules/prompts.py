"""Prompts: what is asked of the family is something that it has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from circuitcheck.engine import WITHOUT_ANSWER
from circuitcheck.errors import PromptError
from circuitcheck.prompts.family import Family, load_family
from circuitcheck.prompts.sampling import rounded_n
from circuitcheck.prompts.wording import did_you_mean
from circuitcheck.spec.draft import Draft, Fault
from circuitcheck.spec.prompts import PromptsRef
from circuitcheck.spec.rules.mentions import Loc
from circuitcheck.spec.words import METRICS


def prompt_faults(draft: Draft) -> Iterator[Fault]:
    """Orders, templates, corruptions and word lists that the family lacks; pairs that cannot be read."""
    prompts = draft.prompts
    if prompts is None:
        return
    yield from source_faults(draft.directory, prompts, ("prompts",))
    if prompts.family is None:
        yield from _no_corruptions(draft)
        return
    family = load_family(prompts.family) if isinstance(prompts.family, str) else prompts.family
    yield from _corruptions(draft, family)
    if not family.has_answers:
        yield from _answers(draft, family)


def source_faults(directory: Path, prompts: PromptsRef, loc: Loc) -> Iterator[Fault]:
    """The same of one source, which stands at `loc`, apart from corruptions."""
    if prompts.pairs is not None:
        yield from _pairs(directory, prompts, loc)
    if prompts.family is None:
        return
    family = load_family(prompts.family) if isinstance(prompts.family, str) else prompts.family
    chosen = [*_choices(prompts, family, loc)]
    yield from chosen or _lists_and_n(prompts, loc)


def _pairs(directory: Path, prompts: PromptsRef, loc: Loc) -> Iterator[Fault]:
    try:
        prompts.role_names(directory)
    except PromptError as error:
        yield Fault((*loc, "pairs"), str(error))


def _choices(prompts: PromptsRef, family: Family, loc: Loc) -> Iterator[Fault]:
    asked = (
        ("order", prompts.orders, family.order_names()),
        ("template", prompts.templates, family.template_ids()),
    )
    for what, wanted, known in asked:
        for item, name in enumerate(wanted or ()):
            if name not in known:
                msg = f"family {family.family!r} has no {what} {name!r}. {did_you_mean(name, known)}"
                yield Fault((*loc, f"{what}s", item), msg)
    for name in prompts.lists:
        if name not in family.lists:
            msg = f"family {family.family!r} has no list {name!r}. {did_you_mean(name, family.lists)}"
            yield Fault((*loc, "lists", name), msg, at_key=True)


def _lists_and_n(prompts: PromptsRef, loc: Loc) -> Iterator[Fault]:
    try:
        family = prompts.known_family
    except PromptError as error:
        for sentence in str(error).splitlines():
            key, _, message = sentence.partition(": ")
            yield Fault((*loc, *key.split(".")), message)
        return
    assert family is not None, "only families have lists"
    try:
        rounded_n(family, prompts.n, orders=prompts.orders, templates=prompts.templates)
    except PromptError as error:
        yield Fault((*loc, "n"), str(error).removeprefix("n: "))


def _corruptions(draft: Draft, family: Family) -> Iterator[Fault]:
    known = family.corruption_names()
    asked: list[tuple[Loc, str | None]] = [
        (("prompts", "corrupt"), draft.prompts.corrupt if draft.prompts else None)
    ]
    asked += [(("claims", number, "corrupt"), claim.corrupt) for number, claim in draft.claims.items()]
    for loc, name in asked:
        if name is not None and name not in known:
            yield Fault(
                loc, f"family {family.family!r} has no corruption {name!r}. {did_you_mean(name, known)}"
            )


def _answers(draft: Draft, family: Family) -> Iterator[Fault]:
    """Metrics and verbs that score an answer, which prompts without answers do not have."""
    none = f"family {family.family!r} has no answers"
    asked: list[tuple[Loc, str | None, bool]] = [(("metric",), draft.metric, False)]
    for loc, claim in draft.every_claim.items():
        asked.append(((*loc, "metric"), claim.metric, False))
        asked += [((*loc, "expect", name), name, True) for name in claim.expect if name in METRICS]
        if claim.verb == "writes":
            msg = f"{none}, so there is no direction to write in. Delete this claim."
            yield Fault((*loc, "writes"), msg, at_key=True)
    for place, metric, at_key in asked:
        if metric is not None and metric not in WITHOUT_ANSWER:
            msg = (
                f"{none}, so there is no {metric}. Write {' or '.join(sorted(WITHOUT_ANSWER, reverse=True))}."
            )
            yield Fault(place, msg, at_key=at_key)


def _no_corruptions(draft: Draft) -> Iterator[Fault]:
    for number, claim in draft.claims.items():
        if claim.corrupt is not None:
            msg = "pairs and data sets bring one corrupt side, so there is no other. Delete this."
            yield Fault(("claims", number, "corrupt"), msg, at_key=True)
