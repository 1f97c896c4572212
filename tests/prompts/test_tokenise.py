from dataclasses import replace

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import decoders, models, pre_tokenizers

from circuitcheck.errors import PromptError
from circuitcheck.nodes import END
from circuitcheck.prompts.family import Family
from circuitcheck.prompts.generate import generate
from circuitcheck.prompts.pairs import PromptPair
from circuitcheck.prompts.tokenise import tokenise
from circuitcheck.prompts.tokens import Tokenizer
from prompts.examples import BOS, NAMES, content, mini, pair, tokenizer

WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8).map(str.capitalize)
TOKENIZER = tokenizer()


def fault_of(*pairs: PromptPair, using: Tokenizer = TOKENIZER, bos: bool | None = None) -> str:
    """What tokenising these pairs complains about."""
    with pytest.raises(PromptError) as caught:
        tokenise(pairs, using, bos=bos, seed=0)
    return str(caught.value)


@st.composite
def families(draw: st.DrawFn) -> Family:
    """Variants of the small family: other names, other places, other words around the places."""
    names = draw(st.lists(WORDS, min_size=6, max_size=12, unique=True))
    filler = st.lists(WORDS.map(str.lower), min_size=1, max_size=4).map(" ".join)
    first, second, third = draw(st.permutations(["first", "second", "S2"]))
    text = (
        f"{draw(filler)} {{{first}}} {draw(filler)}, {{{second}}} {draw(filler)}. {{{third}}} {draw(filler)}"
    )
    templates = [{"id": "drawn", "text": text}, content()["templates"][0]]
    return mini(lists={"names": names, "places": ["park", "farm"]}, templates=templates)


def words_of(family: Family) -> set[str]:
    texts = " ".join([*(template.text for template in family.templates), *family.lists["names"]])
    return {"".join(filter(str.isalpha, word)) for word in texts.split()} | {"park", "farm", ".", ","}


@given(family=families(), corrupt=st.sampled_from(mini().corruption_names()), bos=st.booleans())
@settings(max_examples=20, deadline=None)
def test_every_role_lands_on_its_word_on_both_sides(family: Family, corrupt: str, bos: bool) -> None:  # noqa: FBT001 - Hypothesis names its arguments
    made = tokenizer(words_of(family))
    prompts = tokenise(generate(family, n=16, seed=0, corrupt=corrupt), made, bos=bos, seed=5)
    assert (len(prompts), prompts.has_bos, prompts.seed) == (16, bos, 5)
    for i, written in enumerate(prompts.pairs):
        for tokens, text, side in (
            (prompts.clean[i], written.clean, 0),
            (prompts.corrupt[i], written.corrupt, 1),
        ):
            assert "".join(map(made.decode, tokens)) == BOS * bos + text
            for role, spans in written.spans.items():
                assert made.decode(tokens[prompts.roles[role][i]]) == " " + text[slice(*spans[side])]
            assert prompts.roles[END][i] == len(tokens) - 1
        assert made.decode(prompts.answers[i]) == written.answer
        assert tuple(map(made.decode, prompts.foils[i])) == written.foils


def test_bos_comes_first_unless_told_otherwise() -> None:
    prompts = tokenise([pair()], tokenizer(), bos=None, seed=0)
    assert (prompts.has_bos, prompts.clean[0][0], prompts.corrupt[0][0]) == (True, 0, 0)
    assert prompts.roles["S"].tolist() == [2]
    without = tokenise([pair()], tokenizer(), bos=False, seed=0)
    assert (without.has_bos, without.clean[0]) == (False, prompts.clean[0][1:])
    assert without.roles["S"].tolist() == [1]
    assert without.roles["S"].dtype == np.int64


def test_a_tokenizer_without_bos_puts_none_in_front() -> None:
    assert not tokenise([pair()], tokenizer(bos_id=None), bos=None, seed=0).has_bos


def test_bos_cannot_be_had_from_a_tokenizer_without_one() -> None:
    sentence = "bos: true, but this tokenizer has no BOS token. Write bos: false, or leave it out."
    assert fault_of(pair(), using=tokenizer(bos_id=None), bos=True) == sentence


def test_no_prompts_are_an_error() -> None:
    assert fault_of() == "no prompts"


