"""The circuit of a planted model is what it is said to be, whatever the wiring."""

import numpy as np
import pytest
from planted_runs import DISTRACTORS, clean_outputs, drop, drop_by_hooks, metric

from circuitcheck import planted
from circuitcheck.planted.frame import Frame

STAGES = {
    "induction": ("previous", "second-previous", "induction", "second-induction"),
    "chain": ("duplicate", "second-duplicate", "inhibition", "second-inhibition", "mover", "second-mover"),
    "backup": ("duplicate", "second-duplicate", "inhibition", "second-inhibition", "mover"),
    "both": ("first", "second"),
}


def test_the_model_does_its_task(planted_model, kind, wiring):
    model = planted_model(kind, wiring)
    assert metric(model, name="accuracy").mean() >= 0.95
    assert metric(model).mean() >= 1.5


def test_distractors_do_nothing_beyond_noise(planted_model, kind, wiring):
    model = planted_model(kind, wiring)
    heads = [head.name for head in model.design.heads if head.name in DISTRACTORS]
    assert len(heads) >= 3
    for head in heads:
        assert abs(drop(model, head)) < 0.05, head


@pytest.mark.parametrize("wired", STAGES)
def test_every_head_of_the_circuit_carries_a_graded_part(planted_model, wired, wiring):
    model = planted_model(wired, wiring)
    for head in STAGES[wired]:
        assert drop(model, head) > 0.04, head


def test_the_enabler_matters_to_zero_only(planted_model, kind, wiring):
    model = planted_model(kind, wiring)
    for how in ("resample", "mean"):
        assert abs(drop(model, "enabler", how=how)) < 0.01
    # An OR and an AND see the heads look away, an OR may still have enough of them.
    assert drop(model, "enabler", how="zero") > (0.2 if kind != "either" else -0.5)


@pytest.mark.parametrize("how", ["resample", "mean", "zero"])
def test_of_an_or_neither_head_is_necessary_and_both_together_are(planted_model, wiring, how):
    model = planted_model("either", wiring)
    assert abs(drop(model, "first", how=how)) < 0.1
    assert abs(drop(model, "second", how=how)) < 0.1
    assert drop(model, "first", "second", how=how) > 0.5


@pytest.mark.parametrize("how", ["resample", "mean", "zero"])
def test_of_an_and_each_head_is_necessary(planted_model, wiring, how):
    model = planted_model("both", wiring)
    assert drop(model, "first", how=how) > 0.3
    assert drop(model, "second", how=how) > 0.3


@pytest.mark.parametrize("how", ["resample", "mean", "zero"])
def test_the_backup_wakes_when_the_mover_is_ablated(planted_model, wiring, how):
    model = planted_model("backup", wiring)
    assert drop(model, "mover", how=how) < 0.5
    assert abs(drop(model, "backup", how=how)) < 0.15
    assert drop(model, "mover", "backup", how=how) > 0.9


def test_with_the_backup_frozen_at_its_clean_output_the_mover_is_necessary(planted_model, wiring):
    model = planted_model("backup", wiring)
    outputs = clean_outputs(model, "backup")
    mean = np.mean([z.mean(axis=0) for z in map(np.asarray, clean_outputs(model, "mover"))], axis=0)
    frozen = iter(outputs)
    free = drop_by_hooks(model, {"mover": lambda z: z.new_tensor(mean)})
    held = drop_by_hooks(model, {"mover": lambda z: z.new_tensor(mean), "backup": lambda z: next(frozen)})
    assert free < 0.5
    assert held > 0.75


def test_the_same_seed_gives_the_same_model_and_another_seed_another_wiring(planted_model):
    one, again = planted_model("chain", 0), planted.chain(0)
    assert one.model.digest == again.model.digest
    seats = {tuple(head.seat for head in planted.chain(seed).design.heads) for seed in range(2)}
    assert len(seats) == 2


def test_directions_are_orthonormal_and_of_zero_mean():
    frame = Frame.drawn({"a": 3, "b": 4}, 16, np.random.default_rng(0))
    rows = np.concatenate([frame["a"], frame["b"]])
    assert np.allclose(rows @ rows.T, np.eye(7))
    assert np.allclose(rows.mean(axis=1), 0)
