"""`check` from a file to its verdicts on models and dictionaries that lie in a folder."""

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import tiny_dictionary, tiny_gpt2, tiny_llama

from circuitcheck import check
from circuitcheck.checking.models import loaded
from circuitcheck.errors import DictionaryError, ModelError
from circuitcheck.verdict import Outcome

FILE = """
circuitcheck: 1
circuit: elsewhere
model: {path: model}
dictionaries:
  z: {path: "sae/{layer}"}
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
  feature: {features: [L0.z/3], at: END}
claims:
  - {id: behaviour, says: The task is done., measure: clean, expect: {logit_diff: ">= 2"}}
  - {id: head-matters, says: The head matters., ablate: head, expect: {drop: ">= 0.1"}}
  - {id: null-effect, says: The head does nothing., ablate: head, expect: {effect: "between -100 and 100"}}
  - {id: kept, says: All heads but one., keep: [head], with: mean, expect: {recovered: ">= 0.1"}}
  - {id: feature, says: The feature matters., ablate: feature, with: zero, expect: {effect: "?"}}
"""


@pytest.fixture
def elsewhere(tmp_path):
    loaded.cache_clear()
    tiny_gpt2(tmp_path / "model")
    tiny_dictionary(tmp_path / "sae" / "0", "jumprelu")
    path = tmp_path / "words.circuit.yaml"
    path.write_text(FILE, encoding="utf-8")
    yield path
    loaded.cache_clear()


def test_a_model_that_fails_its_task_gives_neither_a_pass_nor_a_zero(elsewhere):
    result = check(elsewhere, claims=["behaviour", "head-matters", "null-effect", "kept"])
    able = next(item for item in result.setup if item.name == "setup-model")
    assert not able.ok
    assert "does not do this task" in able.message
    outcomes = {verdict.claim: verdict.outcome for verdict in result.verdicts}
    assert outcomes.pop("behaviour") is Outcome.REFUTED
    assert set(outcomes.values()) == {Outcome.INCONCLUSIVE}
    reasons = {verdict.reason for verdict in result.verdicts if verdict.claim != "behaviour"}
    assert all("does not do this task" in reason for reason in reasons)


def test_claims_on_a_dictionary_of_noise_are_errors_and_the_setup_item_says_why(elsewhere):
    result = check(elsewhere)
    item = next(item for item in result.setup if item.name == "setup-dictionary-z")
    assert not item.ok
    assert re.search(r"variance explained within \(template, order\) is -?\d+\.\d+, below 0.5", item.message)
    assert "claims on an unfit dictionary are invalid" in result.errors["feature"]
    assert "feature" not in {verdict.claim for verdict in result.verdicts}


def test_only_the_claims_asked_for_are_measured(elsewhere):
    result = check(elsewhere, claims=["behaviour"])
    assert [verdict.claim for verdict in result.verdicts] == ["behaviour"]
    assert [item.name for item in result.setup] == ["setup-prompts", "setup-model"]


def test_a_dictionary_asked_for_by_name_is_checked_though_no_measured_claim_uses_it(elsewhere):
    result = check(elsewhere, claims=[], setup=["setup-dictionary-z"])
    assert [item.name for item in result.setup] == ["setup-prompts", "setup-model", "setup-dictionary-z"]
    assert not result.setup[-1].ok
    assert not result.verdicts


def test_the_same_file_checks_a_llama_with_grouped_queries(elsewhere):
    tiny_llama(elsewhere.parent / "llama")
    result = check(elsewhere, model_ref=str(elsewhere.parent / "llama"), claims=["behaviour", "head-matters"])
    assert {verdict.claim for verdict in result.verdicts} == {"behaviour", "head-matters"}
    assert result.provenance["model"]["name"].endswith("llama")


def test_the_result_becomes_a_table_per_claim_and_per_prompt(elsewhere):
    result = check(elsewhere, claims=["behaviour", "kept"])
    per_claim, per_prompt = result.to_frame(), result.to_frame(per="prompt")
    assert list(per_claim["claim"]) == ["behaviour", "kept", "kept"]
    assert list(per_claim["slice"]) == ["", "ABBA", "BABA"]
    assert len(per_prompt) == 2 * 40
    assert per_prompt["intervened"].notna().sum() == 40


def test_another_seed_draws_other_prompts_and_the_same_seed_the_same(elsewhere):
    first, again, other = (check(elsewhere, claims=["behaviour"], seed=seed) for seed in (0, 0, 1))
    assert first.provenance["prompts"] == again.provenance["prompts"] != other.provenance["prompts"]
    assert first.verdicts[0].values == again.verdicts[0].values


def test_provenance_names_everything_that_a_verdict_rests_on(elsewhere):
    provenance = check(elsewhere, claims=["kept"]).provenance
    assert {"model", "tokenizer", "prompts", "references", "versions", "seed", "n", "dtype", "device"} <= set(
        provenance
    )
    assert re.fullmatch(r"[0-9a-f]{64}", provenance["references"]["fresh"])


def test_missing_weights_are_one_sentence(elsewhere):
    (elsewhere.parent / "model" / "model.safetensors").unlink()
    with pytest.raises(ModelError) as caught:
        check(elsewhere)
    assert "\n" not in str(caught.value)
    assert "safetensors" in str(caught.value)


def test_truncated_weights_are_one_sentence(elsewhere):
    weights = elsewhere.parent / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelError) as caught:
        check(elsewhere)
    assert "model.safetensors" in str(caught.value)


def test_nan_in_the_weights_is_refused_by_name(elsewhere):
    weights = elsewhere.parent / "model" / "model.safetensors"
    tensors = load_file(weights)
    name = next(name for name in tensors if "mlp" in name)
    tensors[name].view(-1)[0] = torch.nan
    save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"(?i)nan|finite"):
        check(elsewhere)


def test_a_truncated_dictionary_is_one_sentence(elsewhere):
    weights = next((elsewhere.parent / "sae").rglob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(DictionaryError, match=re.escape(Path(weights).name)):
        check(elsewhere)
