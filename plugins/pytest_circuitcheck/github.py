"""What GitHub Actions shows of a run: marks beside the lines of claims, and the summary of the step.

Marks are printed nowhere else, nor where the plugin pytest-github-actions-annotate-failures marks failures.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from circuitcheck.report.results import FileRecord

MOST_BYTES = 1024 * 1024
"""What one step may write into its summary; of more, GitHub shows nothing."""
_TOO_LONG = (
    "### circuits: the summary does not fit below the others of this step; it is in the run's `summary.md`\n"
)
_SAME_PURPOSE = "pytest_github_actions_annotate_failures"


def github_lines(config: pytest.Config, files: Sequence[FileRecord]) -> tuple[str, ...]:
    """The workflow commands to print; none outside of GitHub Actions."""
    if os.environ.get("GITHUB_ACTIONS") != "true" or config.pluginmanager.hasplugin(_SAME_PURPOSE):
        return ()
    from circuitcheck.report.annotations import annotation_lines

    root = Path(os.environ.get("GITHUB_WORKSPACE") or config.rootpath)
    return annotation_lines(files, lambda path: _from(root, config.rootpath / path))


def _from(root: Path, path: Path) -> str:
    """The path as seen from the root of the repository; as it is, where it lies elsewhere."""
    path, root = path.resolve(), root.resolve()
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def write_summary(path: Path, text: str, *, appends: bool) -> None:
    """Write the Markdown summary; behind what a step has written already, if there is room for it.

    Raises:
        OSError: when the file cannot be written.
    """
    there = path.stat().st_size if appends and path.exists() else 0
    if there + len(text.encode()) > MOST_BYTES:
        text = _TOO_LONG
    with path.open("a" if appends else "w", encoding="utf-8") as file:
        file.write(text)
