"""`circuitcheck report`: draws a run's page again, compares runs, writes drawings."""

import xml.etree.ElementTree as ET

import pytest
from report_samples import ioi, run

from circuitcheck.cli import main
from circuitcheck.report.html.figure_files import figure_files
from circuitcheck.report.writing import write_reports

FIRST, SECOND = "20261122T093512Z-abcdef", "20261123T093512Z-abcdef"


@pytest.fixture(autouse=True)
def _two_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (FIRST, SECOND):
        write_reports(run(ioi(), name=name), tmp_path / "reports")


@pytest.fixture
def call(capsys):
    def of(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main(["report", *arguments])
        written = capsys.readouterr()
        return int(exit_.value.code or 0), written.out, written.err

    return of


def test_the_page_of_the_newest_run_is_drawn_again(call, tmp_path):
    page = tmp_path / "reports" / SECOND / "report.html"
    page.write_text("old")
    assert call() == (0, f"reports/{SECOND}/report.html\n", "")
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert sorted(path.name for path in page.parent.iterdir()) == [
        "report.html",
        "results.json",
        "summary.md",
    ]


def test_a_run_can_be_named(call):
    assert call(FIRST)[1] == f"reports/{FIRST}/report.html\n"
    assert call(f"reports/{FIRST}")[1] == f"reports/{FIRST}/report.html\n"


def test_two_runs_are_compared_in_a_page_beside_the_later_one(call, tmp_path):
    code, out, _ = call(FIRST, SECOND)
    assert (code, out) == (0, f"reports/{SECOND}/compared-with-{FIRST}.html\n")
    assert "All 9 claims that both runs have came out the same." in (tmp_path / out.strip()).read_text()


def test_a_run_that_is_not_there_is_refused_in_one_sentence(call):
    code, out, err = call("gone")
    assert (code, out) == (2, "")
    assert "cannot read reports/gone/results.json" in err
    assert len(err.strip().splitlines()) == 1


def test_drawings_are_written_as_files_that_stand_alone(call, tmp_path):
    code, out, _ = call("--svg", "drawings")
    assert code == 0
    files = sorted(
        path.relative_to(tmp_path / "drawings").as_posix() for path in tmp_path.glob("drawings/**/*.svg")
    )
    assert out.splitlines()[1] == f"{len(files)} drawings in drawings"
    assert "ioi/circuit.svg" in files
    assert "ioi/backup-compensates.svg" in files
    assert "ioi/gone.svg" not in files
    for name in files:
        text = (tmp_path / "drawings" / name).read_text(encoding="utf-8")
        root = ET.fromstring(text.encode())
        assert float(root.get("width")) > 0
        assert "var(" not in text


def test_drawings_that_cannot_be_written_are_said_in_one_sentence(call, tmp_path):
    (tmp_path / "drawings").write_text("a file in the way")
    code, _, err = call("--svg", "drawings")
    assert code == 2
    assert "Choose a folder that can be written." in err
    assert len(err.strip().splitlines()) == 1


def test_names_in_a_results_file_cannot_leave_the_folder():
    record = ioi().claims[2].model_copy(update={"claim": "../../up"})
    files = [ioi([record, record], circuit="../.."), ioi([record], circuit="../..")]
    names = [str(name) for name, _ in figure_files(run(*files))]
    assert names == [
        "_/circuit.svg",
        "_/_.._up.svg",
        "_/_.._up-2.svg",
        "_-2/circuit.svg",
        "_-2/_.._up.svg",
    ]
