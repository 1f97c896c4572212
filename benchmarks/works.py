"""What is asked: lists of interventions, in the words of `circuitcheck.engine`.

In: a setting. Out: `Work`s. Each intervention's metric is the logit difference at END, on every prompt.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.dictionaries import ALIAS, active_features
from benchmarks.prompts import middle_position
from benchmarks.setting import Setting
from circuitcheck.engine import Intervention, KeepOnly, Replace, Source
from circuitcheck.nodes import ALL, END, Node, NodeKind

FEATURES, CIRCUITS = 500, 200
CORRUPT = Source("corrupt")


@dataclass(frozen=True)
class Work:
    """Some interventions that are measured together; `layers` names the block that each begins in."""

    key: str
    title: str
    interventions: tuple[Intervention, ...]
    layers: tuple[int, ...]


def heads_work(key: str, at: str, where: str, setting: Setting) -> Work:
    """Every head of every layer, one at a time, patched from the corrupt side at `at`."""
    shape = setting.model.shape
    places = [(layer, head) for layer in range(shape.n_layers) for head in range(shape.n_heads)]
    return Work(
        key,
        f"every head {where}",
        tuple(Replace((Node(NodeKind.HEAD, layer, head=head, at=at),), CORRUPT) for layer, head in places),
        tuple(layer for layer, _ in places),
    )


def features_work(key: str, at: str, where: str, setting: Setting) -> Work:
    """`FEATURES` features that fire at `at`, spread over the layers, one at a time, patched from the corrupt side."""
    (position,) = setting.places(at)
    active = active_features(setting.model, setting.dictionaries, setting.prompts.clean, position)
    rng = np.random.default_rng([setting.prompts.seed, position])
    shares = np.array_split(np.arange(FEATURES), len(active))
    chosen = [
        (layer, int(feature))
        for (layer, features), share in zip(active.items(), shares, strict=True)
        for feature in sorted(rng.choice(features, size=len(share), replace=False))
    ]
    nodes = [Node(NodeKind.FEATURE, layer, index=one, dictionary=ALIAS, at=at) for layer, one in chosen]
    return Work(
        key,
        f"{FEATURES} features {where}",
        tuple(Replace((node,), CORRUPT) for node in nodes),
        tuple(layer for layer, _ in chosen),
    )


def circuits_work(key: str, share: float, setting: Setting) -> Work:
    """`CIRCUITS` random circuits, which keep this share of heads and MLPs and take the rest from the corrupt side."""
    shape = setting.model.shape
    parts = [
        Node(NodeKind.HEAD, layer, head=head, at=ALL)
        for layer in range(shape.n_layers)
        for head in range(shape.n_heads)
    ] + [Node(NodeKind.MLP, layer, at=ALL) for layer in range(shape.n_layers)]
    rng = np.random.default_rng([setting.prompts.seed, round(100 * share)])
    kept = [rng.choice(len(parts), size=round(share * len(parts)), replace=False) for _ in range(CIRCUITS)]
    return Work(
        key,
        f"{CIRCUITS} circuits that keep {share:.0%}",
        tuple(
            KeepOnly(tuple(parts[one] for one in sorted(each)), CORRUPT, "heads+mlps", "reference")
            for each in kept
        ),
        (0,) * CIRCUITS,
    )


def _middle(setting: Setting) -> str:
    """The middle position as nodes write it: counted behind BOS."""
    return str(middle_position(setting.length) - 1)


WORKS: Mapping[str, Callable[[Setting], Work]] = {
    "a": lambda setting: heads_work("a", END, "at END", setting),
    "b": lambda setting: heads_work("b", _middle(setting), "at 10/16", setting),
    "c": lambda setting: heads_work("c", ALL, "everywhere", setting),
    "d-end": lambda setting: features_work("d-end", END, "at END", setting),
    "d-mid": lambda setting: features_work("d-mid", _middle(setting), "at 10/16", setting),
    "e-10": lambda setting: circuits_work("e-10", 0.10, setting),
    "e-25": lambda setting: circuits_work("e-25", 0.25, setting),
    "e-50": lambda setting: circuits_work("e-50", 0.50, setting),
}
WHOLE_FILES = "f"
"""The shipped circuit files, which `circuits` times."""


def works_called(letter: str) -> tuple[str, ...]:
    """The works that a letter on the command line stands for: `d` is both of its positions.

    Raises:
        ValueError: when there is none.
    """
    found = tuple(key for key in (*WORKS, WHOLE_FILES) if letter in {key, key.partition("-")[0]})
    if not found:
        msg = f"there is no work {letter!r}; choose among {', '.join((*WORKS, WHOLE_FILES))}."
        raise ValueError(msg)
    return found
