"""Every built-in family keeps what it promises, on the tokenizer of the bundled model."""

import hashlib
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuitcheck.nodes import END
from circuitcheck.prompts.family import load_family
from circuitcheck.prompts.generate import reference_pairs
from circuitcheck.prompts.pairs import NO_ANSWER
from prompts.built_in import (
    CORRUPTIONS,
    SIDE_FAMILIES,
    bundled_tokenizer,
    drawn,
    tokenised,
    with_references,
    words,
)

SEEDS = st.integers(0, 2**32)
IOI_DIGESTS = {
    ("ioi", "fresh_names"): "6085e9fa82a559e60568f4ef2a125683",
    ("ioi", "s2_to_io"): "73935d358e49b6396ed5faff42581277",
    ("ioi", "swap_first_names"): "ef238591fb0336260c839880750751da",
    ("ioi-new-wording", "fresh_names"): "1ff343a3a60e17ecb5f96561993e1f2a",
    ("ioi-new-wording", "s2_to_io"): "8d4f0d90b5522e5ed746b3872490d466",
    ("ioi-new-wording", "swap_first_names"): "6951c880301e395b01ac85fe57ae2782",
}


@pytest.mark.parametrize(("family", "corrupt"), IOI_DIGESTS)
def test_the_prompts_of_ioi_never_change(family: str, corrupt: str) -> None:
    # Taken before orders could settle lists: verdicts of one seed are compared across releases.
    content = [
        [
            pair.clean,
            pair.corrupt,
            pair.answer,
            pair.foils,
            pair.template,
            pair.order,
            sorted(pair.spans.items()),
        ]
        for pair in with_references(family, corrupt, seed=3)
    ]
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    assert digest[:32] == IOI_DIGESTS[family, corrupt]


@pytest.mark.parametrize(("family", "corrupt"), CORRUPTIONS)
@given(seed=SEEDS)
@settings(max_examples=5, deadline=None)
def test_roles_point_at_the_tokens_of_their_words(family: str, corrupt: str, seed: int) -> None:
    prompts = tokenised(family, corrupt, seed=seed)
    decode = bundled_tokenizer().decode
    for i, pair in enumerate(prompts.pairs):
        for side, tokens in enumerate((prompts.clean[i], prompts.corrupt[i])):
            said = {role: decode(tokens[prompts.roles[role][i]]).strip() for role in pair.spans}
            assert said == words(pair, side)
        assert prompts.roles[END][i] == len(prompts.clean[i]) - 1


@pytest.mark.parametrize(("family", "corrupt"), CORRUPTIONS)
@given(seed=SEEDS)
@settings(max_examples=5, deadline=None)
def test_a_corrupt_prompt_is_another_one_with_as_many_tokens(family: str, corrupt: str, seed: int) -> None:
    prompts = tokenised(family, corrupt, seed=seed)
    for clean, corrupted in zip(prompts.clean, prompts.corrupt, strict=True):
        assert len(clean) == len(corrupted)
        assert clean != corrupted


@pytest.mark.parametrize("family", SIDE_FAMILIES)
def test_a_family_names_its_roles_in_the_order_of_the_text(family: str) -> None:
    named = {
        "greater-than": {("CENTURY", "YEAR", END)},
        "pronoun": {("NAME", END)},
        "agreement": {("SUBJECT", "DISTRACTOR", END)},
        "induction": {("PREVIOUS", "SOURCE", "NEXT", END)},
        "plain": {(END,)},
    }
    assert {tuple(order) for order in load_family(family).role_order()} == named[family]


@pytest.mark.parametrize("family", [name for name in SIDE_FAMILIES if name != "plain"])
def test_the_answer_is_one_token_behind_the_prompt_and_no_foil_is_it(family: str) -> None:
    corrupt = load_family(family).corruption_names()[0]
    prompts = tokenised(family, corrupt)
    for i, pair in enumerate(prompts.pairs):
        ids, _ = bundled_tokenizer().encode(pair.clean + pair.answer)
        assert ids[-1] == prompts.answers[i]
        assert prompts.answers[i] not in prompts.foils[i]
        assert bundled_tokenizer().decode(prompts.foils[i][0]) == pair.foils[0]


