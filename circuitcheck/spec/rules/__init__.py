"""What no part of a circuit file can see by itself: names, roles, sizes, edges, verbs and numbers.

In: a `Draft`, of which any part may be missing. Out: every `Fault`. Nothing here loads a model.
"""

from __future__ import annotations

from circuitcheck.spec.draft import Draft, Fault
from circuitcheck.spec.rules.controls import control_faults
from circuitcheck.spec.rules.edges import edge_faults
from circuitcheck.spec.rules.elsewhere import elsewhere_faults
from circuitcheck.spec.rules.evidence import evidence_faults
from circuitcheck.spec.rules.expectations import expectation_faults
from circuitcheck.spec.rules.modifiers import modifier_faults
from circuitcheck.spec.rules.names import name_faults
from circuitcheck.spec.rules.paths import path_faults
from circuitcheck.spec.rules.prompts import prompt_faults
from circuitcheck.spec.rules.roles import role_faults
from circuitcheck.spec.rules.sizes import size_faults
from circuitcheck.spec.rules.steer import steer_faults
from circuitcheck.spec.rules.universal import universal_faults
from circuitcheck.spec.rules.verbs import verb_faults

_RULES = (
    name_faults,
    prompt_faults,
    role_faults,
    size_faults,
    edge_faults,
    verb_faults,
    modifier_faults,
    path_faults,
    steer_faults,
    control_faults,
    expectation_faults,
    evidence_faults,
    elsewhere_faults,
    universal_faults,
)


def faults_of(draft: Draft) -> list[Fault]:
    """Every fault that the rules find in what could be read, each once, in no particular order."""
    found = dict.fromkeys(fault for rule in _RULES for fault in rule(draft))
    return [fault for fault in found if not _rests_on_damage(draft, fault)]


def _rests_on_damage(draft: Draft, fault: Fault) -> bool:
    """Whether a fault is about a key of a claim that is wrong already, and said to be."""
    if len(fault.loc) < 2 or fault.loc[0] != "claims":
        return False
    keys = draft.damaged.get(int(fault.loc[1]), frozenset())
    return len(fault.loc) > 2 and fault.loc[2] in keys
