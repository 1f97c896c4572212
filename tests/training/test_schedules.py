import pytest

from circuitcheck.training.batches import IGNORED_LABEL, padded, pool_of_batches
from circuitcheck.training.language_model import LAST_RATE, TrainingPlan, rate_at, spread_weight_at
from circuitcheck.training.tokenizer import END_OF_TEXT_ID, build_tokenizer

PLAN = TrainingPlan(seed=0, steps=1000, peak_rate=1.0, warmup_steps=100, constant_until=0.5, sparse_from=0.2)


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 1 / 100), (99, 1.0), (500, 1.0), (750, (1 + LAST_RATE) / 2), (1000, LAST_RATE)],
)
def test_the_learning_rate_rises_stays_and_falls(step, rate):
    assert rate_at(step, PLAN) == pytest.approx(rate)


@pytest.mark.parametrize(("step", "share"), [(0, 0), (200, 0), (450, 1 / 2), (700, 1), (999, 1)])
def test_spread_attention_costs_nothing_at_first(step, share):
    assert spread_weight_at(step, PLAN) == pytest.approx(PLAN.spread_weight * share)


def test_a_batch_has_a_start_and_an_end_token_around_each_document():
    assert padded([[5], [6, 7]]).tolist() == [
        [END_OF_TEXT_ID, 5, END_OF_TEXT_ID, IGNORED_LABEL],
        [END_OF_TEXT_ID, 6, 7, END_OF_TEXT_ID],
    ]


def test_a_pool_depends_on_its_seed_and_number_alone():
    tokenizer = build_tokenizer()
    pools = [list(pool_of_batches(tokenizer, 1, number, 0.5)) for number in (3, 3, 4)]
    assert all(a.equal(b) for a, b in zip(pools[0], pools[1], strict=True))
    assert any(a.shape != b.shape or not a.equal(b) for a, b in zip(pools[0], pools[2], strict=True))
