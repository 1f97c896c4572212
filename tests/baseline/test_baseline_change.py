"""How far one part moved between two runs on the same prompts."""

from dataclasses import replace

import numpy as np
import pytest
from baseline_samples import CELLS, Numbers, clean_metric, file_of, lost_metric, record, run_of

from circuitcheck.baseline.comparing import compare_file
from circuitcheck.baseline.saving import baseline_of

LEVEL = 0.025


def compared(before, after, *, margin=0.05, device="cpu", others=0, **fields):
    """The pair of one claim of these parts before and after; the baseline has `others` more parts."""
    extra = [record(f"other-{number}", nodes=[f"L{number}H1@END"]) for number in range(others)]
    baseline = baseline_of(run_of(file_of(record("claim", before, **fields), *extra))).baseline
    later = file_of(record("claim", after, **fields), device=device)
    names = ["claim", *(each.claim for each in extra)]
    return compare_file(baseline, later, names, margin).pairs["claim"]


def moved_by(change, noise=0.02, rows=slice(None), n=96):
    """The drop with so much more lost on these rows, and a little noise as another run has it."""
    lost = lost_metric(n) + np.random.default_rng(6).normal(0.0, noise, n)
    lost[rows] += change * clean_metric(n)[rows]
    return Numbers(lost, clean_metric(n))


def test_an_effect_beyond_the_margin_moved_and_its_cell_is_named_first():
    pair = compared(Numbers(), moved_by(0.8, rows=slice(2, None, 4)))
    change = pair.changes[0]
    assert (pair.word, pair.fails, pair.moved) == ("moved", True, (True,))
    assert change.size == pytest.approx(0.8 / 4, abs=0.03)
    assert change.interval.low < change.size < change.interval.high
    assert change.interval.low > 0.05
    assert change.cells[0][0] == " ".join(CELLS[2])
    assert np.mean([size for _, size in change.cells]) == pytest.approx(change.size, abs=1e-6)


def test_an_effect_that_moved_a_little_is_within_the_margin_and_passes():
    pair = compared(Numbers(), moved_by(0.02))
    assert (pair.word, pair.fails) == ("within", False)
    assert pair.changes[0].interval.low > 0.0
    assert pair.changes[0].interval.high < 0.05


def test_noise_alone_is_unchanged():
    pair = compared(Numbers(), moved_by(0.0))
    assert (pair.word, pair.fails) == ("unchanged", False)
    assert 0.0 in pair.changes[0].interval


def test_a_change_at_the_margin_cannot_be_told_does_not_fail_and_says_what_would_tell():
    pair = compared(Numbers(), moved_by(0.05, noise=1.5))
    assert (pair.word, pair.fails) == ("unclear", False)
    assert pair.changes[0].needed.endswith("prompts would probably tell")


def test_the_change_is_the_difference_of_ratios_of_means_when_the_denominator_moves_too():
    after = Numbers(lost_metric() * 1.5, clean_metric() * 2.0)
    change = compared(Numbers(), after).changes[0]
    before = lost_metric().mean() / clean_metric().mean()
    assert change.size == pytest.approx(before * 1.5 / 2.0 - before, rel=1e-4)
    assert change.interval.low < change.size < change.interval.high


def test_pairing_sees_what_two_intervals_that_overlap_would_not():
    noisy = lost_metric(noise=2.0)
    change = compared(
        Numbers(noisy, clean_metric()), Numbers(noisy + 0.1 * clean_metric(), clean_metric())
    ).changes[0]
    assert change.p_outside <= LEVEL
    # Either run alone is known to a tenth at best.
    assert 2.0 * 1.96 / np.sqrt(96) / 4.0 > 0.09
    assert change.interval.high - change.interval.low < 0.03


def test_numbers_that_agree_to_a_ten_thousandth_are_identical_and_on_another_device_to_a_thousandth():
    near = Numbers(lost_metric() * (1 + 5e-5), clean_metric())
    far = Numbers(lost_metric() * (1 + 6e-4), clean_metric())
    assert compared(Numbers(), near).word == "identical"
    assert compared(Numbers(), far).word != "identical"
    assert compared(Numbers(), far, device="cuda:0").word == "identical"


def test_a_denominator_that_touches_zero_now_cannot_be_compared_as_a_ratio():
    nothing = Numbers(lost_metric(), clean_metric() - 4.0)
    pair = compared(Numbers(), nothing)
    assert pair.word == "unclear"
    assert pair.changes[0].reason == "in this run the denominator's interval touches 0"


