"""Faults in what an engine is asked: prompts that lost BOS, roles that slipped, another source or policy.

A plant takes what the engine would be asked and gives back what it is asked instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from circuitcheck.prompts.pairs import PromptSet
from oracle.wording import Case


@dataclass(frozen=True)
class Question:
    """What an engine is asked."""

    cases: list[Case]
    prompts: PromptSet
    references: PromptSet


Plant = Callable[[pytest.MonkeyPatch, Question], Question]


def without_bos(_patch: pytest.MonkeyPatch, asked: Question) -> Question:
    return replace(asked, prompts=_beheaded(asked.prompts), references=_beheaded(asked.references))


def _beheaded(prompts: PromptSet) -> PromptSet:
    return replace(
        _moved(prompts, -1, tuple(prompts.roles)),
        clean=tuple(tokens[1:] for tokens in prompts.clean),
        corrupt=tuple(tokens[1:] for tokens in prompts.corrupt),
        has_bos=False,
    )


def _moved(prompts: PromptSet, by: int, names: tuple[str, ...]) -> PromptSet:
    roles = {role: index + by if role in names else index for role, index in prompts.roles.items()}
    return replace(prompts, roles=roles)


def roles_that_forget_bos(_patch: pytest.MonkeyPatch, asked: Question) -> Question:
    return replace(asked, prompts=_moved(asked.prompts, -1, tuple(asked.prompts.roles)))


def role_off_by_one(_patch: pytest.MonkeyPatch, asked: Question) -> Question:
    return replace(asked, prompts=_moved(asked.prompts, 1, ("S2",)))


def donors_from_clean(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    return _asked_otherwise(asked, over="clean")


def _asked_otherwise(asked: Question, **change: str) -> Question:
    cases = [replace(case, **change) for case in asked.cases]  # type: ignore[arg-type]  # plain words
    return replace(asked, cases=cases)


def donors_not_shared(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    return _asked_otherwise(asked, donors="independent")


def mean_over_the_prompts_themselves(_patch: pytest.MonkeyPatch, asked: Question) -> Question:
    return replace(asked, references=asked.prompts)


def mean_over_clean(_patch: pytest.MonkeyPatch, asked: Question) -> Question:
    return _asked_otherwise(asked, over="clean")


def the_reconstruction_goes_in(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    """A feature is edited by putting the reconstruction in, and so the error goes."""
    return _asked_otherwise(asked, error="drop")


def frozen_mlps_are_live(_patch: pytest.MonkeyPatch, asked: Question) -> Question:
    return _asked_otherwise(asked, mlps="live")


def nothing_is_frozen(_patch: pytest.MonkeyPatch, asked: Question) -> Question:
    return _asked_otherwise(asked, downstream="free")


def the_change_enters_at_the_node(_patch: pytest.MonkeyPatch, asked: Question) -> Question:
    return _asked_otherwise(asked, from_hook="")


def the_change_stays(_patch: pytest.MonkeyPatch, asked: Question) -> Question:
    return _asked_otherwise(asked, until="")
