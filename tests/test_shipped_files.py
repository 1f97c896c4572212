"""The circuit files in circuits/ are valid, by our reader and by an independent validator."""

import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from circuitcheck.reading import read_spec
from circuitcheck.schema import circuit_schema

CIRCUITS = Path(__file__).parents[1] / "circuits"
FILES = sorted(CIRCUITS.glob("*.circuit.yaml"))
VERBS = {"measure", "ablate", "patch", "keep", "attends", "activates", "writes"}


def test_there_are_circuit_files():
    assert FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_shipped_file_validates_against_the_published_schema(path):
    document = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(circuit_schema()).validate(document)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_validator_refuses_a_shipped_file_with_an_unknown_key(path):
    document = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    document["claims"][0]["expct"] = {}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(circuit_schema()).validate(document)


def test_the_schema_beside_the_files_is_the_one_that_the_code_publishes():
    beside = json.loads((CIRCUITS / "circuit.schema.json").read_text(encoding="utf-8"))
    assert beside == circuit_schema()


def test_the_shipped_files_use_every_verb():
    used = {claim.verb for path in FILES for claim in read_spec(path).claims}
    assert used == VERBS


def test_the_shipped_files_show_a_null_claim_and_a_known_failure():
    claims = [claim for path in FILES for claim in read_spec(path).claims]
    assert any("null-claim" in claim.tags for claim in claims)
    assert any(claim.known_failure for claim in claims)
