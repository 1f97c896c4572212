"""What a node writes to the residual stream, and what the final norm lets through of it.

In: a node's own value at END. Out: a vector in the residual stream, or its share of the logits' input.
"""

from typing import Any

import torch
from einops import einsum
from jaxtyping import Float
from torch import Tensor

from circuitcheck.engines.hooks import agree
from circuitcheck.engines.metrics import Targets
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.passes import Pass
from circuitcheck.engines.probing import check_adds_up, check_embedding_enters, linear_map
from circuitcheck.engines.quantities import CodeValue, ErrorValue, Quantity, SiteValue
from circuitcheck.engines.scene import Scene
from circuitcheck.engines.sites import DICTIONARY_KINDS, NEURONS, PROJECTIONS, Z, block_hook, site_of
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import Node, NodeKind

STREAM = frozenset({NodeKind.EMBED, NodeKind.RESID, NodeKind.RESID_MID})
"""Nodes that are the residual stream itself."""
NORM_HOOKS = ("ln_final.hook_in", "ln_final.hook_scale", "ln_final.hook_out")


def written_quantity(node: Node, scene: Scene) -> Quantity:
    """What to read off a pass to know what the node writes.

    Raises:
        MeasurementError: for q, k and v, which write nothing, and for nodes that the model lacks.
    """
    if node.kind in PROJECTIONS:
        msg = f"{node.name} writes nothing to the residual stream; name its head."
        raise MeasurementError(msg)
    scene.check(node)
    if node.kind is NodeKind.EMBED:
        check_embedding_enters(scene.model)
    if node.kind not in STREAM:
        check_adds_up(scene.model, node.layer or 0)
    if node.kind is NodeKind.FEATURE:
        return CodeValue(scene.library.of(node), (node.index or 0,))
    if node.kind is NodeKind.ERROR:
        return ErrorValue(scene.library.of(node))
    return SiteValue(site_of(node, scene.model))


def node_write(
    node: Node, value: Float[Tensor, "batch width"], scene: Scene
) -> Float[Tensor, "batch d_model"]:
    """The node's value as a vector in the residual stream; see `output_matrix`."""
    matrix = output_matrix(node, scene)
    return value if matrix is None else value @ matrix


def output_matrix(node: Node, scene: Scene) -> Float[Tensor, "width d_model"] | None:
    """Through what the node's value is written to the residual stream; None where it is written as it is.

    A head writes z W_O without b_O, a neuron its output row, a feature its decoder row (through W_O for
    dictionaries on z); attention and MLP outputs write themselves, biases included.

    Raises:
        MeasurementError: when the block does not write through that single matrix.
    """
    layer = node.layer or 0
    if node.kind is NodeKind.HEAD:
        return linear_map(scene.model, layer, "attn.W_O")[node.head]
    if node.kind is NodeKind.NEURON:
        return linear_map(scene.model, layer, "mlp.W_out")[node.index][None]
    if node.kind not in DICTIONARY_KINDS:
        return None
    dictionary = scene.library.of(node)
    of_heads = matrix_behind(dictionary.writes_to, layer, scene.model)
    if node.kind is NodeKind.ERROR:
        return of_heads
    rows = dictionary.decoder_rows((node.index or 0,))
    return rows if of_heads is None else rows @ of_heads


def matrix_behind(hook: str, layer: int, model: LensModel) -> Float[Tensor, "width d_model"] | None:
    """Through what everything at a block's hook is written to the residual stream; None where it is as it is.

    Raises:
        MeasurementError: when the block does not write through that single matrix.
    """
    names = {block_hook(layer, Z): "attn.W_O", block_hook(layer, NEURONS): "mlp.W_out"}
    return linear_map(model, layer, names[hook]).flatten(0, -2) if hook in names else None


def direct_effect(
    written: Float[Tensor, "batch d_model"], clean: Pass, position: int, targets: Targets, model: LensModel
) -> Float[Tensor, " batch"]:
    """What a part of the residual stream adds to answer minus mean foil, in logits, before any soft-cap.

    Centred where the final norm is a LayerNorm (an RMS norm does not centre), times its weight over the
    clean run's scale, dotted with U[answer] - mean U[foils].

    Raises:
        MeasurementError: when the model's own clean logits are not made in this way.
    """
    scale = clean.recorded["ln_final.hook_scale"][:, position].double()
    _check_final_path(clean, position, targets, model)
    direction = targets.direction(model.bridge.W_U.detach().double())
    return einsum(_normed(written, scale, model), direction, "batch d_model, batch d_model -> batch")


def _check_final_path(clean: Pass, position: int, targets: Targets, model: LensModel) -> None:
    """Make sure that the answer's clean logit is what norm and unembedding make of the final stream."""
    into, scale, out = (clean.recorded[hook][:, position] for hook in NORM_HOOKS)
    normed = _normed(into.double(), scale.double(), model) + _bias_of_norm(model)
    unembedding, bias = model.bridge.W_U.detach().double(), model.bridge.b_U.detach().double()
    token = targets.answer.clamp(min=0)  # prompts without an answer are as well checked on any token
    made = (normed * unembedding[:, token].T).sum(1) + bias[token]
    capped = (getattr(model.bridge.cfg, "output_logits_soft_cap", None) or 0) > 0
    logits = clean.logits.gather(1, token[:, None])[:, 0]
    if not agree(normed.to(out.dtype), out) or not (capped or agree(made.to(logits.dtype), logits)):
        msg = (
            f"{model.name} does not make its logits by one norm and one matrix, so writes cannot be followed."
        )
        raise MeasurementError(msg)


def _normed(
    value: Float[Tensor, "batch d_model"], scale: Float[Tensor, "batch 1"], model: LensModel
) -> Float[Tensor, "batch d_model"]:
    config: Any = model.bridge.cfg
    weight: Tensor = model.bridge.ln_final.weight.detach().double()
    if getattr(config, "rmsnorm_uses_offset", False):
        weight = weight + 1
    centred = value if config.uses_rms_norm else value - value.mean(-1, keepdim=True)
    return centred / scale * weight


def _bias_of_norm(model: LensModel) -> Tensor:
    bias = getattr(model.bridge.ln_final, "bias", None)
    return torch.zeros((), device=model.device) if bias is None else bias.detach().double()
