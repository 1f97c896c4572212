"""Every wrong file lies beside the exact message that it gets; adding a file adds a test."""

from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # it ships no annotations
import pytest
from ruamel.yaml import YAML

from circuitcheck.errors import SpecError
from circuitcheck.reading import read_spec
from circuitcheck.schema import circuit_schema

BAD = Path(__file__).parents[1] / "specs" / "bad"
FILES = sorted(path.name for path in BAD.glob("*.circuit.yaml"))
STRUCTURAL = [
    "a-list",
    "ablation-named-twice",
    "bare-number-as-head",
    "claim-id-with-spaces",
    "claims-as-mapping",
    "confidence-of-95",
    "dictionary-in-two-places",
    "edge-not-an-edge",
    "edge-without-input",
    "empty-group",
    "empty-value",
    "known-failure-as-text",
    "missing-model",
    "missing-says",
    "model-of-two-kinds",
    "negative-seed",
    "no-claims",
    "no-verb",
    "nothing-expected",
    "prompts-of-two-kinds",
    "slice-that-is-none",
    "ten-faults",
    "threshold-as-number",
    "two-verbs",
    "under-nothing",
    "unknown-dtype",
    "unknown-key-at-top",
    "unknown-key-in-claim",
    "unknown-key-in-group",
    "unknown-key-in-prompts",
    "unknown-replacement",
    "verb-of-a-later-version",
    "version-two",
    "versus-of-too-few-controls",
    "versus-of-two-kinds",
    "versus-something-else",
]


def test_there_are_enough_wrong_files_to_trust_the_table() -> None:
    assert len(FILES) >= 30
    assert {
        path.name.replace(".expected.txt", ".circuit.yaml") for path in BAD.glob("*.expected.txt")
    } == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_file_gets_exactly_its_message(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    with pytest.raises(SpecError) as caught:
        read_spec(Path(name))
    expected = Path(name.replace(".circuit.yaml", ".expected.txt")).read_text(encoding="utf-8")
    assert f"{caught.value}\n" == expected


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("ten-faults")])
def test_one_fault_is_one_problem(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    with pytest.raises(SpecError) as caught:
        read_spec(Path(name))
    assert len(caught.value.problems) == 1


def test_ten_faults_are_reported_at_once_in_the_order_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    with pytest.raises(SpecError) as caught:
        read_spec(Path("ten-faults.circuit.yaml"))
    places = [(problem.line, problem.column) for problem in caught.value.problems]
    assert len(places) == 10
    assert places == sorted(places)


@pytest.mark.parametrize("name", STRUCTURAL)
def test_the_schema_refuses_files_of_the_wrong_structure_too(name: str) -> None:
    text = (BAD / f"{name}.circuit.yaml").read_text(encoding="utf-8")
    data = YAML(typ="safe", pure=True).load(text)
    assert not jsonschema.Draft7Validator(circuit_schema()).is_valid(data)
