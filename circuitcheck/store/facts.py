"""Fits, profiles and descriptions as entries of the store, and back.

In: what an engine answered. Out: facts and arrays. Nodes are not stored: whoever asks names them, perhaps by
another alias.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from circuitcheck.engine import Context, Description, Fit, Profile
from circuitcheck.nodes import Node
from circuitcheck.store.entries import Entry
from circuitcheck.store.folder import SUFFIX

_COLUMNS = ("rate", "mean", "norm")


def place_of(kind: str, entry: Entry) -> Path:
    """Where an entry of its own goes."""
    return Path(kind) / entry.name[:2] / f"{entry.name}{SUFFIX}"


def fit_entry(key: Mapping[str, Any], fit: Fit) -> Entry:
    """The entry of a fit."""
    facts = {
        "variance_explained": fit.variance_explained,
        "kept": fit.kept,
        "l0": fit.l0,
        "firing": {str(feature): share for feature, share in fit.firing.items()},
    }
    return Entry(key, facts)


def fit_of(entry: Entry, place: Node, features: tuple[int, ...]) -> Fit:
    """The fit that an entry holds.

    Raises:
        ValueError, KeyError, TypeError: it holds no such fit.
    """
    facts = entry.facts
    firing = {feature: float(facts["firing"][str(feature)]) for feature in features}
    return Fit(place, float(facts["variance_explained"]), float(facts["kept"]), float(facts["l0"]), firing)


def profile_entry(key: Mapping[str, Any], profile: Profile) -> Entry:
    """The entry of a profile."""
    return Entry(key, None, {name: getattr(profile, name) for name in _COLUMNS})


def profile_of(entry: Entry, place: Node) -> Profile:
    """The profile that an entry holds.

    Raises:
        ValueError, KeyError: it holds no such profile.
    """
    rate, mean, norm = (np.asarray(entry.arrays[name], dtype=np.float64) for name in _COLUMNS)
    if rate.ndim != 1 or not rate.shape == mean.shape == norm.shape:
        msg = "a profile has three columns of one length"
        raise ValueError(msg)
    return Profile(place, rate, mean, norm)


def description_entry(key: Mapping[str, Any], described: tuple[Description, ...]) -> Entry:
    """The entry of what some features are about."""
    facts = [
        {
            "rate": about.rate,
            "mean": about.mean,
            "strongest": [[one.row, one.position, one.activation] for one in about.strongest],
            "promotes": about.promotes,
            "suppresses": about.suppresses,
        }
        for about in described
    ]
    return Entry(key, facts)


def descriptions_of(entry: Entry, features: tuple[Node, ...]) -> tuple[Description, ...]:
    """The descriptions that an entry holds.

    Raises:
        ValueError, KeyError, TypeError: it holds none of these features.
    """
    return tuple(_description(node, facts) for node, facts in zip(features, entry.facts, strict=True))


def _description(node: Node, facts: Mapping[str, Any]) -> Description:
    return Description(
        feature=node,
        rate=facts["rate"],
        mean=facts["mean"],
        strongest=tuple(Context(row, position, peak) for row, position, peak in facts["strongest"]),
        promotes=tuple((token, logit) for token, logit in facts["promotes"]),
        suppresses=tuple((token, logit) for token, logit in facts["suppresses"]),
    )
