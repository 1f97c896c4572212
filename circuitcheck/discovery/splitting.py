"""Three parts of what prompts are made from: to discover on, to set thresholds on, to confirm on.

In: what a circuit file says about prompts, with a family. Out: `Split`. Discovery has a third of the templates to itself,
so that none of them is in the file that it proposes; long lists of words are cut into thirds, and each part of the work
has its own. The file has the templates and words that discovery has not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from circuitcheck.errors import PromptError
from circuitcheck.prompts.draws import TWIN
from circuitcheck.prompts.family import Family, load_family
from circuitcheck.prompts.sampling import MIN_PER_STRATUM

PARTS = 3
LEAST_WORDS = 30
"""Words of a list that is cut: a third of fewer would make too few prompts."""
LEAST_TEMPLATES = 6
"""Templates of a family of which discovery takes some for itself."""
DRAWS = 4
"""Of prompts that thresholds are set on."""
SEED_STEP = 1000
"""Between the seeds of the parts, far enough that a user's next seeds meet none of them."""


@dataclass(frozen=True)
class Split:
    """The `prompts:` section of each part of the work, as plain data, and that of the file."""

    discovery: Mapping[str, Any]
    thresholds: tuple[Mapping[str, Any], ...]
    """Several draws, each with a reference set of its own, since `mean` depends on that."""
    confirmation: Mapping[str, Any]
    file: Mapping[str, Any]

    @classmethod
    def of(cls, family: str, *, seed: int, n_discovery: int, n: int, corrupt: str | None = None) -> Split:
        """Split a built-in family.

        Raises:
            PromptError: there is no such family.
        """
        known = load_family(family)
        seen, unseen = _templates(known)
        lists = [
            {name: list(words[part::PARTS]) for name, words in _cut_lists(known).items()}
            for part in range(PARTS)
        ]
        fresh = {name: [*lists[1][name], *lists[2][name]] for name in lists[0]}

        cells = len(unseen) * len(known.order_names())
        each = max(n // DRAWS, MIN_PER_STRATUM * cells)

        def section(
            templates: Sequence[str], words: Mapping[str, list[str]], size: int, start: int
        ) -> dict[str, Any]:
            chosen: dict[str, Any] = {"family": family}
            if seen != unseen:
                chosen["templates"] = list(templates)
            if corrupt is not None:
                chosen["corrupt"] = corrupt
            if words:
                chosen["lists"] = dict(words)
            return {**chosen, "n": size, "seed": start}

        return cls(
            section(seen, lists[0], n_discovery, seed),
            tuple(section(unseen, lists[1], each, seed + SEED_STEP + draw) for draw in range(DRAWS)),
            section(unseen, lists[2], n, seed + 2 * SEED_STEP),
            section(unseen, fresh, n, 0),
        )


def _templates(family: Family) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What discovery sees, and the others; all for both where there are too few."""
    ids = family.template_ids()
    if len(ids) < LEAST_TEMPLATES:
        return ids, ids
    return ids[::PARTS], tuple(one for place, one in enumerate(ids) if place % PARTS)


def _cut_lists(family: Family) -> dict[str, tuple[str, ...]]:
    """Lists that are long enough to be cut, and whose words are neither numbers nor twins of another list's."""
    if any(TWIN in changes.values() for changes in family.corruptions.values()):
        return {}
    return {
        name: words
        for name, words in family.lists.items()
        if len(words) >= LEAST_WORDS and not all(word.isdecimal() for word in words)
    }


def check_has_answers(family: str) -> None:
    """Refuse a family without answers: nothing says what a circuit of it is for.

    Raises:
        PromptError: with a sentence.
    """
    if not load_family(family).has_answers:
        msg = f"family {family!r} has no right and wrong answers, so there is no behaviour to explain. Choose another."
        raise PromptError(msg)
