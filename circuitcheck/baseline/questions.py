"""What a claim measures, apart from what it expects: the same question has the same answer on the same model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from circuitcheck.report.claim_records import ClaimRecord

_NAMING = frozenset(
    {"ablate", "patch", "keep", "steer", "complete", "minimal", "attends", "activates", "writes"}
)
"""Keys whose values name nodes, perhaps by groups: the nodes themselves are what counts."""
_JUDGING = frozenset({"versus", "by", "active_on", "at_most", "confidence", "generalises", "elsewhere"})
"""Keys that say how numbers are judged, not what is measured."""
_WORDS = {"metric": "the metric", "nodes": "the nodes", "verb": "the verb"}


def question_of(record: ClaimRecord) -> dict[str, Any]:
    """Verb, nodes, metric, and every other word of the claim that its numbers depend on."""
    question = {"verb": record.verb, "nodes": record.nodes, **_measured(record.written)}
    metric = record.facts.get("metric")
    return question | ({"metric": metric} if metric else {})


def judging_of(record: ClaimRecord) -> dict[str, Any]:
    """What the verdict depends on beside the numbers and the thresholds, as the file has it."""
    return {name: value for name, value in record.written.items() if name in _JUDGING}


def what_differs(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The first word of a claim that is another, with both values; "" where the question is the same."""
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old != new:
            return f"{_WORDS.get(key, f'`{key}`')} was {_said(old)} and is {_said(new)}"
    return ""


def _measured(written: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in written.items() if name not in _JUDGING | _NAMING}
    if isinstance(under := kept.get("under"), Mapping):
        verbs = [name for name in under if name in _NAMING]
        kept["under"] = {"verb": verbs[0] if verbs else "", **_measured(under)}
    return kept


def _said(value: Any) -> str:
    if value is None:
        return "not given"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