@pytest.mark.parametrize("family", ["greater-than", "pronoun", "agreement"])
def test_a_side_family_has_the_four_templates_of_the_corpus(family: str) -> None:
    assert len(load_family(family).templates) == 4


def test_names_are_those_of_ioi() -> None:
    names = load_family("ioi").lists["names"]
    pronoun = load_family("pronoun").lists
    assert (*pronoun["feminine"], *pronoun["masculine"]) == names
    assert pronoun["masculine"][0] == "John"
    assert load_family("induction").lists["names"] == names


# greater-than


def years(text: str) -> tuple[int, int, int]:
    """First century, first year, second century of a prompt."""
    found = re.findall(r"\d\d", text)
    assert len(found) == 3
    return int(found[0]), int(found[1]), int(found[2])


@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_the_answer_is_a_later_year_and_the_foil_an_earlier_one(seed: int) -> None:
    for pair in drawn("greater-than", "other_start", seed=seed):
        century, start, second = years(pair.clean)
        assert 15 <= century == second <= 19
        assert 5 <= start <= 94
        assert int(pair.foils[0]) < start < int(pair.answer)
        assert len(pair.foils[0]) == len(pair.answer) == 2
        assert pair.clean.endswith(f" {century}")


@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_from_another_start_the_foil_is_a_later_year_too(seed: int) -> None:
    for pair in drawn("greater-than", "other_start", seed=seed):
        assert 2 <= years(pair.corrupt)[1] < int(pair.foils[0])


@pytest.mark.parametrize(("corrupt", "year"), [("year_01", 1), ("year_02", 2)])
def test_from_the_first_year_the_foil_is_a_later_year_too(corrupt: str, year: int) -> None:
    for pair in drawn("greater-than", corrupt):
        assert years(pair.corrupt)[1] == year < int(pair.foils[0])
        assert years(pair.corrupt)[::2] == years(pair.clean)[::2]


# pronoun


def test_each_order_names_one_gender_and_answers_its_pronoun() -> None:
    lists = load_family("pronoun").lists
    for pair in drawn("pronoun", "other_gender"):
        own, other = ("feminine", "masculine") if pair.order == "she" else ("masculine", "feminine")
        assert words(pair, 0)["NAME"] in lists[own]
        assert words(pair, 1)["NAME"] in lists[other]
        assert (pair.answer, *pair.foils) == ((" she", " he") if pair.order == "she" else (" he", " she"))


def test_a_fresh_name_has_the_same_gender() -> None:
    lists = load_family("pronoun").lists
    for pair in drawn("pronoun", "fresh_name"):
        own = lists["feminine" if pair.order == "she" else "masculine"]
        assert {words(pair, 0)["NAME"], words(pair, 1)["NAME"]} <= set(own)


# agreement


def test_the_verb_has_the_number_of_the_subject_and_the_distractor_the_other() -> None:
    for pair in drawn("agreement", "other_number"):
        subject, distractor = words(pair, 0).values()
        assert subject.endswith("s") == (pair.order == "plural") != distractor.endswith("s")
        assert (pair.answer, *pair.foils) == ((" are", " is") if pair.order == "plural" else (" is", " are"))


@pytest.mark.parametrize(
    ("corrupt", "role"), [("other_number", "SUBJECT"), ("other_distractor", "DISTRACTOR")]
)
def test_only_the_number_of_one_noun_changes(corrupt: str, role: str) -> None:
    for pair in drawn("agreement", corrupt):
        clean, changed = words(pair, 0), words(pair, 1)
        assert changed[role].rstrip("s") == clean[role].rstrip("s")
        assert changed[role] != clean[role]
        assert {**changed, role: clean[role]} == clean


# induction


def at(tokens: tuple[int, ...], token: int) -> list[int]:
    return [i for i, each in enumerate(tokens) if each == token]


