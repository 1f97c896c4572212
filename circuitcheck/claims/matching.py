"""Draws controls: features that could stand in for those of a claim, because they behave alike.

In: the features that a claim names, and how every feature behaves at their places. Out: `Drawn`, groups
of other features. The distance of two features at one place is Euclidean in three coordinates, each divided
by its spread over the features that fire there at all: log-odds of the firing rate (half a prompt added on
either side), log of the mean activation, log of the norm of the decoder row.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from circuitcheck.engine import Profile, Values
from circuitcheck.nodes import Node, NodeKind

POOL = 20
"""Nearest features that one feature's stand-ins are drawn from, at least."""

_SPARE = 10
"""By how much the pool exceeds the features that share it, so that groups can differ."""
_TRIES = 50
"""Draws for each group that is wanted before the pools grow."""
_ALIKE = (0.5, 2.0)
"""How active the stand-ins may be, as a multiple of the claim's own, before it is said that they are not alike."""
_NO_SPREAD = 1e-3
"""A coordinate that varies less than this, as natural log, distinguishes nothing (all decoder norms equal)."""

_TINY = 1e-30
"""Stands for the norm of a decoder row of zeros, whose log is not finite."""

Group = Mapping[Node, Node]
"""Feature of the claim to the one that stands in for it."""


@dataclass(frozen=True)
class Drawn:
    """Control groups, no two of the same features, and how large a choice there was.

    `pools` has, by feature of the claim, how many features its stand-ins were drawn from. `shortage` says why
    there are fewer groups than wanted, `looseness` that they resemble the claim's features little; each "" if not so.
    """

    groups: tuple[Group, ...]
    pools: Mapping[str, int]
    shortage: str = ""
    looseness: str = ""
    is_exhaustive: bool = False
    """There are no other groups at all."""


@cache
def place_of(feature: Node) -> Node:
    """The error node of a feature's dictionary, layer and position: the name of its place."""
    return replace(feature, kind=NodeKind.ERROR, index=None)


def draw(
    features: Sequence[Node],
    profiles: Mapping[Node, Profile],
    named: frozenset[Node],
    *,
    wanted: int,
    prompts: int,
    seed: int,
) -> Drawn:
    """Up to `wanted` groups of stand-ins for `features`, the same for the same seed.

    Pools are the `POOL` nearest features (more where many features share a place), and grow until there are
    enough distinct groups. For a single feature the nearest `wanted` are taken, each once; where there are no
    more groups than wanted at all, every one is.

    Args:
        features: What is to be replaced, each at its place.
        profiles: By place (an error node), how all features behave there.
        named: Features that no group may hold, wherever the claim has them.
        wanted: Number of groups.
        prompts: Number of prompts that the profiles rest on.
        seed: Of the draws.
    """
    silent = [str(feature) for feature in features if not _rate(feature, profiles)]
    if silent:
        why = f"{', '.join(silent)} never fires there on clean prompts, so that nothing matches it"
        return Drawn((), {str(feature): 0 for feature in features}, why)
    nearest = {feature: _nearest(feature, profiles, named, prompts) for feature in features}
    shares = Counter(place_of(feature) for feature in features)
    choice = {place: len(nearest[next(_at(place, features))]) for place in shares}
    possible = math.prod(math.comb(choice[place], count) for place, count in shares.items())
    pools: Mapping[Node, NDArray[np.int64]]
    if possible <= wanted:
        groups, pools = tuple(_every_group(nearest, list(shares))), nearest
    elif len(features) == 1:
        pools = {features[0]: nearest[features[0]][:wanted]}
        groups = tuple({features[0]: _other(features[0], index)} for index in pools[features[0]].tolist())
    else:
        groups, pools = _sampled(nearest, max(POOL, max(shares.values()) + _SPARE), wanted, seed)
    return Drawn(
        groups,
        {str(feature): len(pools[feature]) for feature in features},
        _shortage(len(groups), wanted, shares, choice),
        _looseness(features, groups, profiles),
    )


def _nearest(
    feature: Node, profiles: Mapping[Node, Profile], named: frozenset[Node], prompts: int
) -> NDArray[np.int64]:
    """Every feature that may stand in, nearest first; ties by number."""
    profile = profiles[place_of(feature)]
    taken = {
        node.index for node in named if (node.dictionary, node.layer) == (feature.dictionary, feature.layer)
    }
    firing = np.flatnonzero(profile.rate > 0)
    free = np.array([index for index in firing if index not in taken], dtype=np.int64)
    where = _coordinates(profile, firing, prompts)
    distance = np.linalg.norm(where - where[firing == feature.index], axis=1)
    return free[np.argsort(distance[np.isin(firing, free)], kind="stable")]


