"""The published schema, as editors use it."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it ships no annotations

from circuitcheck.schema import DRAFT_07, circuit_schema


def parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    for inside in value if isinstance(value, list) else []:
        yield from parts(inside)


def test_the_schema_is_draft_07_and_uses_nothing_newer() -> None:
    schema = circuit_schema()
    assert schema["$schema"] == DRAFT_07
    jsonschema.Draft7Validator.check_schema(schema)
    keywords = {keyword for part in parts(schema) for keyword in part}
    assert not keywords & {
        "prefixItems",
        "$defs",
        "unevaluatedProperties",
        "dependentRequired",
        "$dynamicRef",
    }
    assert json.loads(json.dumps(schema)) == schema


def test_references_stand_alone_because_draft_07_ignores_what_is_beside_them() -> None:
    assert all(len(part) == 1 for part in parts(circuit_schema()) if isinstance(part.get("$ref"), str))


def test_every_key_of_ours_is_described_so_that_editors_can_show_it() -> None:
    schema = circuit_schema()
    ours = {
        name: schema["definitions"][name]
        for name in ("Claim", "Under", "NodeGroup", "DictionaryRef", "PromptsRef")
    }
    ours["ModelRef"] = schema["definitions"]["ModelRef"]["anyOf"][1]
    ours["Versus"] = schema["definitions"]["Versus"]["anyOf"][1]
    ours["file"] = schema
    missing = [
        f"{owner}.{key}"
        for owner, part in ours.items()
        for key, value in part["properties"].items()
        if not value.get("description")
    ]
    assert missing == []


def test_no_key_may_be_null() -> None:
    assert not any(part.get("type") == "null" for part in parts(circuit_schema()))


def test_every_claim_needs_exactly_one_verb() -> None:
    claim = circuit_schema()["definitions"]["Claim"]
    assert {"required": ["keep"]} in claim["oneOf"]
    assert len(claim["oneOf"]) == 10
