"""Anything with claims in it, as a run's results: a run's folder, its name, or a baseline file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from circuitcheck.baseline.records import Baseline, KeptClaim, KeptPart, read_baseline
from circuitcheck.baseline.saving import baseline_of
from circuitcheck.errors import CircuitCheckError
from circuitcheck.report.claim_records import ClaimRecord, PartRecord
from circuitcheck.report.pairing_records import NumbersRecord
from circuitcheck.report.results import FileRecord, RunResults
from circuitcheck.report.writing import RESULTS, newest_run, read_results
from circuitcheck.verdict import Outcome


def run_of(name: str, reports: Path) -> RunResults:
    """The results of a run's folder, or of the run of that name; of the newest, where none is named.

    Raises:
        CircuitCheckError: there is no such run, or it cannot be read.
    """
    if not name:
        return read_results(newest_run(reports))
    return read_results(Path(name) if Path(name).is_dir() else reports / name)


def baseline_or_run(name: str, reports: Path) -> Baseline:
    """A baseline file as it is, a run as the baseline that it would make.

    Raises:
        CircuitCheckError: it is neither.
    """
    if (path := _file(name, reports)) is not None:
        return read_baseline(path)
    return baseline_of(run_of(name, reports)).baseline


def results_or_baseline(name: str, reports: Path) -> RunResults:
    """A run as it is, a baseline file as if it were a run.

    Raises:
        CircuitCheckError: it is neither.
    """
    if (path := _file(name, reports)) is not None:
        return as_results(read_baseline(path), str(path))
    return run_of(name, reports)


def as_results(baseline: Baseline, name: str) -> RunResults:
    """The claims of a baseline as a run measured them; a circuit whose claims come from several runs, as several."""
    files = [
        FileRecord(
            path=name,
            circuit=circuit,
            model=baseline.origins[origin].model,
            provenance=_provenance(baseline, origin),
            claims=[_record(baseline, id_, claim) for id_, claim in kept.items() if claim.origin == origin],
        )
        for circuit, kept in baseline.claims.items()
        for origin in dict.fromkeys(claim.origin for claim in kept.values())
    ]
    return RunResults(run=name, started="", seconds=None, command=[], files=files)


def _file(name: str, reports: Path) -> Path | None:
    path = Path(name)
    if path.is_file() and path.name != RESULTS:
        return path
    if not name or path.is_dir() or (reports / name).is_dir():
        return None
    msg = (
        f"{name!r} is neither a baseline file nor a run in {reports}. Give a file, or a run's folder or name."
    )
    raise CircuitCheckError(msg)


def _provenance(baseline: Baseline, name: str) -> dict[str, Any]:
    origin = baseline.origins[name]
    return {
        "model": {"name": origin.model, "sha256": origin.model_sha256},
        **origin.model_dump(include={"weights", "dtype", "device", "dictionaries", "tokenizer"}),
        # Both by the digest of the prompts, which is all that a baseline knows of a corruption.
        "prompts": {digest: digest for digest in origin.references},
        "references": origin.references,
    }


def _record(baseline: Baseline, name: str, kept: KeptClaim) -> ClaimRecord:
    question = dict(kept.question)
    metric = question.pop("metric", None)
    return ClaimRecord(
        claim=name,
        verdict=kept.verdict,
        verb=question.pop("verb", ""),
        nodes=question.pop("nodes", []),
        written=question | kept.judged_by,
        facts={"metric": metric} if metric else {},
        confidence=kept.confidence,
        n=kept.n,
        prompts=baseline.prompts[kept.prompts],
        parts=[_part(part, kept) for part in kept.parts],
        numbers=[
            NumbersRecord(
                rows=part.rows,
                numerator=baseline.columns[part.numerator],
                denominator=baseline.columns.get(part.denominator, ""),
                limits=part.limits,
            )
            for part in kept.parts
        ],
    )


def _part(part: KeptPart, claim: KeptClaim) -> PartRecord:
    return PartRecord(
        **part.model_dump(include={"quantity", "expected", "slice", "estimate", "low", "high"}),
        p_support=None,
        p_refute=None,
        n=claim.n,
        outcome=Outcome(claim.verdict),
    )
