import math
from dataclasses import replace

import pytest
import torch

from circuitcheck.training.batches import IGNORED_LABEL, padded, pool_of_batches, positions_of
from circuitcheck.training.courses import COURSES, NARROW, POOL_BATCHES, WIDE
from circuitcheck.training.language_model import (
    LAST_RATE,
    new_model,
    rate_at,
    spread_price_at,
    with_vocabulary,
)
from circuitcheck.training.objective import attention_entropy
from circuitcheck.training.tokenizer import CONTEXT_SIZE, END_OF_TEXT_ID, build_tokenizer, narrow_words

COURSE = replace(
    NARROW, steps=1000, peak_rate=1.0, warmup_steps=100, constant_until=0.5, sparse_from=0.2, rise_steps=500
)


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 1 / 100), (99, 1.0), (500, 1.0), (750, (1 + LAST_RATE) / 2), (1000, LAST_RATE)],
)
def test_the_learning_rate_rises_stays_and_falls(step, rate):
    assert rate_at(step, COURSE) == pytest.approx(rate)


@pytest.mark.parametrize(("step", "share"), [(0, 0), (200, 0), (450, 1 / 2), (700, 1), (999, 1)])
def test_spread_attention_costs_nothing_at_first(step, share):
    assert spread_price_at(step, COURSE) == pytest.approx(COURSE.spread_price * share)


def test_padding_costs_nothing():
    even = torch.full((1, 1, 3, 4), 1 / 4)
    padded_row = attention_entropy((even,), torch.tensor([[0, 5, IGNORED_LABEL]]))
    assert padded_row.item() == pytest.approx(math.log(4), abs=1e-5)


def test_even_attention_has_the_entropy_of_its_number_of_tokens():
    even = torch.full((1, 2, 3, 4), 1 / 4)
    tokens = torch.tensor([[0, 5, 6]])
    assert attention_entropy((even,), tokens).item() == pytest.approx(2 * math.log(4), abs=1e-5)


def test_the_wide_course_has_the_full_price_from_its_first_step():
    assert spread_price_at(0, WIDE) == WIDE.spread_price


def test_every_course_is_a_whole_number_of_pools_of_its_own():
    pools = [range(course.first_pool, course.first_pool + course.steps // POOL_BATCHES) for course in COURSES]
    assert all(course.steps % POOL_BATCHES == 0 for course in COURSES)
    assert not set(pools[0]) & set(pools[1])


def test_positions_are_moved_on_once_the_corpus_is_wide():
    assert positions_of(NARROW, 20, 1, 0) is None
    second = [positions_of(WIDE, 20, 1, step) for step in range(200)]
    assert 60 < sum(positions[1].item() > 1 for positions in second) < 140
    assert all(positions[0] == 0 and positions.max() < CONTEXT_SIZE for positions in second)


def test_a_model_that_learns_more_words_keeps_what_it_knows():
    narrow, wide = build_tokenizer(narrow_words()), build_tokenizer()
    small = new_model(narrow.get_vocab_size(), 1)
    grown = with_vocabulary(small, narrow, wide, 1)
    text = "Then Mary and John walked to the store."
    ids = [torch.tensor([[0, *tokenizer.encode(text).ids]]) for tokenizer in (narrow, wide)]
    hidden = [
        model.transformer(each).last_hidden_state for model, each in zip((small, grown), ids, strict=True)
    ]
    assert hidden[0].equal(hidden[1])
    assert grown.lm_head.weight is grown.transformer.wte.weight


def test_a_batch_has_a_start_and_an_end_token_around_each_document():
    assert padded([[5], [6, 7]]).tolist() == [
        [END_OF_TEXT_ID, 5, END_OF_TEXT_ID, IGNORED_LABEL],
        [END_OF_TEXT_ID, 6, 7, END_OF_TEXT_ID],
    ]


def test_a_pool_depends_on_its_seed_and_number_alone():
    tokenizer = build_tokenizer()
    pools = [list(pool_of_batches(WIDE, tokenizer, 1, number * POOL_BATCHES)) for number in (3, 3, 4)]
    assert all(a.equal(b) for a, b in zip(pools[0], pools[1], strict=True))
    assert any(a.shape != b.shape or not a.equal(b) for a, b in zip(pools[0], pools[2], strict=True))