@pytest.mark.parametrize("bos", [True, False, None])
def test_a_text_that_begins_with_bos_is_refused(bos: bool | None) -> None:  # noqa: FBT001 - a parameter of the test
    text = pair(BOS + "Then Ada gave it to")
    assert fault_of(text, bos=bos) == (
        "prompt pair 1 begins its clean prompt with '<|endoftext|>'. "
        "Leave it out: `bos` says whether it comes first."
    )


def test_an_empty_text_is_refused() -> None:
    assert (
        fault_of(pair(corrupt="", roles={})) == "prompt pair 1 has an empty corrupt prompt. Write its text."
    )


def test_sides_of_unequal_length_are_refused_with_the_long_word() -> None:
    long = pair(corrupt="Then Smy gave it to", roles={"S": "Ada/Smy"})
    assert fault_of(pair(), pair(), long) == (
        "prompt pair 3 has 5 clean and 8 corrupt tokens (' Smy' is 4 tokens). Choose words of one token."
    )


def test_sides_of_unequal_length_are_refused_without_a_long_word_too() -> None:
    longer = pair("Then Ada then gave it to", roles={"S": "Ada/Ben"})
    using = tokenizer([*NAMES, "Then", "then", "gave", "it", "to"])
    assert fault_of(longer, using=using) == (
        "prompt pair 1 has 6 clean and 5 corrupt tokens. Choose words of one token."
    )


def test_a_role_of_several_tokens_is_refused() -> None:
    long = pair("Then Xyz gave it to", "Then Zyx gave it to", roles={"S": "Xyz/Zyx"})
    assert fault_of(long) == (
        "prompt pair 1 has 'Xyz' as role S of its clean prompt, which is 3 tokens ('X', 'y', 'z'). "
        "Choose words of one token."
    )


def test_a_role_on_a_piece_of_a_token_is_refused() -> None:
    assert fault_of(pair(roles={"S": "Ad/Be"})) == (
        "prompt pair 1 has 'Ad' as role S of its clean prompt, which is only a piece of the token ' Ada'. "
        "Point the role at a whole token."
    )


def test_a_role_without_characters_is_refused() -> None:
    nowhere = replace(pair(), spans={"S": ((3, 3), (3, 3))})
    assert fault_of(nowhere) == (
        "prompt pair 1 has '' as role S of its clean prompt, which is only a piece of the token 'Then'. "
        "Point the role at a whole token."
    )


def test_a_role_that_moves_between_the_sides_is_refused() -> None:
    moved = pair("Then Ada and Ben gave it to", "Then Cleo and Ada gave it to", roles={"S": "Ada/Ada"})
    assert fault_of(moved) == (
        "prompt pair 1 has role S at token 1 of the clean and token 3 of the corrupt prompt. "
        "Write both sides so that their words line up."
    )


def test_pairs_with_different_roles_are_refused() -> None:
    other = pair(roles={"S": "Ada/Ben", "V": "gave/gave"})
    assert fault_of(pair(), other) == (
        "prompt pair 2 has roles S, V, and the first pair has S. Give every pair the same roles."
    )
    assert fault_of(other, pair(roles={})).startswith("prompt pair 2 has roles none,")


def test_an_answer_of_several_tokens_is_refused() -> None:
    assert fault_of(pair(answer=" Xyz")) == (
        "prompt pair 1 has the answer ' Xyz', which is 4 tokens (' ', 'X', 'y', 'z'). Choose words of one token."
    )


def test_a_foil_of_several_tokens_is_refused() -> None:
    assert fault_of(pair(foils=(" Ada", " Yz"))) == (
        "prompt pair 1 has the foil ' Yz', which is 3 tokens (' ', 'Y', 'z'). Choose words of one token."
    )


def test_an_answer_that_melts_into_the_prompt_is_refused() -> None:
    using = tokenizer([*NAMES, "Then", "gave", "it", "to", "toAda"])
    assert fault_of(pair(answer="Ada"), using=using) == (
        "prompt pair 1 has the answer 'Ada', which is no token of its own after 'Then Ada gave it to'. "
        "Write it with a leading space: ' Ada'."
    )


def test_an_empty_answer_is_refused() -> None:
    assert fault_of(pair(answer="")) == (
        "prompt pair 1 has the answer '', which is no token of its own after 'Then Ada gave it to'."
    )


