"""Whether a prompt pair fits a tokenizer, told in sentences.

In: a `PromptPair` as the tokenizer cuts it. Out: its `PairTokens`, or `PairFault` with the first thing
wrong: what it is, which words, what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from circuitcheck.nodes import END
from circuitcheck.prompts.pairs import NO_ANSWER, PromptPair
from circuitcheck.prompts.templates import Span
from circuitcheck.prompts.tokens import Tokenizer
from circuitcheck.prompts.wording import counted

_CHOOSE = "Choose words of one token."
_CUT = "Choose numbers that it cuts there (see `lists:`), or another model."


class PairFault(Exception):
    """Why a pair does not fit; caught where faults are collected, never seen by users as such."""


@dataclass(frozen=True)
class PairTokens:
    """One pair as token ids without BOS; `roles` are token indices, the same on both sides.

    `answer` is `NO_ANSWER` and `foils` empty where the pair has none.
    """

    clean: tuple[int, ...]
    corrupt: tuple[int, ...]
    answer: int
    foils: tuple[int, ...]
    roles: Mapping[str, int]


@dataclass(frozen=True)
class _Side:
    """One side of a pair, cut into tokens."""

    name: str
    text: str
    ids: tuple[int, ...]
    offsets: tuple[Span, ...]

    @classmethod
    def of(cls, name: str, text: str, tokenizer: Tokenizer) -> _Side:
        return cls(name, text, *tokenizer.encode(text))

    def covering(self, span: Span) -> list[int]:
        """The tokens that hold any character of the span; tokens without characters hold none."""
        start, end = span
        return [i for i, (a, b) in enumerate(self.offsets) if a < end and start < b and a < b]

    def is_part_of_a_number(self, span: Span) -> bool:
        """Whether the span is digits, and digits go on right before or right behind it."""
        start, end = span
        around = (self.text[max(start - 1, 0) : start], self.text[end : end + 1])
        return self.text[start:end].isdecimal() and any(map(str.isdecimal, around))

    def quoted(self, tokens: list[int]) -> str:
        """The text of these tokens, each in quotes."""
        return ", ".join(repr(self.text[slice(*self.offsets[i])]) for i in tokens)


def pair_tokens(pair: PromptPair, tokenizer: Tokenizer) -> PairTokens:
    """The pair as tokens.

    Raises:
        PairFault: with one sentence or two, when the pair does not fit the tokenizer.
    """
    clean, corrupt = (
        _Side.of(name, text, tokenizer) for name, text in (("clean", pair.clean), ("corrupt", pair.corrupt))
    )
    _check_starts(clean, corrupt, tokenizer)
    _check_lengths(clean, corrupt)
    roles = {role: _role_token(role, spans, clean, corrupt) for role, spans in pair.spans.items()}
    roles |= {END: len(clean.ids) - 1}
    if not pair.answer and not pair.foils:
        return PairTokens(clean.ids, corrupt.ids, NO_ANSWER, (), roles)
    answer = _next_token("answer", pair.answer, (clean, corrupt), tokenizer)
    foils = tuple(_next_token("foil", foil, (clean, corrupt), tokenizer) for foil in pair.foils)
    _check_foils(answer, foils, pair)
    return PairTokens(clean.ids, corrupt.ids, answer, foils, roles)


def _check_starts(clean: _Side, corrupt: _Side, tokenizer: Tokenizer) -> None:
    for side in (clean, corrupt):
        if not side.ids:
            msg = f"has an empty {side.name} prompt. Write its text."
            raise PairFault(msg)
        if side.ids[0] == tokenizer.bos_id:
            bos = side.text[slice(*side.offsets[0])]
            msg = f"begins its {side.name} prompt with {bos!r}. Leave it out: `bos` says whether it comes first."
            raise PairFault(msg)


def _check_lengths(clean: _Side, corrupt: _Side) -> None:
    if len(clean.ids) == len(corrupt.ids):
        return
    longer, shorter = (clean, corrupt) if len(clean.ids) > len(corrupt.ids) else (corrupt, clean)
    word = _long_word(longer, shorter)
    cause = f" ({word})" if word else ""
    msg = f"has {len(clean.ids)} clean and {len(corrupt.ids)} corrupt tokens{cause}. {_CHOOSE}"
    raise PairFault(msg)


def _long_word(longer: _Side, shorter: _Side) -> str:
    """The first word of the longer side that the other side lacks and that is several tokens, if any."""
    others = set(shorter.text.split())
    for match in re.finditer(r" ?\S+", longer.text):
        tokens = longer.covering(match.span())
        if match[0].strip() not in others and len(tokens) > 1:
            return f"{match[0]!r} is {counted(len(tokens), 'token')}"
    return ""


def _role_token(role: str, spans: tuple[Span, Span], clean: _Side, corrupt: _Side) -> int:
    """The index of the role's token, the same on both sides."""
    at_clean, at_corrupt = _word_token(role, spans[0], clean), _word_token(role, spans[1], corrupt)
    if at_clean != at_corrupt:
        msg = (
            f"has role {role} at token {at_clean} of the clean and token {at_corrupt} of the corrupt prompt. "
            "Write both sides so that their words line up."
        )
        raise PairFault(msg)
    return at_clean


