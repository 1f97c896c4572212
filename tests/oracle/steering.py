"""Steering, written out from the words of the language: what a node is, plus a number, times it, or that number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import torch
from torch import Tensor

from oracle.dictionary import Dictionary
from oracle.interventions import PlacedSpot, Scene, place_of
from oracle.network import Edits, Record
from oracle.wording import Case, Spot


def steer_edits(scene: Scene, places: list[PlacedSpot], case: Case) -> Edits:
    """Make every node stronger or weaker; features by their decoder row, the rest as it stands at its site."""
    edits: Edits = defaultdict(list)
    for spot, index in places:
        if spot.kind == "feature":
            dictionary = scene.dictionaries[spot.dictionary, spot.layer]
            edits[dictionary.site].append(_feature_edit(scene, dictionary, spot, index, case))
        else:
            site, columns = place_of(scene.network, spot)
            edits[site, spot.layer].append(_site_edit(index, columns, case))
    return edits


def _made(value: Tensor, case: Case) -> Tensor:
    return {
        "add": value + case.amount,
        "scale": value * case.amount,
        "set": torch.full_like(value, case.amount),
    }[case.how]


def _site_edit(index: int, columns: slice, case: Case) -> Callable[[Tensor, Record], None]:
    def edit(current: Tensor, _record: Record) -> None:
        current[index, columns] = _made(current[index, columns], case)

    return edit


def _feature_edit(
    scene: Scene, dictionary: Dictionary, spot: Spot, index: int, case: Case
) -> Callable[[Tensor, Record], None]:
    """One feature per dictionary in a case: the error is that of the stream before the edit."""

    def edit(current: Tensor, record: Record) -> None:
        own = dictionary.features(record, current)[index, spot.number]
        error = dictionary.error(record, current)[index]
        wanted = _made(own, case)
        move = (wanted - own) * dictionary.directions[spot.number]
        if case.error == "clean":
            move = move + dictionary.error(scene.clean)[index] - error
        if case.error == "drop":
            move = move - error
        current[index] += move
        record.set_features[dictionary.site, index, spot.number] = wanted

    return edit
