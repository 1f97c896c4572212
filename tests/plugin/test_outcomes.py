"""How verdicts become pytest's outcomes and exit codes."""

import pytest
from fake_check import KNOWN_FAILURE, circuit_file
from plugin_runs import FAKE, measurements, prepare, run

pytest_plugins = ("pytester",)
OK, FAILED, INTERRUPTED = pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED


def outcome(pytester, monkeypatch, claim, *arguments, known=False):
    """Exit code and counts of a run on one claim; its two setup items pass."""
    text = circuit_file(claim, extra={claim: KNOWN_FAILURE} if known else None)
    prepare(pytester, monkeypatch, ioi=text)
    result = run(pytester, *arguments)
    return result, result.parseoutcomes()


@pytest.mark.parametrize(
    ("claim", "known", "counts", "code"),
    [
        ("behaviour", False, {"passed": 3}, OK),
        ("backup-compensates", False, {"passed": 2, "failed": 1}, FAILED),
        ("better-than-chance", False, {"passed": 2, "inconclusive": 1}, FAILED),
        ("how-much", False, {"passed": 3}, OK),
        ("gone", False, {"passed": 2, "errors": 1}, FAILED),
        ("backup-compensates", True, {"passed": 2, "xfailed": 1}, OK),
        ("better-than-chance", True, {"passed": 2, "xfailed": 1}, OK),
        ("behaviour", True, {"passed": 2, "failed": 1}, FAILED),
        ("gone", True, {"passed": 2, "errors": 1}, FAILED),
    ],
)
def test_each_verdict_has_its_outcome(pytester, monkeypatch, claim, known, counts, code):
    result, found = outcome(pytester, monkeypatch, claim, known=known)
    assert found == counts
    assert result.ret == code


def test_inconclusive_claims_pass_where_they_only_warn(pytester, monkeypatch):
    result, found = outcome(pytester, monkeypatch, "better-than-chance", "--circuit-inconclusive", "warn")
    assert found == {"passed": 2, "inconclusive": 1}
    assert result.ret == OK
    result.stdout.fnmatch_lines(["*= inconclusive =*", "* about 1900 prompts would settle it"])


def test_the_ini_file_can_say_it_and_the_command_line_wins(pytester, monkeypatch):
    prepare(pytester, monkeypatch, ioi=circuit_file("better-than-chance"))
    pytester.makeini("[pytest]\ncircuit_inconclusive = warn\n")
    assert run(pytester).ret == OK
    assert run(pytester, "--circuit-inconclusive", "fail").ret == FAILED


def test_an_unknown_word_in_the_ini_file_is_a_usage_error(pytester, monkeypatch):
    prepare(pytester, monkeypatch, ioi=circuit_file("behaviour"))
    pytester.makeini("[pytest]\ncircuit_inconclusive = maybe\n")
    result = run(pytester)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "circuit_inconclusive is 'maybe' in the ini file. Write 'fail' or 'warn'." in result.stderr.str()


def test_a_budget_of_no_prompts_is_a_usage_error(pytester, monkeypatch):
    prepare(pytester, monkeypatch, ioi=circuit_file("behaviour"))
    result = run(pytester, "--circuit-n", "0")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "0 prompts would measure nothing; give 1 or more" in result.stderr.str()


def test_an_expected_failure_gives_its_issue_and_reason(pytester, monkeypatch):
    result, _ = outcome(pytester, monkeypatch, "backup-compensates", "-rx", known=True)
    result.stdout.fnmatch_lines(["XFAIL *::backup-compensates - #12: not yet understood"])


def test_runxfail_judges_known_failures_as_any_other_claim(pytester, monkeypatch):
    result, found = outcome(pytester, monkeypatch, "backup-compensates", "--runxfail", known=True)
    assert found == {"passed": 2, "failed": 1}
    result.stdout.fnmatch_lines(["FAILED *::backup-compensates - refuted: drop = 0.412*"])


