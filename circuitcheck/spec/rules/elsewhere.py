"""Other prompts: they are prompts, have the positions of the claim's nodes, and something can be expected of them."""

from __future__ import annotations

from collections.abc import Iterator

from circuitcheck.engine import WITHOUT_ANSWER
from circuitcheck.errors import PromptError
from circuitcheck.prompts.wording import did_you_mean
from circuitcheck.spec.claim import Claim
from circuitcheck.spec.draft import Draft, Fault
from circuitcheck.spec.elsewhere import Elsewhere
from circuitcheck.spec.fields import role_of
from circuitcheck.spec.rules.evidence import form_faults
from circuitcheck.spec.rules.expectations import expected_faults
from circuitcheck.spec.rules.mentions import Loc, claim_mentions
from circuitcheck.spec.rules.prompts import source_faults
from circuitcheck.spec.words import METRICS, MODIFIERS


def elsewhere_faults(draft: Draft) -> Iterator[Fault]:
    """Other prompts on which a claim's intervention cannot be done or says nothing."""
    for number, claim in draft.claims.items():
        words = claim.elsewhere
        if words is None or not claim.verb or "elsewhere" not in MODIFIERS[claim.verb]:
            continue  # said among the modifiers
        loc: Loc = ("claims", number, "elsewhere")
        yield from source_faults(draft.directory, words.prompts, (*loc, "prompts"))
        there = claim.model_copy(update={"expect": words.expect})
        yield from expected_faults(draft, there, loc)
        yield from form_faults(there, loc)
        yield from _positions(draft, loc, words, number, claim)
        if _is_all_that_is_judged(claim, words):
            msg = "nothing is expected on the file's own prompts, and elsewhere stands beside that. Expect something there too."
            yield Fault((*loc, "expect"), msg, at_key=True)
        if not words.prompts.has_answers:
            yield from _unanswered(loc, words, claim.metric or draft.metric)


def _is_all_that_is_judged(claim: Claim, words: Elsewhere) -> bool:
    own, there = claim.expect.values(), words.expect.values()
    return any(wanted.judged for wanted in there) and not any(wanted.judged for wanted in own)


def _positions(draft: Draft, loc: Loc, words: Elsewhere, number: int, claim: Claim) -> Iterator[Fault]:
    """The first node at a role that the other prompts lack."""
    try:
        known = words.prompts.role_names(draft.directory)
    except PromptError:
        return  # said of the source
    nodes = [node for mention in claim_mentions(number, claim) for node in mention.nodes(draft)]
    for node in nodes:
        role = role_of(node.at)
        if known is not None and role is not None and role[0] not in known:
            msg = (
                f"{words.name} has no role {role[0]!r}, at which {node} is. {did_you_mean(role[0], known)} "
                "Place nodes at END, at an index or at all, or choose other prompts."
            )
            yield Fault((*loc, "prompts"), msg)
            return


def _unanswered(loc: Loc, words: Elsewhere, metric: str) -> Iterator[Fault]:
    """Metrics that score an answer, on prompts that have none."""
    how = f"Write metric: {' or '.join(sorted(WITHOUT_ANSWER, reverse=True))}."
    named = [name for name in words.expect if name in METRICS] or [metric]
    if wrong := next((name for name in named if name not in WITHOUT_ANSWER), ""):
        yield Fault((*loc, "prompts"), f"{words.name} has no answers, so there is no {wrong}. {how}")
