"""Routes, and replacing whose change enters late, is taken back, or finds what follows frozen; from the words alone.

A route changes what one reader makes of the stream: its norm, projection or MLP is worked out here from the weights,
on the stream of the run plus what the senders would change in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import torch
from torch import Tensor

from oracle.interventions import (
    PlacedSpot,
    Scene,
    Values,
    activation,
    error_moves,
    held,
    place_of,
    replace_edits,
)
from oracle.network import Edit, Edits, Network, Record, Site
from oracle.wording import Case, Spot, read_spot

Sender = tuple[PlacedSpot, Values]


def path_edits(
    scene: Scene, nodes: list[Sender], receivers: list[PlacedSpot], untouched: Record, case: Case
) -> Edits:
    """Everything that a replace or a route does to one prompt; `untouched` is the run of its side."""
    policy = case.error or "live"
    if case.verb == "route":
        edits = _route_edits(scene, nodes, receivers, policy)
        intervened = receivers
    elif case.from_hook:
        edits = _entering_edits(scene, nodes, read_spot(case.from_hook), policy)
        intervened = [place for place, _ in nodes]
    else:
        edits = replace_edits(scene, nodes, policy)
        intervened = [place for place, _ in nodes]
    if case.until:
        edits = _taken_back(scene.network, edits, read_spot(case.until))
    if case.downstream == "frozen":
        edits = _frozen(scene.network, edits, intervened, untouched, case)
    return edits


def _route_edits(scene: Scene, senders: list[Sender], receivers: list[PlacedSpot], policy: str) -> Edits:
    edits: Edits = defaultdict(list)
    private: dict[tuple[int, int], list[PlacedSpot]] = defaultdict(list)
    for spot, index in receivers:
        if spot.kind in {"k", "v"} and scene.network.is_llama:
            private[spot.layer, spot.number].append((spot, index))
        else:
            site = "mlp" if spot.kind == "mlp" else spot.kind[-1]
            edits[site, spot.layer].append(_read_otherwise(scene, senders, spot, index, policy))
    for (layer, head), places in private.items():
        edits["z", layer].append(_private_edit(scene, senders, layer, head, places, policy))
    return edits


def _read_otherwise(scene: Scene, senders: list[Sender], spot: Spot, index: int, policy: str) -> Edit:
    """A projection or an MLP reads another stream at one position; its columns take what it makes of that."""

    def edit(current: Tensor, record: Record) -> None:
        made = _made_of(scene, senders, spot, index, policy, record)
        columns = slice(None) if spot.kind == "mlp" else scene.network.slice_of(spot.number)
        current[index, columns] = made[columns]

    return edit


def _private_edit(
    scene: Scene, senders: list[Sender], layer: int, head: int, places: list[PlacedSpot], policy: str
) -> Edit:
    network = scene.network

    def edit(current: Tensor, record: Record) -> None:
        columns = network.slice_of(network.group_of(head))
        own = {kind: record.at[kind, layer][:, columns].clone() for kind in ("k", "v")}
        for spot, index in places:
            own[spot.kind][index] = _made_of(scene, senders, spot, index, policy, record)[columns]
        output, pattern = network.head_output(layer, head, record, own["k"], own["v"])
        current[:, network.slice_of(head)] = output
        record.private_patterns[layer, head] = pattern

    return edit


def _made_of(
    scene: Scene, senders: list[Sender], spot: Spot, index: int, policy: str, record: Record
) -> Tensor:
    """What the reader makes of the stream of this run and the senders' changes."""
    site = "resid_mid" if spot.kind == "mlp" else "resid"
    here = [one for one in senders if one[0][1] == index and _writes_before(one[0][0], spot)]
    stream = record.at[site, spot.layer][index] + _change(scene, here, policy, record)
    if spot.kind == "mlp":
        return scene.network.mlp_output(spot.layer, stream)
    return scene.network.projected(spot.layer, spot.kind[-1], stream)


def _writes_before(sender: Spot, reader: Spot) -> bool:
    """Earlier layers, the stream itself, and the attention of an MLP's own layer."""
    if sender.kind == "embed" or sender.layer < reader.layer:
        return True
    if sender.layer > reader.layer:
        return False
    of_attention = sender.kind in {"head", "attn"} or sender.dictionary == "z"
    return sender.kind == "resid" or (reader.kind == "mlp" and (of_attention or sender.kind == "resid_mid"))


