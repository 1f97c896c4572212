"""What a command times, what it prints and writes, and when it fails."""

import json

import pytest
from typer.testing import CliRunner

from benchmarks import circuits
from benchmarks.__main__ import app
from benchmarks.agenda import Agenda, Job
from benchmarks.circuits import circuit_files, file_row
from benchmarks.claims import ASKED, FEW, MANY, NODES, ClaimsRow, claims_file, written_files
from benchmarks.memory import Peak, meter_for
from benchmarks.record import claims_record, file_record
from benchmarks.rounds import Run
from benchmarks.sides import EngineSide
from benchmarks.table import claims_line, lines_of
from circuitcheck import read_spec

QUICK = ("--work", "a", "--model", "ioi-mini", "--seconds", "0", "--rounds", "1", "--prompts", "4")


def test_without_flags_one_model_has_every_work_and_the_others_two():
    agenda = Agenda.of([], [], [])
    assert agenda.jobs == (
        Job("gpt2-small", 16, ("a", "b", "c", "d-end", "d-mid", "e-10", "e-25", "e-50")),
        Job("pythia-410m", 16, ("a", "b")),
        Job("llama-gqa", 16, ("a", "b")),
        Job("ioi-mini", 16, ("a", "b")),
    )
    assert {model for model, _ in agenda.files} == {"ioi-mini"}
    assert {name for _, name in agenda.files} < set(circuit_files())


def test_lengths_alone_ask_for_every_head_at_end():
    assert Agenda.of([], [], [16, 64, 256]).jobs == tuple(
        Job("gpt2-small", length, ("a",)) for length in (16, 64, 256)
    )


def test_models_and_works_are_multiplied():
    jobs = Agenda.of(["ioi-mini", "llama-gqa"], ["d", "a"], []).jobs
    assert jobs == (
        Job("ioi-mini", 16, ("d-end", "d-mid", "a")),
        Job("llama-gqa", 16, ("d-end", "d-mid", "a")),
    )


def test_circuit_files_need_no_model_of_their_own():
    agenda = Agenda.of([], ["f"], [])
    assert agenda.jobs == ()
    assert agenda.files == tuple(("ioi-mini", name) for name in circuit_files())


def test_files_without_dictionaries_can_be_timed_in_a_large_body():
    agenda = Agenda.of(["ioi-mini-wide"], ["f"], [])
    assert agenda.jobs == ()
    assert agenda.files == tuple(
        ("ioi-mini-wide", name) for name in ("ioi-heads", "ioi-new-wording", "plain")
    )


def test_an_unknown_model_is_refused_before_anything_is_built():
    with pytest.raises(ValueError, match="no model 'gpt9' to time"):
        Agenda.of(["gpt9"], [], [])


def test_a_command_prints_the_table_and_writes_the_record(tmp_path):
    out = tmp_path / "deep" / "found.json"
    result = CliRunner().invoke(app, [*QUICK, "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "(a) every head at END" in result.output
    record = json.loads(out.read_text(encoding="utf-8"))
    assert record["rows"][0]["model"] == "ioi-mini"
    assert record["settings"]["prompts"] == 4


def test_a_command_whose_sides_disagree_fails(tmp_path, monkeypatch):
    right = EngineSide.measure
    monkeypatch.setattr(EngineSide, "measure", lambda side, interventions: right(side, interventions) + 1e-2)
    result = CliRunner().invoke(app, [*QUICK, "--out", str(tmp_path / "found.json")])
    assert result.exit_code == 1
    assert "TOO LARGE" in result.output


@pytest.mark.parametrize("flags", [["--work", "z"], ["--model", "gpt9"], ["--profile", "z"]])
def test_a_word_that_means_nothing_is_refused_in_one_sentence(flags):
    result = CliRunner().invoke(app, flags)
    assert result.exit_code == 2
    assert "choose" in result.output


def test_a_profile_names_the_engines_functions():
    result = CliRunner().invoke(app, ["--profile", "a", "--model", "ioi-mini", "--prompts", "4"])
    assert result.exit_code == 0, result.output
    assert "every head at END" in result.output
    assert "measure" in result.output
    assert "cumtime" in result.output


@pytest.mark.parametrize("claims", [FEW, MANY])
def test_claims_are_valid_and_are_about_the_same_twenty_interventions(claims):
    with written_files() as paths:
        spec = read_spec(paths[claims])
    assert len(spec.claims) == claims
    assert len(NODES) == 20
    assert claims_file(claims).count("ablate: L2H0@END\n") == claims / 20


def test_the_claims_line_says_whether_what_was_asked_for_holds():
    def row(many):
        runs = {FEW: 2.0, MANY: many}
        return ClaimsRow(
            "ioi-mini", {claims: [Run(None, seconds, Peak(0, 0))] for claims, seconds in runs.items()}
        )

    assert "1.15 (1.15 to 1.15) times as long as 20" in claims_line(row(2.3))
    assert "holds." in claims_line(row(2 * ASKED))
    assert "does not hold." in claims_line(row(2.5))
    assert claims_record(row(2.5))["times_longer"] == [1.25]


def test_a_circuit_file_is_asked_the_same_by_both(monkeypatch):
    monkeypatch.setattr(circuits, "WHOLE_BATCHES", (64,))
    row = file_row(circuit_files()["plain"], 1, meter_for("cpu"), "cpu")
    assert row.agrees, row.difference
    assert row.conditions >= 5
    assert file_record(row)["file"] == "plain"
    assert "(f) plain" in lines_of([], [row])
