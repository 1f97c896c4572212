"""Stronger evidence: several ablations, whole circuits, other templates are asked for where they mean something."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

from circuitcheck.prompts.family import load_family
from circuitcheck.prompts.wording import counted
from circuitcheck.spec.claim import Claim
from circuitcheck.spec.draft import Draft, Fault
from circuitcheck.spec.prompts import PromptsRef
from circuitcheck.spec.rules.mentions import Loc
from circuitcheck.spec.words import QUANTITIES
from circuitcheck.thresholds import Threshold

LEAST_TEMPLATES = 6
"""Fewer say nothing of templates like them."""


def evidence_faults(draft: Draft) -> Iterator[Fault]:
    """Lists of ablations under which nothing is judged; thresholds of the wrong form; too few templates."""
    for number, claim in draft.claims.items():
        loc: Loc = ("claims", number)
        under = claim.under
        if under is not None and len(under.replacements) > 1:
            msg = f"one intervention at a time is in force. Write with: {under.replacements[0]}."
            yield Fault((*loc, "under", "with"), msg)
        yield from form_faults(claim, loc)
        if claim.generalises is not None:
            yield from _generalising(draft, loc, claim)


def form_faults(claim: Claim, loc: Loc) -> Iterator[Fault]:
    """Thresholds that their quantity cannot have; `expect` stands at `loc`."""
    for quantity, wanted in claim.expect.items():
        fits, message = _FORMS.get(quantity, (_any, ""))
        if quantity in QUANTITIES.get(claim.verb, ()) and wanted.judged and not fits(wanted):
            yield Fault((*loc, "expect", quantity), message)


def _any(_: Threshold) -> bool:
    return True


def _at_most(wanted: Threshold) -> bool:
    return wanted.low is None and wanted.high is not None and wanted.high > 0


def _at_most_a_correlation(wanted: Threshold) -> bool:
    return _at_most(wanted) and (wanted.high or 0.0) < 1


def _at_least(wanted: Threshold) -> bool:
    return wanted.high is None and wanted.low is not None and wanted.low > 0


def _around_one_half(wanted: Threshold) -> bool:
    if wanted.low is None or wanted.high is None:
        return False
    return math.isclose(wanted.low + wanted.high, 1.0) and 0.5 < wanted.high < 1


_FORMS: Mapping[str, tuple[Callable[[Threshold], bool], str]] = {
    "gap": (
        _at_most,
        "gap is how far circuit and model are apart, in either direction. Write for example '<= 0.2'.",
    ),
    "loses": (
        _at_least,
        "minimal says that each node makes at least some difference. Write for example '>= 0.05'.",
    ),
    "wins": (
        _around_one_half,
        "a circuit that does as the model does wins half of the time. Write for example 'about 0.5 +- 0.1'.",
    ),
    "dependence": (
        _at_most_a_correlation,
        "that nothing is left is that a correlation is small, in either direction. Write for example '<= 0.3'.",
    ),
}
"""Quantities whose threshold can only have one form."""


def _generalising(draft: Draft, loc: Loc, claim: Claim) -> Iterator[Fault]:
    place = (*loc, "generalises")
    if claim.by and "template" in claim.by:
        msg = "by: template judges each template for itself, and generalises all of them. Delete one of both."
        yield Fault(place, msg, at_key=True)
    for quantity in ("wins", "dependence"):
        if quantity in claim.expect:
            msg = f"{quantity} counts prompts, and templates have no number of their own of it. Delete one of both."
            yield Fault(place, msg, at_key=True)
    known = _templates(draft.prompts) if draft.prompts else None
    if known is not None and known < LEAST_TEMPLATES:
        msg = (
            f"the file draws from {counted(known, 'template')}, and fewer than {LEAST_TEMPLATES} say nothing of "
            f"templates like these. Write {LEAST_TEMPLATES - known} more, or delete this."
        )
        yield Fault(place, msg, at_key=True)


def _templates(prompts: PromptsRef) -> int | None:
    """How many templates prompts are drawn from; None where only pairs or a data set know."""
    if prompts.family is None:
        return None
    family = load_family(prompts.family) if isinstance(prompts.family, str) else prompts.family
    return len(prompts.templates or family.template_ids())