def test_an_answer_that_is_another_token_on_the_corrupt_side_is_refused() -> None:
    made = tokenizers.Tokenizer(models.BPE({"a": 0, "b": 1, "c": 2, "d": 3, "cd": 4}, [("c", "d")]))
    made.pre_tokenizer = pre_tokenizers.Split(tokenizers.Regex("(?<=a)d|."), behavior="isolated")
    made.normalizer = tokenizers.normalizers.Replace(tokenizers.Regex("ad$"), "ac")
    made.decoder = decoders.BPEDecoder()
    changed = PromptPair("ba", "bb", "d", ("b",), "-", "-", {})
    assert fault_of(changed, using=Tokenizer.from_backend(made, None)) == (
        "prompt pair 1 has the answer 'd', which is another token after the clean than after the corrupt prompt. "
        "Choose words of one token."
    )


@pytest.mark.parametrize(
    ("foils", "sentence"),
    [
        ((), "prompt pair 1 has no foil. Write at least one wrong answer."),
        ((" Ada", " Cleo"), "prompt pair 1 has ' Cleo' both as answer and as foil. Write another foil."),
        ((" Ada", " Ada"), "prompt pair 1 names a foil twice (' Ada', ' Ada'). Name it once."),
    ],
)
def test_foils_must_be_there_and_wrong(foils: tuple[str, ...], sentence: str) -> None:
    assert fault_of(pair(foils=foils)) == sentence


@pytest.mark.parametrize(
    ("bad", "last"),
    [
        (5, "prompt pair 6 has no foil. Write at least one wrong answer."),
        (6, "and 1 more prompt pair like these"),
        (9, "and 4 more prompt pairs like these"),
    ],
)
def test_five_faults_are_told_and_the_others_counted(bad: int, last: str) -> None:
    lines = fault_of(pair(), *[pair(foils=())] * bad).splitlines()
    assert lines[0] == "prompt pair 2 has no foil. Write at least one wrong answer."
    assert (len(lines), lines[-1]) == (min(bad, 5) + (bad > 5), last)


def test_pairs_are_called_by_the_numbers_given() -> None:
    with pytest.raises(PromptError, match=r"^prompt pair 17 has no foil"):
        tokenise([pair(), pair(foils=())], TOKENIZER, bos=None, seed=0, numbers=[4, 17])


def test_a_sentencepiece_style_tokenizer_places_roles_too() -> None:
    vocabulary = {f"▁{word}": i for i, word in enumerate([*NAMES, "Then", "gave", "it", "to"])}
    made = tokenizers.Tokenizer(models.WordLevel({**vocabulary, "?": 99}, unk_token="?"))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    using = Tokenizer.from_backend(made, None)
    prompts = tokenise([pair()], using, bos=None, seed=0)
    assert using.decode(prompts.clean[0][prompts.roles["S"][0]]) == " Ada"
    assert using.decode(prompts.corrupt[0][prompts.roles["S"][0]]) == " Ben"


def test_a_role_inside_a_number_that_is_one_token_says_that_it_is_not_cut_there() -> None:
    using = tokenizer(["In", "it", "1918", "1819"], digits=4)
    dated = pair("In 1918 it", "In 1819 it", answer=" it", foils=(" In",), roles={"YEAR": "18/19"})
    year = replace(dated, spans={"YEAR": ((5, 7), (5, 7))})
    assert fault_of(year, using=using) == (
        "prompt pair 1 has '18' as role YEAR of its clean prompt, and this tokenizer does not cut the token "
        "' 1918' there. Choose numbers that it cuts there (see `lists:`), or another model."
    )


def test_a_number_that_melts_into_the_prompts_last_number_says_so() -> None:
    using = tokenizer(["In", "to", "18", "19", "1918", "45"], digits=4)
    dated = pair("In it to 19", "In to it 19", answer="18", foils=("45",), roles={})
    assert fault_of(dated, using=using) == (
        "prompt pair 1 has the answer '18', and this tokenizer does not cut '1918' before it. "
        "Choose numbers that it cuts there (see `lists:`), or another model."
    )


def test_a_role_inside_a_number_that_the_tokenizer_cuts_is_its_token() -> None:
    using = tokenizer(["In", "it", "18", "19"])
    dated = pair("In 1918 it", "In 1819 it", answer=" it", foils=(" In",), roles={"YEAR": "18/19"})
    prompts = tokenise([replace(dated, spans={"YEAR": ((5, 7), (5, 7))})], using, bos=False, seed=0)
    assert prompts.roles["YEAR"].tolist() == [2]
