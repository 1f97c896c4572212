"""A row of the table: rounds, ratios, memory, the record, and what happens when the sides disagree."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest
from bench_configs import CONFIGS, PROMPTS

from benchmarks import spliced
from benchmarks.duel import Duel, Effort
from benchmarks.machine import machine_facts
from benchmarks.memory import ProcessMeter, ResidentMeter, meter_for
from benchmarks.models import boot
from benchmarks.rates import Rates, measure_rates
from benchmarks.record import report_record, row_record
from benchmarks.rounds import Spread, one_round, ratios, timed
from benchmarks.row import ALL_LOGITS, END_LOGITS, OURS, SPLICED, Agreement
from benchmarks.sides import EngineSide
from benchmarks.table import lines_of
from benchmarks.tuning import best_batch
from benchmarks.works import WORKS

MEBIBYTE = 2**20


@pytest.fixture(scope="module")
def batches(settings):
    return {
        side: best_batch(settings["gpt2"], end_only=side == END_LOGITS) for side in (ALL_LOGITS, END_LOGITS)
    }


@pytest.fixture
def row(gpt2, batches):
    return Duel(WORKS["a"](gpt2), gpt2, batches, meter_for("cpu")).row(Effort(0.5, 3))


def test_a_row_has_three_rounds_of_every_side_and_no_side_that_is_not_there(row, monkeypatch):
    assert row.raw.keys() == {OURS, ALL_LOGITS, END_LOGITS}
    assert all(len(runs) >= 3 for runs in row.raw.values())
    assert row.agreement.holds


def test_ratios_are_taken_round_by_round(row):
    ours, theirs = row.seconds[OURS].values, row.seconds[ALL_LOGITS].values
    assert row.faster(ALL_LOGITS).values == tuple(np.array(theirs) / np.array(ours))
    assert row.above_floor.values == tuple(np.array(ours) / np.array(row.floor.values))
    assert min(row.above_floor.values) > 1


def test_a_work_that_fits_is_timed_whole_and_not_scaled(gpt2, batches):
    row = Duel(WORKS["a"](gpt2), gpt2, batches, meter_for("cpu")).row(Effort(0.0, 1, whole=True))
    assert row.sample.ours == row.sample.theirs == row.work.interventions
    for side, runs in row.raw.items():
        assert row.seconds[side].values == tuple(run.seconds for run in runs)


def test_a_work_that_does_not_fit_is_scaled_and_the_table_says_so(gpt2, batches):
    one = {side: replace(choice, rows=8, seconds={8: choice.best}) for side, choice in batches.items()}
    row = Duel(WORKS["a"](gpt2), gpt2, one, meter_for("cpu")).row(Effort(0.0, 1))
    assert (len(row.sample.ours), len(row.sample.theirs)) == (4, 1)
    assert row.seconds[ALL_LOGITS].median == pytest.approx(row.raw[ALL_LOGITS][0].seconds * 16)
    share = EngineSide(gpt2).share(row.sample.ours, row.work.interventions)
    assert row.seconds[OURS].median == pytest.approx(row.raw[OURS][0].seconds / share)
    assert "1 rounds, 4 and 1 of 16" in lines_of([row], [])


def test_the_record_holds_every_raw_timing_as_json(row):
    record = json.loads(json.dumps(report_record(machine_facts("cpu"), {"seed": 0}, rows=[row_record(row)])))
    (found,) = record["rows"]
    assert [one["seconds"] for one in found["raw"][OURS]] == [run.seconds for run in row.raw[OURS]]
    assert found["prompts"] == PROMPTS
    assert record["machine"]["threads"] >= 1
    assert record["date"]


def test_a_row_that_disagrees_is_marked_in_the_table(gpt2, batches, monkeypatch):
    right = EngineSide.measure
    monkeypatch.setattr(
        EngineSide, "measure", lambda side, interventions: right(side, interventions) * (1 + 3e-4)
    )
    row = Duel(WORKS["a"](gpt2), gpt2, batches, meter_for("cpu")).row(Effort(0.0, 1))
    assert not row.agreement.holds
    assert "TOO LARGE" in lines_of([row], [])


def test_without_sae_lens_the_table_says_so_for_features_only(gpt2, batches, monkeypatch):
    if spliced.is_installed():
        pytest.skip("sae_lens is installed here")
    rows = [
        Duel(WORKS[key](gpt2), gpt2, batches, meter_for("cpu")).row(Effort(0.0, 1)) for key in ("a", "d-end")
    ]
    assert SPLICED not in rows[1].seconds
    heads, features = lines_of(rows, []).splitlines()[-2:]
    assert "not installed" in features
    assert "not installed" not in heads


def test_the_engine_computes_at_least_what_one_more_intervention_needs(row):
    assert 1 <= row.done < 20


@pytest.mark.parametrize("key", ["a", "e-10"])
def test_trying_a_new_model_out_does_not_count_as_its_work(gpt2, batches, key):
    new = boot(CONFIGS["gpt2"], device="cpu", dtype="float32", seed=1)
    setting = replace(gpt2, model=new)
    row = Duel(WORKS[key](setting), setting, batches, meter_for("cpu")).row(Effort(0.0, 1))
    assert 1 <= row.done < 6


def test_the_best_batch_is_the_fastest_that_was_tried(batches):
    for choice in batches.values():
        assert len(choice.seconds) >= 2
        assert choice.best <= 1.04 * min(choice.seconds.values())


def test_agreement_is_relative_to_the_metric_and_to_the_effects():
    theirs = np.array([[2.0, -2.0]])
    found = Agreement.of(np.array([[2.0, -1.98]]), theirs, np.array([1.9, -1.9]))
    assert found.of_metric == pytest.approx(0.01)
    assert found.of_effect == pytest.approx(0.2)


def test_a_side_is_timed_from_start_to_end():
    run = timed(lambda: time.sleep(0.05), meter_for("cpu"), "cpu")
    assert 0.05 <= run.seconds < 1


def test_everybody_has_one_turn_in_the_order_given():
    turns = []
    one_round({name: lambda name=name: turns.append(name) for name in "abc"}, meter_for("cpu"), "cpu")
    assert turns == ["a", "b", "c"]


def test_a_spread_shows_the_middle_and_both_ends():
    assert str(Spread((3.0, 1.0, 2.0))) == "2 (1 to 3)"
    assert ratios([2.0, 9.0], [1.0, 3.0]).values == (2.0, 3.0)


def test_seconds_of_the_floor_are_operations_over_rates_and_the_best_rate_where_there_is_none():
    assert Rates({"q": 100.0, "out": 50.0}).seconds({"q": 200, "out": 100, "unembed": 300}) == 2 + 2 + 3


def test_rates_are_measured_for_every_matrix(gpt2):
    from benchmarks.floor import Sizes

    found = measure_rates(Sizes.of(gpt2.model), device="cpu", dtype="float32").flops_per_second
    assert found.keys() == {"q", "kv", "out", "mlp_in", "mlp_out"}
    assert all(1e7 < rate < 1e14 for rate in found.values())


def test_peak_memory_is_that_of_the_stretch_alone():
    meter = meter_for("cpu")
    if not isinstance(meter, ResidentMeter):
        pytest.skip("the high-water mark cannot be set back here")
    large = timed(lambda: np.ones(64 * MEBIBYTE, dtype=np.int8).sum(), meter, "cpu").peak
    small = timed(lambda: np.ones(MEBIBYTE, dtype=np.int8).sum(), meter, "cpu").peak
    assert 60 * MEBIBYTE < large.grown < 80 * MEBIBYTE
    assert small.grown < 16 * MEBIBYTE


def test_without_that_the_peak_is_the_largest_of_the_process():
    meter = ProcessMeter()
    meter.start()
    assert meter.peak().most >= meter.peak().start > 0
    assert "since the process began" in meter.kind


@pytest.mark.parametrize(("dtype", "agrees"), [("float32", False), ("bfloat16", True)])
def test_coarse_precision_is_not_asked_to_agree(row, dtype, agrees):
    setting = replace(row.setting, model=replace(row.setting.model, dtype=dtype))
    assert replace(row, setting=setting, agreement=Agreement(1e-3, 1e-2)).agrees is agrees
