"""GitHub Actions: marks are printed there, on lines of their own, and nowhere else; summaries share a step."""

import pytest
from fake_check import circuit_file
from plugin_runs import WAYS, prepare, run
from pytest_circuitcheck.github import MOST_BYTES, write_summary

pytest_plugins = ("pytester",)
IOI = circuit_file("behaviour", "backup-compensates", "better-than-chance", "gone")
MARK = "title=backup-compensates%3A refuted::drop 0.412"


def marks(result):
    return [line for line in result.outlines if line.startswith("::")]


@pytest.fixture
def actions(pytester, monkeypatch):
    """A job of GitHub Actions in the project's folder."""
    prepare(pytester, monkeypatch, ioi=IOI)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(pytester.path))
    return pytester


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_claims_are_marked_beside_their_lines(actions, way):
    found = marks(run(actions, *way))
    assert [line.partition("::")[2].partition("title=")[0] for line in found] == [
        "error file=circuits/ioi.circuit.yaml,line=11,",
        "error file=circuits/ioi.circuit.yaml,line=19,",
        "warning file=circuits/ioi.circuit.yaml,line=15,",
    ]
    assert MARK in found[0]


def test_inconclusive_claims_are_warnings_also_where_they_do_not_fail_the_run(actions):
    found = marks(run(actions, "--circuit-inconclusive", "warn", "-k", "better"))
    assert len(found) == 1
    assert found[0].startswith("::warning ")


def test_paths_are_seen_from_the_root_of_the_repository(actions, monkeypatch):
    monkeypatch.setenv("GITHUB_WORKSPACE", str(actions.path.parent))
    assert f"::error file={actions.path.name}/circuits/ioi.circuit.yaml,line=11," in marks(run(actions))[0]


@pytest.mark.parametrize("value", ["", "false", "1"])
def test_elsewhere_nothing_is_printed(actions, monkeypatch, value):
    monkeypatch.setenv("GITHUB_ACTIONS", value)
    assert marks(run(actions)) == []


def test_where_another_plugin_marks_failures_nothing_is_marked_twice(actions):
    actions.makepyfile(pytest_github_actions_annotate_failures="")
    actions.syspathinsert()
    assert marks(run(actions, "-p", "pytest_github_actions_annotate_failures")) == []


def test_a_run_in_which_all_is_well_marks_nothing(pytester, monkeypatch):
    prepare(pytester, monkeypatch, ioi=circuit_file("behaviour"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert marks(run(pytester)) == []


def test_a_summary_that_would_cost_the_step_all_of_them_leaves_a_line_instead(tmp_path):
    step = tmp_path / "step.md"
    step.write_text("x" * (MOST_BYTES - 500), encoding="utf-8")
    write_summary(step, "y" * 501, appends=True)
    text = step.read_text(encoding="utf-8")
    assert "y" * 20 not in text
    assert text.endswith("it is in the run's `summary.md`\n")
    assert len(text) <= MOST_BYTES


def test_a_summary_that_fits_is_appended_and_one_of_its_own_replaces_the_last(tmp_path):
    step = tmp_path / "step.md"
    for appends, expected in ((True, "a"), (True, "aa"), (False, "a")):
        write_summary(step, "a", appends=appends)
        assert step.read_text(encoding="utf-8") == expected
