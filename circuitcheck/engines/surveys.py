"""Walks over all clean prompts of a set that read dictionaries: how many prompts go at a time.

In: placed nodes and prompts. Out: a size for fits, profiles and descriptions, which have passes of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from circuitcheck.engines.footprints import Footprint, survey_load
from circuitcheck.engines.library import Library
from circuitcheck.engines.memory import Memory
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.quantities import CodeValue
from circuitcheck.engines.sites import DICTIONARY_KINDS
from circuitcheck.nodes import ALL, ALL_WITH_BOS, Node, NodeKind
from circuitcheck.prompts.pairs import PromptSet


@dataclass(frozen=True)
class Surveyor:
    """Finds the sizes on one model; `most` is the number of prompts from which on larger passes gain nothing."""

    model: LensModel
    library: Library
    memory: Memory
    most: int

    def size(self, nodes: Sequence[Node], prompts: PromptSet) -> int:
        """Prompts per pass; of an error node the whole code is read at its place, of a feature its own everywhere.

        Raises:
            MeasurementError: when not even one prompt fits into memory.
            DictionaryError: when a dictionary is missing, damaged, or does not fit the model.
        """
        placed = [node for node in nodes if node.kind in DICTIONARY_KINDS]
        dictionaries = {self.library.of(node) for node in placed}
        length = max((len(tokens) for tokens in prompts.clean), default=1)
        hooks = {hook for one in dictionaries for hook in (one.reads_from, one.writes_to)}
        read = max((self._read(node, length) for node in placed), default=0)
        return self.memory.prompts(survey_load(self.model, length, hooks, read), self.most)

    def _read(self, node: Node, length: int) -> int:
        footprint, dictionary = Footprint.of(self.model), self.library.of(node)
        if node.kind is NodeKind.FEATURE:
            return footprint.code(CodeValue(dictionary, (0,)), length)
        places = length if node.at in {ALL, ALL_WITH_BOS} else 1
        return footprint.codes(places * dictionary.d_sae)
