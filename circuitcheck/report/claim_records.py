"""One claim in `results.json`: made of a verdict or of an error, and turned back into a verdict."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, Literal

from pydantic import BaseModel

from circuitcheck.report.columns import wholes
from circuitcheck.report.pairing_records import NumbersRecord, PromptsRecord, SinceBaseline
from circuitcheck.report.plain_data import Number, Scalar, or_nan, plain
from circuitcheck.verdict import (
    Controls,
    Outcome,
    Part,
    PromptEffect,
    Verdict,
)


class PartRecord(BaseModel, frozen=True, extra="forbid"):
    """One expectation of a claim on one slice; `low` and `high` bound the confidence interval."""

    quantity: str
    expected: str
    slice: str
    estimate: Number
    low: Number
    high: Number
    p_support: Number
    p_refute: Number
    n: int
    outcome: Outcome
    reason: str = ""
    needed: str = ""
    below: Number = None
    above: Number = None


class PromptRecord(BaseModel, frozen=True, extra="forbid"):
    """One prompt's metric before and under the intervention.

    `spans` gives the (start, end) characters of each role's word in `prompt`.
    """

    prompt: str
    template: str
    order: str
    before: Number
    after: Number
    spans: dict[str, tuple[int, int]] = {}


class ControlsRecord(BaseModel, frozen=True, extra="forbid"):
    """Other nodes in the place of the claim's own (see `against`), each with its effect on the same `n` prompts.

    `beaten` is the share of `effects` weaker than `effect`, `required` the share that is demanded;
    `error_effect` what replacing only the dictionaries' errors does, null where that makes no sense.
    `pools` gives per node how many nodes its stand-ins were drawn from. Where `target` is a number, the strongest
    effect is that nearest to it. With `is_exhaustive` there are no other controls than these.
    """

    quantity: str
    effect: Number
    effects: list[Number]
    beaten: Number
    required: Number
    n: int
    seed: int
    outcome: Outcome
    reason: str = ""
    error_effect: Number = None
    pools: dict[str, int] = {}
    against: str = "matched features"
    target: Number = None
    is_exhaustive: bool = False

    def to_controls(self) -> Controls:
        """The controls this record was made of."""
        fields = self.model_dump() | {
            "effects": tuple(map(or_nan, self.effects)),
            **{name: or_nan(getattr(self, name)) for name in ("effect", "beaten", "required")},
        }
        return Controls(**fields)


class ClaimRecord(BaseModel, frozen=True, extra="forbid"):
    """One claim: its outcome with all the evidence, or why it could not be measured.

    `values` holds the per-prompt numbers behind the verdict, by name; `cells` the deciding quantity
    per (template, order). `nodes` are the nodes that the claim names, placed (`L2H0@END`); `written` the
    rest of the claim as the circuit file has it. `prompts` and `numbers` (one per part) are what pairing two
    runs takes; `since_baseline` is there where the run was held against a baseline.
    """

    claim: str
    line: int = 0
    verdict: Literal["supported", "refuted", "inconclusive", "measured", "error"]
    error: str = ""
    verb: str = ""
    says: str = ""
    reason: str = ""
    parts: list[PartRecord] = []
    n: int = 0
    seed: int = 0
    confidence: Number = None
    population: str = ""
    facts: dict[str, Scalar] = {}
    cells: dict[str, Number] = {}
    worst: list[PromptRecord] = []
    values: dict[str, list[Number]] = {}
    prompts: PromptsRecord | None = None
    numbers: list[NumbersRecord] = []
    controls: ControlsRecord | None = None
    warnings: list[str] = []
    tags: list[str] = []
    known_failure: str = ""
    budget: int = 0
    nodes: list[str] = []
    written: dict[str, Any] = {}
    since_baseline: SinceBaseline | None = None

    @property
    def compared(self) -> int:
        """Prompts that another run can be paired with; as many as `n`, or more."""
        return len(wholes(self.prompts.fingerprints)) if self.prompts else self.n

    @classmethod
    def of(cls, verdict: Verdict, line: int = 0) -> ClaimRecord:
        """The record of a measured claim; `line` is used where the verdict has none."""
        fields = asdict(replace(verdict, prompts=None, numbers=()))
        records = {
            "prompts": PromptsRecord.of(verdict.prompts) if verdict.prompts else None,
            "numbers": [NumbersRecord.of(numbers) for numbers in verdict.numbers],
        }
        fields["verdict"] = str(fields.pop("outcome"))
        fields["line"] = verdict.line or line
        return cls.model_validate(plain(fields) | records)

    @classmethod
    def of_error(cls, claim: str, error: str, line: int = 0, says: str = "") -> ClaimRecord:
        """The record of a claim that could not be measured; `error` says why, in one sentence."""
        return cls(claim=claim, verdict="error", error=error, line=line, says=says)

    def to_verdict(self) -> Verdict | None:
        """The verdict this record was made of; None for a claim that could not be measured."""
        if self.verdict == "error":
            return None
        fields = self.model_dump(exclude=_BESIDE_THE_VERDICT)
        fields |= {name: tuple(fields[name]) for name in ("warnings", "tags")}
        return Verdict(
            outcome=Outcome(self.verdict),
            parts=tuple(_part(part) for part in self.parts),
            worst=tuple(_prompt_effect(prompt) for prompt in self.worst),
            values={name: tuple(map(or_nan, column)) for name, column in self.values.items()},
            confidence=or_nan(self.confidence),
            controls=self.controls.to_controls() if self.controls else None,
            **fields,
        )


_BESIDE_THE_VERDICT = {
    "verdict", "error", "parts", "worst", "values", "confidence", "controls", "nodes", "written",
    "prompts", "numbers", "since_baseline",
}  # fmt: skip
"""Fields that are no fields of a verdict, or need to be made into one."""


def _part(record: PartRecord) -> Part:
    fields = record.model_dump()
    # No p-value is no evidence, which for a p-value is 1.
    fields |= {name: 1.0 if fields[name] is None else fields[name] for name in ("p_support", "p_refute")}
    return Part(**fields)


def _prompt_effect(record: PromptRecord) -> PromptEffect:
    return PromptEffect(
        **record.model_dump() | {"before": or_nan(record.before), "after": or_nan(record.after)}
    )
