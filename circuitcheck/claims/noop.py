"""An intervention that changes nothing is a fault of the file, never a null result."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from circuitcheck.claims.case import Case
from circuitcheck.claims.conditions import interventions_of
from circuitcheck.engine import Condition, Intervention, Replace, Route, Steer
from circuitcheck.errors import MeasurementError

UNCHANGED = 1e-6
"""Relative change below which a node's value counts as unchanged."""

MOST = 0.5
"""Share of prompts that an intervention must change, unless `active_on` says how many are meant."""


def share_changed(case: Case) -> float | None:
    """Share of prompts on which the claim's intervention changes any of its nodes, in [0, 1]; the least of several.

    None where the claim intervenes on nothing.

    Raises:
        MeasurementError: a named node keeps its value on every prompt.
    """
    done = interventions_of(case.claim, case.spec, case.mlp_aliases)
    return min((_share_of(case, condition) for condition in done), default=None)


def why_too_few(case: Case, share: float | None) -> str:
    """Why the changed prompts are too few to judge the claim; "" where they are enough."""
    if share is None:
        return ""
    meant = MOST if case.claim.active_on is None else case.claim.active_on
    if share >= meant:
        return ""
    advice = "" if case.claim.active_on else ". If so few are meant, say active_on: with their share"
    return f"the intervention changes only {share:.0%} of the prompts, of {meant:.0%} needed{advice}"


def _share_of(case: Case, condition: Condition) -> float:
    changed = case.measurement.changes[condition] >= UNCHANGED
    _refuse_idle(_names(condition.intervention), changed)
    return float(changed.any(axis=1).mean())


def _names(intervention: Intervention | None) -> list[str]:
    """What the columns of an intervention's changes are about."""
    match intervention:
        case Replace() | Steer():
            return [str(node) for node in intervention.nodes]
        case Route():
            return [str(node) for node in intervention.senders]
        case _:
            return ["the scope"]


def _refuse_idle(names: list[str], changed: NDArray[np.bool_]) -> None:
    idle = [name for name, moved in zip(names, changed.T, strict=True) if not moved.any()]
    if idle:
        msg = (
            f"the intervention leaves {', '.join(idle)} unchanged on every prompt, so nothing was tested. "
            "Check position and index, or choose another replacement."
        )
        raise MeasurementError(msg)
