import random
from itertools import combinations, islice

import pytest

from circuitcheck.training import corpus, side_families
from circuitcheck.training.clauses import INTRODUCTIONS, MIDDLES, OPENINGS, draw_shape, frozen_shapes
from circuitcheck.training.family import frozen_templates, ioi_family, is_reserved, opener_and_clause
from circuitcheck.training.grammar import expand, grammar_texts
from circuitcheck.training.lexicon import FEMININE, HELD_OUT_SHARE, NAMES, is_held_out
from circuitcheck.training.narrow import corpus as narrow

EARLY, LATE = narrow.stage_at(0.0), narrow.stage_at(1.0)


def wide_documents(seed: int, count: int = 300) -> list[str]:
    return [document.text for document in islice(corpus.documents(random.Random(seed)), count)]


def narrow_documents(seed: int, progress: float, count: int = 300) -> list[str]:
    written = narrow.documents(random.Random(seed), progress)
    return [document.text for document in islice(written, count)]


def mentions(text: str) -> list[str]:
    """The names of a text, in the order in which they are mentioned."""
    words = text.replace(".", " ").replace(",", " ").replace(";", " ").split()
    return [word for word in words if word in NAMES]


def test_the_same_seed_writes_the_same_corpus():
    assert wide_documents(seed=3) == wide_documents(seed=3)
    assert narrow_documents(3, 0.5) == narrow_documents(3, 0.5)


def test_another_seed_writes_another_corpus():
    assert wide_documents(seed=3) != wide_documents(seed=4)


@pytest.mark.parametrize(
    "write",
    [
        corpus.ioi_sentence,
        corpus.abc_sentence,
        lambda rng: narrow.ioi_sentence(rng, LATE),
        lambda rng: narrow.abc_sentence(rng, EARLY),
    ],
)
def test_held_out_names_never_meet_in_one_sentence(write):
    rng = random.Random(0)
    sentences = [write(rng).text for _ in range(2000)]
    pairs = [pair for text in sentences for pair in combinations(sorted(set(mentions(text))), 2)]
    assert pairs
    assert not any(is_held_out(*pair) for pair in pairs)


def test_about_fifteen_percent_of_the_pairs_are_held_out():
    pairs = list(combinations(NAMES, 2))
    share = sum(is_held_out(*pair) for pair in pairs) / len(pairs)
    assert share == pytest.approx(HELD_OUT_SHARE, abs=0.01)


def test_being_held_out_does_not_depend_on_the_order_of_the_names():
    assert all(is_held_out(a, b) == is_held_out(b, a) for a, b in combinations(NAMES[:40], 2))


@pytest.mark.parametrize("write", [corpus.skeleton, lambda rng: narrow.skeleton(rng, LATE)])
def test_the_corpus_never_joins_the_start_of_a_family_template_to_its_end(write):
    rng = random.Random(0)
    reserved = [opener_and_clause(text) for text in ioi_family().templates.values()]
    for _, text in (write(rng) for _ in range(3000)):
        assert not any(text.startswith(start) and text.endswith(end) for start, end in reserved), text


@pytest.mark.parametrize("template", ioi_family().templates.values())
def test_a_family_template_is_recognised_as_reserved(template):
    assert is_reserved(template)


def test_no_frozen_clause_sequence_is_ever_drawn():
    rng = random.Random(0)
    drawn = {draw_shape(rng) for _ in range(20_000)}
    assert len(drawn) > 500
    assert drawn.isdisjoint(frozen_shapes().values())


def test_every_clause_type_of_a_frozen_shape_is_known_from_other_sequences():
    types = {kind for shape in frozen_shapes().values() for kind in shape}
    assert types <= {*INTRODUCTIONS, *MIDDLES, *OPENINGS, "lead"}


def test_every_frozen_template_has_its_clause_types():
    assert frozen_shapes().keys() == frozen_templates().keys()


def test_every_symbol_of_the_grammar_has_alternatives():
    rng = random.Random(0)
    symbols = {part.partition(">")[0] for text in grammar_texts() for part in text.split("<")[1:]}
    assert symbols
    for symbol in symbols:
        assert "<" not in expand(symbol, rng)


@pytest.mark.parametrize(
    ("write", "templates"),
    [(side_families.pronoun, side_families.PRONOUN_TEMPLATES)],
)
def test_a_name_never_stands_in_a_sentence_that_is_held_out_for_it(write, templates):
    rng = random.Random(0)
    starts = {template: template.partition("{name}") for template in templates}
    for text in (write(rng) for _ in range(3000)):
        for template, (before, _, after) in starts.items():
            for name in NAMES:
                if before + name + after.partition("{")[0] in text:
                    assert not is_held_out(name, template), text


@pytest.mark.parametrize("write", [corpus.ioi_sentence, lambda rng: narrow.ioi_sentence(rng, EARLY)])
def test_the_recipient_is_the_one_of_the_two_who_did_not_act(write):
    rng = random.Random(0)
    sentences = [mentions(write(rng).text) for _ in range(300)]
    plain = [names for names in sentences if len(names) == 4]
    assert plain
    for first, second, giver, recipient in plain:
        assert {giver, recipient} == {first, second}


def test_early_narrow_documents_have_more_lists():
    lists = [sum("The words are" in text for text in narrow_documents(0, at)) for at in (0.0, 1.0)]
    assert lists[0] > 2 * lists[1]


def test_the_shape_of_a_narrow_sentence_is_that_of_its_text():
    rng = random.Random(0)
    for shape, text in (narrow.skeleton(rng, LATE) for _ in range(500)):
        assert shape[0] in {"joint", "apart", "when"}
        assert ("bystander" in shape) == ("{other}" in text)
        assert shape not in frozen_shapes().values()


def test_feminine_names_come_first_in_the_family():
    assert "Mary" in FEMININE
    assert "John" not in FEMININE
    assert len(FEMININE) == len(NAMES) / 2


def test_at_first_nobody_who_was_mentioned_acts_again():
    returns = [sum("In return" in text for text in narrow_documents(0, at)) for at in (0.0, 1.0)]
    assert returns[0] == 0 < returns[1]
