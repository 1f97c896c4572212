"""Report folders are there whole or not at all."""

import re
from datetime import UTC, datetime

import pytest
from verdict_samples import REFUTED

from circuitcheck.errors import CircuitCheckError
from circuitcheck.report import writing
from circuitcheck.report.results import ClaimRecord, FileRecord, RunResults
from circuitcheck.report.writing import new_run_id, newest_run, read_results, write_reports


def results(run):
    file = FileRecord(path="ioi.circuit.yaml", circuit="ioi", claims=[ClaimRecord.of(REFUTED)])
    return RunResults(run=run, started="s", seconds=1, command=[], files=[file])


def test_a_run_is_named_by_its_time_and_six_random_digits():
    moment = datetime(2026, 11, 22, 9, 35, 12, tzinfo=UTC)
    name = new_run_id(moment)
    assert re.fullmatch(r"20261122T093512Z-[0-9a-f]{6}", name)
    assert new_run_id(moment) != name


def test_all_files_are_written_and_results_read_back(tmp_path):
    expected = results(new_run_id())
    folder = write_reports(expected, tmp_path / "reports")
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "results.json", "summary.md"]
    assert read_results(folder) == expected
    assert newest_run(tmp_path / "reports") == folder


def test_nothing_is_left_behind_when_writing_fails(tmp_path, monkeypatch):
    def broken(_):
        raise OSError("disk full")

    monkeypatch.setattr(writing, "summary", broken)
    with pytest.raises(OSError, match="disk full"):
        write_reports(results(new_run_id()), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_newest_run_goes_by_its_time_and_baselines_are_no_runs(tmp_path):
    for name in ("20261122T093512Z-ffffff", "20261123T000000Z-000000"):
        write_reports(results(name), tmp_path)
    write_reports(results("baseline"), tmp_path)
    assert newest_run(tmp_path).name == "20261123T000000Z-000000"


def test_without_runs_the_message_says_what_to_do(tmp_path):
    with pytest.raises(CircuitCheckError, match="Run `circuitcheck run` on your circuit files first"):
        newest_run(tmp_path)


def test_a_file_of_another_schema_is_refused_in_words(tmp_path):
    (tmp_path / "results.json").write_text('{"version": 99}')
    with pytest.raises(CircuitCheckError, match="is not a results file of this version"):
        read_results(tmp_path)


def test_a_missing_folder_is_refused_in_words(tmp_path):
    with pytest.raises(CircuitCheckError, match=r"cannot read .*results\.json: No such file"):
        read_results(tmp_path / "gone")
