"""The prompts of the comparison, as `circuitcheck` holds them and as plain lists.

Three templates times two orders. `walk` and `ring` have the same length and role positions but other words, so that
they fall into one group and two cells; `rain` is longer and has its roles elsewhere. Cells are interleaved, some
prompts have two foils, and the reference set has cells of unequal size.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from circuitcheck.prompts.pairs import PromptPair, PromptSet
from oracle.wording import Pairs

BOS = "<bos>"
NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Fay", "Gus", "Hal", "Ida", "Jon", "Kim", "Lee")
PLACES = ("park", "shop", "farm")
TEMPLATES = {
    "walk": "then {first} and {second} walked to the {place} . {S2} gave it to",
    "ring": "while {first} or {second} ran into a {place} ; {S2} sold that for",
    "rain": "in the {place} it rained when {first} met {second} so {S2} lent a coat to",
}
ORDERS = ("ABBA", "BABA")


def vocabulary() -> list[str]:
    """Every word of the templates, BOS first."""
    words = {word for text in TEMPLATES.values() for word in text.split() if not word.startswith("{")}
    return [BOS, *NAMES, *PLACES, *sorted(words)]


def build_prompts(*, per_cell: int, seed: int, unequal: bool = False) -> PromptSet:
    """Pairs in shuffled order, `per_cell` of each cell (one to three more where `unequal`)."""
    rng = np.random.default_rng(seed)
    cells = [(template, order) for template in TEMPLATES for order in ORDERS]
    extra = [number % 4 if unequal else 0 for number in range(len(cells))]
    rows = [cell for cell, more in zip(cells, extra, strict=True) for _ in range(per_cell + more)]
    return _tokenised([_pair(rows[number], rng) for number in rng.permutation(len(rows))], seed)


def _pair(cell: tuple[str, str], rng: np.random.Generator) -> PromptPair:
    template, order = cell
    io, subject, *fresh = (str(name) for name in rng.choice(NAMES, size=5, replace=False))
    place = str(rng.choice(PLACES))
    first, second = (io, subject) if order == "ABBA" else (subject, io)
    clean = TEMPLATES[template].format(first=first, second=second, S2=subject, place=place)
    corrupt = TEMPLATES[template].format(first=fresh[0], second=fresh[1], S2=fresh[2], place=place)
    first_role, second_role = ("IO", "S1") if order == "ABBA" else ("S1", "IO")
    roles = {first_role: "{first}", second_role: "{second}", "S2": "{S2}"}
    where = {role: TEMPLATES[template].split().index(slot) for role, slot in roles.items()}
    where["END"] = len(clean.split()) - 1
    spans = {role: (_span(clean, word), _span(corrupt, word)) for role, word in where.items()}
    foils = (subject, fresh[0]) if rng.random() < 1 / 3 else (subject,)
    return PromptPair(clean, corrupt, io, foils, template, order, spans)


def _span(text: str, word: int) -> tuple[int, int]:
    words = text.split()
    start = len(" ".join(words[:word])) + bool(word)
    return start, start + len(words[word])


def _tokenised(pairs: list[PromptPair], seed: int) -> PromptSet:
    ids = {word: number for number, word in enumerate(vocabulary())}
    roles = {
        role: np.array([1 + len(pair.clean[: pair.spans[role][0][0]].split()) for pair in pairs])
        for role in ("IO", "S1", "S2", "END")
    }
    return PromptSet(
        pairs=tuple(pairs),
        clean=tuple((0, *(ids[word] for word in pair.clean.split())) for pair in pairs),
        corrupt=tuple((0, *(ids[word] for word in pair.corrupt.split())) for pair in pairs),
        answers=tuple(ids[pair.answer] for pair in pairs),
        foils=tuple(tuple(ids[foil] for foil in pair.foils) for pair in pairs),
        roles=roles,
        has_bos=True,
        seed=seed,
    )


def with_answers_it_prefers(prompts: PromptSet, preferred: list[int]) -> PromptSet:
    """Every third prompt asks for the word that the model itself prefers, so that top1 is not always 0."""
    words = vocabulary()
    answers = tuple(
        preferred[row] if row % 3 == 0 and preferred[row] not in foils else answer
        for row, (answer, foils) in enumerate(zip(prompts.answers, prompts.foils, strict=True))
    )
    pairs = tuple(
        replace(pair, answer=words[answer]) for pair, answer in zip(prompts.pairs, answers, strict=True)
    )
    return replace(prompts, pairs=pairs, answers=answers)


def plain(prompts: PromptSet) -> Pairs:
    """The same prompts as lists, which is all that the oracle is given."""
    return Pairs(
        clean=[list(tokens) for tokens in prompts.clean],
        corrupt=[list(tokens) for tokens in prompts.corrupt],
        answers=list(prompts.answers),
        foils=[list(foils) for foils in prompts.foils],
        roles={role: [int(number) for number in index] for role, index in prompts.roles.items()},
        cells=[(pair.template, pair.order) for pair in prompts.pairs],
    )