def _change(scene: Scene, senders: list[Sender], policy: str, record: Record) -> Tensor:
    """Sum over senders of (new value - value) of what they write to the stream, (d_model,)."""
    total = torch.zeros(scene.network.module.config.hidden_size, dtype=torch.float64)
    coded = defaultdict(list)
    for (spot, index), values in senders:
        if spot.kind in {"feature", "error"}:
            coded[spot.dictionary, spot.layer].append((spot, index, values))
            continue
        site, columns = place_of(scene.network, spot)
        own = record.at[site, spot.layer][index, columns]
        moved = values.of(held(site, spot.layer, index, columns), own) - own
        matrix = _matrix(scene.network, (site, spot.layer))
        total += moved if matrix is None else moved @ matrix[columns]
    for key, placed in coded.items():
        dictionary = scene.dictionaries[key]
        moves = torch.zeros_like(record.at[dictionary.site])
        for spot, index, values in placed:
            if spot.kind == "feature":
                own = dictionary.features(record)[index, spot.number]
                wanted = values.of(activation(dictionary, index, spot.number), own)
                moves[index] += (wanted - own) * dictionary.directions[spot.number]
        moves += error_moves(scene, dictionary, placed, policy, dictionary.error(record))
        matrix = _matrix(scene.network, dictionary.site)
        total += (moves if matrix is None else moves @ matrix).sum(0)
    return total


def _matrix(network: Network, site: Site) -> Tensor | None:
    if site[0] == "z":
        return network.head_matrix(site[1])
    return network.neuron_matrix(site[1]) if site[0] == "neuron" else None


def _entering_edits(scene: Scene, nodes: list[Sender], place: Spot, policy: str) -> Edits:
    """The nodes stay as they are; the stream takes their change at one place of it."""

    def edit(current: Tensor, record: Record) -> None:
        for index in sorted({index for (_, index), _ in nodes}):
            here = [one for one in nodes if one[0][1] == index]
            current[index] += _change(scene, here, policy, record)

    return defaultdict(list, {(place.kind, place.layer): [edit]})


def _taken_back(network: Network, edits: Edits, place: Spot) -> Edits:
    """Every edit is noted, and its sum taken out of the stream again."""
    sites = list(edits)

    def take_back(current: Tensor, record: Record) -> None:
        for site in sites:
            matrix = _matrix(network, site)
            current -= record.moved[site] if matrix is None else record.moved[site] @ matrix

    noted: Edits = defaultdict(list, {site: [_noting(site, one)] for site, one in edits.items()})
    noted[place.kind, place.layer].append(take_back)
    return noted


def _noting(site: Site, edits: list[Edit]) -> Edit:
    def edit(current: Tensor, record: Record) -> None:
        before = current.clone()
        for one in edits:
            one(current, record)
        record.moved[site] = current - before

    return edit


def _frozen(
    network: Network, edits: Edits, intervened: list[PlacedSpot], untouched: Record, case: Case
) -> Edits:
    """Heads and MLPs take what the untouched run has, before anything is done at their sites."""
    frozen: Edits = defaultdict(list)
    for layer in range(min(spot.layer for spot, _ in intervened), network.n_layers):
        here = [(spot, index) for spot, index in intervened if spot.layer == layer]
        heads = {
            head
            for spot, _ in here
            for head in range(network.n_heads)
            if (spot.kind in {"q", "k", "v"} and spot.number == head)
            or (spot.kind.startswith("group") and spot.number == network.group_of(head))
        }
        columns = [network.slice_of(head) for head in range(network.n_heads) if head not in heads]
        frozen["z", layer].append(_as_untouched(untouched.at["z", layer], columns, set()))
        if case.mlps == "frozen":
            # A neuron is one part of its MLP; the others stay.
            site = "neuron" if any(spot.kind == "neuron" for spot, _ in here) else "mlp"
            live = {index for spot, index in here if case.verb == "route" and spot.kind == "mlp"}
            frozen[site, layer].append(_as_untouched(untouched.at[site, layer], [slice(None)], live))
    for site, own in edits.items():
        frozen[site].extend(own)
    return frozen


def _as_untouched(values: Tensor, columns: list[slice], live: set[int]) -> Callable[[Tensor, Record], None]:
    rows = [index for index in range(len(values)) if index not in live]

    def edit(current: Tensor, _record: Record) -> None:
        for part in columns:
            current[rows, part] = values[rows, part]

    return edit
