"""One prompt pair of one stratum, drawn.

In: a family, a (template, order), a corruption and random numbers. Out: a word per slot, and the
`PromptPair` that the words make.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, SupportsInt

from circuitcheck.prompts.draws import FRESH, OTHER, TWIN, Draw, pool
from circuitcheck.prompts.family import Family
from circuitcheck.prompts.pairs import PromptPair
from circuitcheck.prompts.sampling import distinct_prompts
from circuitcheck.prompts.templates import fill

Words = dict[str, str]


class Chance(Protocol):
    """What settles the choices of a drawing: a `numpy.random.Generator`, or a search for a certain prompt."""

    def choice(self, a: int, *, size: int, replace: bool) -> Iterable[int]:
        """`size` numbers below `a`, each once unless `replace`."""

    def integers(self, low: int) -> SupportsInt:
        """A number below `low`."""


@dataclass(frozen=True)
class Drawing:
    """Everything but the random numbers that a pair is drawn from."""

    family: Family
    template: str
    order: str
    corrupt: str

    def clean_words(self, rng: Chance) -> Words:
        """A word per slot; slots of one list get distinct words."""
        # Seeded prompts are promised never to change: one draw per list, bounded slots behind all others.
        words: Words = {}
        for listed, slots in self._from_lists:
            picked = rng.choice(len(listed), size=len(slots), replace=False)
            words |= {slot: listed[i] for slot, i in zip(slots, picked, strict=True)}
        for slot, draw in self._bounded.items():
            beside = {words[each] for each in words if self.family.list_of(each, self.order) == draw.list}
            words[slot] = _picked([word for word in self._admitted(draw, words) if word not in beside], rng)
        return words

    def clean_text(self, words: Mapping[str, str]) -> str:
        """The clean prompt of these words."""
        return fill(self.family.parts(self.template, self.order), self._placed(words))[0]

    def pair(self, words: Mapping[str, str], rng: Chance) -> PromptPair:
        """The clean prompt of these words and its corrupt twin."""
        parts = self.family.parts(self.template, self.order)
        placed = self._placed(words)
        clean, clean_spans = fill(parts, placed)
        corrupt, corrupt_spans = fill(parts, placed | self._changed_words(words, rng))
        space = " " if self.family.leading_space else ""
        return PromptPair(
            clean=clean,
            corrupt=corrupt,
            answer="" if self.family.answer is None else f"{space}{words[self.family.answer]}",
            foils=tuple(f"{space}{words[slot]}" for slot in self.family.foils),
            template=self.template,
            order=self.order,
            spans={role: (clean_spans[role], corrupt_spans[role]) for role in self.family.roles},
        )

    @cached_property
    def distinct(self) -> int:
        """How many distinct clean prompts there are to draw (see `distinct_prompts`)."""
        return distinct_prompts(self.family, self.template, self.order)

    @cached_property
    def _bounded(self) -> dict[str, Draw]:
        sources = self.family.slots.items()
        return {slot: source for slot, source in sources if isinstance(source, Draw) and source.bound}

    @cached_property
    def _from_lists(self) -> list[tuple[tuple[str, ...], list[str]]]:
        """Each list with the slots that are drawn from it, none for some."""
        free = {
            slot: self.family.list_of(slot, self.order)
            for slot in self.family.slots
            if slot not in self._bounded
        }
        return [
            (words, [slot for slot, drawn_from in free.items() if drawn_from == name])
            for name, words in self.family.lists.items()
        ]

    def _placed(self, words: Mapping[str, str]) -> Words:
        return {**words, **{place: words[slot] for place, slot in self.family.placed.items()}}

    def _changed_words(self, words: Mapping[str, str], rng: Chance) -> Words:
        """The corrupt word of each changed place; all changes read the clean words, so a swap swaps."""
        changed: Words = {}
        for place, change in self.family.corruptions[self.corrupt].items():
            slot = self.family.placed[place]
            if change == TWIN:
                changed[place] = self._twin(slot, words[slot])
            elif isinstance(change, Draw) or change in {FRESH, OTHER}:
                changed[place] = _picked(self._new_words(change, slot, words, changed), rng)
            else:
                changed[place] = words[self.family.placed[change]]
        return changed

    def _new_words(
        self, change: str | Draw, slot: str, words: Mapping[str, str], changed: Mapping[str, str]
    ) -> list[str]:
        """The words that a change may put in the place of a slot's word."""
        if isinstance(change, Draw) and change.bound:
            return [word for word in self._admitted(change, words) if word != words[slot]]
        taken = {*words.values(), *changed.values()}
        lists = pool(change, self.family.list_of(slot, self.order), self.family.lists_of(slot))
        return [word for name in lists for word in self.family.lists[name] if word not in taken]

    def _admitted(self, draw: Draw, words: Mapping[str, str]) -> list[str]:
        limit = words[draw.bound or ""]
        return [word for word in self.family.lists[draw.list] if draw.admits(word, limit)]

    def _twin(self, slot: str, word: str) -> str:
        """The word that stands in the slot's other list where this one stands in its own."""
        own = self.family.list_of(slot, self.order)
        (other,) = (name for name in self.family.lists_of(slot) if name != own)
        return self.family.lists[other][self.family.lists[own].index(word)]


def _picked(words: list[str], rng: Chance) -> str:
    return words[int(rng.integers(len(words)))]
