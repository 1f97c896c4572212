"""What a check of one circuit file gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from circuitcheck.nodes import Node
from circuitcheck.spec import CircuitSpec
from circuitcheck.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SetupResult:
    """One thing that has to hold before claims mean anything: prompts, model, one dictionary.

    `message` is one sentence: what was found, or what is wrong.
    """

    name: str
    ok: bool
    message: str
    facts: Mapping[str, float | str]


@dataclass(frozen=True)
class ExamplePrompt:
    """One clean prompt as the model sees it, to draw the circuit over.

    `tokens` is the text of each token, BOS included where there is one; `roles` the index of each role's.
    """

    tokens: tuple[str, ...]
    roles: Mapping[str, int]
    template: str
    order: str


@dataclass(frozen=True)
class FeatureContext:
    """A clean prompt on which a feature fired, as texts of its tokens without BOS.

    `firing` is the index among `tokens` of the one where it fired most, `activation` how much. `roles` gives
    the index of each role's token; `before` and `after` count the tokens left out of a long prompt.
    """

    tokens: tuple[str, ...]
    firing: int
    activation: float
    roles: Mapping[str, int]
    template: str
    order: str
    before: int = 0
    after: int = 0


@dataclass(frozen=True)
class FeatureResult:
    """One feature of the file, with what its groups call it and what it is about (see `Description`).

    `promotes` and `suppresses` are (text of a token, logit). `missing` says why nothing is known of the
    feature, "" where it could be described.
    """

    node: Node
    groups: tuple[str, ...]
    labels: tuple[str, ...]
    rate: float | None = None
    mean: float | None = None
    contexts: tuple[FeatureContext, ...] = ()
    promotes: tuple[tuple[str, float], ...] = ()
    suppresses: tuple[tuple[str, float], ...] = ()
    missing: str = ""


@dataclass(frozen=True)
class CheckResult:
    """Verdicts of the claims that were measured, in the order of the file.

    `errors` maps the id of a claim that could not be measured, or must not be judged, to the reason.
    `provenance` is plain data: hashes of model, dictionaries, prompts and reference set, versions,
    seeds, device and dtype. `seconds` is wall time. `features` are those of the file's groups, then those
    that only claims name.
    """

    spec: CircuitSpec
    verdicts: tuple[Verdict, ...]
    errors: Mapping[str, str]
    setup: tuple[SetupResult, ...]
    provenance: Mapping[str, Any]
    seconds: float
    example: ExamplePrompt | None = None
    features: tuple[FeatureResult, ...] = ()

    def to_frame(self, per: Literal["claim", "prompt"] = "claim") -> pd.DataFrame:
        """One row per expectation and slice of each claim, or one per claim and prompt."""
        import pandas as pd

        rows = _part_rows(self) if per == "claim" else _prompt_rows(self)
        return pd.DataFrame(rows)


def _part_rows(result: CheckResult) -> list[dict[str, Any]]:
    rows = [
        {
            "claim": verdict.claim,
            "verb": verdict.verb,
            "verdict": str(verdict.outcome),
            "quantity": part.quantity,
            "slice": part.slice,
            "estimate": part.estimate,
            "low": part.low,
            "high": part.high,
            "expected": part.expected,
            "n": part.n,
            **_controls(verdict),
            "reason": part.reason or verdict.reason,
        }
        for verdict in result.verdicts
        for part in verdict.parts
    ]
    rows += [
        {"claim": claim, "verdict": "error", "reason": reason} for claim, reason in result.errors.items()
    ]
    return rows


def _controls(verdict: Verdict) -> dict[str, float | int | None]:
    """Share of controls beaten, their number, and the effect of dictionary errors; None without controls."""
    controls = verdict.controls
    return {
        "beaten": controls.beaten if controls else None,
        "controls": len(controls.effects) if controls else None,
        "error_effect": controls.error_effect if controls else None,
    }


def _prompt_rows(result: CheckResult) -> list[dict[str, Any]]:
    return [
        {
            "claim": verdict.claim,
            "prompt": row,
            **{name: column[row] for name, column in verdict.values.items()},
        }
        for verdict in result.verdicts
        for row in range(verdict.n)
    ]
