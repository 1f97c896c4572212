import os
from functools import cache

import pytest

from circuitcheck import planted

KINDS = ("induction", "chain", "backup", "either", "both")
SEEDS = range(int(os.environ.get("PLANTED_SEEDS", "1")))
"""Wirings of each kind: one in every run of the tests, more where somebody asks for them."""


@cache
def built(kind, seed):
    """A planted model; built once for all tests. Its truths are measured fast, so that the tests are."""
    fast = {"n_truth": 1024, "exact_passes": False}
    if kind == "backup":
        return planted.chain(seed, backup=True, **fast)
    return getattr(planted, kind)(seed, **fast)


@pytest.fixture(scope="session")
def planted_model():
    return built


def pytest_generate_tests(metafunc):
    if "kind" in metafunc.fixturenames:
        metafunc.parametrize("kind", KINDS)
    if "wiring" in metafunc.fixturenames:
        metafunc.parametrize("wiring", SEEDS)
