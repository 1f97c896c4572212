"""What stays as it was behind an intervention: heads and MLPs keep the values of the untouched pass.

In: where an intervention begins, and what of it stays live. Out: a `Freeze` per hook.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from circuitcheck.engine import Mlps, Side, Source
from circuitcheck.engines.passes import BEFORE, Live, Step
from circuitcheck.engines.probing import linear_map
from circuitcheck.engines.quantities import SiteValue
from circuitcheck.engines.scene import Scene
from circuitcheck.engines.sites import MLP_OUT, NEURONS, Site, Z, block_hook, existing_hook
from circuitcheck.engines.sources import Reference
from circuitcheck.nodes import Node, NodeKind


@dataclass(frozen=True, eq=False)
class Freeze:
    """Every part at one hook has its untouched value, but for those that stay live.

    It comes before anything is read or edited there: an edit at the same hook starts from the frozen value.
    """

    hook: str
    positions: tuple[int, ...]
    live: Bool[Tensor, "places parts"]
    reference: Reference
    rank: int = BEFORE + 1
    live_hooks: tuple[str, ...] = ()

    @property
    def references(self) -> tuple[Reference, ...]:
        """The untouched values."""
        return (self.reference,)

    def apply(self, value: Tensor, live: Live) -> Tensor:
        """Write into the real rows."""
        main, site = value[: live.rows], Site(self.hook)
        places = live.window.places(self.positions)
        now = self._split(site.read(main)[:, places])
        then = self._split(live.lookup(self.reference, self.positions))
        stays = self.live.to(value.device)[None, :, :, None]
        frozen = site.write(main, places, torch.where(stays, now, then).flatten(2))
        return torch.cat([frozen, value[live.rows :]])

    def _split(self, flat: Float[Tensor, "batch places width"]) -> Float[Tensor, "batch places parts each"]:
        return rearrange(
            flat, "batch places (parts each) -> batch places parts each", parts=self.live.shape[1]
        )


@dataclass(frozen=True)
class Exempt:
    """What stays live: heads by layer, at every position; MLPs by layer, at some positions.

    `neurons` are the layers whose MLP is frozen before its last matrix, since some of its neurons are edited.
    """

    heads: Mapping[int, frozenset[int]] = field(default_factory=dict)
    mlps: Mapping[int, frozenset[int]] = field(default_factory=dict)
    neurons: frozenset[int] = frozenset()


def freeze_steps(scene: Scene, side: Side, mlps: Mlps, start: tuple[int, int], exempt: Exempt) -> list[Step]:
    """Freeze everything from a layer and a position on; nothing can change before either.

    Raises:
        MeasurementError: when the model lacks a hook that is frozen.
    """
    first, position = start
    positions = tuple(range(position, scene.length))
    steps: list[Step] = []
    for layer in range(first, scene.shape.n_layers):
        heads = exempt.heads.get(layer, frozenset())
        live = torch.tensor([[head in heads for head in range(scene.shape.n_heads)]] * len(positions))
        steps.append(_freeze(scene, side, Node(NodeKind.HEAD, layer, head=0), Z, positions, live))
        if mlps == "frozen":
            hook = MLP_OUT
            if layer in exempt.neurons:
                linear_map(scene.model, layer, "mlp.W_out")  # else frozen neurons are not a frozen MLP
                hook = NEURONS
            places = exempt.mlps.get(layer, frozenset())
            live = torch.tensor([[place in places] for place in positions])
            steps.append(_freeze(scene, side, Node(NodeKind.MLP, layer), hook, positions, live))
    return steps


def _freeze(
    scene: Scene, side: Side, node: Node, name: str, positions: tuple[int, ...], live: Tensor
) -> Freeze:
    """`node` is what a refusal names."""
    hook = existing_hook(block_hook(node.layer or 0, name), node, scene.model)
    return Freeze(hook, positions, live, Reference(Source(side), SiteValue(Site(hook))))


def heads_of_inputs(nodes: tuple[Node, ...], scene: Scene) -> dict[int, frozenset[int]]:
    """The heads, by layer, that the q, k and v inputs among some nodes belong to; a group's are all of its heads."""
    found: dict[int, frozenset[int]] = {}
    size = scene.shape.n_heads // scene.shape.n_kv_heads
    for node in nodes:
        if node.kind in {NodeKind.Q, NodeKind.K, NodeKind.V}:
            group = range((node.group or 0) * size, ((node.group or 0) + 1) * size)
            heads = group if node.head is None else (node.head,)
            found[node.layer or 0] = found.get(node.layer or 0, frozenset()).union(heads)
    return found
