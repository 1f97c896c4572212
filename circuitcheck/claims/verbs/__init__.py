"""The verbs of the claim language, one class each; `VERBS` finds them by their word."""

from __future__ import annotations

from collections.abc import Mapping

from circuitcheck.claims.verbs.ablations import UnderEachAblation
from circuitcheck.claims.verbs.circuits import Complete, Minimal
from circuitcheck.claims.verbs.metrics import Intervene, Keep, Measure
from circuitcheck.claims.verbs.readings import Activates, Attends, Writes
from circuitcheck.claims.verbs.steer import Steering
from circuitcheck.claims.verbs.verb import Verb

VERBS: Mapping[str, Verb] = {
    "measure": Measure(),
    "ablate": UnderEachAblation(Intervene()),
    "patch": Intervene(),
    "keep": UnderEachAblation(Keep()),
    "complete": UnderEachAblation(Complete()),
    "minimal": UnderEachAblation(Minimal()),
    "steer": Steering(),
    "attends": Attends(),
    "activates": Activates(),
    "writes": Writes(),
}

__all__ = ["VERBS", "Verb"]