def test_a_known_failure_that_holds_says_what_to_do(pytester, monkeypatch):
    result, _ = outcome(pytester, monkeypatch, "behaviour", "-vv", known=True)
    result.stdout.fnmatch_lines(
        ["FAILED *::behaviour - known_failure is supported now: remove known_failure"]
    )


def test_a_setup_that_does_not_hold_fails_with_its_sentence(pytester, monkeypatch):
    conftest = """
    from dataclasses import replace
    import fake_check

    def pytest_circuitcheck_check(spec, claims):
        result = fake_check.fake_result(spec, claims)
        prompts, model = result.setup
        return replace(result, setup=(prompts, replace(model, ok=False, message="the model does not do this task")))
    """
    prepare(pytester, monkeypatch, conftest, ioi=circuit_file("behaviour"))
    result = run(pytester, "-vv")
    assert result.parseoutcomes() == {"passed": 2, "failed": 1}
    result.stdout.fnmatch_lines(
        ["*_ setup-model _*", "the model does not do this task", "*= circuit claims (1) =*"]
    )
    result.stdout.fnmatch_lines(["FAILED *::setup-model - the model does not do this task"])


def test_when_nothing_of_a_file_can_be_measured_each_item_says_so_in_one_sentence(pytester, monkeypatch):
    conftest = """
    from circuitcheck.errors import ModelError

    def pytest_circuitcheck_check():
        raise ModelError("the model ioi-mini is damaged. Install circuitcheck again.")
    """
    prepare(pytester, monkeypatch, conftest, ioi=circuit_file("behaviour", "how-much"))
    result = run(pytester)
    assert result.parseoutcomes() == {"errors": 4}
    assert result.ret == FAILED
    text = result.stdout.str()
    assert "Traceback" not in text
    assert ".py:" not in text
    assert text.count("\nthe model ioi-mini is damaged. Install circuitcheck again.\n") == 4


def test_a_fault_of_our_own_shows_its_traceback_once(pytester, monkeypatch):
    conftest = """
    def pytest_circuitcheck_check():
        raise ZeroDivisionError("a bug")
    """
    prepare(pytester, monkeypatch, conftest, ioi=circuit_file("behaviour"))
    result = run(pytester)
    assert result.ret == FAILED
    assert result.stdout.str().count("E       ZeroDivisionError: a bug") == 1
    result.stdout.fnmatch_lines(["measuring this file stopped with ZeroDivisionError('a bug')."])


def test_a_claim_that_the_check_forgot_is_an_error_and_not_a_pass(pytester, monkeypatch):
    conftest = """
    import fake_check

    def pytest_circuitcheck_check(spec):
        return fake_check.fake_result(spec, ())
    """
    prepare(pytester, monkeypatch, conftest, ioi=circuit_file("behaviour"))
    result = run(pytester)
    assert result.parseoutcomes() == {"passed": 2, "errors": 1}
    result.stdout.fnmatch_lines(["the check gave neither a verdict nor a reason for this claim."])


def test_a_run_that_selected_circuits_and_measured_nothing_does_not_pass(pytester, monkeypatch):
    conftest = """
    import pytest

    def pytest_collection_modifyitems(items):
        for item in items:
            item.add_marker(pytest.mark.skip(reason="not today"))
    """
    prepare(pytester, monkeypatch, FAKE, ioi=circuit_file("behaviour"))
    pytester.makeconftest(FAKE + pytester.makepyfile(skipping=conftest).read_text())
    result = run(pytester)
    assert result.parseoutcomes() == {"skipped": 3}
    assert result.ret == FAILED
    result.stdout.fnmatch_lines(["circuitcheck: circuit items were selected, but nothing was measured,*"])
    assert measurements() == []


def test_stopping_at_the_first_failure_works(pytester, monkeypatch):
    prepare(pytester, monkeypatch, ioi=circuit_file("better-than-chance", "behaviour"))
    result = run(pytester, "-x")
    assert result.parseoutcomes() == {"passed": 2, "inconclusive": 1}
    assert result.ret == FAILED
