"""Several processes on one folder: every entry whole, nothing lost."""

import subprocess
import sys
from pathlib import Path

from fakes import fake_prompts
from store_samples import PROMPTS, REFERENCES, Bench, ablating

from circuitcheck.engine import Plan
from circuitcheck.store import Store
from circuitcheck.store.inspection import inspect

TESTS = Path(__file__).parents[1]
ROUNDS, SHARED, OWN = 25, 6, 3
WRITER = """
import sys
from pathlib import Path
from test_store_processes import measure_in_a_process
measure_in_a_process(Path(sys.argv[1]), int(sys.argv[2]))
"""


def shared_plan():
    return Plan.of([ablating(f"L{number % 4}H{number % 3}", at=str(number)) for number in range(SHARED)])


def own_plan(number):
    return Plan.of([ablating(f"L{layer}H3", at=str(number)) for layer in range(OWN)])


def measure_in_a_process(folder, number):
    """Writes and reads what the other processes do, over and over, and something of its own."""
    for turn in range(ROUNDS):
        bench = Bench(folder, fresh=turn % 2 == 0)
        found = bench.measure(shared_plan())
        expected = bench.fake.measure(shared_plan(), PROMPTS, REFERENCES)
        assert all((found.values[one] == values).all() for one, values in expected.values.items())
        assert not bench.store.damaged
        assert not bench.store.fault
    Bench(folder).measure(own_plan(number))


def test_processes_that_share_a_folder_neither_break_nor_lose_each_other_s_entries(tmp_path):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(number)], cwd=Path(__file__).parent,
                         env={"PYTHONPATH": f"{Path(__file__).parent}:{TESTS}:{TESTS.parent}"})
        for number in range(4)
    ]  # fmt: skip
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0, 0]
    found = inspect(Store(tmp_path))
    assert found.damaged == ()
    assert not list(tmp_path.rglob("*.unfinished"))
    bench = Bench(tmp_path)
    for number in range(4):
        bench.measure(own_plan(number))
    bench.measure(shared_plan())
    assert bench.asked == []
    assert bench.engine.provenance["store"]["stored"] == SHARED + 4 * OWN


def test_other_prompts_in_the_same_folder_are_kept_apart(tmp_path):
    Bench(tmp_path).measure(shared_plan())
    bench = Bench(tmp_path)
    bench.measure(shared_plan(), fake_prompts(12))
    assert len(bench.asked) == SHARED
