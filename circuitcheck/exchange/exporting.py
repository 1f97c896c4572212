"""From a circuit file to the formats of other tools."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from circuitcheck.errors import CircuitCheckError
from circuitcheck.exchange.drawing import Drawing, drawing_of
from circuitcheck.exchange.to_attribution import attribution_text
from circuitcheck.exchange.to_dot import dot_text
from circuitcheck.exchange.to_mib import mib_text
from circuitcheck.prompts.wording import did_you_mean
from circuitcheck.spec import CircuitSpec

EXPORTS: Mapping[str, Callable[[Drawing], tuple[str, tuple[str, ...]]]] = {
    "neuronpedia": attribution_text,
    "mib": mib_text,
    "dot": dot_text,
}
"""Every format that can be written, by its name."""


@dataclass(frozen=True)
class Export:
    """A file to be; `unsaid` are sentences about what of the circuit file it cannot say."""

    text: str
    unsaid: tuple[str, ...]


def export_circuit(spec: CircuitSpec, to: str, only: Collection[str] = ()) -> Export:
    """The circuit in format `to`; `only` some of its node groups, where any are named.

    Raises:
        CircuitCheckError: in one sentence, when the format or a group is unknown, or the model is not on this disk.
    """
    if to not in EXPORTS:
        msg = f"there is no format {to!r}. {did_you_mean(to, EXPORTS)}"
        raise CircuitCheckError(msg)
    return Export(*EXPORTS[to](drawing_of(spec, only)))
