"""The baseline file: what it holds of each claim, how it is read and written.

One JSON file, sorted, without times and paths, so that a version control system shows what changed. Numbers per
prompt are packed (`circuitcheck.report.columns`) and those that several claims share, such as the clean metric,
are there once: 100 claims on 480 prompts take about 0.3 MB.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

from circuitcheck.errors import CircuitCheckError
from circuitcheck.report.columns import floats, rows_of, wholes
from circuitcheck.report.pairing_records import PromptsRecord
from circuitcheck.report.plain_data import Number

VERSION: Literal[1] = 1
DEFAULT = Path("reports") / "baseline" / "baseline.json"
"""Where the baseline is, from the folder of the project; git does not ignore it there."""


class Origin(BaseModel, frozen=True, extra="forbid"):
    """What numbers were measured with: hashes of model and dictionaries, and everything else they may depend on.

    `references` are digests of reference sets, by the digest of the prompts they go with.
    """

    model: str
    model_sha256: str = ""
    weights: str = ""
    dtype: str = ""
    device: str = ""
    dictionaries: dict[str, str] = {}
    tokenizer: str = ""
    references: dict[str, str] = {}
    environment: dict[str, str] = {}


class KeptPart(BaseModel, frozen=True, extra="forbid"):
    """One expectation on one slice; `numerator` and `denominator` name columns of the file.

    `unit` is what a share of the margin is a share of: 1 for ratios and rates, the clean metric for metrics.
    """

    quantity: str
    slice: str = ""
    expected: str
    estimate: Number
    low: Number
    high: Number
    unit: float = 1.0
    rows: str = ""
    numerator: str = ""
    denominator: str = ""
    limits: tuple[float, float] | None = None


class KeptClaim(BaseModel, frozen=True, extra="forbid"):
    """One claim: its verdict, and where its prompts and its origin are in the file.

    `n` counts the prompts that it can be compared on, which a verdict that stopped early did not take all.
    `question` is what it measures; `judged_by` what its verdict depends on beside numbers and expectations.
    """

    verdict: Literal["supported", "refuted", "inconclusive", "measured"]
    question: dict[str, Any]
    judged_by: dict[str, Any] = {}
    confidence: float
    n: int
    prompts: str
    origin: str
    parts: list[KeptPart]


class Baseline(BaseModel, frozen=True, extra="forbid"):
    """All of it; claims by circuit and id, the rest by the names that claims use."""

    version: Literal[1] = VERSION
    claims: dict[str, dict[str, KeptClaim]] = Field(default_factory=dict)
    origins: dict[str, Origin] = {}
    prompts: dict[str, PromptsRecord] = {}
    columns: dict[str, str] = {}

    @property
    def count(self) -> int:
        """How many claims it holds."""
        return sum(map(len, self.claims.values()))

    def to_json(self) -> str:
        """The text of the file."""
        return json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    def without_leftovers(self) -> Baseline:
        """The same claims, without what no claim names any more."""
        claims = [claim for circuit in self.claims.values() for claim in circuit.values()]
        columns = {
            name for claim in claims for part in claim.parts for name in (part.numerator, part.denominator)
        }
        return self.model_copy(
            update={
                "origins": _only(self.origins, {claim.origin for claim in claims}),
                "prompts": _only(self.prompts, {claim.prompts for claim in claims}),
                "columns": _only(self.columns, columns),
            }
        )


def read_baseline(path: Path) -> Baseline:
    """Read a baseline file.

    Raises:
        CircuitCheckError: it cannot be read, is damaged, or is of another version.
    """
    try:
        found = Baseline.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = (
            f"cannot read the baseline {path}: {error.strerror}. Write one with `circuitcheck baseline save`."
        )
        raise CircuitCheckError(msg) from error
    except ValueError as error:
        msg = f"{path} is damaged, or no baseline of this version of circuitcheck. {_RESTORE}"
        raise CircuitCheckError(msg) from error
    if fault := _fault(found):
        msg = f"{path} is damaged: {fault}. {_RESTORE}"
        raise CircuitCheckError(msg)
    return found


_RESTORE = "Take it from version control again, or write a new one with `circuitcheck baseline save`."


def _fault(baseline: Baseline) -> str:
    """What claims name and the file lacks or has no sense of, in words; "" where it is whole."""
    for claims in baseline.claims.values():
        for name, claim in claims.items():
            if claim.prompts not in baseline.prompts or claim.origin not in baseline.origins:
                return f"it lacks the prompts or the origin of {name}"
            try:
                whole = _is_whole(claim, baseline)
            except (KeyError, ValueError):
                whole = False
            if not whole:
                return f"the numbers of {name} are missing or cut off"
    return ""


def _is_whole(claim: KeptClaim, baseline: Baseline) -> bool:
    """Whether there is a number for each of its prompts.

    Raises:
        KeyError, ValueError: a column is missing, or is none.
    """
    prompts = baseline.prompts[claim.prompts]
    lengths = {len(wholes(prompts.fingerprints)), len(wholes(prompts.cell_of)), claim.n}
    if len(lengths) != 1 or wholes(prompts.cell_of).max() >= len(prompts.cells):
        return False
    return all(
        len(floats(baseline.columns[column])) == rows_of(part.rows, claim.n).sum()
        for part in claim.parts
        for column in (part.numerator, *filter(None, [part.denominator]))
    )


def _only(entries: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in entries.items() if name in names}
