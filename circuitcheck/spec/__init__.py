"""The circuit-file language as frozen data.

In: what `circuitcheck.reading` read, or keyword arguments. Out: `CircuitSpec`, valid by construction.
"""

from circuitcheck.spec.circuit import CircuitSpec
from circuitcheck.spec.claim import Claim, KnownFailure, Under
from circuitcheck.spec.edges import WrittenEdge
from circuitcheck.spec.groups import Edge, NodeGroup
from circuitcheck.spec.prompts import PromptsRef
from circuitcheck.spec.references import DictionaryRef, ModelRef, SaeLensRef
from circuitcheck.spec.versus import Versus

__all__ = [
    "CircuitSpec",
    "Claim",
    "DictionaryRef",
    "Edge",
    "KnownFailure",
    "ModelRef",
    "NodeGroup",
    "PromptsRef",
    "SaeLensRef",
    "Under",
    "Versus",
    "WrittenEdge",
]
