"""What of a claim of many parts holds and what does not: by ablation, and by node of a minimal circuit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from circuitcheck.spec import Claim
from circuitcheck.statistics import holm
from circuitcheck.verdict import Outcome, Part


def facts_of_parts(claim: Claim, parts: Sequence[Part], level: float) -> Mapping[str, str]:
    """Under which ablations the claim holds, and which nodes a circuit could do without.

    `level` is the error level of one side at the look that the parts are of.
    """
    judged = [part for part in parts if part.outcome is not Outcome.MEASURED]
    facts = {}
    if len(claim.variants) > 1 and judged:
        facts["survives"] = _survival(claim, judged)
    if claim.verb == "minimal" and judged:
        facts["not needed"] = _not_needed(judged, level)
    return facts


def _survival(claim: Claim, parts: Sequence[Part]) -> str:
    """`resample, mean; not: zero; open: corrupt`."""
    found: dict[Outcome, list[str]] = {outcome: [] for outcome in Outcome}
    for ablation in claim.replacements:
        under = [part.outcome for part in parts if ablation in part.slice.split(", ")]
        found[_together(under)].append(ablation)
    said = [
        ", ".join(found[Outcome.SUPPORTED]) or "none",
        *_listed("not", found[Outcome.REFUTED]),
        *_listed("open", found[Outcome.INCONCLUSIVE]),
    ]
    return "; ".join(said)


def _not_needed(parts: Sequence[Part], level: float) -> str:
    """The nodes that are shown to make no such difference, corrected over all nodes (Holm)."""
    idle = holm([part.p_refute for part in parts], level)
    named = [part.slice for part, is_idle in zip(parts, idle, strict=True) if is_idle]
    left = [part.slice for part in parts if part.outcome is not Outcome.SUPPORTED and part.slice not in named]
    return "; ".join([", ".join(named) or "none", *_listed("open", left)])


def _together(outcomes: Iterable[Outcome]) -> Outcome:
    found = set(outcomes)
    if Outcome.REFUTED in found:
        return Outcome.REFUTED
    return Outcome.SUPPORTED if found == {Outcome.SUPPORTED} else Outcome.INCONCLUSIVE


def _listed(what: str, names: Sequence[str]) -> list[str]:
    return [f"{what}: {', '.join(names)}"] if names else []
