"""What searches draw from: exactly what the family makes, in the order in which the file names it."""

from itertools import islice
from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, find, settings
from prompts.examples import mini

from circuitcheck.errors import PromptError
from circuitcheck.prompts.build import population_of
from circuitcheck.prompts.family import family_names, load_family
from circuitcheck.prompts.generate import generate
from circuitcheck.prompts.populations import (
    Example,
    FamilyPopulation,
    RowPopulation,
    SidesRead,
    every_example,
    example_again,
    picked_example,
)
from circuitcheck.prompts.row_choice import Row
from circuitcheck.prompts.sampling import Sampling
from circuitcheck.prompts.strategies import examples
from circuitcheck.spec.prompts import PromptsRef

NEITHER = SidesRead(corrupt=False)
BOTH = SidesRead(corrupt=True, donor="corrupt")


def small(sides=NEITHER, corrupt="s2_to_io"):
    """Two templates, two orders, five names, two places: 160 prompts."""
    family = mini(lists={"names": ["Ada", "Ben", "Cleo", "Dan", "Eve"], "places": ["park", "shop"]})
    return FamilyPopulation(family, Sampling.of(family, None, None), corrupt, sides)


def of_family(name, sides=BOTH):
    family = load_family(name)
    corrupt = family.corruption_names()[0]
    return FamilyPopulation(family, Sampling.of(family, None, None), corrupt, sides)


def test_every_example_is_every_prompt_of_the_family_once():
    population = small()
    made = list(every_example(population))
    generated = generate(population.family, n=160, seed=0, corrupt="s2_to_io")
    assert len(made) == 160
    assert {(one.pair.clean, one.pair.corrupt, one.pair.answer) for one in made} == {
        (pair.clean, pair.corrupt, pair.answer) for pair in generated
    }


def test_examples_come_simplest_first():
    texts = [example.pair.clean for example in every_example(small())]
    assert texts[:3] == [
        "Then Ada and Ben walked to the park. Ben gave it to",
        "Then Ada and Ben walked to the shop. Ben gave it to",
        "Then Ada and Cleo walked to the park. Cleo gave it to",
    ]
    assert texts[8] == "Then Ben and Ada walked to the park. Ada gave it to"
    assert texts[-1] == "In the shop it rained on Dan and Eve, so Dan went with"


def test_the_corrupt_side_is_gone_through_only_where_it_is_read():
    def counted(sides):
        population = small(sides, corrupt="fresh_names")
        ten = population.family.with_lists({"names": [*"ABCDEFGH"]})
        one = FamilyPopulation(ten, Sampling.of(ten, ["ABBA"], ["walk"]), "fresh_names", sides)
        return len({example.key for example in every_example(one)})

    assert counted(NEITHER) == 8 * 7 * 2
    assert counted(SidesRead(corrupt=True)) == 8 * 7 * 2 * 6 * 5 * 4


@pytest.mark.parametrize("name", family_names())
def test_what_hypothesis_draws_of_a_built_in_family_could_have_been_generated(name):
    population = of_family(name)
    drawn = []

    def collected(example):
        drawn.append(example)
        return False

    chosen = settings(max_examples=40, database=None, phases=[Phase.generate], deadline=None)
    with pytest.raises(Exception, match="No examples"):
        find(examples(population, lambda _: True), collected, settings=chosen, random=Random(0))
    words = {word for listed in population.family.lists.values() for word in listed}
    for example in drawn:
        assert example.pair.template in population.family.template_ids()
        assert (example.donor.template, example.donor.order) == (example.pair.template, example.pair.order)
        for side in (0, 1):
            text = (example.pair.clean, example.pair.corrupt)[side]
            assert all(text[slice(*spans[side])] in words for spans in example.pair.spans.values())
    assert len(drawn) >= 30


