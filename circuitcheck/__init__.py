"""circuitcheck: pytest for circuits inside language models.

    from circuitcheck import check
    check("circuits/ioi-heads.circuit.yaml").to_frame()

Importing it loads neither torch nor pandas; `check` does, when it loads a model.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from circuitcheck.checking import CheckResult, check
    from circuitcheck.reading import read_spec
    from circuitcheck.spec import CircuitSpec

__all__ = ["CheckResult", "CircuitSpec", "check", "read_spec"]

_HOMES = {
    "check": "circuitcheck.checking",
    "CheckResult": "circuitcheck.checking",
    "CircuitSpec": "circuitcheck.spec",
    "read_spec": "circuitcheck.reading",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module 'circuitcheck' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(_HOMES[name]), name)
