"""The prompts of one group on one model: every role at one position, nothing padded."""

from dataclasses import dataclass
from functools import cached_property

from circuitcheck.engine import Shape
from circuitcheck.engines.library import Library
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.sites import Site, block_hook, check_range, existing_hook
from circuitcheck.nodes import ALL, ALL_WITH_BOS, END, Node
from circuitcheck.prompts.pairs import PromptSet


@dataclass(frozen=True)
class Scene:
    """What interventions and readings are settled against: model, dictionaries, one group's positions.

    `prompts` is one group of a prompt set, so the first prompt's positions are everybody's.
    """

    model: LensModel
    library: Library
    prompts: PromptSet

    @property
    def shape(self) -> Shape:
        """The model's size."""
        return self.model.shape

    @cached_property
    def end(self) -> int:
        """The index of the token at which metrics are read."""
        return self.positions(END)[0]

    @cached_property
    def everywhere(self) -> tuple[int, ...]:
        """Every position but BOS."""
        return self.positions(ALL)

    @property
    def length(self) -> int:
        """Tokens of a prompt, BOS counted."""
        return len(self.positions(ALL_WITH_BOS))

    def positions(self, at: str) -> tuple[int, ...]:
        """Absolute token indices of a position, BOS counted.

        Raises:
            PromptError: for a role that the prompts lack, or a position off the prompt.
        """
        if at not in self._known:
            self._known[at] = tuple(int(index) for index in self._first.positions(at)[0])
        return self._known[at]

    @cached_property
    def _first(self) -> PromptSet:
        return self.prompts.subset([0])

    @cached_property
    def _known(self) -> dict[str, tuple[int, ...]]:
        return {}

    def check(self, node: Node) -> None:
        """Check that the model has the node's layer, head, group and neuron.

        Raises:
            MeasurementError: when it has not.
        """
        check_range(node, self.shape)

    def hook(self, node: Node, layer: int, name: str) -> Site:
        """A whole hook of a block that the model surely has.

        Raises:
            MeasurementError: when it has not.
        """
        return Site(existing_hook(block_hook(layer, name), node, self.model))
