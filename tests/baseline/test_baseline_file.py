"""The baseline file: whole, small, the same bytes for the same numbers, and clear about damage."""

import json

import numpy as np
import pytest
from baseline_samples import Numbers, clean_metric, file_of, lost_metric, record, run_of

from circuitcheck.baseline.comparing import compare_file
from circuitcheck.baseline.reading import as_results
from circuitcheck.baseline.records import read_baseline
from circuitcheck.baseline.saving import baseline_of, with_claims
from circuitcheck.errors import CircuitCheckError
from circuitcheck.report.claim_records import ClaimRecord
from circuitcheck.report.pairing_records import SinceBaseline


def written(tmp_path, *claims):
    path = tmp_path / "baseline.json"
    path.write_text(baseline_of(run_of(file_of(*claims))).baseline.to_json(), encoding="utf-8")
    return path


def test_a_baseline_reads_back_as_it_was_written(tmp_path):
    path = written(tmp_path, record(), record("other"))
    read = read_baseline(path)
    assert read.count == 2
    assert read.to_json() == path.read_text(encoding="utf-8")


def test_the_same_numbers_give_the_same_bytes_whatever_the_order_and_the_time():
    one, two = record("one"), record("two", nodes=["L1H0@END"])
    first = baseline_of(run_of(file_of(one, two))).baseline.to_json()
    later = baseline_of(run_of(file_of(two, one), run="20270101T000000Z-000000")).baseline.to_json()
    assert first == later
    assert "2026" not in first
    assert "/somewhere" not in first


def test_numbers_that_claims_share_are_there_once():
    claims = [record(f"claim-{number}") for number in range(5)]
    baseline = baseline_of(run_of(file_of(*claims))).baseline
    assert len(baseline.columns) == 2
    assert len(baseline.prompts) == len(baseline.origins) == 1


def test_a_hundred_claims_on_480_prompts_take_less_than_half_a_megabyte():
    rng = np.random.default_rng(0)
    claims = [
        record(f"claim-{number}", Numbers(rng.normal(size=480), clean_metric(480))) for number in range(100)
    ]
    size = len(baseline_of(run_of(file_of(*claims))).baseline.to_json())
    assert 480 * 100 * 4 < size < 500_000


def test_a_baseline_held_against_itself_is_identical_part_by_part():
    parts = [Numbers(), Numbers(clean_metric(), None, quantity="effect")]
    baseline = baseline_of(run_of(file_of(record("claim", *parts)))).baseline
    file = as_results(baseline, "baseline.json").files[0]
    pair = compare_file(baseline, file, ["claim"]).pairs["claim"]
    assert (pair.word, len(pair.changes)) == ("identical", 2)
    under = {"attends": ["mover"], "to": "IO", "under": {"ablate": ["readers"], "with": "corrupt"}}
    nested = baseline_of(run_of(file_of(record("claim", verb="attends", written=under)))).baseline
    again = as_results(nested, "baseline.json").files[0]
    assert compare_file(nested, again, ["claim"]).pairs["claim"].word == "identical"


def test_a_claim_that_was_not_measured_is_left_out_with_the_reason():
    kept = baseline_of(run_of(file_of(record(), ClaimRecord.of_error("gone", "no such head."))))
    assert kept.baseline.count == 1
    assert kept.left_out == {"ioi::gone": "it could not be measured: no such head."}


def test_an_old_run_without_numbers_per_prompt_is_left_out():
    old = record().model_copy(update={"numbers": [], "prompts": None})
    assert (
        "run the circuit files again" in baseline_of(run_of(file_of(old))).left_out["ioi::mover-is-necessary"]
    )


def test_accepting_one_claim_leaves_the_others_as_they_are():
    before = baseline_of(run_of(file_of(record("one"), record("two")))).baseline
    moved = [record(name, Numbers(lost_metric(share=0.7))) for name in ("one", "two")]
    after = with_claims(before, run_of(file_of(*moved, sha="f" * 32)), ["two"]).baseline
    assert after.claims["ioi"]["one"] == before.claims["ioi"]["one"]
    assert after.claims["ioi"]["two"].parts[0].estimate == pytest.approx(0.7, abs=0.02)
    assert {origin.model_sha256[:2] for origin in after.origins.values()} == {"9b", "ff"}


def test_accepting_everything_drops_numbers_that_nothing_names():
    before = baseline_of(run_of(file_of(record("one")))).baseline
    after = with_claims(before, run_of(file_of(record("one", Numbers(lost_metric(share=0.7)))))).baseline
    assert len(after.columns) == len(before.columns) == 2


def test_accepting_a_renamed_claim_takes_out_its_old_name():
    before = baseline_of(run_of(file_of(record("old"), record("other")))).baseline
    since = SinceBaseline(word="identical", fails=False, sentence="", name="old")
    after = with_claims(before, run_of(file_of(record("new", since=since))), ["new"]).baseline
    assert sorted(after.claims["ioi"]) == ["new", "other"]


def test_accepting_a_loss_takes_the_claim_out_and_accepting_another_claim_does_not():
    before = baseline_of(run_of(file_of(record("kept"), record("lost")))).baseline
    run = run_of(file_of(record("kept"), gone=["lost"]))
    assert sorted(with_claims(before, run, ["lost"]).baseline.claims["ioi"]) == ["kept"]
    assert sorted(with_claims(before, run, ["kept"]).baseline.claims["ioi"]) == ["kept", "lost"]


@pytest.mark.parametrize("damage", ["cut", "column", "origin", "version", "key"])
def test_a_damaged_baseline_is_said_in_one_sentence_with_what_to_do(tmp_path, damage):
    path = written(tmp_path, record())
    text = path.read_text(encoding="utf-8")
    data = json.loads(text)
    if damage == "column":
        data["columns"].popitem()
    elif damage == "origin":
        data["origins"].clear()
    elif damage == "version":
        data["version"] = 2
    elif damage == "key":
        data["surprise"] = 1
    path.write_text(text[:900] if damage == "cut" else json.dumps(data), encoding="utf-8")
    with pytest.raises(CircuitCheckError) as raised:
        read_baseline(path)
    assert str(path) in str(raised.value)
    assert "circuitcheck baseline save" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["AAA", "not base64!", "AAAAAAA="])
def test_numbers_that_do_not_unpack_are_damage_too(tmp_path, text):
    path = written(tmp_path, record())
    data = json.loads(path.read_text(encoding="utf-8"))
    data["columns"] = dict.fromkeys(data["columns"], text)
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(CircuitCheckError, match="is damaged"):
        read_baseline(path)


def test_a_missing_baseline_says_how_to_write_one(tmp_path):
    with pytest.raises(CircuitCheckError, match="Write one with `circuitcheck baseline save`"):
        read_baseline(tmp_path / "none.json")
