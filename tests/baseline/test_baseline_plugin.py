"""`pytest --circuit-baseline`: what fails, what is only said, and what is a wrong call."""

import json
import re
from pathlib import Path

import pytest
from fake_check import KNOWN_FAILURE, circuit_file
from plugin_runs import WAYS, prepare, run

import circuitcheck.baseline.wording  # noqa: F401  pytester forgets what an inner run imports, and scipy loads once
from circuitcheck.cli import main
from circuitcheck.report.writing import read_results

pytest_plugins = ("pytester",)

CONFTEST = f"""
import sys
sys.path.append({str(Path(__file__).parent)!r})
from measured_shifts import pytest_circuitcheck_check
"""
IOI = circuit_file("behaviour", "mover", "doubtful", "known", extra={"known": KNOWN_FAILURE})
NORMAL = {"doubtful": {"outcome": "inconclusive"}, "known": {"outcome": "refuted"}}
WARN = "--circuit-inconclusive=warn"
BASELINE = Path("reports/baseline/baseline.json")


@pytest.fixture
def project(pytester, monkeypatch):
    """Runs of one file whose numbers the test gives; the first run is the baseline."""
    prepare(pytester, monkeypatch, conftest=CONFTEST, ioi=IOI)

    def measure(*arguments, baseline=True, **said):
        Path("shifts.json").write_text(json.dumps(NORMAL | said), encoding="utf-8")
        return run(pytester, WARN, *arguments, *(["--circuit-baseline"] if baseline else []))

    return measure


@pytest.fixture
def saved(project):
    project("circuits", baseline=False)
    command("save")
    return project


def command(*arguments):
    with pytest.raises(SystemExit) as exit_:
        main(["baseline", *arguments])
    return int(exit_.value.code or 0)


def name_of(result):
    """The run, by name, since runs within one second have no order."""
    return re.search(r"reports/(\S+)/report.html", result.stdout.str())[1]


def section(result):
    """What is said of the baseline."""
    lines = result.outlines
    start = next(number for number, line in enumerate(lines) if "= since the baseline (" in line)
    return list(iter_until_rule(lines[start + 1 :]))


def iter_until_rule(lines):
    for line in lines:
        if line.startswith("="):
            return
        yield line


def test_the_first_run_has_no_baseline_and_passes_with_a_sentence(project):
    result = project("circuits")
    assert result.ret == pytest.ExitCode.OK
    assert section(result) == [
        "there is no such file yet, so nothing was compared; `circuitcheck baseline save` writes it"
    ]


def test_without_the_flag_nothing_is_compared_or_said(saved):
    result = saved("circuits", baseline=False, mover={"shift": -2.0})
    assert result.ret == pytest.ExitCode.OK
    assert "baseline" not in result.stdout.str()


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_an_effect_that_moved_fails_its_claim_however_pytest_runs(saved, way):
    result = saved("circuits", *way, mover={"shift": -0.5}, sha="f" * 32)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1, passed=3, xfailed=1)
    assert section(result)[0] == "model: ioi-mini 9b1facdbbf97 in the baseline, ioi-mini ffffffffffff now"
    moved = next(line for line in section(result) if line.startswith("mover: "))
    assert moved.startswith("mover: logit_diff moved by -0.500 [")
    assert "beyond the margin of 0.206: 4.12 to 3.62" in moved
    assert "4 claims held against the baseline: 3 identical, 1 moved" in section(result)
    assert "if that is meant, `circuitcheck baseline accept CLAIM...` takes the new numbers" in section(
        result
    )


def test_the_page_of_a_claim_that_moved_has_no_traceback_and_says_what_moved_where(saved):
    text = saved("circuits", mover={"shift": -0.5}).stdout.str()
    page = text[text.index("_ mover _") :].partition("\n")[2].partition("\n\n")[0]
    assert page.startswith("circuits/ioi.circuit.yaml:11  baseline: logit_diff moved by -0.500 [")
    assert "beyond the margin of 0.206: 4.12 to 3.62; most in " in page
    assert "garden BABA (-0.500)" in page
    assert "Traceback" not in text


def test_reports_carry_what_the_baseline_says(saved):
    folder = Path("reports") / name_of(saved("circuits", mover={"shift": -0.5}))
    record = next(claim for claim in read_results(folder).files[0].claims if claim.claim == "mover")
    assert (record.verdict, record.since_baseline.word, record.since_baseline.fails) == (
        "supported",
        "moved",
        True,
    )
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Since the baseline:</strong> logit_diff moved by -0.500" in page
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    assert summary.startswith("### circuits: ")
    assert "; 1 not as in the baseline\n" in summary
    assert "<br>baseline: logit\\_diff moved by -0.500" in summary
    rows = [line for line in summary.splitlines() if line.startswith("| **")]
    assert rows[0].startswith("| **mover**"), "what fails comes first"


