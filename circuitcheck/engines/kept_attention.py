"""The attention of one block in a keep-only run: the reference of all heads, and what kept ones change in it.

In: the streams of all variants, in front of a block. Out: the same streams with attention added, in place.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from circuitcheck.engines.kept_circuit import LiveBlock, Places
from circuitcheck.engines.kept_heads import HeadOutput, HeadWeights, LiveAttention, rows_of
from circuitcheck.engines.kept_scene import KeptScene

Streams = Float[Tensor, "variants batch pos d_model"]


def add_attention(streams: Streams, variants: Sequence[LiveBlock], layer: int, scene: KeptScene) -> None:
    """Add what the attention of this block writes, with W_O taken head by head.

    Where features or errors mix in, the heads' outputs are put together first; elsewhere what a kept head
    changes goes straight into the stream.
    """
    weights = HeadWeights.of(scene.model, layer)
    outputs = _outputs(streams, variants, layer, weights, scene)
    for number, block in enumerate(variants):
        streams[number].add_(scene.reference_attention(block.heads, weights))
    for output in outputs:
        for number, z in zip(output.variants, output.z, strict=True):
            if not variants[number].heads.terms:
                reference = scene.reference_heads(variants[number].heads, weights)
                change = z - reference[:, list(output.places), output.head]
                _add_product(streams[number], output.places, change, weights.output[output.head])
    for number, block in enumerate(variants):
        if block.heads.terms:
            _add_mixed(streams[number], block, _together(number, outputs, streams, weights), weights, scene)


def _together(
    number: int, outputs: Sequence[HeadOutput], streams: Streams, weights: HeadWeights
) -> Float[Tensor, "batch pos head d_head"]:
    """All live heads of one variant; zeros stand where none was run."""
    whole = streams.new_zeros(*streams.shape[1:3], *weights.output.shape[:2])
    for output in outputs:
        if number in output.variants:
            z = output.z[output.variants.index(number)]
            whole[:, list(output.places), output.head] = z
    return whole


def _add_mixed(
    stream: Float[Tensor, "batch pos d_model"],
    block: LiveBlock,
    z: Float[Tensor, "batch pos head d_head"],
    weights: HeadWeights,
    scene: KeptScene,
) -> None:
    """Add what kept heads, features and errors change together."""
    change = scene.mixed(block.heads, z, {}) - scene.reference_heads(block.heads, weights)
    changed = change[:, list(block.mixed)].flatten(2)
    _add_product(stream, block.mixed, changed, weights.output.flatten(0, 1))


def _outputs(
    streams: Streams, variants: Sequence[LiveBlock], layer: int, weights: HeadWeights, scene: KeptScene
) -> list[HeadOutput]:
    """Every live head; the norm in front of them is run for the variants that have one."""
    readers = tuple(number for number, block in enumerate(variants) if any(block.queries))
    if not readers:
        return []
    call, first = scene.trace.calls[layer], scene.window.position
    read = rows_of(streams, readers)
    normalised = scene.model.bridge.blocks[layer].ln1(read.flatten(0, 1)).unflatten(0, read.shape[:2])
    queries = {number: variants[number].queries for number in readers}
    return list(LiveAttention(weights, call, first).outputs(normalised, queries))


def _add_product(
    stream: Float[Tensor, "batch pos d_model"],
    places: Places,
    parts: Float[Tensor, "batch places width"],
    weight: Float[Tensor, "width d_model"],
) -> None:
    """Add parts @ weight at these places, in place; for all places no product is stored in between."""
    if len(places) == stream.shape[1]:
        stream.flatten(0, 1).addmm_(parts.flatten(0, 1), weight)
    else:
        stream[:, list(places)] += parts @ weight
