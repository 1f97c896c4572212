"""What is said of a claim against the baseline: one sentence, and lines with the details below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from circuitcheck.baseline.change import Change
from circuitcheck.baseline.comparing import FileComparison, Pair
from circuitcheck.baseline.records import Origin
from circuitcheck.report.numerals import numeral
from circuitcheck.report.pairing_records import SinceBaseline

MOST_CELLS = 3
_HASH = 12
_ACCEPT = "`circuitcheck baseline accept {claim}`"


def since_baseline(pair: Pair) -> SinceBaseline:
    """The record of how a claim stands, for reports."""
    return SinceBaseline(
        word=pair.word,
        fails=pair.fails,
        sentence=sentence(pair),
        lines=list(details(pair)),
        name=pair.name,
    )


def sentence(pair: Pair) -> str:
    """How the claim stands, in one sentence without its end."""
    if pair.kept is None:
        accept = _ACCEPT.format(claim=pair.record.claim)
        return f"not in the baseline yet; {accept} puts it there"
    said = _renamed(pair) + (_refused(pair) if pair.refused else "; ".join(_clauses(pair)))
    return said or "not measured now, so not compared"


def _refused(pair: Pair) -> str:
    accept = _ACCEPT.format(claim=pair.record.claim)
    return f"not comparable with the baseline: {pair.refused}; if that is meant, run {accept}"


def _renamed(pair: Pair) -> str:
    return f"was {pair.name} in the baseline; " if pair.kept and pair.name != pair.record.claim else ""


def _clauses(pair: Pair) -> Iterator[str]:
    assert pair.kept is not None, "new claims have a sentence of their own"
    if pair.record.verdict == "error":
        return
    if pair.is_worse or pair.is_better:
        which = "worse" if pair.is_worse else "better"
        border = ": a borderline claim, no drift" if pair.is_worse and pair.is_inside else ""
        yield f"the verdict got {which}, from {pair.kept.verdict} to {pair.record.verdict}{border}"
    elif not pair.is_judged_alike:
        yield "expects something else than in the baseline, so verdicts are not compared"
    if all(change.is_identical for change in pair.changes):
        yield "every prompt gives the same number as in the baseline"
        return
    leading = leading_change(pair)
    yield change_clause(leading, moved=pair.moved[pair.changes.index(leading)], level=pair.level)
    if (others := sum(pair.moved)) > 1:
        yield f"{others} of {len(pair.changes)} parts moved"


def leading_change(pair: Pair) -> Change:
    """The change that speaks for the claim: one that moved, else the one least shown to be inside its margin."""
    numbered = zip(pair.changes, pair.moved, strict=True)
    return max(
        numbered, key=lambda each: (each[1], each[0].p_inside, abs(each[0].size) / (each[0].margin or 1))
    )[0]


def change_clause(change: Change, *, moved: bool, level: float) -> str:
    """`drop moved by -0.214 [-0.250, -0.180], beyond the margin of 0.050: 0.412 to 0.198; most in ...`."""
    name = " ".join(filter(None, (change.quantity, change.slice)))
    numbers = f"{numeral(change.before)} to {numeral(change.after)}"
    if change.reason:
        return f"whether {name} moved cannot be told ({numbers}): {change.reason}"
    moved_by = f"{name} moved by {signed(change.size)}{_interval(change)}"
    margin = f"the margin of {numeral(change.margin)}"
    if moved:
        return f"{moved_by}, beyond {margin}: {numbers}; most in {cells_text(change)}"
    if change.p_inside <= level:
        return f"{moved_by}, within {margin}: {numbers}"
    if change.p_outside <= level:
        return f"{moved_by}, beyond {margin} on its own, not after correction for all that is compared: {numbers}"
    needed = f"; {change.needed}" if change.needed else ""
    return f"{moved_by}, and whether that is beyond {margin} cannot be told: {numbers}{needed}"


def details(pair: Pair) -> Iterator[str]:
    """The changes that the sentence leaves out, then what both runs were measured with."""
    if pair.kept is None or pair.record.verdict == "error":
        return
    for change, moved in zip(pair.changes, pair.moved, strict=True):
        if not change.is_identical and change is not leading_change(pair):
            yield change_clause(change, moved=moved, level=pair.level)
    if pair.kept_origin:
        yield from origin_lines(pair.kept_origin, pair.origin)


def origin_lines(before: Origin, after: Origin) -> Iterator[str]:
    """The model's hashes in any case; dictionaries, device and the rest where they differ."""
    old, new = _model(before), _model(after)
    yield f"model: {new}, as in the baseline" if old == new else f"model: {old} in the baseline, {new} now"
    for name in sorted({*before.dictionaries, *after.dictionaries}):
        old, new = (origin.dictionaries.get(name, "none")[:_HASH] for origin in (before, after))
        if old != new and "none" not in (old, new):
            yield f"dictionary {name}: {old} in the baseline, {new} now"
    for name in ("weights", "dtype", "device"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield f"{name}: {old} in the baseline, {new} now"


def gone_sentence(circuit: str, names: tuple[str, ...]) -> str:
    """That the file has lost claims."""
    return f"{circuit}: in the baseline and not in the file any more: {', '.join(names)}"


def summary_of(comparisons: Sequence[FileComparison]) -> str:
    """`12 claims held against the baseline: 1 moved, 11 unchanged`."""
    words = [pair.word for comparison in comparisons for pair in comparison.pairs.values()]
    counts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
    return f"{len(words)} claims held against the baseline: {counts or 'none'}"


def cells_text(change: Change) -> str:
    """The cells that moved most, with their part in the change."""
    shown = [f"{name} ({signed(size)})" for name, size in change.cells[:MOST_CELLS]]
    return ", ".join(shown)


def signed(value: float) -> str:
    """A change with its sign."""
    return f"{'-' if value < 0 else '+'}{numeral(abs(value))}"


def _interval(change: Change) -> str:
    if change.interval is None:
        return ""
    return f" [{signed(change.interval.low)}, {signed(change.interval.high)}]"


def _model(origin: Origin) -> str:
    return f"{origin.model} {origin.model_sha256[:_HASH] or 'without hash'}"
