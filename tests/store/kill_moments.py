"""Kills pytest while it measures, at random moments, and lets it go on: nothing may break, nothing be lost.

Not collected with the other tests, which try three moments; `pytest tests/store/kill_moments.py --moments 50`
tries as many as asked.
"""

import random
import time

import pytest
from store_runs import last_record, project, run, start

from circuitcheck.store import Store
from circuitcheck.store.inspection import inspect

KILLS_IN_A_ROW = 3
SEED = 20260
_PATIENCE_S = 300.0


def stored(folder):
    """What is in the project's store, damaged entries apart: none may be."""
    found = inspect(Store(folder / ".circuitcheck" / "results"))
    assert found.damaged == ()
    return found.measurements


def files_in(folder):
    return len(list((folder / ".circuitcheck").rglob("*.safetensors")))


def kill_after(folder, files, pause_s):
    """Run pytest and kill it when so many files are stored, and a little later; it may end before that."""
    process = start(folder)
    deadline = time.monotonic() + _PATIENCE_S
    while process.poll() is None and files_in(folder) < files and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(pause_s)
    process.kill()
    process.communicate()


def verdicts(folder):
    """Outcomes and estimates of every claim in the last run."""
    return {
        claim["claim"]: (claim["verdict"], [part["estimate"] for part in claim["parts"]])
        for claim in last_record(folder)["claims"]
    }


def kill_and_go_on(folder, whole, draw, kills):
    """One project, killed several times, then run to its end; says how much of the store was used again."""
    project(folder)
    total = files_in(whole)
    for _ in range(kills):
        before = stored(folder)
        kill_after(folder, draw.randint(files_in(folder), total), draw.uniform(0.0, 0.3))
        assert stored(folder) >= before
    there = stored(folder)
    lines = run(folder)
    account = last_record(folder)["provenance"]["store"]
    assert account["stored"] >= there, "a finished measurement was made again"
    assert "damaged" not in account
    assert "fault" not in account
    assert "passed" in lines[-1]
    expected = verdicts(whole)
    for claim, (outcome, estimates) in verdicts(folder).items():
        assert outcome == expected[claim][0]
        assert estimates == pytest.approx(expected[claim][1], rel=1e-5, abs=1e-6)
    return there


def killed_at(tmp_path, moments, seed=SEED):
    """As many kills as `moments`, a few to a project; the number of measurements that survived one."""
    draw = random.Random(seed)
    whole = project(tmp_path / "whole")
    run(whole)
    left, survived = moments, 0
    while left:
        kills = min(left, KILLS_IN_A_ROW)
        survived += kill_and_go_on(tmp_path / f"killed {left}", whole, draw, kills)
        left -= kills
    return survived


def test_a_run_that_is_killed_loses_nothing_that_was_finished(tmp_path, request):
    moments = int(request.config.getoption("--moments", default=None) or 50)
    assert killed_at(tmp_path, moments) > 0, "no kill came late enough to prove anything"
