"""Right files are read, and say in Python what they say in YAML."""

from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # it ships no annotations
import pytest
from ruamel.yaml import YAML

from circuitcheck.nodes import parse_node
from circuitcheck.prompts.family import Family
from circuitcheck.reading import read_spec
from circuitcheck.schema import circuit_schema
from circuitcheck.spec import CircuitSpec, Claim

GOOD = Path(__file__).parents[1] / "specs" / "good"
FILES = sorted(GOOD.glob("*.circuit.yaml"))


@pytest.fixture(scope="module")
def every_verb() -> CircuitSpec:
    return read_spec(GOOD / "every-verb.circuit.yaml")


def claim(spec: CircuitSpec, name: str) -> Claim:
    return next(claim for claim in spec.claims if claim.id == name)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_right_file_is_read_and_validates_against_the_schema(path: Path) -> None:
    spec = read_spec(path)
    assert spec.path == path
    assert spec.directory == path.parent
    data = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    assert list(jsonschema.Draft7Validator(circuit_schema()).iter_errors(data)) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_read_part_by_part_is_what_the_whole_model_reads(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(GOOD)  # the whole model resolves relative paths against the working directory
    spec = read_spec(path)
    whole = type(spec).model_validate(YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")))
    assert whole.model_dump() == spec.model_dump()


def test_claims_know_their_line(every_verb: CircuitSpec) -> None:
    lines = (GOOD / "every-verb.circuit.yaml").read_text(encoding="utf-8").splitlines()
    for each in every_verb.written:
        assert each.line == every_verb.line_of(each.id)
        assert lines[each.line - 1] == f"  - id: {each.id}"


def test_a_group_holds_its_nodes_at_its_positions_and_at_their_own(every_verb: CircuitSpec) -> None:
    assert [str(node) for node in every_verb.group("movers")] == ["L2H0@END", "L2H1@END", "L3H3@S2"]
    assert len(every_verb.group("mixed")) == 9 * 4
    assert [str(node) for node in every_verb.resolve(["reader", "L1H0@S1", "reader"])] == [
        "L0H0@END",
        "L1H0@S1",
    ]


def test_each_claim_has_one_verb_and_its_nodes(every_verb: CircuitSpec) -> None:
    assert [each.verb for each in every_verb.written] == [
        "measure", "measure", "ablate", "ablate", "ablate", "ablate", "patch", "patch", "keep", "attends",
        "attends", "attends", "activates", "writes",
    ]  # fmt: skip
    assert claim(every_verb, "clean").nodes(every_verb) == ()
    assert claim(every_verb, "writes").nodes(every_verb) == (parse_node("L0H0@END"), parse_node("L2H0@-1"))
    under = claim(every_verb, "attends-under").under
    assert under is not None
    assert under.nodes(every_verb) == (parse_node("L0H0@END"),)


def test_modifiers_that_are_left_out_are_none_and_have_the_defaults_of_their_verb(
    every_verb: CircuitSpec,
) -> None:
    denoise, noise = claim(every_verb, "denoise"), claim(every_verb, "noise")
    assert (denoise.patch_from, denoise.patch_into, denoise.from_) == ("clean", "corrupt", None)
    assert (noise.patch_from, noise.patch_into) == ("corrupt", "clean")
    assert claim(every_verb, "query").over is None
    assert claim(every_verb, "keep").slicing == ()
    assert claim(every_verb, "clean").slicing == ("template", "order")
    assert claim(read_spec(GOOD / "ioi-mini.circuit.yaml"), "faithful").slicing == ("order",)


def test_limits_issues_and_thresholds_are_read_as_meant(every_verb: CircuitSpec) -> None:
    features = claim(every_verb, "ablate-features")
    assert features.at_most == "none"
    assert features.known_failure is not None
    assert features.known_failure.issue == "12"
    assert claim(every_verb, "denoise").at_most == 1.5
    assert list(claim(every_verb, "ablate").thresholds) == ["drop", "lost", "effect"]
    assert claim(every_verb, "corrupt").thresholds["logit_diff"].high == 0


def test_versus_is_a_name_or_says_how_many_controls_what_share_and_on_how_many_prompts(
    every_verb: CircuitSpec,
) -> None:
    bare, full = (
        claim(every_verb, name).versus for name in ("attends-against-controls", "ablate-against-controls")
    )
    assert bare is not None
    assert (bare.matched_features, bare.beats, bare.n) == (100, 0.95, 120)
    assert full is not None
    assert (full.matched_features, full.beats, full.n) == (200, 0.9, 60)


def test_controls_are_compared_by_the_first_expectation_that_is_judged(every_verb: CircuitSpec) -> None:
    quantity, threshold = claim(every_verb, "ablate-against-controls").leading
    assert (quantity, threshold.low) == ("drop", 0.1)
    assert claim(every_verb, "query").leading[0] == "drop"
    assert not claim(every_verb, "query").leading[1].judged


def test_controls_replace_the_nodes_of_the_claim_or_of_what_it_is_under(every_verb: CircuitSpec) -> None:
    ablate, attends = (
        claim(every_verb, name) for name in ("ablate-against-controls", "attends-against-controls")
    )
    assert ablate.replacing is ablate
    assert attends.replacing is attends.under


def test_answers_yes_and_no_stay_words() -> None:
    spec = read_spec(GOOD / "family-written-here.circuit.yaml")
    assert isinstance(spec.prompts.family, Family)
    assert spec.prompts.family.lists["answers"] == ("Yes", "No", "on", "off")
    assert spec.prompts.corruption == "other"


def test_the_corruption_is_the_first_of_the_family_unless_named() -> None:
    assert read_spec(GOOD / "from-the-hub.circuit.yaml").prompts.corruption == "fresh_names"
    assert read_spec(GOOD / "pairs-from-a-file.circuit.yaml").prompts.corruption is None


def test_word_lists_of_the_file_replace_those_of_the_family(every_verb: CircuitSpec) -> None:
    family = every_verb.prompts.known_family
    assert family is not None
    assert family.lists["objects"] == ("drink", "book", "letter")
    assert every_verb.prompts.orders == ("ABBA",)


def test_dictionaries_say_where_their_layers_lie(every_verb: CircuitSpec, tmp_path: Path) -> None:
    assert every_verb.dictionaries["z"].pattern(tmp_path).endswith("bundled/ioi-mini/z/{layer}")
    reference = type(every_verb.dictionaries["z"])
    assert reference(path="saes").pattern(tmp_path) == f"{tmp_path}/saes/{{layer}}"
    assert reference(path="saes/l{layer}").layer_folder(tmp_path, 3) == tmp_path / "saes" / "l3"
