from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuitcheck.errors import PromptError
from circuitcheck.prompts.family import load_family
from circuitcheck.prompts.generate import generate, reference_pairs, rounded_n
from circuitcheck.prompts.pairs import PromptPair
from circuitcheck.prompts.sampling import distinct_prompts
from prompts.examples import NAMES, mini

TINY = {"names": ["Ada", "Ben", "Cleo", "Dan", "Eve"], "places": ["park"]}


def words(pair: PromptPair, side: int) -> dict[str, str]:
    """The words at the roles of one side, 0 clean and 1 corrupt."""
    text = (pair.clean, pair.corrupt)[side]
    return {role: text[slice(*spans[side])] for role, spans in pair.spans.items()}


def test_the_same_seed_gives_the_same_prompts_and_another_seed_others() -> None:
    first, again, other = (generate(mini(), n=32, seed=seed, corrupt="fresh_names") for seed in (7, 7, 8))
    assert first == again
    assert {pair.clean for pair in first} != {pair.clean for pair in other}


def test_the_first_prompt_of_seed_zero_never_changes() -> None:
    # Verdicts of one seed are compared across releases, so the stream is part of what is promised.
    pair = generate(mini(), n=16, seed=0, corrupt="fresh_names")[0]
    assert (pair.clean, pair.corrupt) == (
        "Then Fay and Hal walked to the park. Hal gave it to",
        "Then Ben and Ada walked to the park. Cleo gave it to",
    )


@given(small=st.integers(16, 60), more=st.integers(0, 40), seed=st.integers(0, 2**40))
@settings(max_examples=20, deadline=None)
def test_a_bigger_n_extends_a_smaller_one(small: int, more: int, seed: int) -> None:
    short, long = (generate(mini(), n=n, seed=seed, corrupt="fresh_names") for n in (small, small + more))
    assert long[: len(short)] == short


def test_a_bigger_n_extends_one_that_is_too_small_for_the_orders() -> None:
    small, big = (generate(mini(), n=n, seed=0, corrupt="s2_to_io") for n in (10, 16))
    assert len(small) == 10
    assert big[:10] == small


def test_a_bigger_n_extends_a_smaller_one_where_prompts_had_to_be_redrawn() -> None:
    family = mini(lists=TINY)
    half, whole = (generate(family, n=n, seed=3, corrupt="fresh_names") for n in (40, 80))
    assert whole[:40] == half


def test_the_clean_side_is_the_same_for_every_corruption() -> None:
    sides = {
        corrupt: [
            (pair.clean, pair.answer, pair.foils) for pair in generate(mini(), n=40, seed=2, corrupt=corrupt)
        ]
        for corrupt in mini().corruption_names()
    }
    assert sides["fresh_names"] == sides["s2_to_io"] == sides["swap_first_names"]


def test_fresh_names_are_three_new_distinct_names() -> None:
    for pair in generate(mini(), n=80, seed=0, corrupt="fresh_names"):
        clean, corrupt = words(pair, 0), words(pair, 1)
        assert len(set(corrupt.values())) == 3
        assert not set(corrupt.values()) & set(clean.values())
        assert set(corrupt.values()) <= set(NAMES)


def test_s2_to_io_changes_the_second_subject_only() -> None:
    for pair in generate(mini(), n=40, seed=0, corrupt="s2_to_io"):
        clean, corrupt = words(pair, 0), words(pair, 1)
        assert corrupt == clean | {"S2": clean["IO"]}


def test_swapping_the_first_names_reads_both_before_it_writes() -> None:
    for pair in generate(mini(), n=40, seed=0, corrupt="swap_first_names"):
        clean, corrupt = words(pair, 0), words(pair, 1)
        assert corrupt == {"IO": clean["S1"], "S1": clean["IO"], "S2": clean["S2"]}


