"""Report folders: `reports/<run>/results.json`, `summary.md` and `report.html`, whole or not at all.

All files are written into a hidden folder beside the final one, which is then renamed, so that no
reader and no later run ever sees half a report.
"""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from circuitcheck.errors import CircuitCheckError
from circuitcheck.report.html.page import report_page
from circuitcheck.report.markdown import summary
from circuitcheck.report.results import RunResults

RESULTS = "results.json"
SUMMARY = "summary.md"
PAGE = "report.html"
_RUN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")


def new_run_id(now: datetime | None = None) -> str:
    """UTC time to the second, then six random digits, so that names sort by time and never clash."""
    return f"{now or datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def write_reports(results: RunResults, root: Path) -> Path:
    """Write the files of one run; gives back its folder.

    Raises:
        OSError: when the folder cannot be written; nothing of the run is left behind then.
    """
    root.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{results.run}-", dir=root))
    try:
        (unfinished / RESULTS).write_text(results.to_json(), encoding="utf-8")
        (unfinished / SUMMARY).write_text(summary(results), encoding="utf-8")
        (unfinished / PAGE).write_text(report_page(results), encoding="utf-8")
        unfinished.chmod(0o755)  # mkdtemp's 0o700 would hide the report from the web server of a CI
        return unfinished.rename(root / results.run)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def replace_text(path: Path, text: str) -> None:
    """Write a file anew, with its folder; a reader sees the old text or the new one, whole.

    Raises:
        OSError: when it cannot be written; the old text is still there then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}-{secrets.token_hex(3)}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def newest_run(root: Path) -> Path:
    """The folder of the newest run under `root`.

    Raises:
        CircuitCheckError: when no run has been written there.
    """
    runs = [path.parent for path in root.glob(f"*/{RESULTS}") if _RUN.fullmatch(path.parent.name)]
    if not runs:
        msg = f"no run has been written under {root}. Run `circuitcheck run` on your circuit files first."
        raise CircuitCheckError(msg)
    return max(runs, key=lambda path: path.name)


def read_results(folder: Path) -> RunResults:
    """Read a run's results back.

    Raises:
        CircuitCheckError: when the file is missing, or was not written by this version's schema.
    """
    path = folder / RESULTS
    try:
        return RunResults.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}. Give the name of a run's folder under the reports."
        raise CircuitCheckError(msg) from error
    except ValueError as error:
        msg = f"{path} is not a results file of this version of circuitcheck. Run the circuit files again."
        raise CircuitCheckError(msg) from error
