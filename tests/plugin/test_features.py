"""What features are about travels with the results, once per file, however the file's items are run."""

import pytest
from fake_check import circuit_file
from plugin_runs import WAYS, prepare, run

from circuitcheck.report.writing import newest_run, read_results

pytest_plugins = ("pytester",)
CONFTEST = """
import fake_check
from dataclasses import replace
from types import SimpleNamespace

FEATURE = SimpleNamespace(
    node=SimpleNamespace(name="L2.tc/174", at="END"), groups=("answer",), labels=("a name comes next",), rate=0.5,
    mean=0.25, contexts=(), promotes=((" Mary", 2.0),), suppresses=((" the", float("nan")),), missing="",
)

def pytest_circuitcheck_check(spec, claims):
    return replace(fake_check.fake_result(spec, claims), features=(FEATURE,))

def pytest_runtest_logreport(report):
    cargo = getattr(report, "circuitcheck", None)
    if cargo and cargo["files"]:
        print("CARRIED", len(cargo["files"][0]["features"]))
"""


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_features_are_in_the_results_and_travel_once(pytester, monkeypatch, way):
    prepare(pytester, monkeypatch, CONFTEST, ioi=circuit_file("behaviour", "backup-compensates"))
    result = run(pytester, *way, "-s")
    (file,) = read_results(newest_run(pytester.path / "reports")).files
    (feature,) = file.features
    assert (feature.name, feature.at, feature.groups) == ("L2.tc/174", "END", ["answer"])
    assert (feature.rate, feature.promotes, feature.suppresses) == (0.5, [(" Mary", 2.0)], [(" the", None)])
    assert result.stdout.str().count("CARRIED 1") == 1
    assert result.stdout.str().count("CARRIED 0") == 3


def test_of_a_single_claim_they_come_too(pytester, monkeypatch):
    prepare(pytester, monkeypatch, CONFTEST, ioi=circuit_file("behaviour", "backup-compensates"))
    run(pytester, "-k", "backup")
    (file,) = read_results(newest_run(pytester.path / "reports")).files
    assert [feature.name for feature in file.features] == ["L2.tc/174"]
