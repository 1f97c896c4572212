"""`circuitcheck baseline`: save, accept, diff and table on runs written by hand."""

from pathlib import Path

import pytest
from baseline_samples import Numbers, file_of, lost_metric, record, run_of

from circuitcheck.baseline.records import read_baseline
from circuitcheck.cli import main
from circuitcheck.report.claim_records import ClaimRecord
from circuitcheck.report.writing import write_reports

FIRST, SECOND = "20261122T093512Z-3fa9c1", "20261122T101500Z-0b1c2d"
BASELINE = Path("reports/baseline/baseline.json")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def call(capsys):
    """Run `circuitcheck baseline ...`: its exit code, what it wrote, and what it complained about."""

    def run(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main(["baseline", *arguments])
        written = capsys.readouterr()
        return int(exit_.value.code or 0), written.out, written.err

    return run


@pytest.fixture
def two_runs():
    """The mover's claim moved from the first run to the second; the other's did not."""
    other = record("other", nodes=["L1H0@END"])
    write_reports(run_of(file_of(record("mover"), other), run=FIRST), Path("reports"))
    moved = record("mover", Numbers(lost_metric(share=0.7)))
    write_reports(
        run_of(file_of(moved, other, sha="f" * 32, model="models/edited"), run=SECOND), Path("reports")
    )


def test_save_takes_the_newest_run_unless_one_is_named(call, two_runs):
    assert call("save") == (0, f"{BASELINE}: 2 claims, from run {SECOND}\n", "")
    assert call("save", FIRST)[1].endswith(f"from run {FIRST}\n")
    assert read_baseline(BASELINE).claims["ioi"]["mover"].parts[0].estimate == pytest.approx(0.4, abs=0.02)


def test_save_without_a_run_says_which_command_makes_one(call):
    code, _, err = call("save")
    assert code == 2
    assert "Run `circuitcheck run` on your circuit files first." in err
    assert not BASELINE.exists()


def test_save_says_what_it_leaves_out_and_what_the_baseline_had_before(call, two_runs):
    call("save")
    write_reports(
        run_of(
            file_of(record("mover"), ClaimRecord.of_error("gone", "no such head.")), run=SECOND[:-1] + "e"
        ),
        Path("reports"),
    )
    out = call("save", SECOND[:-1] + "e")[1]
    assert "left out: ioi::gone, since it could not be measured: no such head." in out
    assert "this run did not measure them: ioi::other" in out


def test_save_of_a_run_without_any_number_writes_nothing(call):
    write_reports(run_of(file_of(ClaimRecord.of_error("gone", "no such head."))), Path("reports"))
    code, _, err = call("save")
    assert (code, BASELINE.exists()) == (2, False)
    assert "has no claim to keep" in err


def test_diff_names_what_moved_and_exits_with_one(call, two_runs):
    call("save", FIRST)
    code, out, _ = call("diff")
    assert code == 1
    assert "model: ioi-mini 9b1facdbbf97 in the baseline, models/edited ffffffffffff now" in out
    assert "mover: drop moved by +0.3" in out
    assert out.endswith("2 claims held against the baseline: 1 moved, 1 identical\n")


def test_diff_of_what_is_the_same_exits_with_zero(call, two_runs):
    call("save", FIRST)
    assert call("diff", str(BASELINE), FIRST)[0] == 0
    assert call("diff", FIRST, str(BASELINE))[0] == 0
    assert call("diff", FIRST, SECOND)[0] == 1
    assert call("diff", FIRST, SECOND, "--margin", "0.5")[0] == 0


def test_diff_says_what_the_later_one_lacks(call, two_runs):
    call("save", FIRST)
    later = SECOND[:-1] + "e"
    write_reports(run_of(file_of(record("mover")), run=later), Path("reports"))
    assert "other: not in the later one" in call("diff", str(BASELINE), later)[1]


def test_diff_of_something_else_is_a_wrong_call(call, two_runs):
    code, _, err = call("diff", "nothing", FIRST)
    assert code == 2
    assert (
        err
        == "'nothing' is neither a baseline file nor a run in reports. Give a file, or a run's folder or name.\n"
    )
    assert "Write one with `circuitcheck baseline save`" in call("diff")[2]


def test_accept_takes_one_claim_and_leaves_the_others(call, two_runs):
    call("save", FIRST)
    before = read_baseline(BASELINE)
    assert call("accept", "ioi::mover")[0] == 0
    after = read_baseline(BASELINE)
    assert after.claims["ioi"]["other"] == before.claims["ioi"]["other"]
    assert after.claims["ioi"]["mover"] != before.claims["ioi"]["mover"]
    assert call("diff")[0] == 0


def test_accept_of_an_unknown_claim_says_which_there_are(call, two_runs):
    code, _, err = call("accept", "moover")
    assert (code, err) == (2, f"run {SECOND} did not measure 'moover'. It has: mover, other.\n")


def test_accept_of_a_claim_that_could_not_be_measured_is_refused(call):
    write_reports(
        run_of(file_of(record("mover"), ClaimRecord.of_error("gone", "no such head."))), Path("reports")
    )
    code, _, err = call("accept", "gone")
    assert (code, err) == (2, "ioi::gone cannot be accepted: it could not be measured: no such head.\n")


def test_table_shows_each_claim_on_each_checkpoint_and_writes_every_number(call, two_runs):
    code, out, _ = call("table", FIRST, SECOND, "--csv", "checkpoints.csv")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["claim", "ioi-mini", "models/edited"]
    assert [word for word in lines[2].split() if word.isalpha()] == ["supported", "drop"] * 2
    assert lines[2].startswith("ioi::mover ")
    rows = Path("checkpoints.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0].startswith("circuit,claim,run,model,model_sha256,verdict,quantity,slice,expected,estimate")
    assert len(rows) == 5
    assert rows[3].startswith(f"ioi,mover,{SECOND},models/edited,{'f' * 32},supported,drop,,>= 0.2,0.")


def test_table_leaves_a_dash_where_a_run_lacks_a_claim(call, two_runs):
    write_reports(run_of(file_of(record("mover")), run=SECOND[:-1] + "e"), Path("reports"))
    last = call("table", FIRST, SECOND[:-1] + "e")[1].splitlines()[-1]
    assert last.startswith("ioi::other")
    assert last.endswith("  -")
