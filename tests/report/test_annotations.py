"""Marks on GitHub: which claims get one, what it says, and that no text can write a command of its own."""

from dataclasses import replace

import pytest
from report_samples import NASTY, claim, ioi
from verdict_samples import BEHAVIOUR, KNOWN, REFUTED, REPORTED, UNDECIDED

from circuitcheck.report.annotations import MOST, annotation_lines
from circuitcheck.report.results import ClaimRecord, FileRecord, SetupRecord


def lines(*claims, **fields):
    return annotation_lines([ioi(list(claims), **{"setup": []} | fields)], lambda path: f"repo/{path}")


def test_a_refuted_claim_is_an_error_at_its_line_with_its_numbers():
    assert lines(claim(REFUTED)) == (
        "::error file=repo/circuits/ioi.circuit.yaml,line=54,title=backup-compensates%3A refuted::"
        "drop 0.412 [0.371, 0.455], expected 0.0 to 0.3%0A"
        "Knocking out the name movers costs little, because backups take over.",
    )


def test_an_inconclusive_claim_is_a_warning_and_one_that_could_not_be_measured_an_error():
    error = ClaimRecord.of_error("gone", "no such head", 19)
    found = lines(claim(UNDECIDED), error)
    assert [line.partition("::")[2].partition("::")[0].partition(" ")[0] for line in found] == [
        "error",
        "warning",
    ]
    assert "line=19,title=gone%3A error::no such head" in found[0]
    assert "line=68,title=better-than-chance%3A inconclusive::drop 0.280" in found[1]


@pytest.mark.parametrize("verdict", [BEHAVIOUR, KNOWN, REPORTED], ids=lambda verdict: verdict.claim)
def test_claims_that_are_as_they_should_be_are_not_marked(verdict):
    assert lines(claim(verdict)) == ()


def test_a_known_failure_that_holds_is_an_error():
    (line,) = lines(claim(replace(BEHAVIOUR, known_failure="#7: nobody believed it")))
    assert line.startswith("::error ")
    assert "title=behaviour%3A supported%2C against its known_failure::" in line


def test_failed_setup_and_files_that_could_not_be_measured_are_errors_of_the_whole_file():
    setup = SetupRecord(name="setup-model", ok=False, message="the model does not do this task")
    file = FileRecord(path="a.yaml", circuit="a", error="there is no model 'gpt9'.", setup=[setup])
    assert annotation_lines([file], str) == (
        "::error file=a.yaml,title=a%3A nothing could be measured::there is no model 'gpt9'.",
        "::error file=a.yaml,title=a%3A setup-model failed::the model does not do this task",
    )


def test_no_text_can_end_its_property_or_begin_a_command():
    nasty = "50%, x: y\r\n::set-output name=a::b"
    (line,) = lines(claim(replace(REFUTED, claim=nasty, says=nasty)), path="a,b:c%.yaml")
    assert line.count("\n") == line.count("\r") == 0
    command, _, message = line.removeprefix("::").partition("::")
    assert command == (
        "error file=repo/a%2Cb%3Ac%25.yaml,line=54,"
        "title=50%25%2C x%3A y%0D%0A%3A%3Aset-output name=a%3A%3Ab%3A refuted"
    )
    assert message.endswith("50%25, x: y%0D%0A::set-output name=a::b")


def test_a_long_message_is_cut():
    (line,) = lines(claim(replace(REFUTED, says=NASTY * 100)))
    assert len(line) < 1500
    assert line.endswith("…")


def test_what_github_would_not_show_is_counted_and_refuted_claims_come_first():
    errors = [ClaimRecord.of_error(f"gone-{number}", "no such head", 1) for number in range(MOST)]
    refuted = [claim(replace(REFUTED, claim=f"refuted-{number}")) for number in range(3)]
    doubts = [claim(replace(UNDECIDED, claim=f"doubt-{number}")) for number in range(MOST + 1)]
    found = lines(*errors, *refuted, *doubts)
    assert [line.startswith("::error ") for line in found] == [True] * MOST + [False] * (MOST + 1)
    assert ["refuted-" in line for line in found[:MOST]] == [True] * 3 + [False] * (MOST - 3)
    assert found[-1] == (
        "::notice title=circuitcheck::3 more errors and 1 more warning than GitHub shows; "
        "all are in the step summary and in the report."
    )


def test_as_many_as_github_shows_need_no_notice():
    found = lines(*(claim(replace(REFUTED, claim=f"refuted-{number}")) for number in range(MOST)))
    assert len(found) == MOST
    assert all(line.startswith("::error ") for line in found)
