"""The JSON: every raw timing, so that nothing in the table has to be believed."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks import claims
from benchmarks.circuits import FileRow
from benchmarks.claims import ClaimsRow
from benchmarks.rounds import Run
from benchmarks.row import Row

Runs = Sequence[Run[Any]]


def row_record(row: Row) -> dict[str, Any]:
    """One work: plain data."""
    return {
        "model": row.setting.name,
        "shape": asdict(row.setting.model.shape),
        "tokens": row.setting.length,
        "prompts": len(row.setting.prompts),
        "work": row.work.key,
        "title": row.work.title,
        "interventions": len(row.work.interventions),
        "timed": {"ours": len(row.sample.ours), "theirs": len(row.sample.theirs)},
        "whole_seconds": {side: list(spread.values) for side, spread in row.seconds.items()},
        "times_longer": {side: list(row.faster(side).values) for side in row.seconds},
        "raw": {side: _runs(runs) for side, runs in row.raw.items()},
        "floor_seconds": list(row.floor.values),
        "times_floor": list(row.above_floor.values),
        "done_over_needed": row.done,
        "difference": asdict(row.agreement),
        "agrees": row.agrees,
        "batches": {side: asdict(choice) for side, choice in row.batches.items()},
        "load": row.load,
    }


def file_record(row: FileRow) -> dict[str, Any]:
    """One circuit file: plain data."""
    return {
        "file": row.name,
        "model": row.model,
        "conditions": row.conditions,
        "raw": {side: _runs(runs) for side, runs in row.raw.items()},
        "times_longer": list(row.faster.values),
        "whole_batch": row.batch,
        "difference": row.difference,
        "agrees": row.agrees,
        "load": row.load,
    }


def claims_record(row: ClaimsRow) -> dict[str, Any]:
    """Few and many claims: plain data."""
    return {
        "model": row.model,
        "interventions": len(claims.NODES),
        "raw": {str(count): _runs(runs) for count, runs in row.raw.items()},
        "times_longer": list(row.longer.values),
        "asked": claims.ASKED,
    }


def report_record(machine: Mapping[str, Any], settings: Mapping[str, Any], **found: Any) -> dict[str, Any]:
    """The whole run: machine, date, settings, then what was found."""
    date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {"date": date, "machine": dict(machine), "settings": dict(settings), **found}


def _runs(runs: Runs) -> list[dict[str, float]]:
    return [
        {"seconds": run.seconds, "peak_bytes": run.peak.most, "start_bytes": run.peak.start} for run in runs
    ]
