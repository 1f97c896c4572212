"""What can be wrong with a family's text, as plain sentences with the key they belong to.

In: a `Family` whose fields have the right types. Out: (key path, sentence) for every fault found.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from circuitcheck.nodes import ALL, END
from circuitcheck.prompts.templates import parse_template
from circuitcheck.prompts.wording import counted, did_you_mean

if TYPE_CHECKING:
    from circuitcheck.prompts.family import Family

Fault = tuple[tuple[str | int, ...], str]

_NAME = re.compile(r"[A-Za-z_]\w*")
FRESH = "fresh"
_RESERVED = (END, ALL, FRESH)


def family_faults(family: Family) -> list[Fault]:
    """Every fault; later checks are left out while the names they rest on are wrong."""
    faults = [fault for check in _NAME_CHECKS for fault in check(family)]
    return faults or [fault for check in _TEXT_CHECKS for fault in check(family)]


def _lists(family: Family) -> Iterator[Fault]:
    for name, words in family.lists.items():
        if not words:
            yield ("lists", name), f"list {name!r} is empty. Give it at least one word."
        for word, times in Counter(words).items():
            if times > 1:
                yield ("lists", name), f"{word!r} is {times} times in list {name!r}. Leave it there once."
            if not word or word != word.strip():
                msg = f"{word!r} in list {name!r} is empty or has spaces at its ends. Write the bare word."
                yield ("lists", name), msg
    for name in family.lists:
        drawn = [slot for slot, of in family.slots.items() if of == name]
        if len(drawn) > len(family.lists[name]) > 0:
            words_ = counted(len(family.lists[name]), "word")
            msg = (
                f"list {name!r} has {words_}, but {len(drawn)} slots draw distinct words from it. Add words."
            )
            yield ("lists", name), msg


def _names(family: Family) -> Iterator[Fault]:
    for key, names in (("slots", family.slots), ("roles", family.roles)):
        for name in names:
            if not _NAME.fullmatch(name) or name in _RESERVED:
                msg = f"{name!r} cannot be a name. Use letters, digits and _, and not {', '.join(_RESERVED)}."
                yield (key, name), msg
    if not family.roles:
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
    yield from _unknown("slots", "list", family.slots, family.lists)
    yield from _unknown("roles", "slot", family.roles, family.slots)
    for slot in (family.answer, *family.foils):
        if slot not in family.slots:
            key = "answer" if slot == family.answer else "foil"
            yield (key,), f"there is no slot {slot!r}. {did_you_mean(slot, family.slots)}"
    if not family.foils:
        yield ("foil",), "there is no foil. Name the slot of a wrong answer."
    if family.answer in family.foils:
        yield ("foil",), f"slot {family.answer!r} is both the answer and a foil. Choose another foil."
    if len(set(family.foils)) < len(family.foils):
        yield ("foil",), "a foil is named twice. Name it once."


def _unknown(
    key: str, what: str, references: Mapping[str, str], known: Mapping[str, object]
) -> Iterator[Fault]:
    for name, target in references.items():
        if target not in known:
            yield (key, name), f"there is no {what} {target!r}. {did_you_mean(target, known)}"


def _orders(family: Family) -> Iterator[Fault]:
    for order, places in family.orders.items():
        for place, role in places.items():
            if role not in family.roles:
                yield (
                    ("orders", order, place),
                    f"there is no role {role!r}. {did_you_mean(role, family.roles)}",
                )
            if place in family.roles or place in family.slots:
                msg = f"{place!r} is already a role or a slot. Give the order place another name."
                yield ("orders", order, place), msg
    first = next(iter(family.orders.items()), None)
    for order, places in family.orders.items():
        if first and set(places) != set(first[1]):
            msg = (
                f"order {order!r} has other places than order {first[0]!r}. Give every order the same places."
            )
            yield ("orders", order), msg


def _corruptions(family: Family) -> Iterator[Fault]:
    for name, changes in family.corruptions.items():
        key = ("corruptions", name)
        unknown = [
            role for role in (*changes, *changes.values()) if role not in family.roles and role != FRESH
        ]
        for role in unknown:
            yield key, f"there is no role {role!r}. {did_you_mean(role, [*family.roles, FRESH])}"
        if FRESH in changes:
            yield key, "'fresh' is a new word, not a role. Write it on the right, as in {S2: fresh}."
        if not unknown and _changes_nothing(family, changes):
            yield key, f"corruption {name!r} leaves every word as it is. Change at least one role."
        for of, needed in _fresh_words(family, changes).items():
            if needed > len(family.lists.get(of, ())):
                msg = f"corruption {name!r} needs {needed} distinct words of list {of!r}, which is shorter. Add words."
                yield key, msg


def _changes_nothing(family: Family, changes: Mapping[str, str]) -> bool:
    return all(
        source != FRESH and family.roles.get(source) == family.roles.get(role)
        for role, source in changes.items()
    )


def _fresh_words(family: Family, changes: Mapping[str, str]) -> Counter[str]:
    """Per list that fresh words come from: the words one prompt needs of it, clean ones included."""
    drawn = Counter(family.slots.values())
    fresh = Counter(
        family.slots.get(family.roles.get(role, ""), "")
        for role, source in changes.items()
        if source == FRESH
    )
    return Counter({name: drawn[name] + number for name, number in fresh.items()})


def _templates(family: Family) -> Iterator[Fault]:
    order_places = set(next(iter(family.orders.values()), {}))
    known = {**family.roles, **family.slots, **dict.fromkeys(order_places, "")}
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


_NAME_CHECKS: tuple[Callable[[Family], Iterator[Fault]], ...] = (
    _lists,
    _names,
    _references,
    _orders,
    _corruptions,
)
_TEXT_CHECKS: tuple[Callable[[Family], Iterator[Fault]], ...] = (_templates,)
