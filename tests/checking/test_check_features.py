"""What a check says of the features of a file: all of its groups, as texts, and never at a claim's expense."""

import pytest
from fakes import FakeEngine, fake_prompts, model_of
from tiny_models import tiny_dictionary, tiny_gpt2

from circuitcheck import check
from circuitcheck.checking import features as module
from circuitcheck.checking.features import describe_features
from circuitcheck.checking.models import loaded
from circuitcheck.engine import Context, Description
from circuitcheck.nodes import parse_node

FILE = """
circuitcheck: 1
circuit: elsewhere
model: {path: model}
dictionaries:
  z: {path: "z/{layer}"}
  tc: {path: "tc/{layer}"}
prompts:
  family:
    family: words
    title: two words, one again
    lists: {names: [w1, w2, w3, w4, w5, w6, w7, w8]}
    slots: {IO: names, S: names}
    roles: {IO: IO, S1: S, S2: S}
    orders: {ABBA: {first: IO, second: S1}, BABA: {first: S1, second: IO}}
    templates:
      - {id: short, text: "w9 {first} w10 {second} w11 {S2} w12"}
      - {id: long, text: "w9 {first} w10 {second} w13 w11 {S2} w12"}
    answer: IO
    foil: S
    corruptions: {fresh: {IO: fresh, S1: fresh, S2: fresh}}
  n: 40
nodes:
  head: {heads: [L1H1], at: END}
  name: {features: [L0.z/3, L0.z/4], at: S2, label: "a name"}
  again: {features: [L0.z/3], at: [S2, END], label: "a name again"}
  unused: {features: [L1.tc/5], at: END}
claims:
  - {id: behaviour, says: x, measure: clean, expect: {logit_diff: "?"}}
  - {id: first, says: x, activates: [L0.z/7@IO], expect: {rate: "?"}}
  - {id: second, says: x, ablate: name, with: zero, expect: {effect: "?"}}
"""


@pytest.fixture
def elsewhere(tmp_path):
    loaded.cache_clear()
    tiny_gpt2(tmp_path / "model")
    tiny_dictionary(tmp_path / "z" / "0", "jumprelu")
    tiny_dictionary(tmp_path / "tc" / "1", "jumprelu_transcoder", layer=1)
    path = tmp_path / "words.circuit.yaml"
    path.write_text(FILE, encoding="utf-8")
    yield path
    loaded.cache_clear()


def named(result):
    return [str(feature.node) for feature in result.features]


def test_features_of_groups_come_first_each_place_once_then_those_of_claims(elsewhere):
    result = check(elsewhere)
    assert named(result) == ["L0.z/3@S2", "L0.z/4@S2", "L0.z/3@END", "L1.tc/5@END", "L0.z/7@IO"]
    first, *_, last = result.features
    assert (first.groups, first.labels) == (("name", "again"), ("a name", "a name again"))
    assert (last.groups, last.labels, last.missing) == ((), (), "")


def test_a_context_is_the_texts_of_a_prompt_with_its_roles_and_the_firing_token(elsewhere):
    result = check(elsewhere, claims=["second"])
    contexts = [context for feature in result.features for context in feature.contexts]
    assert contexts
    for context in contexts:
        assert context.tokens[0] == " w9"  # BOS is left out
        assert context.tokens[context.roles["S2"]] in {f" w{number}" for number in range(1, 9)}
        assert context.tokens[context.roles["END"]] == " w12"
        assert 0 <= context.firing < len(context.tokens) == (7 if context.template == "short" else 8)
        assert (context.before, context.after) == (0, 0)
    strengths = [context.activation for context in result.features[0].contexts]
    assert strengths == sorted(strengths, reverse=True)


def test_promoted_tokens_are_texts_with_their_logits(elsewhere):
    feature = check(elsewhere, claims=["second"]).features[0]
    assert len(feature.promotes) == len(feature.suppresses) == 8
    assert all(text.startswith(" w") or "<|endoftext|>" in text for text, _ in feature.promotes)
    assert feature.promotes[0][1] > 0 > feature.suppresses[0][1]


def test_of_one_claim_only_the_dictionaries_that_it_uses_are_described(elsewhere):
    assert named(check(elsewhere, claims=["behaviour"])) == []
    assert named(check(elsewhere, claims=["first"])) == ["L0.z/3@S2", "L0.z/4@S2", "L0.z/3@END", "L0.z/7@IO"]


def test_a_feature_that_cannot_be_described_says_why_and_takes_nothing_else_down(elsewhere):
    weights = next((elsewhere.parent / "tc").rglob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-100])
    result = check(elsewhere)
    found = {str(feature.node): feature for feature in result.features}
    assert weights.name in found["L1.tc/5@END"].missing
    assert (found["L1.tc/5@END"].rate, found["L1.tc/5@END"].contexts) == (None, ())
    assert found["L1.tc/5@END"].groups == ("unused",)
    assert found["L0.z/3@S2"].missing == ""
    assert found["L0.z/3@S2"].rate is not None
    assert {verdict.claim for verdict in result.verdicts} | set(result.errors) == {
        "behaviour",
        "first",
        "second",
    }
    assert not any(weights.name in error for error in result.errors.values())


class Bench:
    """A fake engine whose one context is at `position`, and a tokenizer of numbers."""

    def __init__(self, position):
        self.engine = FakeEngine(model_of(1.0, 0.0))
        self.engine.describe = lambda nodes, prompts: tuple(
            Description(node, 0.5, 0.1, (Context(0, position, 2.0),), (), ()) for node in nodes
        )
        self.tokenizer = self

    def decode(self, token):
        return f" {token}"


def test_of_a_long_prompt_the_part_around_the_firing_token_is_kept(elsewhere, monkeypatch):
    monkeypatch.setattr(module, "TOKENS_BEFORE", 1)
    monkeypatch.setattr(module, "TOKENS_AFTER", 0)
    from circuitcheck.reading import read_spec

    spec = read_spec(elsewhere)
    (claim,) = [claim for claim in spec.claims if claim.id == "first"]
    found = describe_features(spec, [claim], Bench(position=3), fake_prompts(4))
    assert found[-1].node == parse_node("L0.z/7@IO")
    (context,) = found[-1].contexts
    assert context.tokens == (" 2", " 3")
    assert (context.firing, context.before, context.after) == (1, 1, 1)
    assert context.roles == {"S2": 1}  # IO and END are on tokens that were left out
