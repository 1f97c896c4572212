"""Readings of a pass: metric, attention, feature activation, direct write to the logits.

In: the pass under the reading's condition, after all its edits, and the clean pass of the same prompts.
Out: one number per prompt, in float64. A feature that the condition itself replaced reads as what it was
given, because encoding the edited stream again would only approximate that.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from circuitcheck.engine import (
    WITHOUT_ANSWER,
    ActivationReading,
    AttentionReading,
    MetricReading,
    Reading,
    WriteReading,
)
from circuitcheck.engines.metrics import OF_TARGETS, Targets, score
from circuitcheck.engines.passes import LOSS, Pass
from circuitcheck.engines.quantities import CodeValue
from circuitcheck.engines.scene import Scene
from circuitcheck.engines.sites import PATTERN
from circuitcheck.engines.writes import NORM_HOOKS, direct_effect, node_write, written_quantity
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import Node, NodeKind


@dataclass(frozen=True)
class Needs:
    """Hooks that a reading wants recorded, in its own pass and in the clean one.

    `positions` are the token positions that it looks at in its own pass, END apart; `clean_run` says
    that the clean pass is needed at all (kl reads its logits and no hook).
    """

    here: frozenset[str] = frozenset()
    clean: frozenset[str] = frozenset()
    clean_run: bool = False
    positions: tuple[int, ...] = ()


def needs(reading: Reading, scene: Scene) -> Needs:
    """What must be recorded for a reading.

    Raises:
        MeasurementError: when its node is not in the model, or cannot be read that way, or it scores
            answers that the prompts do not have.
        PromptError: when its position is not on the prompts.
    """
    if not scene.prompts.has_answers and _scores_answers(reading):
        msg = "these prompts have no answer to score; measure loss or kl."
        raise MeasurementError(msg)
    if isinstance(reading, MetricReading):
        return Needs(frozenset({LOSS} if reading.name == "loss" else ()), clean_run=reading.name == "kl")
    if isinstance(reading, AttentionReading):
        hooks = frozenset({_pattern_hook(reading.head, scene)})
        return Needs(hooks, positions=scene.positions(reading.head.at))
    if isinstance(reading, ActivationReading):
        hooks = frozenset(_code(reading.feature, scene).hooks)
        return Needs(hooks, positions=scene.positions(reading.feature.at))
    for node in reading.nodes:
        if scene.positions(node.at) != (scene.end,):
            msg = f"{node} does not write at END: only there are logits read; place it @END."
            raise MeasurementError(msg)
    here = frozenset(hook for node in reading.nodes for hook in written_quantity(node, scene).hooks)
    return Needs(here, frozenset(NORM_HOOKS), clean_run=True)


def needs_vocabulary(reading: Reading) -> bool:
    """Whether a reading looks at logits of other tokens than answers and foils."""
    return isinstance(reading, MetricReading) and reading.name not in OF_TARGETS


def read(
    reading: Reading, here: Pass, clean: Pass, targets: Targets, scene: Scene
) -> Float[Tensor, " batch"]:
    """The reading of each prompt; `clean` is only looked at where `needs` asked for it."""
    if isinstance(reading, MetricReading):
        if reading.name == "loss":
            return here.recorded[LOSS]
        here_targets = targets if here.tokens is None else targets.among(here.tokens)
        return score(reading.name, here.logits, clean.logits, here_targets)
    if isinstance(reading, AttentionReading):
        (query,), (key,) = (_single(at, reading, scene) for at in (reading.head.at, reading.to))
        pattern = here.recorded[_pattern_hook(reading.head, scene)]
        return pattern[:, reading.head.head, here.window.place(query), key].double()
    if isinstance(reading, ActivationReading):
        (place,) = _single(reading.feature.at, reading, scene)
        return feature_activation(reading.feature, here, scene)[:, here.window.place(place)].double()
    return _write(reading, here, clean, targets, scene)


def feature_activation(node: Node, here: Pass, scene: Scene) -> Float[Tensor, "batch pos"]:
    """A feature's activation at every position of the pass's window, in dictionary units."""
    quantity = _code(node, scene)
    values = quantity.of(here.recorded)[..., 0]
    replaced = here.codes.get((quantity.dictionary, quantity.features[0]))
    return values if replaced is None else torch.where(replaced.mask, replaced.values, values)


def _write(
    reading: WriteReading, here: Pass, clean: Pass, targets: Targets, scene: Scene
) -> Float[Tensor, " batch"]:
    total = torch.zeros(len(here.logits), scene.shape.d_model, dtype=torch.float64, device=here.logits.device)
    for node in reading.nodes:
        if node.kind is NodeKind.FEATURE:
            value = feature_activation(node, here, scene)[..., None]
        else:
            value = written_quantity(node, scene).of(here.recorded)
        total += node_write(node, value[:, here.window.place(scene.end)], scene).double()
    return direct_effect(total, clean, scene.end, targets, scene.model)


def _scores_answers(reading: Reading) -> bool:
    if isinstance(reading, MetricReading):
        return reading.name not in WITHOUT_ANSWER
    return isinstance(reading, WriteReading)


def _code(node: Node, scene: Scene) -> CodeValue:
    if node.kind is not NodeKind.FEATURE:
        msg = f"{node.name} has no activation: name a feature, such as L2.z/7."
        raise MeasurementError(msg)
    return CodeValue(scene.library.of(node), (node.index or 0,))


def _pattern_hook(head: Node, scene: Scene) -> str:
    if head.kind is not NodeKind.HEAD:
        msg = f"{head.name} attends to nothing: name a head, such as L2H0."
        raise MeasurementError(msg)
    scene.check(head)
    return scene.hook(head, head.layer or 0, PATTERN).hook


def _single(at: str, reading: Reading, scene: Scene) -> tuple[int]:
    positions = scene.positions(at)
    if len(positions) != 1:
        msg = f"{type(reading).__name__} reads one position, and {at!r} is {len(positions)}; name a role."
        raise MeasurementError(msg)
    return (positions[0],)
