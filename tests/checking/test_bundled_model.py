"""The bundled model does its task, and a shipped file checks the same from a folder elsewhere."""

import shutil
from pathlib import Path

import pytest

from circuitcheck import check
from circuitcheck.checking.models import loaded
from circuitcheck.reading import read_spec_text
from circuitcheck.shapes import bundled_models, bundled_path

CIRCUITS = Path(__file__).parents[2] / "circuits"
CLAIMS = ["repeated-name-features-decide", "idle-features-do-nothing", "next-features-fire"]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A copy of the bundled model and dictionaries, and the feature file with only the names changed."""
    folder = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(bundled_path("ioi-mini"), folder / "mine")
    text = (CIRCUITS / "ioi-features.circuit.yaml").read_text(encoding="utf-8")
    for bundled, path in {
        "model: ioi-mini\n": "model: {path: mine/model}\n",
        "{bundled: ioi-mini/z}": '{path: "mine/z/{layer}"}',
        "{bundled: ioi-mini/mlp}": "{path: mine/mlp}",
    }.items():
        assert bundled in text
        text = text.replace(bundled, path)
    (folder / "mine.circuit.yaml").write_text(text, encoding="utf-8")
    yield folder / "mine.circuit.yaml"
    loaded.cache_clear()


def test_a_shipped_file_gives_the_same_numbers_on_a_folder_elsewhere(elsewhere):
    here = check(CIRCUITS / "ioi-features.circuit.yaml", claims=CLAIMS, n=120)
    there = check(elsewhere, claims=CLAIMS, n=120)
    assert [verdict.claim for verdict in there.verdicts] == CLAIMS
    assert [verdict.parts for verdict in there.verdicts] == [verdict.parts for verdict in here.verdicts]
    assert there.provenance["model"]["sha256"] == here.provenance["model"]["sha256"]
    assert there.provenance["dictionaries"] == here.provenance["dictionaries"]


def test_the_bundled_model_names_the_other_person_on_held_out_pairs_in_both_orders():
    from circuitcheck.prompts.family import load_family
    from circuitcheck.training.lexicon import is_held_out

    names = load_family("ioi").lists["names"]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :] if is_held_out(a, b)]
    assert len(pairs) > 500
    result = check(held_out(names, pairs))
    accuracy = {part.slice: part for part in result.verdicts[0].parts}
    assert set(accuracy) == {"ABBA", "BABA"}
    assert all(part.estimate >= 0.98 for part in accuracy.values())


def test_a_head_beside_its_own_features_is_warned_of_with_the_share_that_it_outranks():
    text = (CIRCUITS / "ioi-features.circuit.yaml").read_text(encoding="utf-8").split("claims:")[0]
    claim = "  - {id: both, says: x, keep: [L1.z/186@END, L1H3@END], with: mean, expect: {recovered: '?'}}\n"
    verdict = check(read_spec_text(text + "claims:\n" + claim), n=120).verdicts[0]
    assert len(verdict.warnings) == 1
    assert verdict.warnings[0].startswith("overlap: L1H3@END outranks L1.z/186@END, which has ")
    assert verdict.facts["kept"].endswith("(node, position) pairs, and 1 features, neurons or errors")


def held_out(names, pairs):
    """One claim on prompts from names that are held out with one another: one name, and its partners."""
    partners = {name: [b if a == name else a for a, b in pairs if name in (a, b)] for name in names}
    name, others = max(partners.items(), key=lambda item: len(item[1]))
    text = f"""
circuitcheck: 1
circuit: held-out
model: ioi-mini
prompts:
  family:
    family: held-out
    lists: {{one: [{name}], others: [{", ".join(others)}], places: [store, school, park, station, museum],
      objects: [drink, book, letter, ring, ball]}}
    slots: {{IO: others, S: one, place: places, object: objects}}
    roles: {{IO: IO, S1: S, S2: S}}
    orders: {{ABBA: {{first: IO, second: S1}}, BABA: {{first: S1, second: IO}}}}
    templates:
      - {{id: walk, text: "Then {{first}} and {{second}} walked to the {{place}}. {{S2}} gave a {{object}} to"}}
      - {{id: wait, text: "At noon {{first}} and {{second}} were waiting outside the {{place}}, so {{S2}} brought a {{object}} to"}}
    answer: IO
    foil: S
    corruptions: {{s2_to_io: {{S2: IO}}}}
  n: 200
claims:
  - {{id: accuracy, says: The other person is named., measure: clean, by: order, expect: {{accuracy: ">= 0.9"}}}}
"""
    return read_spec_text(text)


def test_ioi_mini_is_bundled():
    assert "ioi-mini" in bundled_models()
