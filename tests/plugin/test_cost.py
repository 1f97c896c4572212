"""What the plugin costs runs that do not need it, and large collections."""

import subprocess
import sys
import time

from fake_check import circuit_file
from plugin_runs import PLUGIN, prepare

pytest_plugins = ("pytester",)
HEAVY = ("torch", "transformers", "transformer_lens", "pandas", "scipy", "datasets")
SHOW = """
import atexit, sys

def loaded():
    print("LOADED", [name for name in {names!r} if name in sys.modules])

atexit.register(loaded)
"""
SECONDS = 3.0
CROWDED = 4.0
"""How much slower than an idle machine the tests may find theirs."""


def collect(pytester, *arguments):
    command = [sys.executable, "-m", "pytest", *PLUGIN, "--co", "-q", *arguments]
    return subprocess.run(command, cwd=pytester.path, capture_output=True, text=True, timeout=120)


def test_loading_the_plugin_imports_nothing_but_pytest(pytester, monkeypatch):
    prepare(
        pytester,
        monkeypatch,
        conftest=SHOW.format(names=(*HEAVY, "circuitcheck", "pydantic", "numpy", "xdist")),
    )
    pytester.makepyfile("def test_nothing(): pass")
    result = collect(pytester)
    assert "LOADED []" in result.stdout, result.stdout + result.stderr


def test_collecting_circuits_imports_neither_torch_nor_pandas_nor_scipy(pytester, monkeypatch):
    prepare(
        pytester, monkeypatch, conftest=SHOW.format(names=(*HEAVY, "numpy")), ioi=circuit_file("behaviour")
    )
    result = collect(pytester)
    assert "::behaviour" in result.stdout
    assert "LOADED ['numpy']" in result.stdout, result.stdout + result.stderr


def test_a_thousand_claims_collect_in_three_seconds(pytester, monkeypatch):
    names = [f"claim-{number}" for number in range(100)]
    prepare(pytester, monkeypatch, **{f"f{number}": circuit_file(*names) for number in range(10)})
    started = time.monotonic()
    result = collect(pytester)
    seconds = time.monotonic() - started
    assert "1020 tests collected" in result.stdout, result.stdout + result.stderr
    assert seconds < SECONDS * CROWDED
