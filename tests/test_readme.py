"""The README's circuit files are circuit files, and its words are the ones in the code."""

import re
from pathlib import Path

import pytest

from circuitcheck.reading import read_spec_text

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_the_readme_shows_a_circuit_file():
    assert BLOCKS


@pytest.mark.parametrize("block", BLOCKS)
def test_every_yaml_block_of_the_readme_is_a_valid_circuit_file(block):
    spec = read_spec_text(block)
    assert spec.claims


def test_the_readme_names_every_command():
    from circuitcheck.cli import app

    text = README.read_text(encoding="utf-8")
    named = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert named
    assert [name for name in sorted(named) if f"circuitcheck {name}" not in text] == []


def test_the_two_commands_of_the_readme_are_make_targets():
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^circuits:", makefile, re.MULTILINE)
    assert re.search(r"^test:", makefile, re.MULTILINE)
