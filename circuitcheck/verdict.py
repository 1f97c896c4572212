"""Verdicts: what a claim came out as, with the evidence; plain frozen data.

In: nothing but numbers and words from `circuitcheck.claims`. Out: what every report draws from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """What the measurement says of a claim. Invalid is an error about the file, never an outcome."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"
    MEASURED = "measured"
    """Every expectation is "?": reported, not judged."""


@dataclass(frozen=True)
class Part:
    """One expectation on one slice (and one node, where each is judged alone).

    `quantity` is the word in the file (drop, logit_diff, ...); `expected` the threshold as written.
    `low` and `high` bound the confidence interval, None where there is none. p-values are one-sided,
    before any correction. `reason` says why the part cannot decide, "" if it can.
    """

    quantity: str
    expected: str
    slice: str
    estimate: float | None
    low: float | None
    high: float | None
    p_support: float
    p_refute: float
    n: int
    outcome: Outcome
    reason: str = ""
    needed: str = ""
    below: float | None = None
    """Lower end of the expected range, None if open."""
    above: float | None = None


@dataclass(frozen=True)
class PromptEffect:
    """One prompt's numbers: the text, the metric before and under the intervention.

    `spans` gives the (start, end) characters of each role's word in `prompt`.
    """

    prompt: str
    template: str
    order: str
    before: float
    after: float
    spans: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Controls:
    """How a claim did against others with other nodes in the place of its own.

    `effect` and `effects` are the same quantity, of the claim's own nodes and of each control, on the
    same `n` prompts. `error_effect` is that quantity when only the dictionaries' errors at the claim's places
    are replaced in the same way; None where that makes no sense. `beaten` is the share of controls whose
    effect is weaker than the claim's; `required` the share that is demanded.
    """

    quantity: str
    effect: float
    effects: tuple[float, ...]
    beaten: float
    required: float
    n: int
    seed: int
    outcome: Outcome
    reason: str = ""
    error_effect: float | None = None
    pools: Mapping[str, int] = field(default_factory=dict)
    """Node of the claim to the number of nodes that its stand-ins were drawn from."""
    against: str = "matched features"
    """What the controls are: "matched features" or "random circuits"."""
    target: float | None = None
    """Where the nearest effect is the strongest; None where the largest or the smallest is."""
    is_exhaustive: bool = False
    """The controls are all that there are."""


@dataclass(frozen=True)
class EvaluatedPrompts:
    """The prompts of a claim, so that another run can be paired with it: one entry per prompt, in order.

    `digest` is that of all; `fingerprints` are 32 bits of each; `cells` the (template, order) of each. `whole` is
    the digest of the prompts that the claim might have taken, "" where these are all.
    """

    digest: str
    fingerprints: tuple[int, ...]
    cells: tuple[tuple[str, str], ...]
    whole: str = ""


@dataclass(frozen=True)
class PartNumbers:
    """What a part was judged on: mean(numerator) / mean(denominator), one number per prompt of `rows`.

    `rows` has an entry for every prompt of the claim; no `denominator` means a plain mean; `limits` is the
    range that a prompt's numerator cannot leave, if it has one.
    """

    rows: tuple[bool, ...]
    numerator: tuple[float, ...]
    denominator: tuple[float, ...] | None = None
    limits: tuple[float, float] | None = None


@dataclass(frozen=True)
class Verdict:
    """The outcome of one claim, with everything a report needs to explain it."""

    claim: str
    verb: str
    says: str
    outcome: Outcome
    parts: tuple[Part, ...]
    n: int
    """Prompts that the claim was judged on: those of the look at which it was settled."""
    seed: int
    confidence: float
    population: str
    """Whom the verdict is about: "prompts of these 15 templates in 2 orders"."""
    reason: str = ""
    facts: Mapping[str, float | str] = field(default_factory=dict)
    """Named numbers for the page, in order: clean, corrupt, ablated, kept of total, ..."""
    cells: Mapping[str, float] = field(default_factory=dict)
    """The deciding quantity per (template, order), where it has one."""
    worst: tuple[PromptEffect, ...] = ()
    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Per-prompt numbers behind the verdict, by name (clean, corrupt, intervened, ...)."""
    prompts: EvaluatedPrompts | None = None
    numbers: tuple[PartNumbers, ...] = ()
    """Behind each of `parts`, in their order; empty where they were not kept."""
    controls: Controls | None = None
    """Matched features in the place of the claim's own, where the claim asks for them."""
    warnings: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    known_failure: str = ""
    budget: int = 0
    """Prompts that it might have taken; 0 where that is not known."""
    line: int = 0
    """1-based line of the claim in its file."""

    @property
    def deciding(self) -> Part:
        """The part that speaks for the claim: the one that refutes most, else supports least."""
        judged = [part for part in self.parts if part.outcome is not Outcome.MEASURED] or self.parts
        if self.outcome is Outcome.REFUTED:
            return min(judged, key=lambda part: part.p_refute)
        return max(judged, key=lambda part: part.p_support)
