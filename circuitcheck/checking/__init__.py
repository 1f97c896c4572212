"""Checks circuit files: loads what they name, measures their claims together, judges each.

In: a circuit file or a `CircuitSpec`. Out: a `CheckResult`. Torch is imported when a model is loaded.
"""

from circuitcheck.checking.check import check
from circuitcheck.checking.result import CheckResult, SetupResult
from circuitcheck.uses import setup_names

__all__ = ["CheckResult", "SetupResult", "check", "setup_names"]