def _word_token(role: str, span: Span, side: _Side) -> int:
    """The index of the one token that is the word at `span`, spaces around it aside."""
    word, tokens = side.text[slice(*span)], side.covering(span)
    if len(tokens) != 1:
        pieces = f"{counted(len(tokens), 'token')} ({side.quoted(tokens)})"
        msg = f"has {word!r} as role {role} of its {side.name} prompt, which is {pieces}. {_CHOOSE}"
        raise PairFault(msg)
    if side.text[slice(*side.offsets[tokens[0]])].strip() != word.strip():
        if side.is_part_of_a_number(span):
            msg = (
                f"has {word!r} as role {role} of its {side.name} prompt, and this tokenizer does not cut the token "
                f"{side.quoted(tokens)} there. {_CUT}"
            )
            raise PairFault(msg)
        msg = (
            f"has {word!r} as role {role} of its {side.name} prompt, which is only a piece of the token "
            f"{side.quoted(tokens)}. Point the role at a whole token."
        )
        raise PairFault(msg)
    return tokens[0]


def _next_token(what: str, word: str, sides: tuple[_Side, ...], tokenizer: Tokenizer) -> int:
    """The id of `word` as the token right after the prompt, on which both sides must agree."""
    ids = {_appended(what, word, side, tokenizer) for side in sides}
    if len(ids) > 1:
        msg = f"has the {what} {word!r}, which is another token after the clean than after the corrupt prompt. {_CHOOSE}"
        raise PairFault(msg)
    return ids.pop()


def _appended(what: str, word: str, side: _Side, tokenizer: Tokenizer) -> int:
    """The id of the one token that `word` adds to the prompt."""
    after = _Side.of(side.name, side.text + word, tokenizer)
    added = list(range(len(side.ids), len(after.ids)))
    if after.ids[: len(side.ids)] != side.ids or not added:
        if side.text[-1].isdecimal() and word[:1].isdecimal():
            joined = f"{side.text.split()[-1]}{word}"
            msg = f"has the {what} {word!r}, and this tokenizer does not cut {joined!r} before it. {_CUT}"
            raise PairFault(msg)
        spaced = f" Write it with a leading space: {' ' + word!r}." if word and word == word.lstrip() else ""
        msg = f"has the {what} {word!r}, which is no token of its own after {side.text[-20:]!r}.{spaced}"
        raise PairFault(msg)
    if len(added) > 1:
        pieces = f"{counted(len(added), 'token')} ({after.quoted(added)})"
        msg = f"has the {what} {word!r}, which is {pieces}. {_CHOOSE}"
        raise PairFault(msg)
    return after.ids[-1]


def _check_foils(answer: int, foils: tuple[int, ...], pair: PromptPair) -> None:
    if not foils:
        msg = "has no foil. Write at least one wrong answer."
        raise PairFault(msg)
    if answer in foils:
        msg = f"has {pair.answer!r} both as answer and as foil. Write another foil."
        raise PairFault(msg)
    if len(set(foils)) < len(foils):
        msg = f"names a foil twice ({', '.join(map(repr, pair.foils))}). Name it once."
        raise PairFault(msg)
