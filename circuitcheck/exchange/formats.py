"""The formats that can be read, by the name that `--format` takes, and which of them a file is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from circuitcheck.exchange.acdc import is_acdc, read_acdc
from circuitcheck.exchange.attribution import is_attribution, read_attribution
from circuitcheck.exchange.auto_circuit import is_auto_circuit, read_auto_circuit
from circuitcheck.exchange.graph import ExchangeError, Graph
from circuitcheck.exchange.mib import is_mib, read_mib
from circuitcheck.prompts.wording import did_you_mean


@dataclass(frozen=True)
class Format:
    """How data of one format are told from others, and read; `reads` takes the data and a dictionary's alias."""

    recognises: Callable[[Any], bool]
    reads: Callable[[Any, str], Graph]


IMPORTS: Mapping[str, Format] = {
    "neuronpedia": Format(is_attribution, read_attribution),
    "mib": Format(is_mib, lambda data, _: read_mib(data)),
    "acdc": Format(is_acdc, lambda data, _: read_acdc(data)),
    "auto-circuit": Format(is_auto_circuit, lambda data, _: read_auto_circuit(data)),
}
_SHAPES = (
    "neuronpedia (metadata, nodes, links), mib (cfg, nodes, edges), "
    "acdc ([receiver, index, sender, index]) and auto-circuit (A0.1->MLP 2)"
)


def graph_of(path: Path, data: Any, name: str | None, alias: str) -> Graph:
    """The graph in the data of a file, in format `name` or in the one that they are seen to be in.

    Raises:
        ExchangeError: in one sentence, when the format is unknown or the data are not in it.
    """
    if name is not None and name not in IMPORTS:
        raise ExchangeError(path, f"there is no format {name!r}. {did_you_mean(name, IMPORTS)}")
    found = name or next((known for known, kind in IMPORTS.items() if kind.recognises(data)), None)
    if found is None and data in ([], {}):
        msg = "the graph is empty: it has no nodes and no edges. Save the graph again."
        raise ExchangeError(path, msg)
    if found is None or not IMPORTS[found].recognises(data):
        what = f"is not in format {name}" if name else "is in no format that is known"
        raise ExchangeError(path, f"this {what}. Known are {_SHAPES}.")
    try:
        return IMPORTS[found].reads(data, alias)
    except (ValueError, TypeError) as error:
        said = (
            str(error) if type(error) is ValueError else "an entry is of another kind than the format says."
        )
        raise ExchangeError(path, said) from None
