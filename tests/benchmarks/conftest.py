"""Tiny settings of three architectures, built once per session; small numbers of features and circuits."""

import pytest
from bench_configs import CONFIGS, LENGTH, PROMPTS, VOCABULARY

from benchmarks import works
from benchmarks.dictionaries import random_dictionaries
from benchmarks.models import boot
from benchmarks.prompts import random_prompts
from benchmarks.setting import Setting


@pytest.fixture(scope="session")
def settings():
    found = {}
    for name, config in CONFIGS.items():
        model = boot(config, device="cpu", dtype="float32", seed=0)
        prompts = random_prompts(PROMPTS, LENGTH, VOCABULARY, seed=0)
        found[name] = Setting(name, model, prompts, random_dictionaries(model, seed=0))
    return found


@pytest.fixture(params=sorted(CONFIGS))
def setting(request, settings):
    """Each architecture."""
    return settings[request.param]


@pytest.fixture
def gpt2(settings):
    return settings["gpt2"]


@pytest.fixture(autouse=True)
def _small_works(monkeypatch):
    monkeypatch.setattr(works, "FEATURES", 12)
    monkeypatch.setattr(works, "CIRCUITS", 5)
