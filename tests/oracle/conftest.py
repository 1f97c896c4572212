"""The two worlds, their oracles and their prompts, built once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from circuitcheck.engines import LensModel, load_model
from oracle.cases import GPT2_CASES, LLAMA_CASES
from oracle.oracle import Oracle
from oracle.prompts import build_prompts, vocabulary, with_answers_it_prefers
from oracle.setting import Setting, Settings
from oracle.world import build_gpt2, build_llama


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Both settings, by the name of the model."""
    made = {}
    for name, build in {"gpt2": build_gpt2, "llama": build_llama}.items():
        prompts = build_prompts(per_cell=4, seed=5)
        references = build_prompts(per_cell=4, seed=6, unequal=True)
        tokens = [list(one) for one in (*prompts.clean, *prompts.corrupt)]
        world = build(tmp_path_factory.mktemp(name), vocabulary(), tokens)
        oracle = Oracle(world.model, world.patterns)
        preferred = [int(oracle.plain(list(one)).logits[-1].argmax()) for one in prompts.clean]
        made[name] = Setting(world, oracle, with_answers_it_prefers(prompts, preferred), references)
    return made


@pytest.fixture(scope="session")
def models(settings: Settings) -> dict[str, LensModel]:
    """Both models as the engine loads them."""
    return {name: load_model(setting.world.model) for name, setting in settings.items()}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `model` and `case` is run on all; one that asks for `model` alone on both."""
    if "case" in metafunc.fixturenames:
        pairs = [("gpt2", case) for case in GPT2_CASES] + [("llama", case) for case in LLAMA_CASES]
        names = [f"{model}: {case.name}" for model, case in pairs]
        metafunc.parametrize(("model", "case"), pairs, ids=names)
    elif "model" in metafunc.fixturenames:
        metafunc.parametrize("model", ["gpt2", "llama"])
