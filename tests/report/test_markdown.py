"""summary.md for a pull request."""

from dataclasses import replace

from verdict_samples import BEHAVIOUR, KNOWN, REFUTED, REPORTED, UNDECIDED

from circuitcheck.report.markdown import MOST_BYTES, escape, summary
from circuitcheck.report.results import ClaimRecord, FileRecord, RunResults, SetupRecord
from circuitcheck.verdict import Controls, Outcome

VERDICTS = (BEHAVIOUR, REPORTED, KNOWN, UNDECIDED, REFUTED)


def run(records, **fields):
    file = FileRecord(path="ioi.circuit.yaml", circuit="ioi", model="ioi-mini", claims=records, **fields)
    return RunResults(
        run="r", started="s", seconds=1, command=[], environment={"torch": "2.13.0"}, files=[file]
    )


def rows(text):
    return [line for line in text.splitlines() if line.startswith("| **")]


def test_failures_come_first():
    records = [*map(ClaimRecord.of, VERDICTS), ClaimRecord.of_error("gone", "no such node")]
    text = summary(run(records))
    assert text.splitlines()[0] == (
        "### circuits: 1 supported, 1 refuted, 1 error, 1 inconclusive, 1 measured, 1 known failure"
    )
    assert [row.split("|")[2].strip() for row in rows(text)] == [
        "refuted",
        "error",
        "inconclusive",
        "measured",
        "known failure",
        "supported",
    ]
    assert "<details><summary>environment</summary>\n\n- model ioi-mini\n- torch 2.13.0\n\n</details>" in text


def test_a_failed_setup_is_said_before_the_table():
    setup = SetupRecord(name="setup-model", ok=False, message="the model does not do this task")
    text = summary(run([ClaimRecord.of(REFUTED)], setup=[setup]))
    assert text.index(
        "**ioi.circuit.yaml setup-model** failed: the model does not do this task"
    ) < text.index("| claim")


def test_labels_cannot_break_out_of_their_cell():
    hostile = replace(REFUTED, says="a | b <script>alert(1)</script> `code` **bold**\n| new | row |")
    (row,) = rows(summary(run([ClaimRecord.of(hostile)])))
    assert "<script>" not in row
    assert r"a \| b &lt;script&gt;alert(1)&lt;/script&gt; \`code\` \*\*bold\*\* \| new \| row \|" in row


def test_controls_stand_below_what_was_measured():
    controls = Controls(
        "drop", 0.4, (0.1,) * 20, 1.0, 0.95, 120, 3, Outcome.SUPPORTED, "loose | match", error_effect=0.05
    )
    (row,) = rows(summary(run([ClaimRecord.of(replace(REFUTED, controls=controls))])))
    assert (
        "expected 0.0 to 0.3<br>controls: beats 20 of 20 matched features (their median 0.100, 95% at 0.100); "
        r"dictionary errors 0.050 of 0.400; loose \| match |"
    ) in row


def test_long_cells_are_cut():
    assert escape("x" * 1000) == "x" * 297 + "..."


def test_the_summary_stays_below_its_limit_and_counts_what_it_leaves_out():
    records = [
        ClaimRecord.of(replace(REFUTED, claim=f"claim-{number}", says="ä" * 300)) for number in range(3000)
    ]
    text = summary(run(records))
    kept = len(rows(text))
    assert len(text.encode()) <= MOST_BYTES
    assert 0 < kept < 3000
    assert f"{3000 - kept} more claims are in `results.json`." in text


def test_a_run_without_claims_says_that_nothing_was_measured():
    assert summary(run([])).startswith("### circuits: nothing was measured\n")


def test_an_interrupted_run_says_so():
    results = run([ClaimRecord.of(REFUTED)]).model_copy(update={"interrupted": True})
    assert summary(results).startswith("### circuits: 1 refuted (interrupted)\n")
