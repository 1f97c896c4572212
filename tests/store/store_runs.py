"""pytest itself on a small circuit file of the bundled model, with a store."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = """
circuitcheck: 1
circuit: small
model: ioi-mini
dictionaries:
  z: {bundled: ioi-mini/z}
prompts: {family: agreement, corrupt: other_number, n: 32}
nodes:
  head: {heads: [L1H0], at: all}
  number: {features: [L1.z/944, L1.z/352, L1.z/93], at: SUBJECT+2}
claims:
  - {id: behaviour, says: x, measure: clean, expect: {logit_diff: ">= 5"}}
  - {id: elsewhere, says: x, measure: corrupt, corrupt: other_distractor, expect: {logit_diff: ">= 5"}}
  - {id: ablated, says: x, ablate: head, expect: {drop: ">= 0.5"}}
  - {id: kept, says: x, keep: [L1H0@all, L3H1@END], with: mean, expect: {recovered: "?"}}
  - {id: feature, says: x, ablate: number, expect: {drop: ">= 0"}, versus: {matched_features: 100, n: 16}}
"""


def project(folder):
    """A folder with the circuit file, and nothing else that pytest would look at."""
    (folder / "circuits").mkdir(parents=True)
    (folder / "circuits" / "small.circuit.yaml").write_text(FILE, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return folder


def start(folder, *arguments):
    """A process of pytest in a project."""
    plugin = ["-p", "pytest_circuitcheck", "-p", "no:cacheprovider"]
    quiet = {
        name: of
        for name, of in os.environ.items()
        if not name.startswith(("GITHUB_", "PYTEST_", "CIRCUITCHECK_"))
    }
    environment = {
        **quiet,
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "plugins"))),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *plugin, "circuits", *arguments],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def run(folder, *arguments):
    """The lines that pytest prints, from start to end."""
    process = start(folder, *arguments)
    return process.communicate(timeout=300)[0].splitlines()


def last_record(folder):
    """The file's record in the newest results, verdicts and all."""
    newest = max((folder / "reports").glob("*/results.json"), key=lambda path: path.stat().st_mtime_ns)
    (record,) = json.loads(newest.read_text(encoding="utf-8"))["files"]
    return record


def store_line(lines):
    """What the run says of its store."""
    return [line for line in lines if line.startswith("store: ")]
