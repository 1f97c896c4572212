"""Which of two positions comes first, as far as the templates tell without a tokenizer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Literal

from circuitcheck.nodes import END
from circuitcheck.prompts.family import load_family
from circuitcheck.spec.draft import Draft
from circuitcheck.spec.fields import role_of

Relation = Literal["before", "same", "after"]


class TextOrder:
    """The order of the roles in every template and order that the file draws prompts from."""

    def __init__(self, draft: Draft) -> None:
        self.texts = tuple(_role_orders(draft))
        self.ends_open = _ends_with_a_place(draft)

    def relations(self, first: str, second: str) -> frozenset[Relation]:
        """How position `first` lies to `second` over all texts; empty where it cannot be said."""
        if first == second:
            return frozenset({"same"})
        here, there = role_of("END" if first == "-1" else first), role_of("END" if second == "-1" else second)
        if here and there:
            return self._of_roles(here, there)
        if first.lstrip("-").isdigit() and second.lstrip("-").isdigit():
            same_end = first.startswith("-") == second.startswith("-")
            return frozenset({_compared(int(first), int(second))}) if same_end else frozenset()
        return frozenset()

    def _of_roles(self, first: tuple[str, int], second: tuple[str, int]) -> frozenset[Relation]:
        if (first[0] == END and first[1] > 0) or (second[0] == END and second[1] > 0):
            return frozenset()  # there is no such position, and the rules of roles say so
        if first[0] == second[0]:
            return frozenset({_compared(first[1], second[1])})
        # A word may be several tokens, and a template may end with a role, which is then END itself.
        if first[1] or second[1] or (self.ends_open and END in {first[0], second[0]}):
            return frozenset()
        return frozenset(
            _compared(text.index(first[0]), text.index(second[0]))
            for text in self.texts
            if first[0] in text and second[0] in text
        )


def _compared(first: int, second: int) -> Relation:
    if first == second:
        return "same"
    return "before" if first < second else "after"


def _role_orders(draft: Draft) -> Iterator[list[str]]:
    """Role orders of the texts in use; `Family.role_order` runs over orders, then templates."""
    prompts = draft.prompts
    if prompts is None or prompts.family is None:
        return
    family = load_family(prompts.family) if isinstance(prompts.family, str) else prompts.family
    cells = product(family.order_names(), family.template_ids())
    for (order, template), roles in zip(cells, family.role_order(), strict=True):
        if order in (prompts.orders or [order]) and template in (prompts.templates or [template]):
            yield roles


def _ends_with_a_place(draft: Draft) -> bool:
    prompts = draft.prompts
    if prompts is None or prompts.family is None:
        return True
    family = load_family(prompts.family) if isinstance(prompts.family, str) else prompts.family
    return any(template.text.endswith("}") for template in family.templates)
