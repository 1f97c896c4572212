"""How far a change was let to reach, and how strongly nodes were steered: sentences for the page."""

from __future__ import annotations

import re
from collections.abc import Mapping

from circuitcheck.report.html.words import listed
from circuitcheck.report.results import ClaimRecord

_READ_AS = {"q": "query", "k": "key", "v": "value", "in": "input"}
_PATH = re.compile(r"\S+ -> (\S+) \((\w+)\)")
_DONE = {
    "add": "{numbers} {was} added to the {what} of {named}",
    "scale": "the {what} of {named} was multiplied by {numbers}",
    "set": "the {what} of {named} was set to {numbers}",
}
_STRENGTHS = ("feature", "neuron")


def along_a_path(record: ClaimRecord, named: str) -> str:
    """What was done where only one reader saw the change; "" where every one did."""
    found = _PATH.fullmatch(str(record.written.get("path", "")))
    if found is None:
        return ""
    source, into = record.written.get("from", "clean"), record.written.get("into", "corrupt")
    places = f", at {record.facts['read by']}" if record.facts.get("read by") else ""
    return (
        f"While the model read the {into} prompt, only {found[1]} (as its {_READ_AS.get(found[2], found[2])}{places}) "
        f"saw {named} as on the {source} twin."
    )


def limits(written: Mapping[str, object]) -> list[str]:
    """What was kept from following the change, one sentence each."""
    said = []
    if written.get("downstream") == "frozen":
        live = written.get("mlps") == "live"
        which, rest = ("head", ", and MLPs followed") if live else ("head and MLP", "")
        said.append(f"Every other {which} was frozen: it kept the value of the untouched run{rest}.")
    if written.get("from_hook"):
        said.append(
            f"The change entered the residual stream at {written['from_hook']}, and nothing before saw it."
        )
    if written.get("until"):
        said.append(f"At {written['until']} it left the residual stream again.")
    return said


def steering(record: ClaimRecord, named: str) -> str:
    """By how much nodes were made stronger or weaker."""
    how = next((how for how in _DONE if how in record.written), "")
    numbers = [f"{number:g}" for number in record.written.get(how, ())]
    what = "activation" if any(named.startswith(f"the {kind}") for kind in _STRENGTHS) else "output"
    was = "were" if len(numbers) > 1 else "was"
    done = _DONE.get(how, "{named} was steered").format(
        numbers=listed(numbers), was=was, what=what, named=named
    )
    return f"On clean prompts, {done}{', one after the other' if len(numbers) > 1 else ''}."