@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_the_answer_came_next_the_first_time(seed: int) -> None:
    prompts = tokenised("induction", "swapped", seed=seed)
    for i, clean in enumerate(prompts.clean):
        previous, source = int(prompts.roles["PREVIOUS"][i]), int(prompts.roles["SOURCE"][i])
        assert at(clean, clean[-1]) == [previous, len(clean) - 1]
        assert source == previous + 1
        assert at(clean, prompts.answers[i]) == [source]
        assert at(clean, prompts.foils[i][0]) == [source + 1] == [int(prompts.roles["NEXT"][i])]


def test_in_another_list_nothing_is_repeated_and_neither_answer_nor_foil_is_said() -> None:
    prompts = tokenised("induction", "other_list", n=120)
    for i, corrupt in enumerate(prompts.corrupt):
        listed = corrupt[4:]
        assert len(set(listed)) == len(listed)
        assert not {prompts.answers[i], *prompts.foils[i]} & set(listed)
        assert corrupt[-1] == prompts.clean[i][-1]


def test_when_two_words_change_places_the_foil_comes_next() -> None:
    prompts = tokenised("induction", "swapped", n=120)
    for i, corrupt in enumerate(prompts.corrupt):
        first = at(corrupt, corrupt[-1])[0]
        assert corrupt[first + 1] == prompts.foils[i][0]


def test_lists_differ_in_length_and_in_where_they_stop() -> None:
    shapes = {
        (len(prompt), int(previous))
        for prompts in [tokenised("induction", "other_list", n=120)]
        for prompt, previous in zip(prompts.clean, prompts.roles["PREVIOUS"], strict=True)
    }
    assert len({length for length, _ in shapes}) >= 4
    assert len({previous for _, previous in shapes}) >= 4


def test_one_order_lists_names_and_the_other_common_words() -> None:
    names = set(load_family("ioi").lists["names"])
    for pair in drawn("induction", "other_list", n=120):
        assert pair.clean.split()[:3] == ["The", pair.order, "are"]
        assert {word in names for word in pair.clean.split()[3:]} == {pair.order == "names"}


# plain


def test_plain_texts_have_no_answer_and_only_one_length_per_template() -> None:
    prompts = tokenised("plain", "other_text", n=128)
    assert set(prompts.answers) == {NO_ANSWER}
    assert set(prompts.foils) == {()}
    assert not prompts.has_answers
    for tokens, (template, _) in zip(prompts.clean, prompts.cells, strict=True):
        assert len(tokens) == 1 + int(template.removeprefix("plain-"))


def test_every_word_of_a_plain_text_is_one_token() -> None:
    for texts in load_family("plain").lists.values():
        for text in texts:
            pieces = re.findall(r"[A-Za-z]+|[.,]", text)
            assert len(bundled_tokenizer().encode(text)[0]) == len(pieces), text


def test_a_plain_corrupt_text_is_another_of_the_same_list() -> None:
    lists = load_family("plain").lists
    for pair in drawn("plain", "other_text"):
        same = lists[pair.template.replace("plain-", "texts_")]
        assert pair.clean in same
        assert pair.corrupt in same


def test_nobody_gives_anything_in_plain_texts() -> None:
    texts = [text for texts in load_family("plain").lists.values() for text in texts]
    assert len(texts) == len(set(texts)) >= 200
    assert not [text for text in texts if re.search(r"\b(gave|give|handed|sent|offered|to [A-Z])", text)]


def test_the_default_number_of_prompts_leaves_references_of_every_template() -> None:
    for family in SIDE_FAMILIES:
        corrupt = load_family(family).corruption_names()[0]
        pairs = drawn(family, corrupt, n=128)
        found = reference_pairs(load_family(family), evaluated=pairs, seed=0, corrupt=corrupt)
        assert {(pair.template, pair.order) for pair in found} == {(p.template, p.order) for p in pairs}
        assert not {pair.clean for pair in found} & {text for p in pairs for text in (p.clean, p.corrupt)}
