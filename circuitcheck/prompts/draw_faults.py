"""Whether a family's lists and slots can always give the words that its prompts need.

In: a `Family` whose fields have the right types. Out: (key path, sentence) for every fault found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from circuitcheck.prompts.draws import Draw, pool
from circuitcheck.prompts.wording import counted, did_you_mean

if TYPE_CHECKING:
    from circuitcheck.prompts.family import Family

Place = tuple[str | int, ...]
Fault = tuple[Place, str]


def list_faults(family: Family) -> Iterator[Fault]:
    """Words that are no words, and words that come twice."""
    for name, words in family.lists.items():
        if not words:
            yield ("lists", name), f"list {name!r} is empty. Give it at least one word."
        for word, times in Counter(words).items():
            if times > 1:
                yield ("lists", name), f"{word!r} is {times} times in list {name!r}. Leave it there once."
            if not word or word != word.strip():
                msg = f"{word!r} in list {name!r} is empty or has spaces at its ends. Write the bare word."
                yield ("lists", name), msg


def slot_faults(family: Family) -> Iterator[Fault]:
    """Slots that are drawn from nothing, from no one knows which list, or compared with what is not drawn yet."""
    drawn: list[str] = [slot for slot, source in family.slots.items() if not _bound(source)]
    for slot, source in family.slots.items():
        lists = family.lists_of(slot)
        yield from ((("slots", slot), message) for message in _unknown("list", lists, family.lists))
        if not lists:
            yield ("slots", slot), f"slot {slot!r} is drawn from no list. Name one."
        if len(lists) > 1:
            yield from _unsettled(family, slot)
        if isinstance(source, Draw) and source.bound:
            yield from ((("slots", slot), message) for message in _not_before(source.bound, drawn, family))
            drawn.append(slot)
    for name, changes in family.corruptions.items():
        for place, change in changes.items():
            if isinstance(change, Draw):
                named = [*_unknown("list", [change.list], family.lists)]
                named += _unknown("slot", [change.bound] if change.bound else [], family.slots)
                yield from ((("corruptions", name, place), message) for message in named)


def number_faults(family: Family) -> Iterator[Fault]:
    """Lists that are too short for the distinct words that one prompt takes from them."""
    short = {
        name: needed
        for order in family.order_names()
        for name, needed in Counter(family.list_of(slot, order) for slot in family.slots).items()
        if needed > len(family.lists[name])
    }
    for name, needed in short.items():
        words = counted(len(family.lists[name]), "word")
        yield (
            ("lists", name),
            f"list {name!r} has {words}, but {needed} slots draw distinct words from it. Add words.",
        )
    for name in family.corruptions:
        lacking = {
            lists: needed for order in family.order_names() for lists, needed in _new(family, name, order)
        }
        for lists, needed in lacking.items():
            listed = " and ".join(map(repr, lists))
            which = f"list {listed}, which is" if len(lists) == 1 else f"lists {listed}, which are"
            msg = f"corruption {name!r} needs {needed} distinct words of {which} shorter. Add words."
            yield ("corruptions", name), msg


def bound_faults(family: Family) -> Iterator[Fault]:
    """Bounded draws that compare what is no number, or may find no number on the right side."""
    for slot, source in family.slots.items():
        if isinstance(source, Draw) and source.bound:
            beside = sum(source.list in family.lists_of(each) for each in family.slots)
            messages = _out_of_reach(family, source, f"slot {slot!r}", needed=beside)
            yield from ((("slots", slot), message) for message in messages)
    for name, changes in family.corruptions.items():
        for place, change in changes.items():
            if isinstance(change, Draw) and change.bound:
                own = family.lists_of(family.placed[place])
                messages = _out_of_reach(family, change, f"corruption {name!r}", needed=1, but_not=own)
                yield from ((("corruptions", name, place), message) for message in messages)


def _bound(source: object) -> str | None:
    return source.bound if isinstance(source, Draw) else None


def _unknown(what: str, names: Sequence[str], known: Collection[str]) -> Iterator[str]:
    for name in names:
        if name not in known:
            yield f"there is no {what} {name!r}. {did_you_mean(name, known)}"


def _unsettled(family: Family, slot: str) -> Iterator[Fault]:
    lists = ", ".join(family.lists_of(slot))
    if not family.orders:
        msg = (
            f"slot {slot!r} is drawn from {lists}, and no order says from which. Write orders:, or one list."
        )
        yield ("slots", slot), msg
    for order, settled in family.orders.items():
        if slot not in settled:
            msg = f"order {order!r} does not say from which of {lists} slot {slot!r} is drawn. Write {slot}: and one."
            yield ("orders", order), msg


def _not_before(bound: str, drawn: Sequence[str], family: Family) -> Iterator[str]:
    if bound not in family.slots:
        yield from _unknown("slot", [bound], family.slots)
    elif bound not in drawn:
        yield f"this is compared with slot {bound!r}, which is drawn after it. Write that slot first."


def _new(family: Family, corruption: str, order: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Each pool of lists that is too short for a corruption's new words, and how many words it needs.

    The pool has to spare the words of all slots that could share a word with it, as no new word stands in
    the prompt already.
    """
    pools = [
        pool(change, family.list_of(slot, order), family.lists_of(slot))
        for place, change in family.corruptions[corruption].items()
        for slot in [family.placed[place]]
        if not _bound(change)
    ]
    for lists in dict.fromkeys(filter(None, pools)):
        words = {word for name in lists for word in family.lists[name]}
        taking = [family.list_of(slot, order) for slot in family.slots]
        taken = sum(not words.isdisjoint(family.lists[name]) for name in taking)
        needed = taken + sum(bool(set(lists) & set(other)) for other in pools)
        if needed > len(words):
            yield lists, needed


def _out_of_reach(
    family: Family, draw: Draw, who: str, *, needed: int, but_not: Sequence[str] = ()
) -> Iterator[str]:
    """Why a bounded draw may find fewer than `needed` words; it may not take a word of the lists `but_not`."""
    limits = [word for name in family.lists_of(draw.bound or "") for word in family.lists[name]]
    if wrong := [word for word in (*family.lists[draw.list], *limits) if not word.isdecimal()]:
        yield f"{wrong[0]!r} is not a number, and above: and below: compare numbers. Draw from other lists."
        return
    extreme = (max if draw.above is not None else min)(limits, key=int)
    admitted = [word for word in family.lists[draw.list] if draw.admits(word, extreme)]
    excluded = {word for name in but_not for word in family.lists[name]}
    spare = sum(word in excluded for word in admitted) > 0
    if len(admitted) < needed + spare:
        side = "above" if draw.above is not None else "below"
        found = counted(len(admitted), "number")
        yield (
            f"{who} needs {needed + spare} of list {draw.list!r} {side} slot {draw.bound!r}, which may be {extreme}: "
            f"there {'is' if len(admitted) == 1 else 'are'} {found}. Change the lists' ends."
        )