def test_what_a_corruption_does_not_name_stays() -> None:
    for pair in generate(mini(), n=16, seed=0, corrupt="fresh_names"):
        masked = [pair.clean, pair.corrupt]
        for side in (0, 1):
            for word in words(pair, side).values():
                masked[side] = masked[side].replace(word, "?")
        assert masked[0] == masked[1]


def test_clean_words_answer_and_foil_are_those_of_their_slots() -> None:
    for pair in generate(mini(), n=40, seed=0, corrupt="fresh_names"):
        clean = words(pair, 0)
        assert clean["S1"] == clean["S2"] != clean["IO"]
        assert (pair.answer, pair.foils) == (f" {clean['IO']}", (f" {clean['S1']}",))
        first, second = ("IO", "S1") if pair.order == "ABBA" else ("S1", "IO")
        assert pair.spans[first][0][0] < pair.spans[second][0][0] < pair.spans["S2"][0][0]


def test_strata_are_visited_in_turn_templates_first() -> None:
    cells = [(pair.template, pair.order) for pair in generate(mini(), n=80, seed=0, corrupt="s2_to_io")]
    assert cells == [("walk", "ABBA"), ("rain", "ABBA"), ("walk", "BABA"), ("rain", "BABA")] * 20


def test_n_is_rounded_down_to_whole_strata() -> None:
    assert [rounded_n(mini(), n) for n in (16, 19, 20, 83)] == [16, 16, 20, 80]
    assert len(generate(mini(), n=19, seed=0, corrupt="s2_to_io")) == 16


def test_below_four_per_stratum_the_templates_are_the_strata() -> None:
    assert rounded_n(mini(), 11) == 10
    pairs = generate(mini(), n=11, seed=0, corrupt="s2_to_io")
    assert Counter(pair.template for pair in pairs) == {"walk": 5, "rain": 5}
    assert Counter(pair.order for pair in pairs) == {"ABBA": 6, "BABA": 4}


def test_too_small_an_n_is_refused_with_the_least_that_does() -> None:
    sentence = r"^n: 7 is too few for 2 templates in 2 orders\. Write n: 16, or choose fewer templates\.$"
    with pytest.raises(PromptError, match=sentence):
        generate(mini(), n=7, seed=0, corrupt="s2_to_io")


