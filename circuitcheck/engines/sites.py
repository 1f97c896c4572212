"""Where a node is: which hook, and which part of the tensor there.

In: nodes and a model. Out: `Site`s, or a `MeasurementError` for a place that the model lacks. Hook
names are those of HookedTransformer, which the bridge resolves with and without compatibility mode;
`hook.name` is never asked, because it differs between the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from circuitcheck.engine import Shape
from circuitcheck.engines.models import LensModel
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import Node, NodeKind

EMBED = "hook_embed"
PATTERN = "attn.hook_pattern"
Z = "attn.hook_z"
MLP_OUT = "hook_mlp_out"
NEURONS = "mlp.hook_post"
RESID = "hook_resid_pre"
RESID_MID = "hook_resid_mid"
RESID_POST = "hook_resid_post"
ATTN_OUT = "hook_attn_out"

_HOOKS: Mapping[NodeKind, str] = {
    NodeKind.HEAD: Z,
    # Projections before rotary: the donor stands at the same token position, so its residual stream
    # read by this projection gives exactly this vector, and rotary is then applied to it as ever.
    NodeKind.Q: "attn.hook_q",
    NodeKind.K: "attn.hook_k",
    NodeKind.V: "attn.hook_v",
    NodeKind.ATTN: ATTN_OUT,
    NodeKind.MLP: MLP_OUT,
    NodeKind.NEURON: NEURONS,
    NodeKind.RESID: RESID,
    NodeKind.RESID_MID: RESID_MID,
}
PROJECTIONS = frozenset({NodeKind.Q, NodeKind.K, NodeKind.V})
DICTIONARY_KINDS = frozenset({NodeKind.FEATURE, NodeKind.ERROR})


@dataclass(frozen=True)
class Site:
    """A hook and the part of its tensor that a node is.

    `part` indexes the axis after position: a head, a key-value head, a neuron; None is all of it.
    """

    hook: str
    part: int | None = None

    def read(self, value: Float[Tensor, "batch pos *rest"]) -> Float[Tensor, "batch pos width"]:
        """The node's vector at every position."""
        if self.part is None:
            return value.flatten(2)
        return value[:, :, self.part].reshape(*value.shape[:2], -1)

    def write(
        self,
        value: Float[Tensor, "batch pos *rest"],
        positions: tuple[int, ...],
        new: Float[Tensor, "batch places width"],
    ) -> Float[Tensor, "batch pos *rest"]:
        """A copy of `value` with `new` at these positions."""
        changed = value.clone()
        if self.part is None:
            changed[:, positions] = new.reshape(len(value), len(positions), *value.shape[2:])
        else:
            target = changed[:, :, self.part]
            target[:, positions] = new.reshape(len(value), len(positions), *target.shape[2:])
        return changed


def block_hook(layer: int, name: str) -> str:
    """The full name of a hook of one block."""
    return f"blocks.{layer}.{name}"


def site_of(node: Node, model: LensModel) -> Site:
    """The site of any node except features and errors, whose dictionary knows it.

    Raises:
        MeasurementError: when the model has no such layer, head, neuron or hook.
    """
    check_range(node, model.shape)
    if node.kind is NodeKind.EMBED:
        return Site(existing_hook(EMBED, node, model))
    assert node.layer is not None, "only embed has no layer"
    hook = existing_hook(block_hook(node.layer, _HOOKS[node.kind]), node, model)
    if node.kind is NodeKind.NEURON:
        weight_of(model, node.layer, "mlp.W_out")  # experts have neurons of their own, and no such matrix
    return Site(hook, _part(node, model.shape))


def is_private(node: Node, shape: Shape) -> bool:
    """Whether the node is one query head's own copy of a key or value that a group of heads shares."""
    return (
        node.kind in {NodeKind.K, NodeKind.V} and node.head is not None and shape.n_kv_heads < shape.n_heads
    )


def existing_hook(hook: str, node: Node, model: LensModel) -> str:
    """The hook's name, once it is sure that the model has it.

    Raises:
        MeasurementError: when it has not.
    """
    if model.bridge.get_hook_point(hook) is None:
        msg = f"{node.name} cannot be measured on {model.name}: this architecture has no {hook}."
        raise MeasurementError(msg)
    return hook


def check_range(node: Node, shape: Shape) -> None:
    """Check layer, head, group and neuron against the model's size.

    Raises:
        MeasurementError: for the first one outside.
    """
    neuron = node.index if node.kind is NodeKind.NEURON else None
    for what, number, count in (
        ("layers", node.layer, shape.n_layers),
        ("heads", node.head, shape.n_heads),
        ("key-value groups", node.group, shape.n_kv_heads),
        ("neurons", neuron, shape.d_mlp),
    ):
        if number is not None and number >= count:
            msg = f"{node.name} is not in this model, which has {count} {what}, numbered from 0."
            raise MeasurementError(msg)


def weight_of(model: LensModel, layer: int, name: str) -> Tensor:
    """A weight of one block under its TransformerLens name: `attn.W_O` or `mlp.W_out`.

    Raises:
        MeasurementError: when the block has no such single matrix (a mixture of experts has not).
    """
    part: Any = model.bridge.blocks[layer]
    for step in name.split("."):
        part = getattr(part, step, None)
    if not isinstance(part, Tensor):
        msg = f"layer {layer} of {model.name} has no single {name}, so its heads or neurons cannot be named."
        raise MeasurementError(msg)
    return part.detach()


def _part(node: Node, shape: Shape) -> int | None:
    if node.kind is NodeKind.NEURON:
        return node.index
    if node.group is not None:
        return node.group
    if is_private(node, shape):
        assert node.head is not None, "a private copy belongs to a head"
        return node.head // (shape.n_heads // shape.n_kv_heads)
    return node.head