def _coordinates(profile: Profile, firing: NDArray[np.int64], prompts: int) -> Values:
    """Rate, strength and norm of the firing features on comparable scales, shape (firing, 3)."""
    fired = profile.rate[firing] * prompts
    logs = [
        np.log((fired + 0.5) / (prompts - fired + 0.5)),
        np.log(profile.mean[firing]),
        np.log(np.maximum(profile.norm[firing], _TINY)),
    ]
    columns = [log / log.std() if log.std() > _NO_SPREAD else np.zeros(len(log)) for log in logs]
    return np.stack(columns, axis=1)


def _every_group(nearest: Mapping[Node, NDArray[np.int64]], places: Sequence[Node]) -> Iterator[Group]:
    members = [list(_at(place, nearest)) for place in places]
    choices = [combinations(nearest[group[0]].tolist(), len(group)) for group in members]
    for chosen in product(*choices):
        yield {
            feature: _other(feature, index)
            for group, indices in zip(members, chosen, strict=True)
            for feature, index in zip(group, indices, strict=True)
        }


def _sampled(
    nearest: Mapping[Node, NDArray[np.int64]], size: int, wanted: int, seed: int
) -> tuple[tuple[Group, ...], Mapping[Node, NDArray[np.int64]]]:
    """Random groups from the nearest `size` features of each; from more, where too few groups differ."""
    pools = {feature: indices[:size] for feature, indices in nearest.items()}
    generator = np.random.default_rng(seed)
    groups: dict[frozenset[Node], Group] = {}
    for _ in range(_TRIES * wanted):
        group = _random_group(pools, generator)
        groups.setdefault(frozenset(group.values()), group)
        if len(groups) == wanted:
            break
    if len(groups) == wanted or all(len(pools[feature]) == len(nearest[feature]) for feature in pools):
        return tuple(groups.values()), pools
    return _sampled(nearest, 2 * size, wanted, seed)


def _random_group(pools: Mapping[Node, NDArray[np.int64]], generator: np.random.Generator) -> Group:
    """One stand-in each, all different; features choose in random order, so that none always comes last."""
    features = list(pools)
    chosen: dict[Node, int] = {}
    taken: dict[Node, list[int]] = defaultdict(list)
    for number in generator.permutation(len(features)):
        feature = features[number]
        here = taken[place_of(feature)]
        free = [index for index in pools[feature].tolist() if index not in here]
        chosen[feature] = free[generator.integers(len(free))]
        here.append(chosen[feature])
    return {feature: _other(feature, chosen[feature]) for feature in features}


def _rate(feature: Node, profiles: Mapping[Node, Profile]) -> float:
    return float(profiles[place_of(feature)].rate[feature.index or 0])


def _activity(features: Iterable[Node], profiles: Mapping[Node, Profile]) -> float:
    return sum(float(profiles[place_of(feature)].mean[feature.index or 0]) for feature in features)


def _at(place: Node, features: Sequence[Node] | Mapping[Node, object]) -> Iterator[Node]:
    return (feature for feature in features if place_of(feature) == place)


@lru_cache(maxsize=1 << 16)
def _other(feature: Node, index: int) -> Node:
    return replace(feature, index=index)


def _shortage(found: int, wanted: int, shares: Mapping[Node, int], choice: Mapping[Node, int]) -> str:
    if found >= wanted:
        return ""
    place = min(shares, key=lambda place: choice[place] - shares[place])
    where = f"{place.name.removesuffix('/error')}@{place.at}"
    return (
        f"{found} of {wanted} controls could be made: at {where} {choice[place]} features fire that the claim "
        f"does not name, and a control takes {shares[place]} of them"
    )


def _looseness(features: Sequence[Node], groups: Sequence[Group], profiles: Mapping[Node, Profile]) -> str:
    if not groups:
        return ""
    others = sum(_activity(group.values(), profiles) for group in groups) / len(groups)
    times = others / _activity(features, profiles)
    if _ALIKE[0] <= times <= _ALIKE[1]:
        return ""
    return f"matched only loosely: the controls' features are {times:.2g} times as active as the claim's"
