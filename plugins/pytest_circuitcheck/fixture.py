"""The `circuits` fixture: check a circuit from an ordinary test, with its verdicts in the same reports."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_circuitcheck.carrying import carry
from pytest_circuitcheck.session import run_check

if TYPE_CHECKING:
    from circuitcheck.checking import CheckResult
    from circuitcheck.spec import CircuitSpec


class Circuits:
    """What the fixture hands to a test."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    def check(
        self, circuit: str | Path | CircuitSpec, *, claims: Collection[str] | None = None, **arguments: Any
    ) -> CheckResult:
        """Measure a circuit file (relative to pytest's rootdir) or a `CircuitSpec`, and judge its claims.

        `arguments` are those of `circuitcheck.checking.check`: model, dictionaries, n, seed, device.
        Whether a verdict fails the test is for the test to say.

        Raises:
            CircuitCheckError: when nothing of the circuit can be measured.
        """
        from circuitcheck.reading import read_spec
        from circuitcheck.report.results import file_record

        in_code = not isinstance(circuit, str | Path)
        spec = (
            circuit
            if not isinstance(circuit, str | Path)
            else read_spec(self._item.config.rootpath / circuit)
        )
        chosen = tuple(claim.id for claim in spec.claims if claims is None or claim.id in claims)
        result = run_check(self._item, spec, chosen, arguments)
        path = self._item.nodeid.partition("::")[0] if in_code else str(circuit)
        carry(self._item, file_record(result, path, test=self._item.nodeid))
        return result


@pytest.fixture
def circuits(request: pytest.FixtureRequest) -> Circuits:
    """Check circuits from Python: `circuits.check("ioi.circuit.yaml")`, or a `CircuitSpec`."""
    return Circuits(request.node)
