"""`results.json`: everything one run measured and judged, as pydantic models with a published schema.

In: what `circuitcheck.checking.check` gives back, file by file. Out: `RunResults`, which writes and
reads itself as JSON.

A number that is missing or not finite is null here, never zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from circuitcheck.verdict import Outcome, Part, PromptEffect, Verdict

if TYPE_CHECKING:
    from circuitcheck.checking.result import CheckResult, ExamplePrompt, SetupResult
    from circuitcheck.nodes import Node
    from circuitcheck.spec import CircuitSpec

SCHEMA_VERSION: Literal[1] = 1
"""Raised when a field changes its meaning or goes away; new optional fields leave it alone."""


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_finite)]
"""A number, or null where there is none or it is not finite."""

Scalar = Annotated[float | str | None, BeforeValidator(_finite)]


class _Record(BaseModel):
    """Frozen, and without keys that the schema does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PartRecord(_Record):
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


class PromptRecord(_Record):
    """One prompt's metric before and under the intervention.

    `spans` gives the (start, end) characters of each role's word in `prompt`.
    """

    prompt: str
    template: str
    order: str
    before: Number
    after: Number
    spans: dict[str, tuple[int, int]] = {}


class ClaimRecord(_Record):
    """One claim: its outcome with all the evidence, or why it could not be measured.

    `values` holds the per-prompt numbers behind the verdict, by name; `cells` the deciding quantity
    per (template, order). `nodes` are the nodes that the claim names, placed (`L2H0@END`); `written` the
    rest of the claim as the circuit file has it.
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
    warnings: list[str] = []
    tags: list[str] = []
    known_failure: str = ""
    nodes: list[str] = []
    written: dict[str, Any] = {}

    @classmethod
    def of(cls, verdict: Verdict, line: int = 0) -> ClaimRecord:
        """The record of a measured claim; `line` is used where the verdict has none."""
        fields = asdict(verdict)
        fields["verdict"] = str(fields.pop("outcome"))
        fields["line"] = verdict.line or line
        return cls.model_validate(_lists(fields))

    @classmethod
    def of_error(cls, claim: str, error: str, line: int = 0, says: str = "") -> ClaimRecord:
        """The record of a claim that could not be measured; `error` says why, in one sentence."""
        return cls(claim=claim, verdict="error", error=error, line=line, says=says)

    def as_written(self, spec: CircuitSpec) -> ClaimRecord:
        """The same record with what the circuit file says of the claim."""
        claim = next((claim for claim in spec.claims if claim.id == self.claim), None)
        if claim is None:
            return self
        named = (*claim.nodes(spec), *(claim.under.nodes(spec) if claim.under else ()))
        written = claim.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=_RECORDED)
        return self.model_copy(
            update={
                "says": self.says or claim.says,
                "verb": self.verb or claim.verb,
                "nodes": list(dict.fromkeys(map(str, named))),
                "written": written,
            }
        )

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
            values={name: tuple(map(_or_nan, column)) for name, column in self.values.items()},
            confidence=_or_nan(self.confidence),
            **fields,
        )


_RECORDED = {"id", "says", "expect", "tags", "known_failure"}
"""Keys of a claim that its record has in fields of their own."""

_BESIDE_THE_VERDICT = {"verdict", "error", "parts", "worst", "values", "confidence", "nodes", "written"}
"""Fields that are no fields of a verdict, or need to be made into one."""


class SetupRecord(_Record):
    """One thing that has to hold before claims mean anything: prompts, model, one dictionary."""

    name: str
    ok: bool
    message: str
    facts: dict[str, Scalar] = {}

    @classmethod
    def of(cls, setup: SetupResult) -> SetupRecord:
        """The record of one setup result."""
        return cls(name=setup.name, ok=setup.ok, message=setup.message, facts=dict(setup.facts))


class ExampleRecord(_Record):
    """One clean prompt as tokens, BOS included, with the index of each role's token, to draw circuits over."""

    tokens: list[str]
    roles: dict[str, int]
    template: str
    order: str

    @classmethod
    def of(cls, example: ExamplePrompt) -> ExampleRecord:
        """The record of an example prompt."""
        roles = {role: int(index) for role, index in example.roles.items()}
        return cls(tokens=list(example.tokens), roles=roles, template=example.template, order=example.order)


class NodeRecord(_Record):
    """One placed node: `name` without its position `at`; `group` and `label` as the circuit file has them."""

    name: str
    at: str
    kind: str
    layer: int | None = None
    head: int | None = None
    group: str = ""
    label: str = ""

    @classmethod
    def of(cls, node: Node, group: str = "", label: str = "") -> NodeRecord:
        """The record of a node."""
        kind = str(node.kind)
        return cls(
            name=node.name, at=node.at, kind=kind, layer=node.layer, head=node.head, group=group, label=label
        )


class EdgeRecord(_Record):
    """One edge between groups or nodes, as written; the target reads the source as its `input`."""

    source: str
    target: str
    input: Literal["q", "k", "v", "in"]


