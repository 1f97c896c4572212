"""What is done to a run, written out from the words of the language: a case becomes edits at the sites of one prompt.

A `Values` says where replacing values come from: no run (zero), one run (clean, corrupt, a donor) or many runs (the
mean of the reference prompts of the same template and order). Every replacing value is one quantity read on those runs
and averaged, so zero is the quantity's own zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from oracle.dictionary import Dictionary
from oracle.network import Edits, Network, Record
from oracle.wording import Spot

Quantity = Callable[[Record], Tensor]
PlacedSpot = tuple[Spot, int]
"""A node at one absolute token index."""


@dataclass(frozen=True)
class Values:
    """The runs from which the replacing values of one node are read."""

    runs: list[Record]

    def of(self, quantity: Quantity, like: Tensor) -> Tensor:
        """The quantity averaged over the runs; zero of the shape of `like` where there are none."""
        return (
            torch.stack([quantity(run) for run in self.runs]).mean(0) if self.runs else torch.zeros_like(like)
        )


@dataclass(frozen=True)
class Scene:
    """One prompt on which something is done: the model, its dictionaries, and the clean run of the prompt."""

    network: Network
    dictionaries: dict[tuple[str, int], Dictionary]
    clean: Record


def held(site: str, layer: int, index: int, columns: slice | int = slice(None)) -> Quantity:
    """What a run holds at one site and token."""
    return lambda run: run.at[site, layer][index, columns]


def activation(dictionary: Dictionary, index: int, feature: int) -> Quantity:
    """What a feature is in a run at one token."""
    return lambda run: dictionary.features(run)[index, feature]


def _error(dictionary: Dictionary, index: int) -> Quantity:
    return lambda run: dictionary.error(run)[index]


def replace_edits(scene: Scene, nodes: list[tuple[PlacedSpot, Values]], error: str) -> Edits:
    """Put each node's replacing value in at its place; everything downstream follows.

    Where a head or a whole output is named beside its own features, it outranks them, as it does in keep.
    """
    edits: Edits = defaultdict(list)
    dictionary_nodes, private, plain = defaultdict(list), defaultdict(list), []
    for (spot, index), values in nodes:
        if spot.kind in {"feature", "error"}:
            dictionary_nodes[spot.dictionary, spot.layer].append((spot, index, values))
        elif spot.kind in {"k", "v"} and scene.network.is_llama:
            private[spot.layer, spot.number].append((spot, index, values))
        else:
            plain.append((spot, index, values))
    for (layer, head), inputs in private.items():
        edits["z", layer].append(_private_inputs(scene.network, layer, head, inputs))
    for key, placed in dictionary_nodes.items():
        dictionary = scene.dictionaries[key]
        edits[dictionary.site].append(_move_features(scene, dictionary, placed, error))
    for spot, index, values in plain:
        site, columns = place_of(scene.network, spot)
        edits[site, spot.layer].append(_put(site, spot.layer, index, columns, values))
    return edits


def place_of(network: Network, spot: Spot) -> tuple[str, slice]:
    """The site of a node and the columns that are its own there."""
    if spot.kind == "head":
        return "z", network.slice_of(spot.number)
    if spot.kind in {"q", "k", "v"}:
        return spot.kind, network.slice_of(spot.number)
    if spot.kind in {"group k", "group v"}:
        return spot.kind[-1], network.slice_of(spot.number)
    if spot.kind == "neuron":
        return "neuron", slice(spot.number, spot.number + 1)
    return spot.kind, slice(None)


def _put(
    site: str, layer: int, index: int, columns: slice, values: Values
) -> Callable[[Tensor, Record], None]:
    """The source's value at the same place.

    For q, k and v this is the residual stream of the source through this model's norm and projection, which is what
    the source's run holds before rotary; rotary then turns it by the position where it is put.
    """

    def edit(current: Tensor, _record: Record) -> None:
        own = current[index, columns]
        current[index, columns] = values.of(held(site, layer, index, columns), own)

    return edit


def _private_inputs(
    network: Network, layer: int, head: int, inputs: list[tuple[Spot, int, Values]]
) -> Callable[[Tensor, Record], None]:
    """One query head attends with its own copy of its group's keys or values; its neighbours do not."""

    def edit(current: Tensor, record: Record) -> None:
        columns = network.slice_of(network.group_of(head))
        own = {kind: record.at[kind, layer][:, columns].clone() for kind in ("k", "v")}
        for spot, index, values in inputs:
            row = own[spot.kind][index]
            own[spot.kind][index] = values.of(held(spot.kind, layer, index, columns), row)
        output, pattern = network.head_output(layer, head, record, own["k"], own["v"])
        current[:, network.slice_of(head)] = output
        record.private_patterns[layer, head] = pattern

    return edit


def _move_features(
    scene: Scene, dictionary: Dictionary, placed: list[tuple[Spot, int, Values]], error: str
) -> Callable[[Tensor, Record], None]:
    """x' = x + sum of (f_ref - f) W_dec, read on the current stream; the error as the policy says, or as named."""

    def edit(current: Tensor, record: Record) -> None:
        features = dictionary.features(record, current)
        errors = dictionary.error(record, current)
        moves = torch.zeros_like(current)
        for spot, index, values in placed:
            if spot.kind == "feature":
                own = features[index, spot.number]
                wanted = values.of(activation(dictionary, index, spot.number), own)
                moves[index] += (wanted - own) * dictionary.directions[spot.number]
                record.set_features[dictionary.site, index, spot.number] = wanted
        current += moves + error_moves(scene, dictionary, placed, error, errors)

    return edit


def error_moves(
    scene: Scene, dictionary: Dictionary, placed: list[tuple[Spot, int, Values]], policy: str, errors: Tensor
) -> Tensor:
    """By how much errors change, (position, width); `errors` are those of the stream as it is."""
    moves = torch.zeros_like(errors)
    for index, wanted in _wanted_errors(scene, dictionary, placed, policy).items():
        moves[index] += wanted - errors[index]
    return moves


def _wanted_errors(
    scene: Scene, dictionary: Dictionary, placed: list[tuple[Spot, int, Values]], policy: str
) -> dict[int, Tensor]:
    """What the error becomes, per token index where it does not stay live."""
    wanted = {}
    clean = dictionary.error(scene.clean)
    for spot, index, values in sorted(placed, key=lambda node: node[0].kind == "error"):
        replaced = values.of(_error(dictionary, index), clean[index])
        if spot.kind == "error" or policy == "reference":
            wanted[index] = replaced
        elif policy == "clean":
            wanted[index] = clean[index]
        elif policy == "drop":
            wanted[index] = torch.zeros_like(clean[index])
    return wanted


def splice_edits(scene: Scene, places: list[PlacedSpot]) -> Edits:
    """The dictionary stands in for what it reconstructs: its error is zero at these places."""
    return replace_edits(scene, [(place, Values([])) for place in places], "live")
