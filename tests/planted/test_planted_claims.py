"""True claims of planted models are supported and false ones are not; thresholds lie where they are put."""

from dataclasses import replace

import pytest

from circuitcheck import check
from circuitcheck.planted import CLEAR, N_PROMPTS
from circuitcheck.thresholds import Threshold
from circuitcheck.verdict import Outcome


def outcomes(model, claims, **options):
    spec = model.spec(claims, **options)
    written = [claim.id for claim in spec.written]
    result = check(spec, claims=written, model=model.bridge, dictionaries=model.dictionaries)
    assert all(item.ok for item in result.setup), [item.message for item in result.setup]
    return {verdict.claim: verdict.outcome for verdict in result.verdicts}, result.errors


def test_true_claims_are_supported(planted_model, kind, wiring):
    model = planted_model(kind, wiring)
    found, errors = outcomes(model, model.claims)
    assert not errors
    assert {claim for claim, outcome in found.items() if outcome is not Outcome.SUPPORTED} == set()
    assert set(found) == {statement.id for statement in model.design.statements}


def test_false_claims_are_not_supported(planted_model, kind, wiring):
    model = planted_model(kind, wiring)
    assert {mutant.slip for mutant in model.mutants} >= {"head", "position", "sign", "size"}
    assert len(model.mutants) >= 2 * len(model.claims)
    found, _ = outcomes(model, [mutant.claim for mutant in model.mutants])
    assert {claim for claim, outcome in found.items() if outcome is Outcome.SUPPORTED} == set()


def test_slips_are_false_by_their_own_truth(planted_model, kind, wiring):
    model = planted_model(kind, wiring)
    slips = {f"{one.id}-wrong-{slip}" for one in model.design.statements for slip in one.slips}
    false = {mutant.statement.id for mutant in model.mutants}
    assert len(slips & false) >= 0.9 * len(slips), slips - false


def test_each_necessity_of_an_or_is_refuted_and_the_joint_one_supported(planted_model, wiring):
    model = planted_model("either", wiring)
    heads = {name: model.design.head(name).seat.at("END") for name in ("first", "second")}
    said = {"with": "resample", "expect": {"drop": ">= 0.4"}, "says": "It is necessary."}
    claims = [{"id": name, "ablate": [head], **said} for name, head in heads.items()]
    found, _ = outcomes(model, [*claims, {"id": "both", "ablate": list(heads.values()), **said}])
    assert found == {"first": Outcome.REFUTED, "second": Outcome.REFUTED, "both": Outcome.SUPPORTED}


def test_necessity_of_a_mover_with_a_backup_is_refuted(planted_model, wiring):
    model = planted_model("backup", wiring)
    mover = model.design.head("mover").seat.at("END")
    claim = {"id": "mover", "says": "x", "ablate": [mover], "with": "mean", "expect": {"drop": ">= 0.6"}}
    assert outcomes(model, [claim])[0] == {"mover": Outcome.REFUTED}


def test_a_threshold_lies_as_many_standard_errors_off_as_asked(planted_model):
    model = planted_model("chain", 0)
    statement = next(one for one in model.design.statements if one.id == "mover-is-necessary")
    truth = model.truths[statement.id]
    for errors in (-2.8, 0.0, CLEAR):
        low = Threshold.parse(model.threshold_at(statement, errors, n=N_PROMPTS)).low
        assert (truth.value - low) / (truth.spread / N_PROMPTS**0.5) == pytest.approx(errors, abs=1e-4)


def test_the_truth_agrees_with_other_prompts_within_its_error(planted_model):
    model = planted_model("chain", 0)
    spec = model.spec(model.claims, seed=77, n=N_PROMPTS)
    written = [claim.id for claim in spec.written]
    result = check(spec, claims=written, model=model.bridge, dictionaries=model.dictionaries)
    for verdict in result.verdicts:
        truth = model.truths[verdict.claim]
        off = abs(verdict.parts[0].estimate - truth.value)
        assert off < 5 * truth.standard_error(N_PROMPTS) + 1e-3, verdict.claim


def test_the_reference_engine_measures_the_same_truths(planted_model):
    model = planted_model("chain", 0)
    exact = replace(model, n_truth=32, exact_passes=True).truths
    fast = replace(model, n_truth=32, exact_passes=False).truths
    assert {name: truth.value for name, truth in exact.items()} == pytest.approx(
        {name: truth.value for name, truth in fast.items()}, rel=1e-3, abs=1e-4
    )
