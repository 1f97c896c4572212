"""Which prompt lies in which stratum, and how many there can be.

In: a family and what of it is wanted. Out: `Sampling`, the strata in their order. Prompt i lies in
stratum i mod S. Strata run over templates first, then over orders (both in the order of the family),
so that a budget too small for all of them still goes round the templates in balance.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from circuitcheck.errors import PromptError
from circuitcheck.prompts.family import Family
from circuitcheck.prompts.wording import chosen

MIN_PER_STRATUM = 4
"""Fewer prompts leave a stratum's variance next to unknown."""


@dataclass(frozen=True)
class Sampling:
    """The (template, order) strata of a family, in the order in which prompts go round them."""

    templates: tuple[str, ...]
    orders: tuple[str, ...]

    @classmethod
    def of(cls, family: Family, orders: Sequence[str] | None, templates: Sequence[str] | None) -> Sampling:
        """The strata of the wanted orders and templates (all for None), in the family's order.

        Raises:
            PromptError: for an order or template that the family lacks.
        """
        return cls(
            chosen("template", templates, family.template_ids()),
            chosen("order", orders, family.order_names()),
        )

    def __len__(self) -> int:
        return len(self.templates) * len(self.orders)

    def cell(self, i: int) -> tuple[str, str]:
        """The (template, order) of prompt `i`."""
        turn, template = divmod(i, len(self.templates))
        return self.templates[template], self.orders[turn % len(self.orders)]

    def rounded(self, n: int) -> int:
        """The largest balanced number of prompts up to `n`.

        A multiple of the number of strata; below four per stratum a multiple of the number of
        templates, which then are the strata (their orders alternate).

        Raises:
            PromptError: when `n` is below four per template.
        """
        for strata in (len(self), len(self.templates)):
            if n >= MIN_PER_STRATUM * strata:
                return n - n % strata
        msg = (
            f"n: {n} is too few for {len(self.templates)} templates in {len(self.orders)} orders. "
            f"Write n: {MIN_PER_STRATUM * len(self)}, or choose fewer templates."
        )
        raise PromptError(msg)


def rounded_n(
    family: Family, n: int, *, orders: Sequence[str] | None = None, templates: Sequence[str] | None = None
) -> int:
    """How many prompts `generate` makes when asked for `n` (see `Sampling.rounded`)."""
    return Sampling.of(family, orders, templates).rounded(n)


def distinct_prompts(family: Family, template_id: str, order: str) -> int:
    """How many distinct clean prompts a stratum holds: ways to fill its places.

    The population size N_g of a finite-population correction. An upper bound where two fillings can
    read alike, or where a slot is bounded.
    """
    places = {part.place for part in family.parts(template_id, order) if part.place}
    slots = {family.placed.get(place, place) for place in places}
    used = Counter(family.list_of(slot, order) for slot in slots)
    return math.prod(math.perm(len(family.lists[name]), number) for name, number in used.items())
