"""The versions named in code are the versions that the tests run with."""

from pathlib import Path

from circuitcheck.commands.doctor import KNOWN_GOOD

PINS = dict(
    line.split("==")
    for line in (Path(__file__).parents[1] / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if "==" in line
)


def test_what_doctor_calls_known_good_is_what_the_constraints_pin():
    assert {library: PINS.get(library) for library in KNOWN_GOOD} == KNOWN_GOOD


def test_no_constraint_names_a_place_to_download_from():
    text = (Path(__file__).parents[1] / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert "@" not in text