def test_an_example_is_made_again_from_the_picks_that_it_remembers():
    population = of_family("ioi")
    chance = Random(1)
    for _ in range(20):
        example = picked_example(population, chance.randrange)
        assert example_again(population, example.picks) == example
        assert example_again(population, example.picks[:-1]) is None
        assert example_again(population, [10_000, *example.picks[1:]]) is None
        assert example_again(population, [-1, *example.picks[1:]]) is None


def test_long_lists_are_drawn_from_to_their_ends_and_shrink_to_the_first_word_that_does():
    names = [f"N{i:03d}" for i in range(250)]
    family = mini(lists={"names": names, "places": ["park"]})
    population = FamilyPopulation(family, Sampling.of(family, None, None), "s2_to_io", NEITHER)

    def late(example: Example) -> bool:
        return example.pair.answer.strip() >= "N137"

    chosen = settings(max_examples=500, database=None, deadline=None)
    found = find(examples(population, lambda _: True), late, settings=chosen, random=Random(0))
    assert found.pair.clean == "Then N137 and N000 walked to the park. N000 gave it to"


def test_nobody_is_his_own_donor():
    population = small(SidesRead(corrupt=False, donor="clean"))
    made = list(every_example(population))
    assert made[0] is None
    found = [example for example in made if example]
    assert all(example.donor.clean != example.pair.clean for example in found)
    assert len({example.key for example in found}) == 160 * 39


def test_the_donated_pair_has_the_donors_text_and_places_on_its_corrupt_side():
    example = next(found for found in every_example(of_family("ioi")) if found)
    donated = example.donated
    assert (donated.clean, donated.answer) == (example.pair.clean, example.pair.answer)
    assert donated.corrupt == example.donor.corrupt
    for role, (own, lent) in donated.spans.items():
        assert own == example.pair.spans[role][0]
        assert lent == example.donor.spans[role][1]


def rows():
    pairs = generate(mini(), n=16, seed=0, corrupt="s2_to_io")
    return tuple(Row(number, pair) for number, pair in enumerate(pairs, start=1))


def test_rows_of_a_file_come_in_its_order_and_lend_within_their_template_and_order():
    found = rows()
    alone = RowPopulation(found, NEITHER)
    assert [example.pair for example in every_example(alone)] == [row.pair for row in found]
    lending = RowPopulation(found, SidesRead(corrupt=False, donor="corrupt"))
    made = list(every_example(lending))
    assert len(made) == 16 * 3
    assert all((one.donor.template, one.donor.order) == (one.pair.template, one.pair.order) for one in made)
    assert all(one.donor != one.pair for one in made)


def test_a_row_without_another_of_its_kind_makes_no_example_with_a_donor():
    (first, *_) = rows()
    assert list(every_example(RowPopulation((first,), BOTH))) == [None]


def test_populations_of_other_words_have_other_digests():
    digests = [
        small().digest,
        small(BOTH).digest,
        small(corrupt="fresh_names").digest,
        of_family("ioi").digest,
        RowPopulation(rows(), NEITHER).digest,
        RowPopulation(rows()[1:], NEITHER).digest,
    ]
    assert len(set(digests)) == len(digests)
    assert small().digest == small().digest


def test_a_file_says_what_of_its_family_is_drawn_from():
    ref = PromptsRef(family="ioi", orders=["BABA"], templates=["walk"], lists={"names": [*"ABCDEFGH"]})
    population = population_of(ref, NEITHER, corrupt="s2_to_io", base=Path())
    few = list(islice(every_example(population), 20))
    assert {(example.pair.template, example.pair.order) for example in few} == {("walk", "BABA")}
    assert few[0].pair.clean.startswith("Then B and A ")
    assert few[0].pair.clean.replace(" B gave", " A gave") == few[0].pair.corrupt


def test_an_unknown_corruption_is_refused():
    with pytest.raises(PromptError, match="there is no corruption 's2_to_oi'"):
        population_of(PromptsRef(family="ioi"), NEITHER, corrupt="s2_to_oi", base=Path())
