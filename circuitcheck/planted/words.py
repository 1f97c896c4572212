"""The words of planted models and their tokenizer: whole words, each a token.

Out: `Lexicon`, which numbers words, and a tokenizer of the `tokenizers` library around it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

BOS = "<bos>"
NAMES = ("Ada", "Ben", "Cleo", "Dirk", "Esme", "Finn", "Gwen", "Hugo", "Ines", "Joan", "Kofi", "Lena")
FILLERS = ("river", "garden", "window", "letter", "bridge", "kettle", "market", "ribbon", "lantern", "meadow")


@dataclass(frozen=True)
class Lexicon:
    """Token ids by word: BOS, names, fillers, then the other words of the templates."""

    others: tuple[str, ...]

    @classmethod
    def of(cls, texts: Iterable[str], extra: Iterable[str] = ()) -> Lexicon:
        """The words that stand literally in these template texts, and some more."""
        literal = [word for text in texts for word in text.split() if "{" not in word]
        return cls(tuple(dict.fromkeys([*literal, *extra])))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Every word in the order of its id."""
        return (BOS, *NAMES, *FILLERS, *self.others)

    def ids(self, words: Iterable[str]) -> list[int]:
        """The ids of these words."""
        return [self.words.index(word) for word in words]

    def tokenizer(self) -> PreTrainedTokenizerFast:
        """A tokenizer that splits at spaces; BOS stands for end of text and unknown words as well."""
        numbers = {word: number for number, word in enumerate(self.words)}
        backend = Tokenizer(models.WordLevel(numbers, unk_token=BOS))
        backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token=BOS, eos_token=BOS, unk_token=BOS)
