"""Positions: every role is one that the prompts have, and lies inside them."""

from __future__ import annotations

from collections.abc import Iterator

from circuitcheck.errors import PromptError
from circuitcheck.nodes import END
from circuitcheck.prompts.wording import did_you_mean
from circuitcheck.spec.draft import Draft, Fault
from circuitcheck.spec.fields import role_of
from circuitcheck.spec.rules.mentions import Loc, written_nodes


def role_faults(draft: Draft) -> Iterator[Fault]:
    """Roles that the prompts lack, and positions behind END."""
    try:
        known = draft.prompts.role_names(draft.directory) if draft.prompts else None
    except PromptError:
        known = None  # the rules of prompts say so
    for loc, at in _positions(draft):
        role = role_of(at)
        if role is None:
            continue
        name, offset = role
        if name == END and offset > 0:
            yield Fault(loc, f"{at} is behind the last token of the prompt. Write END, or END-1.")
        elif known is not None and name not in known:
            yield Fault(loc, f"the prompts have no role {name!r}. {did_you_mean(name, known)}")


def _positions(draft: Draft) -> Iterator[tuple[Loc, str]]:
    for name, group in draft.groups.items():
        yield from ((("nodes", name, "at", item), at) for item, at in enumerate(group.at))
    yield from ((loc, node.at) for loc, node in written_nodes(draft) if node.at)
    for number, claim in draft.claims.items():
        named = {
            "to": claim.to,
            "minus": claim.minus,
            "from": claim.from_ if claim.verb == "attends" else None,
        }
        yield from ((("claims", number, key), at) for key, at in named.items() if at is not None)
