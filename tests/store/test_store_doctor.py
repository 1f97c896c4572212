"""`circuitcheck doctor --store`."""

import pytest
from store_samples import PLACE, PROMPTS, Bench
from typer.testing import CliRunner

from circuitcheck.cli import app
from circuitcheck.store import inspection


def doctor(*arguments):
    result = CliRunner().invoke(app, ["doctor", *map(str, arguments)], env={"CIRCUITCHECK_STORE": ""})
    return result.exit_code, result.output.splitlines()


@pytest.fixture
def folder(tmp_path):
    bench = Bench(tmp_path)
    bench.measure()
    bench.engine.fit(PLACE, (7, 8), PROMPTS)
    return tmp_path


def test_the_doctor_counts_what_is_stored(folder):
    code, lines = doctor("--store", folder)
    assert code == 0
    assert lines[0].startswith(f"store {folder}: 6 measurements in 2 files, ")
    assert lines[1].startswith("last used between 20")
    assert len(lines) == 2


def test_the_doctor_lists_damaged_entries_and_takes_them_away_when_told(folder):
    (path,) = (folder / "fit").rglob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    code, lines = doctor("--store", folder)
    assert code == 1
    assert lines[0].startswith(f"store {folder}: 5 measurements in 2 files, ")
    assert f"damaged: {path}" in lines
    assert path.exists()
    assert doctor("--store", folder, "--remove-damaged")[0] == 0
    assert not path.exists()
    assert doctor("--store", folder)[0] == 0


def test_an_entry_under_another_s_name_is_damaged(folder):
    (path,) = (folder / "fit").rglob("*.safetensors")
    other = path.rename(path.with_stem("ab" * 32))
    assert f"damaged: {other}" in doctor("--store", folder)[1]


def test_the_doctor_counts_what_older_code_made(folder, monkeypatch):
    newer = {**inspection.VERSIONS, "metric": 2, "fit": 2}
    monkeypatch.setattr(inspection, "VERSIONS", newer)
    assert doctor("--store", folder)[1][2] == "6 were made by older code, and are not used any more"
    monkeypatch.setattr(inspection, "VERSIONS", {**newer, "metric": 1})
    assert doctor("--store", folder)[1][2] == "1 were made by older code, and are not used any more"


def test_the_doctor_says_where_there_is_no_store(tmp_path):
    code, lines = doctor("--store", tmp_path / "nowhere")
    assert code == 0
    assert lines == [
        f"there is no store at {tmp_path / 'nowhere'}: nothing has been measured yet, or it is kept elsewhere."
    ]


def test_the_doctor_looks_where_the_environment_says(folder):
    result = CliRunner().invoke(app, ["doctor", "--store"], env={"CIRCUITCHECK_STORE": str(folder)})
    assert result.output.startswith(f"store {folder}: 6 measurements")


def test_a_folder_without_store_is_refused(folder):
    code, lines = doctor(folder)
    assert code == 2
    assert any("belong to" in line for line in lines)
