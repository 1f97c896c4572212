"""`versus: matched_features` on the bundled model: features that matter win, matched random ones do not."""

import dataclasses
from pathlib import Path

import pytest

from circuitcheck import check
from circuitcheck.checking.bench import Overrides, open_bench
from circuitcheck.claims.matching import draw, place_of
from circuitcheck.prompts.build import build_prompts
from circuitcheck.reading import read_spec_text
from circuitcheck.verdict import Outcome

CIRCUITS = Path(__file__).parents[2] / "circuits"
CLAIM = """
  - id: {id}
    says: These features matter more than features like them.
    ablate: [{nodes}]
    with: resample
    versus: {{matched_features: 24, n: 32}}
    expect: {{drop: ">= {least}"}}
"""


def head():
    text = (CIRCUITS / "ioi-features.circuit.yaml").read_text(encoding="utf-8").split("claims:")[0]
    few = text.replace("  n: 480\n", "  n: 64\n  templates: [walk, arrive, leave, while]\n")
    assert few != text
    return few + "claims:"


@pytest.fixture(scope="module")
def matched():
    """Twelve features like those of the group `repeated`, none of them in it."""
    spec = read_spec_text(head() + CLAIM.format(id="x", nodes="repeated", least=0.1))
    bench = open_bench(spec, Overrides())
    prompts = build_prompts(spec.prompts, bench.tokenizer, base=spec.directory)
    features = spec.group("repeated")
    place = place_of(features[0])
    profiles = {place: bench.engine.profile(place, prompts)}
    found = draw(features, profiles, frozenset(features), wanted=1, prompts=len(prompts), seed=7)
    return list(found.groups[0].values())


@pytest.fixture(scope="module")
def result(matched):
    claims = CLAIM.format(id="repeated", nodes="repeated", least=0.2)
    claims += CLAIM.format(id="matched", nodes=", ".join(map(str, matched)), least=0.01)
    return check(read_spec_text(head() + claims))


def test_features_that_matter_beat_matched_features(result):
    verdict = result.verdicts[0]
    assert verdict.outcome is verdict.controls.outcome is Outcome.SUPPORTED
    assert verdict.controls.beaten == 1.0
    assert len(verdict.controls.effects) == 24
    assert verdict.controls.n == 32
    assert verdict.controls.effect == pytest.approx(verdict.parts[0].estimate, abs=0.1)
    assert max(verdict.controls.effects) < verdict.controls.effect
    assert abs(verdict.controls.error_effect) < 0.1


def test_matched_features_do_not_beat_others_though_their_expectation_holds(result):
    verdict = result.verdicts[1]
    assert verdict.parts[0].outcome is Outcome.SUPPORTED
    assert verdict.controls.beaten < 0.5
    assert verdict.outcome is Outcome.REFUTED
    assert "matched features, 0.95 of them needed" in verdict.reason


def test_the_table_has_the_share_beaten_the_number_of_controls_and_the_effect_of_errors(result):
    frame = result.to_frame().iloc[:2]  # behind them come the edges of the file, which have no controls
    verdicts = result.verdicts[:2]
    assert list(frame["beaten"]) == [verdict.controls.beaten for verdict in verdicts]
    assert list(frame["controls"]) == [24, 24]
    assert list(frame["error_effect"]) == [verdict.controls.error_effect for verdict in verdicts]
    bare = dataclasses.replace(
        result, verdicts=tuple(dataclasses.replace(verdict, controls=None) for verdict in result.verdicts)
    )
    assert bare.to_frame()["beaten"].isna().all()
