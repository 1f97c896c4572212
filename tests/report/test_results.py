"""results.json: what goes in comes out, and strangers can read it."""

import json
import math
from dataclasses import replace

import jsonschema
import pytest
from report_samples import CONTROLS, FEATURES
from verdict_samples import BEHAVIOUR, KNOWN, NECESSARY, REFUTED, REPORTED, UNDECIDED

from circuitcheck.report.recording import merged
from circuitcheck.report.results import (
    ClaimRecord,
    FileRecord,
    RunResults,
    SetupRecord,
    results_schema,
)

CONTROLLED = replace(REFUTED, claim="controlled", controls=CONTROLS)
ALL = (CONTROLLED, BEHAVIOUR, REFUTED, UNDECIDED, REPORTED, KNOWN)


def run(*files, **fields):
    start = {"run": "20261122T093512Z-abcdef", "started": "2026-11-22T09:35:12+00:00", "seconds": 1.5}
    return RunResults(command=["pytest"], files=list(files), **start, **fields)


def ioi(*records, **fields):
    return FileRecord(path="ioi.circuit.yaml", circuit="ioi", claims=list(records), **fields)


@pytest.mark.parametrize("verdict", ALL, ids=lambda verdict: verdict.claim)
def test_a_verdict_survives_its_record(verdict):
    record = ClaimRecord.model_validate_json(ClaimRecord.of(verdict).model_dump_json())
    assert record.to_verdict() == verdict


def test_results_survive_their_file_and_fit_their_schema():
    setup = SetupRecord(name="setup-model", ok=True, message="fine", facts={"logit_diff": 3.5})
    provenance = {"model": {"name": "ioi-mini", "sha256": "ab"}, "seed": 0}
    error = ClaimRecord.of_error("gone", "no such node", line=3)
    file = ioi(*map(ClaimRecord.of, ALL), error, setup=[setup], provenance=provenance, features=FEATURES)
    results = run(file, environment={"python": "3.11"})
    text = results.to_json()
    assert RunResults.model_validate_json(text) == results
    jsonschema.Draft202012Validator(results_schema()).validate(json.loads(text))


def test_the_schema_refuses_what_is_not_a_result():
    validator = jsonschema.Draft202012Validator(results_schema())
    wrong = json.loads(run(ioi(ClaimRecord.of(REFUTED))).to_json())
    wrong["files"][0]["claims"][0]["verdict"] = "passed"
    assert not validator.is_valid(wrong)


def test_numbers_that_are_not_finite_are_null_and_never_zero():
    part = replace(NECESSARY, estimate=math.nan, high=math.inf, p_refute=math.nan)
    record = ClaimRecord.of(
        replace(REFUTED, parts=(part,), facts={"clean": math.nan}, values={"clean": (math.nan, 1.0)})
    )
    data = json.loads(record.model_dump_json(), parse_constant=pytest.fail)
    assert data["parts"][0]["estimate"] is None
    assert data["parts"][0]["high"] is None
    assert data["facts"]["clean"] is None
    assert data["values"]["clean"] == [None, 1.0]
    controls = replace(CONTROLS, effects=(0.1, math.nan), effect=math.inf)
    weighed = ClaimRecord.of(replace(REFUTED, controls=controls))
    data = json.loads(weighed.model_dump_json(), parse_constant=pytest.fail)["controls"]
    assert (data["effects"], data["effect"]) == ([0.1, None], None)
    assert math.isnan(weighed.to_verdict().controls.effects[1])
    back = record.to_verdict()
    assert back.parts[0].p_refute == 1.0
    assert math.isnan(back.values["clean"][0])


def test_a_claim_that_could_not_be_measured_has_no_verdict():
    assert ClaimRecord.of_error("gone", "no such node").to_verdict() is None


def test_records_of_single_items_are_put_together_in_the_order_of_the_file():
    setup = SetupRecord(name="setup-model", ok=True, message="fine")
    records = [ioi(ClaimRecord.of(REFUTED)), ioi(setup=[setup]), ioi(ClaimRecord.of(BEHAVIOUR))]
    other = FileRecord(path="a.circuit.yaml", circuit="a")
    first, second = merged([*records, other])
    assert first == other
    assert [claim.claim for claim in second.claims] == ["behaviour", "backup-compensates"]
    assert second.setup == [setup]


def test_features_come_with_one_item_of_the_file():
    records = [ioi(ClaimRecord.of(REFUTED)), ioi(features=FEATURES), ioi(ClaimRecord.of(BEHAVIOUR))]
    (file,) = merged(records)
    assert file.features == FEATURES


def test_an_item_that_ran_twice_is_there_once_with_its_last_result():
    error = ClaimRecord.of_error("behaviour", "the device was lost", line=30)
    (file,) = merged([ioi(error), ioi(ClaimRecord.of(BEHAVIOUR))])
    assert [claim.verdict for claim in file.claims] == ["supported"]


def test_checks_of_one_circuit_in_two_tests_stay_apart():
    files = merged([ioi(ClaimRecord.of(REFUTED), test="t::a"), ioi(ClaimRecord.of(REFUTED), test="t::b")])
    assert [file.test for file in files] == ["t::a", "t::b"]
