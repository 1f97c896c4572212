"""Single attention heads, computed without the others of their block.

In: normalised streams of several variants, the places at which each needs which head. Out: `HeadOutput`s. The
weights are the bridge's own, read as TransformerLens names them; whether this arithmetic is the model's
is not assumed but tried (see `kept_trial`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuitcheck.engines.calls import BlockCall
from circuitcheck.engines.kept_circuit import Places
from circuitcheck.engines.models import LensModel

Numbers = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Projection:
    """One of the maps q, k, v of a block, head by head (or key-value group by group)."""

    weight: Float[Tensor, "part d_model d_head"]
    bias: Float[Tensor, "part d_head"] | None

    def of(self, stream: Float[Tensor, "*axes d_model"], part: int) -> Float[Tensor, "*axes d_head"]:
        """What this part makes of a normalised stream."""
        made = stream @ self.weight[part]
        return made if self.bias is None else made.add_(self.bias[part])


@dataclass(frozen=True, eq=False)
class HeadWeights:
    """The weights of one block's attention."""

    query: Projection
    key: Projection
    value: Projection
    output: Float[Tensor, "head d_head d_model"]
    output_bias: Float[Tensor, " d_model"] | None

    @classmethod
    def of(cls, model: LensModel, layer: int) -> "HeadWeights":
        """Views of the model's weights, where its layout allows."""
        attention: Any = model.bridge.blocks[layer].attn
        query, key, value = (
            Projection(getattr(attention, f"W_{name}").detach(), getattr(attention, f"b_{name}"))
            for name in ("Q", "K", "V")
        )
        return cls(query, key, value, attention.W_O.detach(), attention.b_O)


@dataclass(frozen=True, eq=False)
class HeadOutput:
    """The output z of one head for some of the variants, all at the same places."""

    head: int
    variants: Numbers
    places: Places
    z: Float[Tensor, "variants batch places d_head"]


@dataclass(frozen=True, eq=False)
class LiveAttention:
    """The attention of one block, of which single heads can be run; `first` is the position of place 0.

    What lies before `first` is the same for all variants: the keys and values of the untouched pass.
    """

    weights: HeadWeights
    call: BlockCall
    first: int

    def outputs(
        self,
        streams: Float[Tensor, "variants batch pos d_model"],
        queries: Mapping[int, Sequence[Places]],
    ) -> Iterator[HeadOutput]:
        """Every head that some variant needs; `queries` holds each variant's places by head, in stream order.

        Keys and values are made once per group of heads, for all variants that need one of these.
        """
        numbers, groups = tuple(queries), len(self.weights.key.weight)
        shared = len(self.weights.output) // groups
        for group in range(groups):
            heads = range(group * shared, (group + 1) * shared)
            users = tuple(
                row for row, number in enumerate(numbers) if any(queries[number][head] for head in heads)
            )
            if users:
                wanted = {head: [queries[numbers[row]][head] for row in users] for head in heads}
                names = tuple(numbers[row] for row in users)
                yield from self._group(group, rows_of(streams, users), names, wanted)

    def _group(
        self, group: int, streams: Tensor, names: Numbers, wanted: Mapping[int, Sequence[Places]]
    ) -> Iterator[HeadOutput]:
        """The heads of one group, on the streams of those variants that need one."""
        last = max(places[-1] for by_row in wanted.values() for places in by_row if places)
        streams = streams[:, :, : last + 1]
        keys, values = self._keys(streams, group), self._values(streams, group)
        for head, by_row in wanted.items():
            for places, rows in alike(dict(enumerate(by_row))).items():
                z = self._z(head, places, *(rows_of(one, rows) for one in (streams, keys, values)))
                yield HeadOutput(head, tuple(names[row] for row in rows), places, z)

    def _keys(self, streams: Tensor, group: int) -> Float[Tensor, "variants batch key d_head"]:
        fresh = self._turned(self.weights.key.of(streams, group), range(streams.shape[2]))
        return _behind(self.call.keys[:, group, : self.first], fresh)

    def _values(self, streams: Tensor, group: int) -> Float[Tensor, "variants batch key d_head"]:
        return _behind(self.call.values[:, group, : self.first], self.weights.value.of(streams, group))

    def _z(
        self, head: int, places: Places, streams: Tensor, keys: Tensor, values: Tensor
    ) -> Float[Tensor, "variants batch places d_head"]:
        queries = self._turned(self.weights.query.of(at_places(streams, places), head), places)
        scores = queries @ keys.transpose(-1, -2) * queries.shape[-1] ** -0.5
        return self._masked(scores, head, places).softmax(-1) @ values

    def _masked(self, scores: Tensor, head: int, places: Places) -> Tensor:
        """As the block was told to mask them; causally where it was told nothing."""
        positions, mask = [self.first + place for place in places], self.call.settings.get("attention_mask")
        if mask is None:
            query = torch.tensor(positions, device=scores.device)[:, None]
            hidden = torch.arange(scores.shape[-1], device=scores.device) > query
            return scores.masked_fill(hidden, -torch.inf)
        told = mask[0, head % mask.shape[1]][positions, : scores.shape[-1]]
        return scores.masked_fill(~told, -torch.inf) if told.dtype == torch.bool else scores.add_(told)

    def _turned(self, vectors: Tensor, places: Iterable[int]) -> Tensor:
        """Turned by rotary positions, first half against second half, where the block was given any."""
        tables = self.call.settings.get("position_embeddings")
        if tables is None:
            return vectors
        cosine, sine = (table[0, [self.first + place for place in places]] for table in tables)
        turning, rest = vectors[..., : cosine.shape[-1]], vectors[..., cosine.shape[-1] :]
        left, right = turning.chunk(2, dim=-1)
        turned = turning * cosine + torch.cat([-right, left], dim=-1) * sine
        return torch.cat([turned, rest], dim=-1)


def alike(places: Mapping[int, Places]) -> dict[Places, Numbers]:
    """Variants by the places at which they need something; those that need nothing are left out."""
    found: dict[Places, list[int]] = {}
    for variant, here in places.items():
        if here:
            found.setdefault(here, []).append(variant)
    return {here: tuple(variants) for here, variants in found.items()}


def rows_of(value: Float[Tensor, "variants *rest"], variants: Numbers) -> Float[Tensor, "some *rest"]:
    """These variants' rows: a view where they follow one another, since a copy would cost a tenth of a head."""
    if variants == tuple(range(variants[0], variants[0] + len(variants))):
        return value[variants[0] : variants[0] + len(variants)]
    return value[list(variants)]


def at_places(
    value: Float[Tensor, "variants batch pos width"], places: Places
) -> Float[Tensor, "variants batch places width"]:
    """The stream at these places; a view where they are the first ones."""
    if places == tuple(range(len(places))):
        return value[:, :, : len(places)]
    return value[:, :, list(places)]


def _behind(before: Tensor, fresh: Tensor) -> Tensor:
    """Earlier tokens, the same for every variant, in front of each one's own."""
    return torch.cat([before.expand(len(fresh), *before.shape), fresh], dim=2)
