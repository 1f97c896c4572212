"""Exchange: circuits in the formats of other tools, read into circuit files and written from them.

In: graph files of circuit-tracer and Neuronpedia, EAP-IG and MIB, ACDC, auto-circuit. Out: the text of a circuit file;
and back, for the first two and for DOT. What the other side cannot say is listed, never dropped in silence.
"""

from circuitcheck.exchange.exporting import EXPORTS, Export, export_circuit
from circuitcheck.exchange.importing import Import, ImportRequest, import_circuit

__all__ = ["EXPORTS", "Export", "Import", "ImportRequest", "export_circuit", "import_circuit"]
