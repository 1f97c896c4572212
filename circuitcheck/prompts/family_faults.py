"""What can be wrong with a family's text, as plain sentences with the key they belong to.

In: a `Family` whose fields have the right types. Out: (key path, sentence) for every fault found.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from circuitcheck.nodes import ALL, END
from circuitcheck.prompts.draw_faults import (
    Fault,
    bound_faults,
    list_faults,
    number_faults,
    slot_faults,
)
from circuitcheck.prompts.draws import FRESH, OTHER, TWIN, Draw
from circuitcheck.prompts.templates import parse_template
from circuitcheck.prompts.wording import did_you_mean

if TYPE_CHECKING:
    from circuitcheck.prompts.family import Family

_NAME = re.compile(r"[A-Za-z_]\w*")
_RESERVED = (END, ALL, FRESH, OTHER, TWIN)


def family_faults(family: Family) -> list[Fault]:
    """Every fault; later checks are left out while the names they rest on are wrong."""
    for checks in (_NAME_CHECKS, _TEXT_CHECKS, (_untouched_templates,)):
        if faults := [fault for check in checks for fault in check(family)]:
            return faults
    return []


def _names(family: Family) -> Iterator[Fault]:
    for key, names in (("slots", family.slots), ("roles", family.roles), ("copies", family.copies)):
        for name in names:
            if not _NAME.fullmatch(name) or name in _RESERVED:
                msg = f"{name!r} cannot be a name. Use letters, digits and _, and not {', '.join(_RESERVED)}."
                yield (key, name), msg
    for name in family.copies:
        if name in family.roles:
            yield ("copies", name), f"{name!r} is already a role. Give the copy another name."
    if not family.roles and family.has_answers:
        yield ("roles",), "there are no roles. Name at least one word of the prompt, as in roles: {S2: S}."
    if not family.templates:
        yield ("templates",), "there are no templates. Write at least one, as {id: .., text: ..}."
    if not family.corruptions:
        yield ("corruptions",), "there are no corruptions. Write at least one, as in fresh: {S2: fresh}."
    for template_id, times in Counter(family.template_ids()).items():
        if times > 1:
            yield ("templates",), f"{times} templates have the id {template_id!r}. Give each its own."
    for text, times in Counter(template.text for template in family.templates).items():
        if times > 1:
            yield ("templates",), f"{times} templates have the text {text!r}. Leave it there once."


def _references(family: Family) -> Iterator[Fault]:
    for key, names in (("roles", family.roles), ("copies", family.copies)):
        for name, slot in names.items():
            if slot not in family.slots:
                yield (key, name), f"there is no slot {slot!r}. {did_you_mean(slot, family.slots)}"


def _answers(family: Family) -> Iterator[Fault]:
    named = [("answer", family.answer)] if family.answer is not None else []
    for key, slot in (*named, *(("foil", slot) for slot in family.foils)):
        if slot not in family.slots:
            yield (key,), f"there is no slot {slot!r}. {did_you_mean(slot, family.slots)}"
    if family.has_answers and not family.foils:
        yield ("foil",), "there is no foil. Name the slot of a wrong answer."
    if family.foils and not family.has_answers:
        yield ("answer",), "there is a foil and no answer. Name the slot of the right answer."
    if family.answer in family.foils:
        yield ("foil",), f"slot {family.answer!r} is both the answer and a foil. Choose another foil."
    if len(set(family.foils)) < len(family.foils):
        yield ("foil",), "a foil is named twice. Name it once."


def _orders(family: Family) -> Iterator[Fault]:
    for order, settled in family.orders.items():
        for place, what in settled.items():
            key = ("orders", order, place)
            if place in family.slots and len(family.lists_of(place)) > 1:
                if what not in family.lists_of(place):
                    near = did_you_mean(what, family.lists_of(place))
                    yield key, f"slot {place!r} is not drawn from a list {what!r}. {near}"
                continue
            if what not in family.roles:
                yield key, f"there is no role {what!r}. {did_you_mean(what, family.roles)}"
            if place in family.placed or place in family.slots:
                msg = f"{place!r} is already a role or a slot. Give the order place another name."
                yield key, msg
    first = next(iter(family.orders.items()), None)
    for order, settled in family.orders.items():
        if first and set(settled) != set(first[1]):
            msg = (
                f"order {order!r} has other places than order {first[0]!r}. Give every order the same places."
            )
            yield ("orders", order), msg


def _corruptions(family: Family) -> Iterator[Fault]:
    known = [*family.placed, FRESH]
    for name, changes in family.corruptions.items():
        key = ("corruptions", name)
        sources = [source for source in changes.values() if isinstance(source, str)]
        unknown = [place for place in changes if place not in (*known, OTHER, TWIN)]
        unknown += [source for source in sources if source not in (*known, OTHER, TWIN)]
        for place in unknown:
            yield key, f"there is no role {place!r}. {did_you_mean(place, known)}"
        for word in (word for word in (FRESH, OTHER, TWIN) if word in changes):
            yield (
                key,
                f"{word!r} is a new word, not a role. Write it on the right, as in {{{_some(family)}: {word}}}.",
            )
        if not unknown and _changes_nothing(family, changes):
            yield key, f"corruption {name!r} leaves every word as it is. Change at least one role."
        for place, source in changes.items():
            if isinstance(source, str) and family.placed.get(place) in family.slots:
                yield from (((*key, place), message) for message in _no_other(family, place, source))


def _some(family: Family) -> str:
    """A place to show in an example."""
    return next(reversed(family.placed), "S2")


def _no_other(family: Family, place: str, source: str) -> Iterator[str]:
    """Why a place has no word of another list."""
    lists = family.lists_of(family.placed[place])
    if source in {OTHER, TWIN} and len(lists) < 2:
        yield f"{place} is drawn from one list, so there is no {source} word. Write fresh."
    if source == TWIN and len(lists) > 2:
        yield f"{place} is drawn from {len(lists)} lists, so no word has a single twin. Write other."
    if source == TWIN and len(lists) == 2:
        one, two = (family.lists.get(name, ()) for name in lists)
        if len(one) != len(two):
            yield (
                f"lists {lists[0]!r} and {lists[1]!r} have {len(one)} and {len(two)} words, and twins stand at the "
                "same place of both. Write as many words."
            )
        if same := [word for word, twin in zip(one, two, strict=False) if word == twin]:
            yield f"{same[0]!r} is its own twin in lists {lists[0]!r} and {lists[1]!r}. Move or change it."


def _changes_nothing(family: Family, changes: Mapping[str, str | Draw]) -> bool:
    return all(
        isinstance(source, str)
        and source not in {FRESH, OTHER, TWIN}
        and family.placed.get(source) == family.placed.get(place)
        for place, source in changes.items()
    )


def _templates(family: Family) -> Iterator[Fault]:
    order_places = set(next(iter(family.orders.values()), {})) - set(family.slots)
    known = {**family.placed, **family.slots, **dict.fromkeys(order_places, "")}
    for number, template in enumerate(family.templates):
        key = ("templates", number, "text")
        try:
            places = [part.place for part in parse_template(template.text) if part.place]
        except ValueError as error:
            yield key, str(error)
            continue
        if template.text != template.text.rstrip():
            yield key, f"{template.text!r} ends with a space, which belongs to the answer. Leave it out."
        unknown = [place for place in places if place not in known]
        for place in unknown:
            yield key, f"there is no role, slot or order place {place!r}. {did_you_mean(place, known)}"
        if not unknown:
            yield from ((key, message) for message in _role_counts(family, number))


def _role_counts(family: Family, number: int) -> Iterator[str]:
    """A role is one token of every prompt, so each template must hold it once."""
    template_id = family.templates[number].id
    for order in family.order_names():
        places = [part.place for part in family.parts(template_id, order)]
        where = f"template {template_id!r}" + (f" in order {order!r}" if family.orders else "")
        for role in family.roles:
            times = places.count(role)
            if times == 0:
                yield f"{where} has no place for role {role!r}. Write {{{role}}} where its word stands."
            if times > 1:
                yield f"{where} has role {role!r} {times} times. Name each occurrence as a role of its own."
        for copy in family.copies:
            if places.count(copy) > 1:
                yield f"{where} has copy {copy!r} {places.count(copy)} times. Name each as a copy of its own."


def _untouched_templates(family: Family) -> Iterator[Fault]:
    """Corruptions of copies alone may miss a template, whose corrupt prompts would be clean."""
    for name, changes in family.corruptions.items():
        for template_id in family.template_ids():
            places = {part.place for part in family.parts(template_id, family.order_names()[0])}
            if not places & set(changes) and not set(changes) & set(family.roles):
                msg = (
                    f"corruption {name!r} changes nothing in template {template_id!r}. Change a place of it."
                )
                yield ("corruptions", name), msg


_NAME_CHECKS: tuple[Callable[[Family], Iterator[Fault]], ...] = (
    list_faults,
    _names,
    slot_faults,
    _references,
    _answers,
    _orders,
    _corruptions,
)
_TEXT_CHECKS: tuple[Callable[[Family], Iterator[Fault]], ...] = (number_faults, bound_faults, _templates)
