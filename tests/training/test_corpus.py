import random
from itertools import combinations, islice

import pytest

from circuitcheck.training.corpus import (
    Stage,
    abc_sentence,
    documents,
    ioi_sentence,
    skeleton,
    stage_at,
)
from circuitcheck.training.family import ioi_family, opener_and_clause
from circuitcheck.training.lexicon import FEMININE, HELD_OUT_SHARE, NAMES, is_held_out
from circuitcheck.training.phrases import CLAUSES, UNSEEN_TEMPLATES, is_reserved

LATE = stage_at(1.0)


def first_documents(seed: int, stage: Stage = LATE, count: int = 300) -> list[str]:
    return list(islice(documents(random.Random(seed), stage), count))


def mentions(text: str) -> list[str]:
    """The names of a text, in the order in which they are mentioned."""
    words = text.replace(".", " ").replace(",", " ").replace(";", " ").split()
    return [word for word in words if word in NAMES]


def test_the_same_seed_writes_the_same_corpus():
    assert first_documents(seed=3) == first_documents(seed=3)


def test_another_seed_writes_another_corpus():
    assert first_documents(seed=3) != first_documents(seed=4)


@pytest.mark.parametrize("write", [ioi_sentence, abc_sentence])
@pytest.mark.parametrize("stage", [stage_at(0.0), LATE])
def test_held_out_names_never_meet_in_one_sentence(write, stage):
    rng = random.Random(0)
    sentences = [write(rng, stage) for _ in range(2000)]
    pairs = [pair for text in sentences for pair in combinations(sorted(set(mentions(text))), 2)]
    assert pairs
    assert not any(is_held_out(*pair) for pair in pairs)


def test_about_fifteen_percent_of_the_pairs_are_held_out():
    pairs = list(combinations(NAMES, 2))
    share = sum(is_held_out(*pair) for pair in pairs) / len(pairs)
    assert share == pytest.approx(HELD_OUT_SHARE, abs=0.01)


def test_being_held_out_does_not_depend_on_the_order_of_the_names():
    assert all(is_held_out(a, b) == is_held_out(b, a) for a, b in combinations(NAMES[:40], 2))


def test_the_corpus_never_joins_the_start_of_a_family_template_to_its_end():
    rng = random.Random(0)
    reserved = [opener_and_clause(text) for text in ioi_family().templates.values()]
    for text in (skeleton(rng, LATE) for _ in range(5000)):
        assert not any(text.startswith(start) and text.endswith(end) for start, end in reserved), text


@pytest.mark.parametrize("template", ioi_family().templates.values())
def test_a_family_template_is_recognised_as_reserved(template):
    assert is_reserved(template)


@pytest.mark.parametrize("template", UNSEEN_TEMPLATES.values())
def test_the_clause_of_an_unseen_template_is_not_in_the_corpus(template):
    assert opener_and_clause(template)[1].removeprefix("{S2} ") not in CLAUSES


def test_the_recipient_is_the_one_of_the_two_who_did_not_act():
    rng = random.Random(0)
    sentences = [mentions(ioi_sentence(rng, stage_at(0.0))) for _ in range(300)]
    plain = [names for names in sentences if len(names) == 4]
    assert plain
    for first, second, giver, recipient in plain:
        assert {giver, recipient} == {first, second}


def test_early_documents_have_no_sentence_between_the_clauses_and_more_lists():
    early, late = first_documents(0, stage_at(0.0)), first_documents(0, LATE)
    lists = [sum("The words are" in text for text in texts) for texts in (early, late)]
    assert lists[0] > 2 * lists[1]


def test_feminine_names_come_first_in_the_family():
    assert "Mary" in FEMININE
    assert "John" not in FEMININE
    assert len(FEMININE) == len(NAMES) / 2


def test_at_first_nobody_who_was_mentioned_acts_again():
    early, late = first_documents(0, stage_at(0.0)), first_documents(0, LATE)
    returns = [sum("In return" in text for text in texts) for texts in (early, late)]
    assert returns[0] == 0 < returns[1]
