"""Prompts as people look at them: tokens in columns, roles under their tokens.

In: a `PromptSet`. Out: text for a terminal, in a monospaced font.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.prompts.tokens import Tokenizer

_SPACE = "·"
_LABELS = ("index", "clean", "corrupt", "role")
_TOKEN_ROWS = ("clean", "corrupt")
_LABEL_WIDTH = max(map(len, _LABELS))


def describe_prompts(prompts: PromptSet, tokenizer: Tokenizer, count: int, *, width: int = 100) -> str:
    """The first `count` prompts: clean over corrupt, each token's index above, its roles below.

    A space inside a token is shown as a middle dot; BOS has no index, since index 0 is the token after
    it. Lines longer than `width` columns go on in a further block.
    """
    shown = range(min(count, len(prompts)))
    return "\n\n".join("\n".join(_prompt_lines(prompts, i, tokenizer, width)) for i in shown)


def _prompt_lines(prompts: PromptSet, i: int, tokenizer: Tokenizer, width: int) -> Iterator[str]:
    pair = prompts.pairs[i]
    yield f"prompt {i + 1} of {len(prompts)}: template {pair.template}, order {pair.order}"
    foils = ", ".join(map(repr, pair.foils))
    yield f"answer {pair.answer!r}, foil {foils}" if foils else "no answer: scored by the loss of its text"
    columns = [_column(prompts, i, position, tokenizer) for position in range(len(prompts.clean[i]))]
    for number, block in enumerate(_blocks(columns, width - _LABEL_WIDTH - 2)):
        if number:
            yield ""
        yield from _block_lines(block)


def _column(prompts: PromptSet, i: int, position: int, tokenizer: Tokenizer) -> tuple[str, ...]:
    """Index, clean token, corrupt token and roles at one position."""
    index = position - int(prompts.has_bos)
    roles = [role for role, index_of in prompts.roles.items() if index_of[i] == position]
    tokens = (_visible(tokenizer.decode(side[i][position])) for side in (prompts.clean, prompts.corrupt))
    return (str(index) if index >= 0 else "", *tokens, ",".join(roles))


def _visible(token: str) -> str:
    """The token with its spaces shown and everything unprintable escaped."""
    return "".join(
        _SPACE if character == " " else character if character.isprintable() else repr(character)[1:-1]
        for character in token
    )


def _blocks(columns: Sequence[tuple[str, ...]], width: int) -> Iterator[list[tuple[str, ...]]]:
    """The columns in runs that fit into `width`; a column that fits nowhere has a run of its own."""
    block: list[tuple[str, ...]] = []
    used = 0
    for column in columns:
        needed = _width(column) + 1
        if block and used + needed > width:
            yield block
            block, used = [], 0
        block.append(column)
        used += needed
    yield block


def _block_lines(block: Sequence[tuple[str, ...]]) -> Iterator[str]:
    for row, label in enumerate(_LABELS):
        separator = "|" if label in _TOKEN_ROWS else " "
        cells = separator.join(_padded(column[row], _width(column)) for column in block)
        yield f"{label:<{_LABEL_WIDTH}}  {cells}".rstrip()


def _width(column: tuple[str, ...]) -> int:
    return max(map(cell_len, column))


def _padded(text: str, width: int) -> str:
    """The text filled up to `width` columns of the terminal, where wide characters take two."""
    return text + " " * (width - cell_len(text))
