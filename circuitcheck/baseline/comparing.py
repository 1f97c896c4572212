"""Holds the claims of a file against the baseline: which verdicts got worse, which effects moved.

"Moved beyond the margin" is corrected by Holm over everything that the baseline has of the circuit, compared now or
not, as refutations are over the claims of a file: it fails the run, and a run fails if any of many does, so without
correction a large file would go red by chance. "Unchanged" needs no correction, since a run passes only if nothing
moved. Leaving claims out with `-k` leaves the correction as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from circuitcheck.baseline.change import Change, change_of
from circuitcheck.baseline.pairing import counterpart, paired_parts, refusal
from circuitcheck.baseline.provenance import origin_of
from circuitcheck.baseline.questions import judging_of
from circuitcheck.baseline.records import Baseline, KeptClaim, Origin
from circuitcheck.report.claim_records import ClaimRecord
from circuitcheck.report.results import FileRecord
from circuitcheck.statistics import holm

MARGIN = 0.05
"""How far an effect may move: of a ratio or a rate this much, of a metric this share of the clean metric."""
_LEVEL = 0.025
_RANKS = {"refuted": 0, "inconclusive": 1, "supported": 2}

Word = Literal[
    "worse", "moved", "refused", "better", "unclear", "within", "unchanged", "identical", "new", "unmeasured"
]
FAILING = frozenset({"worse", "moved", "refused"})


@dataclass(frozen=True)
class Pair:
    """One claim in the baseline and now. `kept` is None for a new claim, `name` what the baseline calls it.

    `refused` says why nothing can be compared; `moved` has an entry per change: beyond the margin, after Holm.
    """

    record: ClaimRecord
    origin: Origin
    name: str = ""
    kept: KeptClaim | None = None
    kept_origin: Origin | None = None
    refused: str = ""
    changes: tuple[Change, ...] = ()
    moved: tuple[bool, ...] = ()

    @property
    def level(self) -> float:
        """Error level of one side, as the claim's verdict has it."""
        return (1 - self.kept.confidence) / 2 if self.kept else _LEVEL

    @property
    def word(self) -> Word:
        """How the claim stands; the worst of what there is to say."""
        if self.record.verdict == "error":
            return "unmeasured"
        if self.kept is None:
            return "new"
        if self.refused:
            return "refused"
        if self.is_worse:
            return "worse"
        if any(self.moved):
            return "moved"
        return "better" if self.is_better else self._word_within

    @property
    def _word_within(self) -> Word:
        if all(change.is_identical for change in self.changes):
            return "identical"
        if not self.is_inside:
            return "unclear"
        shown = [change for change in self.changes if change.interval and 0.0 not in change.interval]
        return "within" if shown else "unchanged"

    @property
    def fails(self) -> bool:
        """Whether a run under the baseline fails by this claim, whatever its verdict."""
        return self.word in FAILING

    @property
    def is_inside(self) -> bool:
        """Whether every change is shown to be inside its margin."""
        return all(change.p_inside <= self.level for change in self.changes)

    @property
    def is_worse(self) -> bool:
        """Whether the verdict is worse, by the same thresholds; a known failure is expected to be bad."""
        before, after = self._ranks
        return self.is_judged_alike and not self.record.known_failure and after < before

    @property
    def is_better(self) -> bool:
        """Whether the verdict is better, by the same thresholds."""
        before, after = self._ranks
        return self.is_judged_alike and after > before

    @property
    def is_judged_alike(self) -> bool:
        """Whether both verdicts are about the same thresholds."""
        if self.kept is None or self.kept.judged_by != judging_of(self.record):
            return False
        wanted = {(part.quantity, part.slice): part.expected for part in self.kept.parts}
        return wanted == {(part.quantity, part.slice): part.expected for part in self.record.parts}

    @property
    def _ranks(self) -> tuple[int, int]:
        """Both verdicts; the same number where one of them judged nothing."""
        before = _RANKS.get(self.kept.verdict, -1) if self.kept else -1
        after = _RANKS.get(self.record.verdict, -1)
        return (before, after) if min(before, after) >= 0 else (0, 0)


@dataclass(frozen=True)
class FileComparison:
    """All claims of one file that were measured, by id, and those of the baseline that it has no more."""

    pairs: Mapping[str, Pair]
    gone: tuple[str, ...]


def compare_file(
    baseline: Baseline, file: FileRecord, in_file: Collection[str], margin: float = MARGIN
) -> FileComparison:
    """Compare every claim that `file` has a record of; `in_file` are the ids of all its claims.

    `margin` is a share: of ratios and rates as they are, of the clean metric for metrics.
    """
    kept = baseline.claims.get(file.circuit, {})
    origin = origin_of(file, {})
    pairs = [_pair(baseline, kept, record, origin, in_file, margin) for record in file.claims]
    judged = _after_holm(pairs, total=sum(len(claim.parts) for claim in kept.values()))
    found = {pair.name for pair in judged}
    gone = tuple(name for name in kept if name not in in_file and name not in found)
    return FileComparison({pair.record.claim: pair for pair in judged}, gone)


def _pair(
    baseline: Baseline,
    kept: Mapping[str, KeptClaim],
    record: ClaimRecord,
    origin: Origin,
    in_file: Collection[str],
    margin: float,
) -> Pair:
    found = counterpart(kept, record, in_file)
    if found is None or record.verdict == "error":
        return Pair(record, origin, name=found[0] if found else "", kept=found[1] if found else None)
    name, claim = found
    before = baseline.origins[claim.origin]
    refused = refusal(baseline, claim, record, origin)
    pair = Pair(record, origin, name, claim, before, refused)
    if refused:
        return pair
    same_device = (before.device, before.dtype) == (origin.device, origin.dtype)
    parts = paired_parts(baseline, claim, record)
    changes = (change_of(part, margin, pair.level, same_device=same_device) for part in parts)
    return replace(pair, changes=tuple(changes))


def _after_holm(pairs: Sequence[Pair], total: int) -> list[Pair]:
    """The same pairs with Holm's decisions; a claim of another confidence enters with its p-value scaled."""
    scaled = [min(1.0, change.p_outside * _LEVEL / pair.level) for pair in pairs for change in pair.changes]
    rejected = iter(holm(scaled, _LEVEL, max(total, len(scaled))))
    return [replace(pair, moved=tuple(bool(next(rejected)) for _ in pair.changes)) for pair in pairs]
