"""Faults in the engine itself: one function or table is patched while the mutant is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from circuitcheck.engine import Source
from circuitcheck.engines import (
    dictionaries,
    editing,
    freezing,
    metrics,
    new_values,
    outflows,
    passes,
    readers,
    readings,
    replacing,
    routing,
    schedule,
    sites,
    sources,
    steps,
)
from circuitcheck.engines.dictionaries import Dictionary
from circuitcheck.engines.library import Library
from circuitcheck.engines.quantities import CodeValue
from circuitcheck.engines.scene import Scene
from circuitcheck.engines.sources import MeanTable
from circuitcheck.nodes import Node, NodeKind
from circuitcheck.prompts.pairs import PromptSet
from oracle.faulty_questions import Question


def _set(patch: pytest.MonkeyPatch, table: Mapping[Any, Any], key: object, value: object) -> None:
    """Change an entry of what is a dict, whatever its annotation promises."""
    patch.setitem(cast("dict[Any, Any]", table), key, value)


def index_counts_bos(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    right = PromptSet._one_position

    def wrong(self: PromptSet, at: str) -> Any:
        return right(self, at) - (1 if at.isdigit() and at != "0" else 0)

    patch.setattr(PromptSet, "_one_position", wrong)
    return asked


def donor_of_any_cell(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    def wrong(prompts: PromptSet, number: int = 0) -> Any:
        donors = np.zeros(len(prompts), dtype=np.int64)
        for group in prompts.groups:
            donors[group] = np.roll(group, 1 + number)
        return donors

    patch.setattr(schedule, "resample_donors", wrong)
    return asked


def mean_over_all_cells(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    def wrong(self: MeanTable, cell: Any, positions: tuple[int, ...]) -> Tensor:
        longest = max(len(total) for total in self.sums.values())
        total = sum(
            torch.cat([one, one.new_zeros(longest - len(one), *one.shape[1:])]) for one in self.sums.values()
        )
        count = torch.tensor(sum(np.pad(one, (0, longest - len(one))) for one in self.counts.values()))
        where = list(positions)
        return total[where] / count[where, None]  # type: ignore[index]  # a sum of tensors

    patch.setattr(MeanTable, "mean", wrong)
    return asked


def attention_without_its_bias(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    _set(patch, sites._HOOKS, NodeKind.ATTN, sites.Z)
    return asked


def neurons_before_the_activation_function(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    _set(patch, sites._HOOKS, NodeKind.NEURON, "mlp.hook_pre")
    return asked


def residual_branch_misses_resid_mid(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    """What TransformerBridge does by itself: its hook_resid_mid lies on the way into the norm only."""
    patch.setattr(replacing, "carried", list)
    return asked


def group_by_remainder(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    right = sites._part

    def wrong(node: Node, shape: Any) -> int | None:
        if sites.is_private(node, shape) and node.head is not None:
            return node.head % int(shape.n_kv_heads)
        return right(node, shape)

    patch.setattr(sites, "_part", wrong)
    return asked


def private_copy_is_the_groups(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    patch.setattr(replacing, "is_private", lambda node, shape: False)
    return asked


def bos_is_ablated_too(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    patch.setattr(Scene, "everywhere", property(lambda self: self.positions("all+bos")))
    return asked


def _dictionaries_changed(patch: pytest.MonkeyPatch, change: Callable[[Dictionary], Dictionary]) -> None:
    right = Library.of
    changed: dict[Dictionary, Dictionary] = {}

    def wrong(self: Library, node: Node) -> Dictionary:
        dictionary = right(self, node)
        return changed.setdefault(dictionary, change(dictionary))  # one object each, for they are compared so

    patch.setattr(Library, "of", wrong)


def transcoder_reads_after_the_norms_weight(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    _dictionaries_changed(
        patch,
        lambda one: replace(one, reads_from=one.reads_from.replace("ln2.hook_normalized", "ln2.hook_out")),
    )
    return asked


def decoder_bias_not_subtracted(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    _dictionaries_changed(patch, lambda one: replace(one, apply_b_dec_to_input=False))
    return asked


def threshold_ignored(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    patch.setattr(dictionaries, "JUMPING", frozenset())
    return asked


def error_policy_ignored(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    patch.setattr(editing, "policy_steps", lambda *_: [])
    return asked


def features_read_on_the_untouched_run(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    """f comes from the clean run, not from the stream as earlier layers left it."""
    right, right_references = steps.ReplaceCode.apply, vars(steps.ReplaceCode)["references"]

    def untouched(self: steps.ReplaceCode) -> sources.Reference:
        return sources.Reference(Source("clean"), CodeValue(self.dictionary, self.features))

    def wrong(self: steps.ReplaceCode, value: Tensor, live: passes.Live) -> Tensor:
        start = live.window.position
        everywhere = tuple(range(start, start + value.shape[1]))
        stale = live.lookup(untouched(self), everywhere)
        now = CodeValue(self.dictionary, self.features).of(live.at(self.hook))
        at_nodes = torch.zeros_like(now)
        for entry in self.entries:
            at_nodes[:, live.window.places(entry.positions), entry.index] = 1
        slip = ((now - stale) * at_nodes) @ self.dictionary.decoder_rows(self.features)
        return right(self, value, live) + slip.reshape(value.shape)

    patch.setattr(steps.ReplaceCode, "apply", wrong)
    patch.setattr(
        steps.ReplaceCode,
        "references",
        property(lambda self: (*right_references.fget(self), untouched(self))),
    )
    return asked


def set_adds(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    """A feature that is set keeps the activation that it had beside the one it is given."""
    right = new_values.Steered.of

    def wrong(self: new_values.Steered, old: Tensor, positions: Any, live: passes.Live) -> Tensor:
        return right(replace(self, how="add") if self.how == "set" else self, old, positions, live)

    patch.setattr(new_values.Steered, "of", wrong)
    return asked


def heads_are_steered_with_their_bias(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    """Of a head and of the others alike: the attention output is what is scaled."""
    _set(patch, sites._HOOKS, NodeKind.HEAD, sites.ATTN_OUT)
    patch.setattr(sites, "_part", lambda node, shape: None)
    return asked


def everybody_reads_the_route(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    """The change goes into the stream itself, as in a plain replace."""
    right = readers.ReadChanged.apply

    def wrong(self: readers.ReadChanged, value: Tensor, live: passes.Live) -> Tensor:
        changed = right(self, value, live)
        return torch.cat([changed[readers.shadow(readers.READ, live)], changed[live.rows :]])

    patch.setattr(readers.ReadChanged, "apply", wrong)
    return asked


def a_routed_key_is_the_groups(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    patch.setattr(routing, "is_private", lambda node, shape: False)
    return asked


def senders_are_read_on_the_untouched_run(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    """Also those that an earlier receiver has changed."""
    patch.setattr(outflows, "moment_of", lambda hook: (0, 0))
    return asked


def frozen_at_the_clean_run(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    right = freezing.freeze_steps
    for module in (replacing, routing):
        patch.setattr(module, "freeze_steps", lambda scene, side, *rest: right(scene, "clean", *rest))
    return asked


def receivers_are_frozen_too(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    patch.setattr(routing, "heads_of_inputs", lambda nodes, scene: {})
    return asked


def scale_of_the_intervened_run(patch: pytest.MonkeyPatch, asked: Question) -> Question:
    right_needs, right = readings.needs, readings._write

    def needs(reading: Any, scene: Scene) -> readings.Needs:
        found = right_needs(reading, scene)
        return replace(found, here=found.here | found.clean)

    patch.setattr(schedule, "needs", needs)
    patch.setattr(
        readings,
        "_write",
        lambda reading, here, clean, targets, scene: right(reading, here, here, targets, scene),
    )
    return asked


def metric(name: str, wrong: Callable[..., Tensor]) -> Callable[[pytest.MonkeyPatch, Question], Question]:
    def plant(patch: pytest.MonkeyPatch, asked: Question) -> Question:
        _set(patch, metrics._METRICS, name, wrong)
        return asked

    return plant


def kl_the_other_way(logits: Tensor, clean: Tensor, targets: metrics.Targets) -> Tensor:
    return metrics._kl(clean.double(), logits, targets)


def first_foil_only(logits: Tensor, clean: Tensor, targets: metrics.Targets) -> Tensor:
    return targets.of_answer(logits) - logits.gather(1, targets.foils[:, :1])[:, 0]
