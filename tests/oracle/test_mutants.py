"""The comparison is not blind: each planted fault makes it fail, by ten times the tolerance at least."""

from __future__ import annotations

import pytest

from circuitcheck.engines import LensModel
from oracle.asking import ask
from oracle.cases import GPT2_CASES, LLAMA_CASES
from oracle.comparing import TOLERANCE, distance, donors_of, engine_on
from oracle.faulty_questions import Question
from oracle.mutants import MUTANTS, Mutant
from oracle.setting import Settings


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.fault)
def test_the_comparison_fails_where(
    settings: Settings, models: dict[str, LensModel], monkeypatch: pytest.MonkeyPatch, mutant: Mutant
) -> None:
    setting = settings[mutant.model]
    cases = [case for case in (*GPT2_CASES, *LLAMA_CASES) if case.name in mutant.cases]
    cases = [case for case in cases if case in (GPT2_CASES if mutant.model == "gpt2" else LLAMA_CASES)]
    expected = [setting.expected(case, donors_of(case, setting.prompts)) for case in cases]
    question = Question(cases, setting.prompts, setting.references)

    def apart(asked: Question) -> float:
        engine = engine_on(models[mutant.model], setting.world)
        found = ask(engine, asked.cases, asked.prompts, asked.references)
        return max(distance(one, other) for one, other in zip(found, expected, strict=True))

    assert apart(question) <= TOLERANCE
    with monkeypatch.context() as patch:
        assert apart(mutant.plant(patch, question)) > 10 * TOLERANCE
    assert len(cases) == len(mutant.cases)