class FileRecord(_Record):
    """One circuit file, or one circuit checked from Python (`test` then names the pytest test).

    `model` is named as the file or the command line names it; `provenance` holds hashes of model, dictionaries, prompts and reference set, versions, seeds,
    device and dtype; `error` is set where nothing of the file could be measured. `nodes` are those of the
    file's groups, then those that only claims name.
    """

    path: str
    circuit: str
    title: str = ""
    model: str = ""
    test: str = ""
    error: str = ""
    setup: list[SetupRecord] = []
    claims: list[ClaimRecord] = []
    provenance: dict[str, Any] = {}
    example: ExampleRecord | None = None
    nodes: list[NodeRecord] = []
    edges: list[EdgeRecord] = []
    seconds: Number = None


class RunResults(_Record):
    """One run over any number of circuit files.

    `started` is UTC in ISO 8601; `seconds` is wall time; `interrupted` says that the run was stopped
    and that only what had been measured by then is here.
    """

    version: Literal[1] = SCHEMA_VERSION
    run: str
    started: str
    seconds: Number
    command: list[str]
    interrupted: bool = False
    environment: dict[str, str] = {}
    files: list[FileRecord] = Field(default_factory=list)

    def to_json(self) -> str:
        """The text of `results.json`."""
        return self.model_dump_json(indent=1) + "\n"


def file_record(result: CheckResult, path: str, *, model: str | None = None, test: str = "") -> FileRecord:
    """What one check measured, ready for `RunResults`.

    `path` is how reports name the file; `model` what was measured in the place of the file's model.
    """
    measured = {verdict.claim: ClaimRecord.of(verdict) for verdict in result.verdicts}
    failed = {claim: ClaimRecord.of_error(claim, error) for claim, error in result.errors.items()}
    claims = _in_file_order(measured | failed, [claim.id for claim in result.spec.claims])
    return FileRecord(
        path=path,
        circuit=result.spec.circuit,
        title=result.spec.title,
        model=model or model_name(result.spec),
        test=test,
        setup=[SetupRecord.of(setup) for setup in result.setup],
        claims=[claim.as_written(result.spec) for claim in claims],
        provenance=_lists(result.provenance),
        example=ExampleRecord.of(result.example) if result.example else None,
        nodes=_nodes(result.spec),
        edges=[EdgeRecord(**asdict(edge)) for edge in result.spec.edges],
        seconds=result.seconds,
    )


def _nodes(spec: CircuitSpec) -> list[NodeRecord]:
    """The nodes of every group, a node of two groups twice; then the nodes that only claims name."""
    grouped = [
        NodeRecord.of(node, name, group.label) for name, group in spec.nodes.items() for node in group.nodes
    ]
    known = {(node.name, node.at) for node in grouped}
    under = [claim.under for claim in spec.claims if claim.under]
    named = dict.fromkeys(node for claim in (*spec.claims, *under) for node in claim.nodes(spec))
    return grouped + [NodeRecord.of(node) for node in named if (node.name, node.at) not in known]


def merged(records: Sequence[FileRecord]) -> list[FileRecord]:
    """One record per file (and test), from records of some of its items each; sorted by path and line.

    Items arrive in any order where several processes measured.
    """
    groups: dict[tuple[str, str], list[FileRecord]] = {}
    for record in records:
        groups.setdefault((record.path, record.test), []).append(record)
    return [_merged_file(group) for _, group in sorted(groups.items())]


def _merged_file(group: Sequence[FileRecord]) -> FileRecord:
    setup = {setup.name: setup for record in group for setup in record.setup}
    claims = {claim.claim: claim for record in group for claim in record.claims}
    return group[0].model_copy(
        update={
            "setup": list(setup.values()),
            "claims": sorted(claims.values(), key=lambda claim: claim.line),
            "error": next((record.error for record in group if record.error), ""),
        }
    )


def model_name(spec: CircuitSpec) -> str:
    """The model as the circuit file names it."""
    return spec.model.bundled or spec.model.name or spec.model.path or ""


def results_schema() -> dict[str, Any]:
    """The JSON Schema of `results.json`."""
    schema = RunResults.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "circuitcheck results",
    } | schema


def _in_file_order(records: Mapping[str, ClaimRecord], order: Sequence[str]) -> list[ClaimRecord]:
    place = {claim: number for number, claim in enumerate(order)}
    return sorted(records.values(), key=lambda record: place.get(record.claim, len(place)))


def _lists(value: Any) -> Any:
    """The same data as JSON and execnet know it: dicts, lists and plain scalars."""
    if isinstance(value, Mapping):
        return {str(key): _lists(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_lists(inner) for inner in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, bool | int | float | str) or value is None:
        return _finite(value)
    return value.item() if hasattr(value, "item") else str(value)


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _part(record: PartRecord) -> Part:
    fields = record.model_dump()
    # No p-value is no evidence, which for a p-value is 1.
    fields |= {name: 1.0 if fields[name] is None else fields[name] for name in ("p_support", "p_refute")}
    return Part(**fields)


def _prompt_effect(record: PromptRecord) -> PromptEffect:
    return PromptEffect(
        **record.model_dump() | {"before": _or_nan(record.before), "after": _or_nan(record.after)}
    )
