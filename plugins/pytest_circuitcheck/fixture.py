"""The `circuits` fixture: check a circuit from an ordinary test, with its verdicts in the same reports."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_circuitcheck.carrying import carry
from pytest_circuitcheck.options import OPTIONS
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
        from circuitcheck.report.recording import file_record

        if isinstance(circuit, str | Path):
            spec, path = read_spec(self._item.config.rootpath / circuit), str(circuit)
        else:
            spec, path = circuit, self._item.nodeid.partition("::")[0]
        result = run_check(self._item, spec, _chosen(spec, claims), arguments)
        model = (
            "a model in memory" if "model" in arguments else arguments.get("model_ref") or self._given_model
        )
        carry(self._item, file_record(result, path, model=model, test=self._item.nodeid))
        return result

    @property
    def _given_model(self) -> str | None:
        """The command line's model."""
        return self._item.config.stash[OPTIONS].model


def _chosen(spec: CircuitSpec, claims: Collection[str] | None) -> tuple[str, ...]:
    """The ids of the claims to measure, in the order of the file."""
    from circuitcheck.errors import CircuitCheckError

    ids = [claim.id for claim in spec.claims]
    wanted = ids if claims is None else [claims] if isinstance(claims, str) else claims
    if unknown := sorted(set(wanted) - set(ids)):
        msg = f"{spec.circuit} has no claim {', '.join(map(repr, unknown))}. It has: {', '.join(ids)}."
        raise CircuitCheckError(msg)
    return tuple(claim for claim in ids if claim in wanted)


@pytest.fixture
def circuits(request: pytest.FixtureRequest) -> Circuits:
    """Check circuits from Python: `circuits.check("ioi.circuit.yaml")`, or a `CircuitSpec`."""
    return Circuits(request.node)