def test_orders_and_templates_are_chosen_in_the_order_of_the_family() -> None:
    pairs = generate(mini(), n=16, seed=0, corrupt="s2_to_io", orders=["BABA"], templates=["rain", "walk"])
    assert [(pair.template, pair.order) for pair in pairs[:2]] == [("walk", "BABA"), ("rain", "BABA")]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"orders": ["ABAB"]}, r"^there is no order 'ABAB'\. Did you mean 'BABA'\?$"),
        ({"templates": ["wall"]}, r"^there is no template 'wall'\. Did you mean 'walk'\?$"),
        ({"corrupt": "s2toio"}, r"^there is no corruption 's2toio'\. Did you mean 's2_to_io'\?$"),
        (
            {"orders": []},
            r"^orders: is an empty list\. Name at least one of ABBA, BABA, or leave orders out\.$",
        ),
        ({"seed": -1}, r"^seed: -1 is below zero\. Write 0 or more\.$"),
    ],
)
def test_a_wrong_choice_is_named(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(PromptError, match=sentence):
        generate(mini(), **{"n": 16, "seed": 0, "corrupt": "s2_to_io", **wrong})


def test_a_family_can_be_drawn_to_its_last_prompt_without_repetition() -> None:
    family = mini(lists=TINY)
    assert distinct_prompts(family, "walk", "ABBA") == 5 * 4
    pairs = generate(family, n=80, seed=1, corrupt="fresh_names")
    assert len({pair.clean for pair in pairs}) == 80


def test_more_prompts_than_there_are_is_refused_with_how_many_there_are() -> None:
    sentence = (
        r"^family 'mini' has only 20 distinct prompts in template 'walk', order 'ABBA', and n: 84 asks for 21\. "
        r"Write n: 80, or lengthen its lists\.$"
    )
    with pytest.raises(PromptError, match=sentence):
        generate(mini(lists=TINY), n=84, seed=1, corrupt="fresh_names")


def test_a_family_with_fewer_than_four_prompts_cannot_be_rescued_by_a_smaller_n() -> None:
    family = mini(
        lists={"names": ["Ada", "Ben", "Cleo"], "places": ["park"]},
        roles={"S": "S"},
        orders={},
        templates=[{"id": "walk", "text": "Then {S} gave it to"}],
        corruptions={"other": {"S": "fresh"}},
    )
    sentence = r"only 3 distinct prompts in template 'walk', and n: 8 asks for 8\. Lengthen its lists\.$"
    with pytest.raises(PromptError, match=sentence):
        generate(family, n=8, seed=0, corrupt="other")


def test_excluded_texts_are_not_drawn() -> None:
    excluded = frozenset(pair.clean for pair in generate(mini(), n=80, seed=0, corrupt="s2_to_io"))
    pairs = generate(mini(), n=80, seed=0, corrupt="s2_to_io", exclude=excluded)
    assert not excluded & {text for pair in pairs for text in (pair.clean, pair.corrupt)}


@pytest.mark.parametrize("corrupt", ["fresh_names", "s2_to_io", "swap_first_names"])
def test_references_share_no_text_with_the_evaluated_prompts(corrupt: str) -> None:
    evaluated = generate(mini(), n=80, seed=0, corrupt=corrupt)
    references = reference_pairs(mini(), evaluated=evaluated, seed=0, corrupt=corrupt, size=64)
    texts = [
        {text for pair in pairs for text in (pair.clean, pair.corrupt)} for pairs in (evaluated, references)
    ]
    assert not texts[0] & texts[1]
    assert Counter(Counter((pair.template, pair.order) for pair in references).values()) == {16: 4}


def test_two_hundred_and_fifty_six_references_are_rounded_up_to_whole_strata() -> None:
    family = load_family("ioi")
    strata = len(family.templates) * 2
    evaluated = generate(family, n=8 * strata, seed=0, corrupt="fresh_names")
    references = reference_pairs(family, evaluated=evaluated, seed=0, corrupt="fresh_names")
    assert len(references) == -(-256 // strata) * strata


def test_references_do_not_grow_with_n() -> None:
    family = load_family("ioi")
    few, many = (
        reference_pairs(
            family,
            evaluated=generate(family, n=n, seed=0, corrupt="fresh_names"),
            seed=0,
            corrupt="fresh_names",
        )
        for n in (120, 480)
    )
    assert few == many


def test_references_have_a_stream_of_their_own() -> None:
    family = load_family("ioi")
    evaluated = generate(family, n=240, seed=0, corrupt="fresh_names")
    references = reference_pairs(family, evaluated=(), seed=0, corrupt="fresh_names")
    assert len({pair.clean for pair in evaluated} & {pair.clean for pair in references}) < 5


def test_a_small_family_gives_all_the_references_it_has() -> None:
    family = mini(lists=TINY)
    cell: dict[str, Any] = {"corrupt": "swap_first_names", "templates": ["walk"], "orders": ["ABBA"]}
    evaluated = generate(family, n=15, seed=0, **cell)
    references = reference_pairs(family, evaluated=evaluated, seed=0, **cell)
    assert len(evaluated) == 15
    assert len({pair.clean for pair in references}) == len(references) == 20 - 15


def test_a_family_with_no_prompt_left_for_references_is_refused() -> None:
    family = mini(lists=TINY)
    evaluated = generate(family, n=80, seed=0, corrupt="fresh_names")
    sentence = (
        r"^family 'mini' has no prompt left for the reference set in template 'walk', order 'ABBA'\. "
        r"Write a smaller n, or lengthen its lists\.$"
    )
    with pytest.raises(PromptError, match=sentence):
        reference_pairs(family, evaluated=evaluated, seed=0, corrupt="fresh_names")
