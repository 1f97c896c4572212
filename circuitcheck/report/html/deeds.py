"""What was done for a claim, in plain words: one or two sentences per verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from circuitcheck.report.html.reach import along_a_path, limits, steering
from circuitcheck.report.html.words import nodes_in_words
from circuitcheck.report.results import ClaimRecord, NodeRecord

_SOURCES = {
    "zero": "by zero",
    "mean": "by {its} mean over a reference set of {over} prompts",
    "resample": "by {its} value on another {over} prompt of the same template",
    "corrupt": "by {its} value on the corrupt twin of the same prompt",
    "clean": "by {its} value on the clean twin of the same prompt",
}
_ERRORS = {
    "live": "What their dictionary does not explain was left as it is.",
    "clean": "What their dictionary does not explain was frozen at the clean run.",
    "reference": "What their dictionary does not explain was replaced in the same way.",
    "drop": "What their dictionary does not explain was set to zero.",
}
_DEFAULT_SOURCE = {"ablate": "resample", "keep": "mean", "complete": "mean", "minimal": "mean"}


def deed(record: ClaimRecord, nodes: Sequence[NodeRecord]) -> str:
    """What was done; "" for records that do not say so."""
    tell = _VERBS.get(record.verb)
    if tell is None:
        return ""
    return " ".join(filter(None, (tell(record, _named(record, nodes)), _aside(record))))


def _named(record: ClaimRecord, nodes: Sequence[NodeRecord]) -> str:
    return nodes_in_words(record.nodes, nodes) or "the named nodes"


def _measure(record: ClaimRecord, _: str) -> str:
    side = record.written.get("measure", "clean")
    return f"The model was run as it is on the {side} side of every prompt pair."


def _ablate(record: ClaimRecord, named: str) -> str:
    was, its = ("were", "their") if len(record.nodes) != 1 else ("was", "its")
    return f"On clean prompts, {named} {was} replaced {_source(record, its)}."


def _patch(record: ClaimRecord, named: str) -> str:
    if along := along_a_path(record, named):
        return along
    source, into = record.written.get("from", "clean"), record.written.get("into", "corrupt")
    return f"While the model read the {into} prompt, {named} got the value from the {source} twin."


def _keep(record: ClaimRecord, named: str) -> str:
    scope = record.facts.get("scope") or record.written.get("scope")
    everything = "every head and MLP" if scope == "heads+mlps" else "every attention head"
    return f"On clean prompts, {everything} was replaced {_source(record, 'its')}, except {named}."


def _complete(record: ClaimRecord, named: str) -> str:
    return (
        f"{_keep(record, named)} Then parts of these were taken out as well, each of them also out of the whole "
        "model, and both were compared."
    )


def _minimal(record: ClaimRecord, named: str) -> str:
    return (
        f"{_keep(record, named)} Then these were taken out one at a time: from all of them, and from those "
        "that are not of its group."
    )


def _attends(record: ClaimRecord, named: str) -> str:
    written = record.written
    minus = f", minus the attention to {written['minus']}" if written.get("minus") else ""
    pay = "pays" if len(record.nodes) == 1 else "pay"
    return f"On clean prompts, the attention that {named} {pay} to {written.get('to', 'the target')} was read{minus}."


def _activates(_: ClaimRecord, named: str) -> str:
    return f"How strongly {named} fires was read."


def _writes(_: ClaimRecord, named: str) -> str:
    return (
        f"What {named} adds directly to the logits, right answer minus wrong one, was read at the last token."
    )


_VERBS: Mapping[str, Callable[[ClaimRecord, str], str]] = {
    "measure": _measure,
    "ablate": _ablate,
    "patch": _patch,
    "keep": _keep,
    "complete": _complete,
    "minimal": _minimal,
    "steer": steering,
    "attends": _attends,
    "activates": _activates,
    "writes": _writes,
}


def _source(record: ClaimRecord, its: str) -> str:
    facts, written = record.facts, record.written
    kind = facts.get("replaced by") or facts.get("ablated by") or written.get("with")
    several = written.get("with")
    kinds = several if isinstance(several, list) else [str(kind or _DEFAULT_SOURCE.get(record.verb, ""))]
    ways = [
        _SOURCES.get(one, f"by {one}").format(its=its, over=written.get("over", "corrupt")) for one in kinds
    ]
    return ways[0] if len(ways) == 1 else f"in {len(ways)} ways, one after the other ({'; '.join(ways)})"


def _prompts_named(there: Mapping[str, Any]) -> str:
    prompts = there.get("prompts") or {}
    family = prompts.get("family")
    if isinstance(family, Mapping):
        family = family.get("family")
    return f"{family or prompts.get('pairs') or 'a data set'}"


def _aside(record: ClaimRecord) -> str:
    """What else was unusual: an intervention in force, another corruption, the dictionary's error."""
    written = record.written
    said = limits(written)
    if under := written.get("under"):
        verb = next((verb for verb in ("ablate", "patch", "keep") if verb in under), "")
        named = under.get(verb) or ()
        along = f" along {under['path']}" if under.get("path") else ""
        said.append(f"Meanwhile this was in force: {verb} {', '.join(map(str, named))}{along}.")
        said += limits(under)
    if there := written.get("elsewhere"):
        said.append(f"The same was done on other prompts: {_prompts_named(there)}.")
    if written.get("corrupt"):
        said.append(f"The corrupt prompts were made with “{written['corrupt']}”.")
    if written.get("error"):
        said.append(_ERRORS.get(str(written["error"]), ""))
    return " ".join(said)
