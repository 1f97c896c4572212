"""Engine against oracle, on all 40 cases: both read the same folders, and the numbers must agree to 1e-5."""

from __future__ import annotations

import numpy as np
import pytest

from circuitcheck.engines.sources import resample_donors
from oracle.asking import ask
from oracle.cases import GPT2_CASES, LLAMA_CASES
from oracle.comparing import TOLERANCE, build_engine, distance, donors_of
from oracle.readings import Numbers
from oracle.setting import Settings
from oracle.wording import Case

CASES = {"gpt2": GPT2_CASES, "llama": LLAMA_CASES}
COUNTS = {"accuracy", "top1", "rank"}
"""Metrics in whole numbers, which an intervention may well leave alone."""


@pytest.fixture(scope="session")
def found(settings: Settings) -> dict[str, dict[str, Numbers]]:
    """What the engine measures, by model and by the name of the case; all cases of a model in one plan."""
    return {
        model: dict(
            zip(
                [case.name for case in CASES[model]],
                ask(build_engine(setting.world), list(CASES[model]), setting.prompts, setting.references),
                strict=True,
            )
        )
        for model, setting in settings.items()
    }


def test_the_engine_agrees_with_the_oracle(
    settings: Settings, found: dict[str, dict[str, Numbers]], model: str, case: Case
) -> None:
    expected = settings[model].expected(case, donors_of(case, settings[model].prompts))
    for reading, numbers in expected.items():
        assert distance({reading: found[model][case.name][reading]}, {reading: numbers}) <= TOLERANCE, reading


def test_what_a_case_does_can_be_seen_in_every_reading(settings: Settings, model: str, case: Case) -> None:
    setting = settings[model]
    before, after = setting.untouched(case), setting.expected(case, donors_of(case, setting.prompts))
    for reading in {"logit_diff", "log_prob", *case.readings} - COUNTS:
        assert np.abs(after[reading] - before[reading]).max() > 1e-3, reading
    for reading in case.unmoved:
        np.testing.assert_allclose(after[reading], before[reading], atol=1e-9)


def test_untouched_runs_agree_too(settings: Settings, model: str) -> None:
    setting = settings[model]
    readings = (
        "prob_diff",
        "accuracy",
        "top1",
        "rank",
        "attention L1H2@END S1",
        "activation L1.tc/2@S2",
        "writes L0.mlp@END",
    )
    for side in ("clean", "corrupt"):
        case = Case("untouched", (), side=side, readings=readings)
        engine = build_engine(setting.world)
        assert (
            distance(ask(engine, [case], setting.prompts, setting.references)[0], setting.expected(case))
            <= TOLERANCE
        )


def test_small_batches_give_the_same_numbers(
    settings: Settings, found: dict[str, dict[str, Numbers]], model: str
) -> None:
    setting = settings[model]
    again = ask(
        build_engine(setting.world, batch_size=3), list(CASES[model]), setting.prompts, setting.references
    )
    for case, numbers in zip(CASES[model], again, strict=True):
        assert distance(numbers, found[model][case.name]) <= TOLERANCE, case.name


@pytest.mark.parametrize("number", [0, 1, 2])
def test_donors_are_other_prompts_of_the_same_cell_and_each_lends_once(
    settings: Settings, number: int
) -> None:
    prompts = settings["gpt2"].prompts
    donors = [int(row) for row in resample_donors(prompts, number)]
    assert sorted(donors) == list(range(len(prompts)))
    for row, donor in enumerate(donors):
        assert donor != row
        assert prompts.cells[donor] == prompts.cells[row]
        assert len(prompts.clean[donor]) == len(prompts.clean[row])
        assert all(index[donor] == index[row] for index in prompts.roles.values())
