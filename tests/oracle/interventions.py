"""What is done to a run, written out from DESIGN.md section 3: a case becomes edits at the sites of one prompt.

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
from oracle.wording import BOS_TOKENS, Spot

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


def _held(site: str, layer: int, index: int, columns: slice | int = slice(None)) -> Quantity:
    """What a run holds at one site and token."""
    return lambda run: run.at[site, layer][index, columns]


def _activation(dictionary: Dictionary, index: int, feature: int) -> Quantity:
    return lambda run: dictionary.features(run)[index, feature]


def _error(dictionary: Dictionary, index: int) -> Quantity:
    return lambda run: dictionary.error(run)[index]


def replace_edits(scene: Scene, nodes: list[tuple[PlacedSpot, Values]], error: str) -> Edits:
    """Put each node's replacing value in at its place; everything downstream follows."""
    edits: Edits = defaultdict(list)
    dictionary_nodes = defaultdict(list)
    private = defaultdict(list)
    for (spot, index), values in nodes:
        if spot.kind in {"feature", "error"}:
            dictionary_nodes[spot.dictionary, spot.layer].append((spot, index, values))
        elif spot.kind in {"k", "v"} and scene.network.is_llama:
            private[spot.layer, spot.number].append((spot, index, values))
        else:
            site, columns = _plain_place(scene.network, spot)
            edits[site, spot.layer].append(_put(site, spot.layer, index, columns, values))
    for (layer, head), inputs in private.items():
        edits["z", layer].append(_private_inputs(scene.network, layer, head, inputs))
    for key, placed in dictionary_nodes.items():
        dictionary = scene.dictionaries[key]
        edits[dictionary.site].append(_move_features(scene, dictionary, placed, error))
    return edits


def _plain_place(network: Network, spot: Spot) -> tuple[str, slice]:
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
        current[index, columns] = values.of(_held(site, layer, index, columns), own)

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
            own[spot.kind][index] = values.of(_held(spot.kind, layer, index, columns), row)
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
                wanted = values.of(_activation(dictionary, index, spot.number), own)
                moves[index] += (wanted - own) * dictionary.directions[spot.number]
        for index, wanted_error in _wanted_errors(scene, dictionary, placed, error).items():
            moves[index] += wanted_error - errors[index]
        current += moves

    return edit


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


def keep_edits(scene: Scene, kept: list[PlacedSpot], values: Values, error: str, *, with_mlps: bool) -> Edits:
    """Everything in scope at every position after BOS takes its reference, except what is kept."""
    edits: Edits = defaultdict(list)
    for layer in range(scene.network.n_layers):
        edits["z", layer].append(_keep_heads(scene, layer, kept, values, error))
        if with_mlps:
            edits["mlp", layer].append(_keep_mlp(scene, layer, kept, values, error))
    return edits


def _keep_heads(
    scene: Scene, layer: int, kept: list[PlacedSpot], values: Values, error: str
) -> Callable[[Tensor, Record], None]:
    """z' = z where the head is kept; elsewhere z_ref plus what the kept features and errors add to it."""

    def edit(current: Tensor, record: Record) -> None:
        live = current.clone()
        current[BOS_TOKENS:] = values.of(lambda run: run.at["z", layer], live)[BOS_TOKENS:]
        current += _kept_additions(scene, ("z", layer), kept, values, error, live, record)
        for spot, index in kept:
            if spot.kind == "head" and spot.layer == layer:
                columns = scene.network.slice_of(spot.number)
                current[index, columns] = live[index, columns]

    return edit


def _keep_mlp(
    scene: Scene, layer: int, kept: list[PlacedSpot], values: Values, error: str
) -> Callable[[Tensor, Record], None]:
    def edit(current: Tensor, record: Record) -> None:
        live = current.clone()
        current[BOS_TOKENS:] = values.of(lambda run: run.at["mlp", layer], live)[BOS_TOKENS:]
        current += _kept_additions(scene, ("mlp", layer), kept, values, error, live, record)
        for spot, index in kept:
            if spot.kind == "neuron" and spot.layer == layer:
                now = record.at["neuron", layer][index, spot.number]
                then = values.of(_held("neuron", layer, index, spot.number), now)
                current[index] += (now - then) * scene.network.neuron_matrix(layer)[spot.number]
        for spot, index in kept:
            if spot.kind == "mlp" and spot.layer == layer:
                current[index] = live[index]

    return edit


def _kept_additions(
    scene: Scene,
    site: tuple[str, int],
    kept: list[PlacedSpot],
    values: Values,
    error: str,
    live: Tensor,
    record: Record,
) -> Tensor:
    """Sum over kept features of (f - f_ref) W_dec, plus err - err_ref where the error is kept, per position."""
    added = torch.zeros_like(live)
    for key, dictionary in scene.dictionaries.items():
        here = [(spot, index) for spot, index in kept if (spot.dictionary, spot.layer) == key]
        if dictionary.site != site or not here:
            continue
        features, errors = dictionary.features(record, live), dictionary.error(record, live)
        reference = values.of(dictionary.features, features)
        reference_error = values.of(dictionary.error, errors)
        for spot, index in here:
            if spot.kind == "feature":
                change = features[index, spot.number] - reference[index, spot.number]
                added[index] += change * dictionary.directions[spot.number]
        named = {index for spot, index in here if spot.kind == "error"}
        for index in {index for _, index in here}:
            becomes = _kept_error(scene, dictionary, "live" if index in named else error, index, errors)
            if becomes is not None:
                added[index] += becomes - reference_error[index]
    return added


def _kept_error(scene: Scene, dictionary: Dictionary, policy: str, index: int, live: Tensor) -> Tensor | None:
    """What the error is at a place whose features are kept; None where it takes its reference with the rest."""
    if policy == "live":
        return live[index]
    if policy == "clean":
        return dictionary.error(scene.clean)[index]
    return torch.zeros_like(live[index]) if policy == "drop" else None