def test_github_marks_the_line_of_a_claim_that_moved(saved, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    marks = [line for line in saved("circuits", mover={"shift": -0.5}).outlines if line.startswith("::error")]
    assert len(marks) == 1
    assert marks[0].startswith(
        "::error file=circuits/ioi.circuit.yaml,line=11,title=mover%3A not as in the baseline::logit_diff moved"
    )


def test_a_worse_verdict_fails_even_where_inconclusive_claims_may_pass(saved):
    result = saved("circuits", behaviour={"outcome": "inconclusive"})
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert any(
        "from supported to inconclusive: a borderline claim, no drift" in line for line in section(result)
    )


def test_a_better_verdict_passes_with_a_note(saved):
    result = saved("circuits", doubtful={"outcome": "supported"})
    assert result.ret == pytest.ExitCode.OK
    assert any("got better, from inconclusive to supported" in line for line in section(result))


def test_a_known_failure_whose_effect_moved_fails(saved):
    result = saved("circuits", known={"outcome": "refuted", "shift": 1.0})
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["FAILED circuits/ioi.circuit.yaml::known - baseline: logit_diff*"])


def test_a_refuted_claim_that_moved_keeps_its_page_and_says_both(saved):
    result = saved("circuits", mover={"outcome": "refuted", "shift": -3.0})
    text = result.stdout.str()
    assert "refuted: logit_diff = " in text
    assert "  baseline  the verdict got worse, from supported to refuted; logit_diff moved by -3.00" in text


def test_a_margin_can_be_given_on_the_command_line_or_in_the_ini_file(saved, pytester):
    assert saved("circuits", "--circuit-baseline-margin=0.2", mover={"shift": -0.5}).ret == pytest.ExitCode.OK
    pytester.makeini("[pytest]\ncircuit_baseline_margin = 0.2\n")
    assert saved("circuits", mover={"shift": -0.5}).ret == pytest.ExitCode.OK
    pytester.makeini("[pytest]\ncircuit_baseline_margin = much\n")
    result = saved("circuits")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*circuit_baseline_margin is 'much' in the ini file. Write a share such as 0.05."]
    )


def test_a_claim_that_is_gone_is_said_and_passes(saved, pytester):
    fewer = circuit_file("behaviour", "doubtful", "known", extra={"known": KNOWN_FAILURE})
    (pytester.path / "circuits" / "ioi.circuit.yaml").write_text(fewer, encoding="utf-8")
    result = saved("circuits")
    assert result.ret == pytest.ExitCode.OK
    assert "ioi: in the baseline and not in the file any more: mover" in section(result)


def test_a_claim_that_was_not_selected_is_not_called_gone(saved):
    assert "3 identical" not in section(result := saved("circuits", "-k", "mover"))
    assert section(result)[-1] == "1 claims held against the baseline: 1 identical"


def test_a_renamed_claim_is_held_against_its_old_numbers(saved, pytester):
    renamed = IOI.replace("id: mover", "id: name-mover")
    (pytester.path / "circuits" / "ioi.circuit.yaml").write_text(renamed, encoding="utf-8")
    result = saved("circuits", **{"name-mover": {"metric": "mover", "shift": -0.5}})
    assert any(
        line.startswith("name-mover: was mover in the baseline; logit_diff moved") for line in section(result)
    )
    assert not any("not in the file any more" in line for line in section(result))


def test_a_claim_of_another_metric_is_refused_and_fails(saved):
    result = saved("circuits", mover={"metric": "prob_diff"})
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert any(
        "the metric was mover and is prob_diff; if that is meant, run" in line for line in section(result)
    )


def test_accepting_what_moved_makes_the_next_run_pass(saved):
    moved = saved("circuits", mover={"shift": -0.5})
    assert moved.ret == pytest.ExitCode.TESTS_FAILED
    assert command("accept", "mover", "--run", name_of(moved)) == 0
    assert saved("circuits", mover={"shift": -0.5}).ret == pytest.ExitCode.OK
    assert saved("circuits").ret == pytest.ExitCode.TESTS_FAILED, "it would have moved back"


def test_a_damaged_baseline_is_a_wrong_call(saved):
    BASELINE.write_text(BASELINE.read_text(encoding="utf-8")[:500], encoding="utf-8")
    result = saved("circuits")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *baseline.json is damaged, or no baseline of this version*"])


def test_what_pytest_was_to_run_is_not_taken_for_a_baseline_file(pytester, project):
    result = run(pytester, "--circuit-baseline", "circuits")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*'circuits' is no baseline file. Write the flag behind it, or --circuit-baseline=FILE"]
    )


def test_another_file_can_be_named(saved, pytester):
    BASELINE.rename("mine.json")
    result = run(pytester, WARN, "circuits", "--circuit-baseline=mine.json")
    assert section(result)[-1] == "4 claims held against the baseline: 4 identical"


def test_a_file_named_on_the_command_line_that_is_not_there_is_a_wrong_call(pytester, project):
    project("circuits")
    result = run(pytester, WARN, "circuits", "--circuit-baseline=mistyped.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: there is no baseline file mistyped.json.*"])