def test_accuracies_are_compared_by_the_test_for_tied_values():
    right = np.ones(96)
    wrong = right.copy()
    wrong[::3] = 0.0
    before = Numbers(right, None, quantity="accuracy", limits=(0.0, 1.0))
    pair = compared(before, replace(before, numerator=wrong))
    assert pair.word == "moved"
    assert pair.changes[0].margin == 0.05
    assert pair.changes[0].size == pytest.approx(-1 / 3)
    one = right.copy()
    one[0] = 0.0
    assert not compared(before, replace(before, numerator=one)).fails


def test_the_margin_of_a_metric_is_a_share_of_the_clean_metric():
    before = Numbers(clean_metric(), None, quantity="logit_diff")
    after = replace(before, numerator=clean_metric() + 0.5)
    pair = compared(before, after, verb="measure", written={"measure": "clean"})
    assert pair.changes[0].margin == pytest.approx(0.05 * clean_metric().mean(), rel=1e-4)
    assert pair.word == "moved"
    wide = compared(before, after, verb="measure", written={"measure": "clean"}, margin=0.25)
    assert wide.word == "within"


def test_the_margin_of_an_effect_is_a_share_of_its_own_clean_metric():
    effect = Numbers(np.full(96, -0.01) + 1e-3 * clean_metric(), None, quantity="effect")
    pair = compared(effect, effect, values={"clean": tuple(clean_metric())})
    assert pair.kept.parts[0].unit == pytest.approx(clean_metric().mean(), rel=1e-4)


def test_slices_are_compared_on_their_own_prompts():
    first = np.arange(96) % 2 == 0
    before = [
        Numbers(lost_metric()[rows], clean_metric()[rows], slice=name, rows=rows)
        for name, rows in (("ABBA", first), ("BABA", ~first))
    ]
    added = 0.3 * before[1].denominator + np.random.default_rng(3).normal(0.0, 0.1, 48)
    after = [before[0], replace(before[1], numerator=before[1].numerator + added)]
    baseline = baseline_of(run_of(file_of(record("claim", *before, n=96)))).baseline
    pair = compare_file(baseline, file_of(record("claim", *after, n=96)), ["claim"]).pairs["claim"]
    assert [change.slice for change in pair.changes] == ["ABBA", "BABA"]
    assert pair.changes[0].is_identical
    assert pair.moved == (False, True)
    assert pair.changes[1].size == pytest.approx(0.3, abs=0.02)
    assert {cell for cell, _ in pair.changes[1].cells} == {"garden BABA", "store BABA"}


def test_the_same_change_on_every_prompt_proves_nothing_of_rare_exceptions_on_few():
    after = Numbers(lost_metric(48) + 0.3 * clean_metric(48), clean_metric(48))
    pair = compared(Numbers(lost_metric(48), clean_metric(48)), after)
    assert pair.word == "unclear"
    assert "it takes 72 prompts, not 48" in pair.changes[0].reason


def test_a_longer_run_is_compared_on_the_prompts_that_both_have():
    longer = Numbers(
        np.concatenate([lost_metric(), np.full(96, 50.0)]), np.concatenate([clean_metric(), clean_metric()])
    )
    pair = compared(Numbers(), longer)
    assert (pair.word, pair.changes[0].n) == ("identical", 96)


def test_what_is_just_beyond_the_margin_alone_is_not_beyond_it_among_many():
    after = moved_by(0.075, noise=0.4)
    alone, among = compared(Numbers(), after), compared(Numbers(), after, others=400)
    assert LEVEL / 401 < alone.changes[0].p_outside <= LEVEL
    assert (alone.word, among.word) == ("moved", "unclear")


def test_intervals_of_a_change_hold_it_and_a_change_at_the_margin_rarely_fails():
    rng = np.random.default_rng(11)
    held = failed = 0
    for _ in range(200):
        clean = 4.0 + rng.normal(0.0, 1.0, 96)
        lost = 0.4 * clean + rng.normal(0.0, 0.5, 96)
        later = lost + 0.05 * clean + rng.normal(0.0, 0.3, 96)
        pair = compared(Numbers(lost, clean), Numbers(later, clean))
        held += 0.05 in pair.changes[0].interval
        failed += pair.fails
    assert held >= 180
    assert failed <= 12
