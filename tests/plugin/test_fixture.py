"""The `circuits` fixture: circuits checked from ordinary tests."""

import pytest
from fake_check import circuit_file
from plugin_runs import WAYS, measurements, prepare, run

from circuitcheck.report.writing import newest_run, read_results

pytest_plugins = ("pytester",)
TEST = """
def test_the_claims(circuits):
    result = circuits.check("circuits/ioi.circuit.yaml", claims=["behaviour", "backup-compensates"], n=8)
    assert [verdict.outcome for verdict in result.verdicts] == ["supported", "refuted"]
"""


@pytest.mark.parametrize("way", [WAYS["two workers"], WAYS["no xdist"]], ids=["two workers", "no xdist"])
def test_its_verdicts_land_in_the_same_reports(pytester, monkeypatch, way):
    prepare(pytester, monkeypatch, ioi=circuit_file("behaviour", "backup-compensates", "how-much"))
    pytester.makepyfile(test_ioi=TEST)
    result = run(pytester, *way, "test_ioi.py", "--circuit-n=16", "--circuit-seed=2", "--junitxml=junit.xml")
    assert result.parseoutcomes()["passed"] == 1
    assert result.ret == pytest.ExitCode.OK, "whether a verdict fails the test is for the test to say"
    assert measurements() == ["ioi: behaviour backup-compensates {'n': 8, 'seed': 2}"]
    result.stdout.fnmatch_lines(["*= circuit claims (2) =*", "backup-compensates  REFUTED  *"])
    (file,) = read_results(newest_run(pytester.path / "reports")).files
    assert (file.path, file.test) == ("circuits/ioi.circuit.yaml", "test_ioi.py::test_the_claims")
    junit = (pytester.path / "junit.xml").read_text()
    assert '<property name="circuitcheck.backup-compensates" value="refuted"' in junit


def test_a_circuit_built_in_code_is_reported_under_its_test(pytester, monkeypatch):
    prepare(pytester, monkeypatch)
    pytester.makepyfile(
        test_code="""
        from circuitcheck.spec import CircuitSpec

        def test_it(circuits):
            claim = {"id": "behaviour", "says": "It works.", "measure": "clean", "expect": {"logit_diff": "?"}}
            circuits.check(CircuitSpec(circuitcheck=1, circuit="code", model="ioi-mini", prompts={"family": "ioi"},
                                       claims=[claim]))
        """
    )
    result = run(pytester)
    assert result.ret == pytest.ExitCode.OK, result.stdout.str()
    (file,) = read_results(newest_run(pytester.path / "reports")).files
    assert (file.path, file.circuit) == ("test_code.py", "code")


def test_what_a_failing_test_measured_is_still_reported(pytester, monkeypatch):
    prepare(pytester, monkeypatch, ioi=circuit_file("behaviour", "backup-compensates"))
    pytester.makepyfile(test_ioi=TEST.replace('"refuted"', '"supported"'))
    result = run(pytester, "test_ioi.py")
    assert result.parseoutcomes() == {"failed": 1}
    result.stdout.fnmatch_lines(["*= circuit claims (2) =*"])


def test_faults_are_raised_into_the_test(pytester, monkeypatch):
    prepare(pytester, monkeypatch)
    pytester.makepyfile("def test_it(circuits): circuits.check('gone.circuit.yaml')")
    result = run(pytester)
    result.stdout.fnmatch_lines(["E *SpecError: *gone.circuit.yaml: the file cannot be read*"])


def test_a_claim_that_is_not_there_is_refused(pytester, monkeypatch):
    prepare(pytester, monkeypatch, ioi=circuit_file("behaviour", "how-much"))
    pytester.makepyfile(
        test_ioi="def test_one(circuits): circuits.check('circuits/ioi.circuit.yaml', claims='how-much')\n"
        "def test_it(circuits): circuits.check('circuits/ioi.circuit.yaml', claims=['how'])"
    )
    result = run(pytester, "--tb=short", "test_ioi.py")
    assert result.parseoutcomes()["failed"] == 1
    result.stdout.fnmatch_lines(
        ["E *CircuitCheckError: ioi has no claim 'how'. It has: behaviour, how-much."]
    )
    assert measurements() == ["ioi: how-much {}"]
