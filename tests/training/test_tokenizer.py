import random
from itertools import islice

import pytest

from circuitcheck.training.corpus import documents
from circuitcheck.training.development import DEVELOPMENT_TEMPLATES
from circuitcheck.training.family import frozen_templates, ioi_family
from circuitcheck.training.lexicon import NAMES, OBJECTS, PLACES
from circuitcheck.training.narrow import corpus as narrow
from circuitcheck.training.tokenizer import END_OF_TEXT, END_OF_TEXT_ID, build_tokenizer, narrow_words

FILLED = {"first": "Mary", "second": "John", "S2": "John", "place": "store", "object": "drink"}
BYTES = range(1, 257)


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer()


def in_words(tokenizer, text: str) -> bool:
    """Whether no letter of the text fell back to its bytes: the words "a" and "I" are tokens of their own."""
    tokens = tokenizer.encode(text).tokens
    return not any(len(token) == 1 and token.isalpha() and token not in "AI" for token in tokens)


@pytest.mark.parametrize("word", [*NAMES, *PLACES, *OBJECTS])
def test_a_word_of_the_family_is_one_token_after_a_space(tokenizer, word):
    assert len(tokenizer.encode(f" {word}").ids) == 1


TEMPLATES = (ioi_family().templates, frozen_templates(), DEVELOPMENT_TEMPLATES)


@pytest.mark.parametrize("template", [text for each in TEMPLATES for text in each.values()])
def test_a_template_has_as_many_tokens_as_words_and_marks(tokenizer, template):
    text = template.format(**FILLED)
    marks = sum(text.count(mark) for mark in ".,?:")
    assert in_words(tokenizer, text)
    assert len(tokenizer.encode(text).ids) == len(text.split()) + marks


def test_the_corpus_is_in_words_and_comes_back_unchanged(tokenizer):
    for text in (each.text for each in islice(documents(random.Random(0)), 1000)):
        assert in_words(tokenizer, text), text
        assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_the_narrow_corpus_is_in_its_own_words():
    tokenizer = build_tokenizer(narrow_words())
    for document in islice(narrow.documents(random.Random(0), 1.0), 1000):
        assert in_words(tokenizer, document.text), document.text


@pytest.mark.parametrize(
    "text", ["Zoë isn't here,  is she?", "naïve 東京 🙂", "\n\ttabs  and   spaces ", " 1732 7"]
)
def test_any_text_comes_back_unchanged(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_a_year_is_a_century_and_a_two_digit_number(tokenizer):
    assert [tokenizer.decode([token]) for token in tokenizer.encode("the year 1732").ids][-2:] == [
        " 17",
        "32",
    ]


def test_the_start_token_comes_first_in_the_vocabulary(tokenizer):
    assert tokenizer.token_to_id(END_OF_TEXT) == END_OF_TEXT_ID


def test_the_tokenizer_is_the_same_every_time(tokenizer):
    assert build_tokenizer().to_str() == tokenizer.to_str()
