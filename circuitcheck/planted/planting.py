"""Which feature of a planted dictionary stands for what: numbers and node names, before any weights.

Dictionary `z` has, for a layer, a feature per row of each `Copy` of its wired heads, in the order of the heads;
`stream` has one per direction of the frame, in its order; `read` one per wired neuron of the layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from circuitcheck.nodes import END, Node, NodeKind
from circuitcheck.planted.frame import Frame
from circuitcheck.planted.parts import Head, Neurons, Seat, Sizes

OUTPUTS, STREAM, READOUT = "z", "stream", "read"
UNREAD = "always"
"""The direction that the stream's dictionary has in its bias, not as a feature."""


@dataclass(frozen=True, eq=False)
class Planting:
    """The parts of one model, and the features that stand for them; names are those of heads and directions."""

    sizes: Sizes
    frame: Frame
    heads: tuple[Head, ...]
    stream_layer: int
    neurons: tuple[Neurons, ...] = ()

    def seat(self, head: str) -> Seat:
        """Where a head sits."""
        return self._head(head).seat

    def at(self, *heads: str, position: str = END) -> list[str]:
        """These heads at a position, as a claim names them."""
        return [self.seat(head).at(position) for head in heads]

    def copied(self, head: str, label: str, position: str = END) -> list[str]:
        """The features of what a head copies under this label."""
        layer, first = self.seat(head).layer, 0
        for each in in_layer(self.heads, layer):
            for copy in each.copies:
                if each.name == head and copy.label == label:
                    return _features(OUTPUTS, layer, range(first, first + len(copy.value)), position)
                first += len(copy.value)
        msg = f"{head} copies nothing that is called {label}"
        raise KeyError(msg)

    def streamed(self, direction: str, position: str = END) -> list[str]:
        """The features of the residual stream that stand for the rows of a direction."""
        first = 0
        for name, rows in self.frame.rows.items():
            if name == direction:
                return _features(STREAM, self.stream_layer, range(first, first + len(rows)), position)
            first += 0 if name == UNREAD else len(rows)
        msg = f"the stream has no direction {direction}"
        raise KeyError(msg)

    def read(self, neurons: str, position: str = END) -> list[str]:
        """The transcoder features that stand for these neurons."""
        first = 0
        (layer,) = {each.layer for each in self.neurons if each.name == neurons}
        for each in (one for one in self.neurons if one.layer == layer):
            if each.name == neurons:
                return _features(READOUT, layer, range(first, first + len(each.read)), position)
            first += len(each.read)
        raise AssertionError(neurons)

    def elsewhere(self, head: str, position: str = END) -> list[str]:
        """A head that nothing is wired into, in another layer than this one; of the same number, if there is one."""
        own, wired = self.seat(head), {each.seat for each in self.heads}
        numbers = sorted(range(self.sizes.n_heads), key=lambda number: number != own.head)
        seats = [Seat(layer, number) for number in numbers for layer in range(self.sizes.n_layers)]
        found = next(seat for seat in seats if seat not in wired and seat.layer != own.layer)
        return [found.at(position)]

    def _head(self, name: str) -> Head:
        return next(head for head in self.heads if head.name == name)


def in_layer(heads: Sequence[Head], layer: int) -> list[Head]:
    """The heads of one layer, in their order."""
    return [head for head in heads if head.seat.layer == layer]


def _features(alias: str, layer: int, numbers: range, position: str) -> list[str]:
    return [
        str(Node(NodeKind.FEATURE, layer, index=number, dictionary=alias, at=position)) for number in numbers
    ]
