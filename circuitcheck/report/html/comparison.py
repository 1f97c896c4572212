"""Two runs side by side: what they were measured on, and every claim that both or one of them has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from circuitcheck.report.html.claim_view import part_text
from circuitcheck.report.html.file_view import flattened
from circuitcheck.report.html.interval_plot import scale_of, small_plot
from circuitcheck.report.html.run_view import moment
from circuitcheck.report.html.status import Status, status_of
from circuitcheck.report.html.why import deciding_part
from circuitcheck.report.html.words import threshold_words
from circuitcheck.report.numerals import numeral
from circuitcheck.report.results import ClaimRecord, FileRecord, PartRecord, RunResults
from circuitcheck.report.terminal import claim_text, controls_text

NOTHING = "—"


@dataclass(frozen=True)
class Difference:
    """One fact about how the runs were made; `what` begins with the circuit where it is about one."""

    what: str
    before: str
    after: str


@dataclass(frozen=True)
class PartPair:
    """The same condition in both runs."""

    name: str
    claimed: str
    before: str
    after: str
    before_plot: Markup
    after_plot: Markup
    change: str
    note: str


@dataclass(frozen=True)
class ClaimPair:
    """The same claim in both runs."""

    file: str
    claim: str
    says: str
    before: Status
    after: Status
    parts: tuple[PartPair, ...]
    note: str

    @property
    def changed(self) -> bool:
        """Whether the verdict is another."""
        return self.before != self.after


@dataclass(frozen=True)
class Alone:
    """A claim that only one run has."""

    file: str
    claim: str
    says: str
    status: Status
    measured: str


@dataclass(frozen=True)
class Comparison:
    """The whole page; verdicts that changed come first, and hashes that differ before other facts."""

    before: str
    after: str
    when: tuple[str, str]
    headline: str
    differences: tuple[Difference, ...]
    same_facts: int
    pairs: tuple[ClaimPair, ...]
    only_before: tuple[Alone, ...]
    only_after: tuple[Alone, ...]


_Key = tuple[str, str, str]


def comparison_view(before: RunResults, after: RunResults) -> Comparison:
    """What the page shows of two runs."""
    first, second = _claims(before), _claims(after)
    pairs = [_pair(first[key], second[key]) for key in first if key in second]
    differences, same = _differences(_facts(before), _facts(after))
    return Comparison(
        before=before.run,
        after=after.run,
        when=(moment(before.started), moment(after.started)),
        headline=_headline(pairs),
        differences=differences,
        same_facts=same,
        pairs=tuple(sorted(pairs, key=lambda pair: not pair.changed)),
        only_before=tuple(_alone(*first[key]) for key in first if key not in second),
        only_after=tuple(_alone(*second[key]) for key in second if key not in first),
    )


def _claims(run: RunResults) -> dict[_Key, tuple[FileRecord, ClaimRecord]]:
    """Claims by circuit, test and id; a file may have moved between the runs."""
    return {
        (file.circuit, file.test, record.claim): (file, record)
        for file in run.files
        for record in file.claims
    }


def _headline(pairs: list[ClaimPair]) -> str:
    changed = sum(pair.changed for pair in pairs)
    if not pairs:
        return "The runs have no claim in common."
    if not changed:
        return f"All {len(pairs)} claims that both runs have came out the same."
    return f"{changed} of {len(pairs)} claims that both runs have came out differently."


def _facts(run: RunResults) -> dict[str, str]:
    """Everything a number may depend on: the files' provenance first, then the environment.

    What came from the store is left out: a number is the same whenever it was measured.
    """
    facts = {}
    for file in run.files:
        facts[f"{file.circuit}: model"] = file.model
        provenance = {name: value for name, value in file.provenance.items() if name != "store"}
        facts |= {f"{file.circuit}: {name}": value for name, value in flattened(provenance)}
    return facts | {f"environment: {name}": value for name, value in run.environment.items()}


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[tuple[Difference, ...], int]:
    every = dict.fromkeys([*before, *after])
    differing = [name for name in every if before.get(name) != after.get(name)]
    differing.sort(key=lambda name: not _is_hash(after.get(name, before.get(name, ""))))
    return (
        tuple(Difference(name, before.get(name, NOTHING), after.get(name, NOTHING)) for name in differing),
        len(every) - len(differing),
    )


def _is_hash(value: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{16,}", value) is not None


def _pair(before: tuple[FileRecord, ClaimRecord], after: tuple[FileRecord, ClaimRecord]) -> ClaimPair:
    (_, old), (file, new) = before, after
    return ClaimPair(
        file=file.path,
        claim=new.claim,
        says=new.says or old.says,
        before=status_of(old),
        after=status_of(new),
        parts=_parts(old, new),
        note="; ".join(_notes(old, new)),
    )


def _notes(old: ClaimRecord, new: ClaimRecord) -> list[str]:
    notes = []
    if old.says and new.says and old.says != new.says:
        notes.append(f"the sentence changed; it was “{old.says}”")
    if old.written and new.written and old.written != new.written:
        notes.append("the claim is written differently, so the numbers may not be of one thing")
    controls = controls_text(old), controls_text(new)
    if controls[0] != controls[1]:
        notes.append(f"controls: {controls[0] or 'none'}; then: {controls[1] or 'none'}")
    notes += [f"{when}: {record.error}" for when, record in (("before", old), ("after", new)) if record.error]
    return notes


def _parts(old: ClaimRecord, new: ClaimRecord) -> tuple[PartPair, ...]:
    """Conditions by quantity and slice; of claims with many, the ones that decided in either run."""
    first = {(part.quantity, part.slice): part for part in old.parts}
    second = {(part.quantity, part.slice): part for part in new.parts}
    keys = list(dict.fromkeys([*first, *second]))
    if len(keys) > 8:
        deciding = [part for part in (deciding_part(old), deciding_part(new)) if part]
        keys = list(dict.fromkeys((part.quantity, part.slice) for part in deciding))
    return tuple(_part_pair(first.get(key), second.get(key)) for key in keys)


def _part_pair(old: PartRecord | None, new: PartRecord | None) -> PartPair:
    drawn = [part for part in (old, new) if part]
    scale, shown = scale_of(drawn), drawn[-1]
    claimed = dict.fromkeys(threshold_words(part) for part in drawn)
    return PartPair(
        name=" ".join(filter(None, (shown.quantity, shown.slice))),
        claimed=", then ".join(claimed),
        before=_number(old),
        after=_number(new),
        before_plot=small_plot(old, scale) if old else Markup(""),
        after_plot=small_plot(new, scale) if new else Markup(""),
        change=_change(old, new),
        note=_apart(old, new),
    )


def _number(part: PartRecord | None) -> str:
    return part_text(part).removeprefix(part.quantity).strip() if part else NOTHING


def _change(old: PartRecord | None, new: PartRecord | None) -> str:
    if not old or not new or old.estimate is None or new.estimate is None:
        return NOTHING
    change = new.estimate - old.estimate
    return f"{'+' if change > 0 else '-' if change < 0 else ''}{numeral(abs(change))}"


def _apart(old: PartRecord | None, new: PartRecord | None) -> str:
    """Whether the intervals have a number in common; "" where one run has none."""
    if not old or not new or (old.low is None and old.high is None) or (new.low is None and new.high is None):
        return ""
    below = old.high is not None and new.low is not None and old.high < new.low
    above = new.high is not None and old.low is not None and new.high < old.low
    return "intervals apart" if below or above else "intervals overlap"


def _alone(file: FileRecord, record: ClaimRecord) -> Alone:
    return Alone(file.path, record.claim, record.says, status_of(record), claim_text(record))
