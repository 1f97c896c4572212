"""How work is dealt out over xdist's workers."""

import sys

import pytest
from fake_check import circuit_file
from plugin_runs import WAYS, measurements, prepare, run
from pytest_circuitcheck.scheduling import CircuitScheduling, is_circuit_node

pytest_plugins = ("pytester",)


class Worker:
    """As much of xdist's worker as schedulers look at."""

    def __init__(self, name):
        self.gateway = type("Gateway", (), {"id": name})()
        self.sent = []
        self.shutting_down = False

    def send_runtest_some(self, indices):
        self.sent.extend(indices)

    def shutdown(self):
        self.shutting_down = True


@pytest.fixture
def scheduling(pytester, monkeypatch):
    from xdist.remote import Producer

    prepare(pytester, monkeypatch)
    monkeypatch.setattr(sys, "argv", ["pytest"])
    config = pytester.parseconfig("-p", "xdist", "-n", "2", "--tx", "2*popen")
    return CircuitScheduling(config, Producer("test", enabled=False))


def deal(scheduling, collection):
    """Start two workers on a collection; what each was sent first."""
    workers = [Worker("gw0"), Worker("gw1")]
    for worker in workers:
        scheduling.add_node(worker)
    for worker in workers:
        scheduling.add_node_collection(worker, collection)
    assert scheduling.collection_is_completed
    scheduling.schedule()
    return [[collection[index] for index in worker.sent] for worker in workers]


def test_the_items_of_a_file_go_to_one_worker(scheduling):
    files = [f"circuits/{file}.circuit.yaml::{claim}" for file in "ab" for claim in ("setup-model", "x", "y")]
    first, second = deal(scheduling, [*files, "test_a.py::test_1"])
    assert set(files[:3]) <= set(first)
    assert set(files[3:]) <= set(second)


def test_runs_without_circuits_keep_xdist_s_own_scheduler(scheduling):
    tests = [f"test_a.py::test_{number}" for number in range(20)]
    deal(scheduling, tests)
    assert type(scheduling._candidates[0]).__name__ == "LoadScheduling"


def test_a_worker_may_be_lost_before_collecting(scheduling):
    lost = Worker("gw9")
    scheduling.add_node(lost)
    assert scheduling.remove_node(lost) is None
    assert lost not in scheduling.nodes


@pytest.mark.parametrize(
    ("nodeid", "circuit"),
    [
        ("circuits/a.circuit.yaml::x", True),
        ("test_a.py::test_b[a.circuit.yaml]", False),
        ("test_a.py::test_b[::a.circuit.yaml::x]", False),
    ],
)
def test_only_circuit_files_are_circuits(nodeid, circuit):
    assert is_circuit_node(nodeid) is circuit


def test_each_file_is_measured_once_beside_ordinary_tests(pytester, monkeypatch):
    files = {name: circuit_file("behaviour", "how-much", circuit=name) for name in ("first", "second")}
    prepare(pytester, monkeypatch, **files)
    pytester.makepyfile("import pytest\n@pytest.mark.parametrize('n', range(6))\ndef test_n(n): pass")
    result = run(pytester, *WAYS["two workers"])
    assert result.parseoutcomes() == {"passed": 14}
    assert sorted(measurements()) == ["first: behaviour how-much {}", "second: behaviour how-much {}"]


def test_another_way_of_dealing_is_left_alone(pytester, monkeypatch):
    prepare(pytester, monkeypatch, ioi=circuit_file("behaviour"))
    result = run(pytester, *WAYS["two workers"], "--dist", "loadfile", "-v")
    assert result.parseoutcomes() == {"passed": 3}
    result.stdout.fnmatch_lines(["scheduling tests via LoadFileScheduling"])
