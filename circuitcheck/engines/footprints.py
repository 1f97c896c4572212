"""How much memory passes take, as sums over the shape of the model: upper bounds, to be set right by measuring.

In: a model's shape and precision. Out: bytes per prompt, and `Load`s that sum them up. The multiples of each
tensor's size were chosen so that measured peaks of GPT-2's widths lie below; `memory` corrects for the rest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch

from circuitcheck.engine import Condition, Shape
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.passes import LOSS
from circuitcheck.engines.quantities import CodeValue, ErrorValue, Quantity
from circuitcheck.engines.windows import WHOLE, Window

_STREAMS, _HIDDENS, _SCORES = 14, 12, 4
"""Tensors as large as the residual stream, the MLP's hidden layer, the attention scores, alive in one block."""
_JOINED = 1.5
"""Keys and values of a window's tokens that are kept for one block, and part of the block before."""
_EDITING = 60
"""Bytes per number that a step changes: copies in the model's precision, and differences in float64."""
_CODES = 4
"""Tensors as large as a dictionary's code that are alive while it encodes."""
_DOUBLES = 3 * 8
"""Bytes per token of the vocabulary while a metric is taken in float64."""


@dataclass(frozen=True)
class Load:
    """Bytes that measuring one group takes, per prompt of a batch.

    `held` stays as long as the batch does: what untouched passes recorded, and their traces. `passing` comes on top
    while an untouched pass runs, and the copy of a condition while a stack does.
    """

    length: int
    """Tokens of a prompt."""
    held: int
    passing: int
    copies: Mapping[tuple[Condition, Window], int]

    @property
    def prompt(self) -> int:
        """What one prompt takes at its worst, with interventions run one by one and, where in doubt, whole."""
        return self.held + max(self.passing, *self.copies.values(), 0)

    def copy(self, condition: Condition, window: Window) -> int:
        """What one copy of a prompt under a condition takes in a pass of this part of the model."""
        return self.copies[condition, window]


@dataclass(frozen=True)
class Footprint:
    """Bytes of tensors in passes of one model; `item` are the bytes of one number."""

    shape: Shape
    item: int

    @classmethod
    def of(cls, model: LensModel) -> "Footprint":
        """The footprint of a model in its precision."""
        return cls(model.shape, getattr(torch, model.dtype).itemsize)

    def hook(self, name: str, queries: int, keys: int) -> int:
        """One prompt's tensor at a hook, `queries` positions of it; a hook that is not known counts as the widest."""
        shape = self.shape
        heads, groups = (count * shape.d_head for count in (shape.n_heads, shape.n_kv_heads))
        widths = {
            "hook_pattern": shape.n_heads * keys, "hook_attn_scores": shape.n_heads * keys,
            "hook_z": heads, "hook_q": heads, "hook_k": groups, "hook_v": groups,
            "hook_post": shape.d_mlp, "hook_pre": shape.d_mlp, "hook_scale": 1, LOSS: 0,
            "hook_resid_pre": shape.d_model, "hook_resid_mid": shape.d_model, "hook_resid_post": shape.d_model,
            "hook_attn_out": shape.d_model, "hook_mlp_out": shape.d_model, "hook_normalized": shape.d_model,
            "hook_embed": shape.d_model,
        }  # fmt: skip
        widest = max(shape.d_model, heads, shape.d_mlp)
        return self.item * queries * widths.get(name.rpartition(".")[2], widest)

    def trace(self, length: int) -> int:
        """The stream, keys and values of every block, which a trace keeps."""
        return self.item * self.shape.n_layers * length * (self.shape.d_model + self._keys_and_values)

    def ablated(self, length: int) -> int:
        """What heads and MLPs of every block are replaced by, and what they then write, which keep-only runs hold."""
        wide = self.shape.n_heads * self.shape.d_head + 2 * self.shape.d_model
        return self.item * self.shape.n_layers * length * wide

    def whole(self, length: int, *, loss: bool = False) -> int:
        """One prompt in flight through the whole model, which stores keys and values of every block."""
        stored = self.item * self.shape.n_layers * length * self._keys_and_values
        told = self.item * length * self.shape.d_vocab if loss else 0
        return self._blocks(self.shape.n_layers, length, length) + stored + told

    def part(self, window: Window, length: int) -> int:
        """One prompt in flight through a part of the model."""
        if window == WHOLE:
            return self.whole(length)
        queries = length - window.position
        joined = round(self.item * _JOINED * queries * self._keys_and_values)
        return self._blocks(self.shape.n_layers - window.layer, queries, length) + joined

    def patterns(self, blocks: int, queries: int, keys: int) -> int:
        """The attention patterns of so many blocks; transformer-lens holds those of the last pass in every block."""
        return self.item * blocks * self.shape.n_heads * queries * keys

    def code(self, quantity: Quantity, queries: int) -> int:
        """What reading a quantity off a dictionary takes; top-k dictionaries and errors take the whole code."""
        if not isinstance(quantity, CodeValue | ErrorValue):
            return 0
        if isinstance(quantity, CodeValue) and quantity.dictionary.architecture != "topk":
            return self.codes(queries * len(quantity.features))
        return self.codes(queries * quantity.dictionary.d_sae)

    def codes(self, numbers: int) -> int:
        """What encoding takes that gives so many activations."""
        return self.item * _CODES * numbers

    @property
    def told(self) -> int:
        """The logits of one prompt at END."""
        return self.item * self.shape.d_vocab

    @property
    def _keys_and_values(self) -> int:
        return 2 * self.shape.n_kv_heads * self.shape.d_head

    def _blocks(self, blocks: int, queries: int, keys: int) -> int:
        """The patterns that blocks leave, what is alive in one of them, and the logits at END."""
        wide = max(self.shape.d_model, self.shape.n_heads * self.shape.d_head)
        alive = queries * (_STREAMS * wide + _HIDDENS * self.shape.d_mlp)
        scores = _SCORES * self.shape.n_heads * queries * keys
        return (
            self.item * (alive + scores)
            + self.patterns(blocks, queries, keys)
            + self.told
            + _DOUBLES * self.shape.d_vocab
        )


def survey_load(model: LensModel, length: int, hooks: Iterable[str], read: int = 0) -> Load:
    """What untouched passes take that record some hooks, and read something of so many bytes off them."""
    footprint = Footprint.of(model)
    recorded = sum(footprint.hook(hook, length, length) for hook in hooks)
    converted = length * _EDITING * max(model.shape.d_model, model.shape.d_mlp)
    held = footprint.patterns(model.shape.n_layers, length, length)
    return Load(length, held, recorded + footprint.whole(length) + converted + read, {})


def edit_bytes(footprint: Footprint, hook: str, places: int, length: int) -> int:
    """What a step takes that changes one prompt's tensor at a hook, at so many places."""
    return _EDITING * footprint.hook(hook, places, length) // footprint.item
