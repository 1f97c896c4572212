"""Keep, written out from the words of the language: everything in scope takes its reference, except what is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import torch
from torch import Tensor

from oracle.dictionary import Dictionary
from oracle.interventions import PlacedSpot, Scene, Values, held
from oracle.network import Edits, Record
from oracle.wording import BOS_TOKENS


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
                then = values.of(held("neuron", layer, index, spot.number), now)
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
