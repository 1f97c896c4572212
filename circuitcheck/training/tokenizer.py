"""The tokenizer of `ioi-mini`: one token per word of the lexicon, bytes for everything else.

A byte-level BPE without merges whose whole words are found because `ignore_merges` looks a word up before splitting
it. So every word of the corpus is one token, any text round-trips, and there is no unknown token. Digits come two at a
time, so that a year is a century and a two-digit number (" 17", "32").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

from circuitcheck.training import lexicon, side_families
from circuitcheck.training.development import DEVELOPMENT_TEMPLATES
from circuitcheck.training.family import frozen_templates, ioi_family
from circuitcheck.training.grammar import grammar_texts
from circuitcheck.training.narrow import phrases
from circuitcheck.training.narrow import side_families as narrow_families

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

END_OF_TEXT = "<|endoftext|>"
END_OF_TEXT_ID = 0
CONTEXT_SIZE = 128

_PIECES = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}{1,2}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def build_tokenizer(words: Sequence[str] | None = None) -> Tokenizer:
    """The tokenizer of these words; by default of all that the wide corpus, the families and the evaluation say."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    spelled = [_as_bytes(word) for word in (vocabulary_words() if words is None else words)]
    tokens = dict.fromkeys([END_OF_TEXT, *alphabet, *spelled])
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([END_OF_TEXT])
    return tokenizer


def vocabulary_words() -> list[str]:
    """Every word that is one token: with a leading space, and without one where it can start a text.

    "stranger" is in no text: the shipped weights have a row for it, from a grammar that was tried.
    """
    return _spelled_out(_wide_texts(), {" she", " he", " her", " his", " is", " are", " were", " stranger"})


def narrow_words() -> list[str]:
    """The same for the narrow corpus alone, which is read before the rest of the words is known."""
    return _spelled_out(_narrow_texts(), {" she", " he", " is", " are", " were"})


def _spelled_out(texts: Iterable[str], more: set[str]) -> list[str]:
    pieces = {word for text in texts for word in _bare_words(text)}
    spaced = {f" {word}" for word in pieces | {*lexicon.NAMES, *lexicon.EXTRA_WORDS, *lexicon.CENTURIES}}
    starts = {word for word in pieces if word[0].isupper()}
    numbers = {f"{number:02d}" for number in range(100)}
    return sorted(spaced | starts | numbers | more)


def save_tokenizer(folder: Path) -> None:
    """Writes tokenizer.json and tokenizer_config.json as transformers reads them."""
    wrapped_tokenizer().save_pretrained(folder)


def wrapped_tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer as a transformers object; it adds no start token of its own."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=build_tokenizer(),
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        pad_token=END_OF_TEXT,
        model_max_length=CONTEXT_SIZE,
    )


def _wide_texts() -> list[str]:
    """Everything the wide corpus, the families and the evaluation can write, slots and symbols still in place."""
    templates = (ioi_family().templates, frozen_templates(), DEVELOPMENT_TEMPLATES)
    lists = [*_strings_of(vars(lexicon)), *_strings_of(vars(side_families))]
    return [*lists, *grammar_texts(), *(text for each in templates for text in each.values())]


def _narrow_texts() -> list[str]:
    """The same of the narrow corpus; the development templates' words have always been among them."""
    modules = (lexicon, phrases, narrow_families)
    lists = [text for module in modules for text in _strings_of(vars(module))]
    more = (*side_families.LIST_STARTS, *ioi_family().templates.values(), *DEVELOPMENT_TEMPLATES.values())
    return [*lists, *more]


def _strings_of(namespace: dict[str, object]) -> list[str]:
    tuples = (value for name, value in namespace.items() if name.isupper() and isinstance(value, tuple))
    return [item for value in tuples for item in value if isinstance(item, str) and item not in lexicon.NAMES]


def _bare_words(text: str) -> list[str]:
    """The words of a grammar text, its first one also uncapitalised; slots and symbols are no words."""
    words = re.findall("[A-Za-z]+", re.sub(r"\{\w*\}|<\w*>", " ", text))
    return [*words, *(word[0].lower() + word[1:] for word in words[:1])]


def _as_bytes(word: str) -> str:
    """The word in the printable alphabet that byte-level BPE uses for bytes."""
    return word.replace(" ", "Ġ")
