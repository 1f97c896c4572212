"""What features are about: how often they fire, on which prompts most, and which tokens they speak for.

In: feature nodes and clean prompts. Out: one `Description` per node. Every prompt is passed through the
model once, whatever the number of features and dictionaries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from circuitcheck.engine import Context, Description
from circuitcheck.engines.batches import nothing_to_look_up, rows_in_batches
from circuitcheck.engines.dictionaries import Dictionary
from circuitcheck.engines.library import Library
from circuitcheck.engines.metrics import Targets
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.passes import Treatment, run
from circuitcheck.engines.scene import Scene
from circuitcheck.engines.writes import NORM_HOOKS, direct_effect, node_write, written_quantity
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import Node, NodeKind
from circuitcheck.prompts.pairs import PromptSet

MOST_CONTEXTS = 6
MOST_TOKENS = 8

Tokens = tuple[tuple[int, float], ...]


def describe(
    library: Library, model: LensModel, features: tuple[Node, ...], prompts: PromptSet, batch_size: int
) -> tuple[Description, ...]:
    """See `Engine.describe`.

    A feature at several positions (`at: all`) counts as firing on a prompt where it fires at one of them;
    its mean is over all of them.

    Raises:
        MeasurementError: when there are no prompts, or a node is not a feature of its dictionary.
        DictionaryError: when a dictionary is missing, damaged, or does not fit the model.
        PromptError: when a position is not on the prompts.
    """
    if not len(prompts):
        msg = "there are no prompts to describe features on; draw at least one."
        raise MeasurementError(msg)
    tallies = {node: _Tally(len(prompts)) for node in features}
    shelves = _by_dictionary(library, features)
    for group in prompts.groups:
        scene = Scene(model, library, prompts.subset(group))
        for rows in rows_in_batches(group.tolist(), batch_size):
            _tally_batch(tallies, shelves, scene, prompts, rows)
    ways = _Ways(Scene(model, library, prompts.subset(prompts.groups[0][:1])))
    return tuple(_described(node, tallies[node], ways, prompts) for node in features)


@dataclass
class _Tally:
    """What the prompts showed of one placed feature, row by row."""

    rows: int
    fired: NDArray[np.bool_] = field(init=False)
    mean: NDArray[np.float64] = field(init=False)
    peak: NDArray[np.float64] = field(init=False)
    """The largest activation anywhere on the prompt, 0 where it does not fire."""
    peak_at: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.fired = np.zeros(self.rows, dtype=np.bool_)
        self.mean, self.peak = np.zeros(self.rows), np.zeros(self.rows)
        self.peak_at = np.zeros(self.rows, dtype=np.int64)

    def add(
        self,
        rows: tuple[int, ...],
        activations: Float[Tensor, "batch pos"],
        at: tuple[int, ...],
        anywhere: tuple[int, ...],
    ) -> None:
        here = activations[:, at].double()
        peak, where = activations[:, anywhere].double().max(1)
        picked = list(rows)
        self.fired[picked] = (here > 0).any(1).cpu().numpy()
        self.mean[picked] = here.mean(1).cpu().numpy()
        self.peak[picked] = peak.cpu().numpy()
        self.peak_at[picked] = np.array(anywhere)[where.cpu().numpy()]

    def strongest(self, prompts: PromptSet) -> tuple[Context, ...]:
        """The prompts on which the feature fires most; a prompt that was drawn twice is shown once."""
        firing: dict[tuple[int, ...], Context] = {}
        for row in np.argsort(-self.peak, kind="stable"):
            if self.peak[row] <= 0 or len(firing) == MOST_CONTEXTS:
                break
            found = Context(int(row), int(self.peak_at[row]), float(self.peak[row]))
            firing.setdefault(prompts.clean[row], found)
        return tuple(firing.values())


def _by_dictionary(library: Library, features: tuple[Node, ...]) -> Mapping[Dictionary, list[Node]]:
    shelves: dict[Dictionary, list[Node]] = {}
    for node in features:
        if node.kind is not NodeKind.FEATURE:
            msg = f"{node.name} cannot be described: name a feature, such as L2.z/7."
            raise MeasurementError(msg)
        shelves.setdefault(library.of(node), []).append(node)
    return shelves


def _tally_batch(
    tallies: Mapping[Node, _Tally],
    shelves: Mapping[Dictionary, Sequence[Node]],
    scene: Scene,
    prompts: PromptSet,
    rows: tuple[int, ...],
) -> None:
    hooks = {dictionary.reads_from for dictionary in shelves}
    tokens = [prompts.clean[row] for row in rows]
    seen = run(scene.model, tokens, 0, record=hooks, treatment=Treatment(), lookup=nothing_to_look_up)
    for dictionary, nodes in shelves.items():
        indices = tuple(node.index or 0 for node in nodes)
        codes = dictionary.encode_features(seen.recorded[dictionary.reads_from].flatten(2), indices)
        for number, node in enumerate(nodes):
            tallies[node].add(rows, codes[..., number], scene.positions(node.at), scene.everywhere)


def _described(node: Node, tally: _Tally, ways: "_Ways", prompts: PromptSet) -> Description:
    promotes, suppresses = ways.spoken_for(node)
    return Description(
        feature=node,
        rate=float(tally.fired.mean()),
        mean=float(tally.mean.mean()),
        strongest=tally.strongest(prompts),
        promotes=promotes,
        suppresses=suppresses,
    )


@dataclass(frozen=True)
class _Ways:
    """From decoder rows straight to the logits, where the model lets them be followed; `scene` has one prompt."""

    scene: Scene

    def spoken_for(self, node: Node) -> tuple[Tokens, Tokens]:
        """The tokens that a feature's decoder row raises and lowers most; none where nothing can be said."""
        if not self._are_clear:
            return (), ()
        try:
            written_quantity(node, self.scene)
            row = node_write(node, self._one, self.scene)[0].double()
        except MeasurementError:  # a norm or a factor stands between the block's parts and the stream
            return (), ()
        logits = _direct_logits(row, self.scene.model)
        count = min(MOST_TOKENS, len(logits))
        high, low = logits.topk(count), logits.topk(count, largest=False)
        return _pairs(high.indices, high.values), _pairs(low.indices, low.values)

    @property
    def _one(self) -> Float[Tensor, "1 1"]:
        return torch.ones(1, 1, dtype=getattr(torch, self.scene.model.dtype), device=self.scene.model.device)

    @cached_property
    def _are_clear(self) -> bool:
        """Whether the logits are made of the final stream by one norm and one matrix."""
        model, prompts, end = self.scene.model, self.scene.prompts, self.scene.end
        seen = run(
            model, prompts.clean, end, record=NORM_HOOKS, treatment=Treatment(), lookup=nothing_to_look_up
        )
        targets = Targets.of((0,), ((1,),), model.device)  # any tokens: prompts may have no answers
        nothing = torch.zeros(1, model.shape.d_model, dtype=torch.float64, device=model.device)
        try:
            direct_effect(nothing, seen, end, targets, model)
        except MeasurementError:
            return False
        return True


def _direct_logits(row: Float[Tensor, " d_model"], model: LensModel) -> Float[Tensor, " vocab"]:
    """Through the final norm's weight and the unembedding, at a norm scale of 1; centred over the vocabulary.

    A LayerNorm takes the mean off what it reads, an RMS norm does not. A bias adds the same whatever the
    feature does, and is left out.
    """
    config: Any = model.bridge.cfg
    if not config.uses_rms_norm:
        row = row - row.mean()
    weight: Tensor | None = getattr(
        model.bridge.ln_final, "weight", None
    )  # none once it has been folded away
    if weight is not None:
        offset = 1 if getattr(config, "rmsnorm_uses_offset", False) else 0
        row = row * (weight.detach().double() + offset)
    logits: Tensor = row @ model.bridge.W_U.detach().double()
    return logits - logits.mean()


def _pairs(tokens: Tensor, logits: Tensor) -> Tokens:
    return tuple(
        (int(token), float(logit)) for token, logit in zip(tokens.tolist(), logits.tolist(), strict=True)
    )
