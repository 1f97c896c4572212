"""`--circuit-plan` and `--circuit-memory`."""

import pytest
from fake_check import FakePlanner, circuit_file
from plugin_runs import WAYS, measurements, prepare, run

import circuitcheck.checking.planning  # once, before pytester forgets what inner runs import

pytest_plugins = ("pytester",)
TWO = circuit_file("behaviour", "how-much")


@pytest.fixture(autouse=True)
def _no_model(monkeypatch):
    monkeypatch.setattr(circuitcheck.checking.planning, "Planner", FakePlanner)


def plan_lines(result):
    lines = result.outlines
    start = next(number for number, line in enumerate(lines) if "circuit plan" in line)
    return lines[start + 1 : -1]


@pytest.mark.parametrize("way", WAYS)
def test_a_plan_is_printed_once_and_nothing_is_measured(pytester, monkeypatch, way):
    prepare(pytester, monkeypatch, ioi=TWO, other=circuit_file("behaviour", circuit="other"))
    result = run(pytester, *WAYS[way], "--circuit-plan", "--circuit-memory=2GiB")
    assert result.ret == pytest.ExitCode.OK
    assert [" ".join(line.split()) for line in plan_lines(result)[:4]] == [
        "circuits/ wanted stored passes tokens naive saved time memory",
        "ioi 2 1 1 10 100 10.0x 0.5 s 1.0 MiB",
        "other 1 1 1 10 100 10.0x 0.5 s 1.0 MiB",
        "all files 3 2 2 20 200 10.0x 1.0 s 1.0 MiB",
    ]
    assert max(map(len, plan_lines(result))) <= 80
    assert measurements() == [
        "plan ioi: behaviour how-much {'memory': 2147483648}",
        "plan other: behaviour {'memory': 2147483648}",
    ]
    assert not (pytester.path / "reports").exists()


def test_only_what_is_selected_is_planned(pytester, monkeypatch):
    prepare(pytester, monkeypatch, ioi=TWO)
    run(pytester, "--circuit-plan", "-k", "how-much", "--circuit-n=16")
    assert measurements() == ["plan ioi: how-much {'n': 16}"]


def test_a_bad_file_stops_a_plan_as_it_stops_a_run(pytester, monkeypatch):
    prepare(pytester, monkeypatch, bad="circuitcheck: 1\n", good=TWO)
    result = run(pytester, "--circuit-plan")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert measurements() == []


def test_a_file_that_cannot_be_measured_says_why_and_the_others_are_planned(pytester, monkeypatch):
    prepare(pytester, monkeypatch, broken=circuit_file("behaviour", circuit="broken"), ioi=TWO)
    result = run(pytester, "--circuit-plan")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "circuits/broken.circuit.yaml: the model is not there." in plan_lines(result)
    assert measurements() == ["plan ioi: behaviour how-much {}"]


def test_a_plan_of_no_circuits_says_so(pytester, monkeypatch):
    prepare(pytester, monkeypatch)
    pytester.makepyfile("def test_nothing(): raise AssertionError")
    result = run(pytester, "--circuit-plan")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["no circuit was selected, so there is nothing to plan"])


def test_the_memory_that_measuring_may_take_reaches_the_check(pytester, monkeypatch):
    prepare(pytester, monkeypatch, ioi=circuit_file("behaviour"))
    run(pytester, "--circuit-memory", "512 MiB")
    pytester.makeini("[pytest]\ncircuit_memory = 1.5 GiB\n")
    run(pytester)
    assert measurements() == [f"ioi: behaviour {{'memory': {size}}}" for size in (512 << 20, 3 << 29)]


@pytest.mark.parametrize("place", ["flag", "ini"])
def test_an_amount_of_memory_without_a_unit_is_refused(pytester, monkeypatch, place):
    prepare(pytester, monkeypatch, ioi=circuit_file("behaviour"))
    if place == "ini":
        pytester.makeini("[pytest]\ncircuit_memory = 2\n")
    result = run(pytester, *(["--circuit-memory=2"] if place == "flag" else []))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "'2' is not an amount of memory. Write a number with its unit" in " ".join(result.errlines)
    assert measurements() == []
