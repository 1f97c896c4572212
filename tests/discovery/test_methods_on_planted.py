"""Every method ranks the heads of planted circuits above all others, up to what it cannot see."""

import pytest

from circuitcheck import planted
from circuitcheck.discovery.bench import Trial, methods
from circuitcheck.discovery.scores import auroc

LEAST = {"scan": 1.0, "attribution": 0.85, "attribution-at-corrupt": 0.85, "eap": 0.85, "eap-ig": 0.95}


@pytest.fixture(scope="module", params=["chain", "both"])
def trial(request: pytest.FixtureRequest) -> Trial:
    return Trial(getattr(planted, request.param)(0, n_truth=64, exact_passes=False))


@pytest.mark.parametrize("name", LEAST)
def test_the_planted_heads_come_first(trial: Trial, name: str) -> None:
    assert 2 <= len(trial.truth) < len(trial.heads)
    assert auroc(methods()[name](trial), trial.truth) >= LEAST[name]


def test_a_head_that_writes_the_same_on_every_prompt_is_not_in_the_truth(trial: Trial) -> None:
    enabler = trial.planted.design.groups["enabler"]["heads"]
    assert not {f"{node.name}@END" for node in trial.truth} & set(enabler)
