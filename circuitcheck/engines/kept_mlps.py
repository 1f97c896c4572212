"""The MLP of one block in a keep-only run: run where it is kept, its reference elsewhere.

In: the streams of all variants, behind the attention of a block. Out: the same streams with the MLP added, in
place. MLPs outside the scope run at every place that is needed.
"""

from collections.abc import Callable, Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor

from circuitcheck.engines.kept_circuit import LiveBlock, Places
from circuitcheck.engines.kept_heads import alike, at_places, rows_of
from circuitcheck.engines.kept_scene import KeptScene

Streams = Float[Tensor, "variants batch pos d_model"]


def add_mlps(
    streams: Streams, read: Streams, variants: Sequence[LiveBlock], layer: int, scene: KeptScene
) -> None:
    """Add what the MLP of this block writes; `read` are the streams that it reads."""
    block: Any = scene.model.bridge.blocks[layer]
    plain = {number: one.mlp for number, one in enumerate(variants) if not one.mlp_by_formula}
    for places, numbers in alike(plain).items():
        rows = at_places(rows_of(read, numbers), places)
        made = block.mlp(block.ln2(rows.flatten(0, 1))).unflatten(0, rows.shape[:2])
        for number, one in zip(numbers, made, strict=True):
            _add(streams[number], places, one, variants[number], scene)
    for number, one in enumerate(variants):
        if one.mlp_by_formula:
            streams[number].add_(_mixed(read[number], one, block, scene))
        elif not one.mlp and one.mlp_hook is not None:
            streams[number].add_(scene.reference(one.mlp_hook, streams.shape[-1]))


def _add(
    stream: Float[Tensor, "batch pos d_model"],
    places: Places,
    made: Float[Tensor, "batch places d_model"],
    block: LiveBlock,
    scene: KeptScene,
) -> None:
    """Add the MLP's output at these places and its reference, where it has one, at the others."""
    if len(places) == stream.shape[1]:
        stream += made
        return
    if block.mlp_hook is not None:
        reference = scene.reference(block.mlp_hook, stream.shape[-1])
        stream += reference
        made = made - reference[:, list(places)]
    stream[:, list(places)] += made


def _mixed(
    stream: Float[Tensor, "batch pos d_model"], one: LiveBlock, block: Any, scene: KeptScene
) -> Float[Tensor, "batch pos d_model"]:
    """The MLP's output where kept features, neurons or errors mix in; it is run only if one of them reads it."""
    hook = one.mlp_hook
    assert hook is not None, "only what is in the scope mixes"
    value = stream.new_zeros(stream.shape)
    seen: dict[str, Tensor] = {}
    if one.mlp:
        with scene.model.bridge.hooks(fwd_hooks=[(name, _noting(name, seen)) for name in hook.earlier]):
            normalised = block.ln2(stream[:, list(one.mlp)])
            if one.mlp_runs:
                value = scene.padded(block.mlp(normalised), one.mlp)
    return scene.mixed(hook, value, {name: scene.padded(found, one.mlp) for name, found in seen.items()})


def _noting(name: str, seen: dict[str, Tensor]) -> Callable[[Tensor, Any], None]:
    def note(value: Tensor, hook: Any) -> None:
        del hook
        seen[name] = value

    return note
