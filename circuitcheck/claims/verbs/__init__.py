"""The verbs of the claim language, one class each; `VERBS` finds them by their word."""

from __future__ import annotations

from collections.abc import Mapping

from circuitcheck.claims.verbs.metrics import Intervene, Keep, Measure
from circuitcheck.claims.verbs.readings import Activates, Attends, Writes
from circuitcheck.claims.verbs.verb import Verb

VERBS: Mapping[str, Verb] = {
    "measure": Measure(),
    "ablate": Intervene(),
    "patch": Intervene(),
    "keep": Keep(),
    "attends": Attends(),
    "activates": Activates(),
    "writes": Writes(),
}

__all__ = ["VERBS", "Verb"]
