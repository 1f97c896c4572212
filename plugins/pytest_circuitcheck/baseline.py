"""`--circuit-baseline`: claims whose verdict got worse, or whose effect moved, since the baseline fail.

In: the baseline file, and what each process measures. Out: a comparison per file, which items judge by, and a
section of the terminal's summary. Without the flag nothing of this is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_circuitcheck.baseline_options import baseline_margin, baseline_path
from pytest_circuitcheck.carrying import unload

if TYPE_CHECKING:
    from circuitcheck.baseline.comparing import FileComparison
    from circuitcheck.baseline.records import Baseline
    from circuitcheck.report.pairing_records import SinceBaseline
    from circuitcheck.report.results import FileRecord
    from pytest_circuitcheck.items import CircuitItem

_QUIET = frozenset({"identical", "unchanged"})


class BaselineGate:
    """The baseline of one process; prints what all processes found where results are printed."""

    def __init__(self, config: pytest.Config) -> None:
        self._path = baseline_path(config)
        self._margin = baseline_margin(config)
        self._baseline = _read(self._path)
        self._shown = _shown(self._path, config.invocation_params.dir)
        self._compared: dict[Path, FileComparison] = {}
        self._found: list[tuple[str, str, SinceBaseline]] = []
        self._gone: dict[str, list[str]] = {}

    def compared(self, item: CircuitItem, file: FileRecord) -> FileComparison | None:
        """The item's whole file against the baseline; None where there is no baseline yet."""
        from circuitcheck.baseline.comparing import compare_file

        if self._baseline is None:
            return None
        if item.path not in self._compared:
            in_file = [claim.id for claim in item.spec.claims]
            self._compared[item.path] = compare_file(self._baseline, file, in_file, self._margin)
        return self._compared[item.path]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what is to be printed."""
        for file in (unload(report) or {"files": []})["files"]:
            if file["gone"]:
                self._gone[file["circuit"]] = file["gone"]
            for claim in file["claims"]:
                if claim["since_baseline"]:
                    self._keep(file["path"], claim)

    def _keep(self, path: str, claim: dict[str, Any]) -> None:
        from circuitcheck.report.pairing_records import SinceBaseline

        self._found.append((path, claim["claim"], SinceBaseline.model_validate(claim["since_baseline"])))

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print claims that are not as they were, and a line that counts all."""
        terminalreporter.write_sep("=", f"since the baseline ({self._shown})")
        for line, colour in self._lines():
            terminalreporter.write_line(line, **({colour: True} if colour else {}))

    def _lines(self) -> Iterator[tuple[str, str]]:
        if self._baseline is None:
            yield (
                "there is no such file yet, so nothing was compared; `circuitcheck baseline save` writes it",
                "",
            )
            return
        for model in dict.fromkeys(
            line for *_, since in self._found for line in since.lines if _is_origin(line)
        ):
            yield model, ""
        for _, claim, since in self._found:
            if since.word not in _QUIET:
                yield f"{claim}: {since.sentence}", "red" if since.fails else ""
        for circuit, names in self._gone.items():
            yield f"{circuit}: in the baseline and not in the file any more: {', '.join(names)}", ""
        words = [since.word for *_, since in self._found]
        counts = ", ".join(f"{words.count(word)} {word}" for word in sorted(set(words)))
        yield f"{len(words)} claims held against the baseline{': ' if counts else ''}{counts}", ""
        if any(since.fails for *_, since in self._found):
            yield "if that is meant, `circuitcheck baseline accept CLAIM...` takes the new numbers", ""


def gate_of(config: pytest.Config) -> BaselineGate | None:
    """The gate of this process; None without the flag.

    Raises:
        pytest.UsageError: the baseline file is damaged, or the ini file's margin is no share.
    """
    if config.getoption("--circuit-baseline") is None:
        return None
    if _GATE not in config.stash:
        config.stash[_GATE] = BaselineGate(config)
    return config.stash[_GATE]


def held_against_baseline(item: CircuitItem, file: FileRecord) -> FileRecord:
    """The file's record with what the baseline says of its claims; the same without a baseline."""
    gate = gate_of(item.config)
    compared = gate.compared(item, file) if gate else None
    if compared is None:
        return file
    from circuitcheck.baseline.wording import since_baseline

    claims = [
        claim.model_copy(update={"since_baseline": since_baseline(compared.pairs[claim.claim])})
        for claim in file.claims
    ]
    return file.model_copy(update={"claims": claims, "gone": list(compared.gone)})


def baseline_page(place: str, since: SinceBaseline) -> list[str]:
    """The page of a claim that fails by the baseline alone."""
    return [f"{place}  baseline: {since.sentence}", "", *baseline_lines(since)]


def baseline_lines(since: SinceBaseline) -> list[str]:
    """The details, below the page of a claim."""
    return [f"  baseline  {line}" for line in since.lines]


def _is_origin(line: str) -> bool:
    return line.startswith(("model: ", "dictionary ", "weights: ", "dtype: ", "device: "))


def _read(path: Path) -> Baseline | None:
    """The baseline; None before the first one was written."""
    from circuitcheck.baseline.records import read_baseline
    from circuitcheck.errors import CircuitCheckError

    if not path.exists():
        return None
    try:
        return read_baseline(path)
    except CircuitCheckError as error:
        raise pytest.UsageError(str(error)) from None


def _shown(path: Path, here: Path) -> str:
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


_GATE = pytest.StashKey[BaselineGate]()
