"""What interventions do to activations, as pure functions of tensors.

In: the stream's values and the reference values, with the axes batch, pos (or places, the positions
that are touched), width. Out: new values. No model, no dictionary, no hook here.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

TINY = 1e-30
"""Below any activation; keeps a change of nothing at 0 instead of 0/0."""
HALF = 1e-5
"""Between the rounding of half and of single precision."""


def relative_change(
    old: Float[Tensor, "batch *rest"], new: Float[Tensor, "batch *rest"]
) -> Float[Tensor, " batch"]:
    """Norm of the difference over the larger of the two norms, per prompt; 0 to 2."""
    old, new = old.double().flatten(1), new.double().flatten(1)
    size = torch.maximum(old.norm(dim=1), new.norm(dim=1)).clamp(min=TINY)
    change: Tensor = (new - old).norm(dim=1) / size
    return change


def relative_changes(
    old: Float[Tensor, "batch places features"], new: Float[Tensor, "batch places features"]
) -> Float[Tensor, "batch features"]:
    """`relative_change` of each feature over its places."""
    old, new = old.double(), new.double()
    size = torch.maximum(old.norm(dim=1), new.norm(dim=1)).clamp(min=TINY)
    changes: Tensor = (new - old).norm(dim=1) / size
    return changes


def agree(found: Float[Tensor, "*axes"], expected: Float[Tensor, "*axes"]) -> bool:
    """Whether two ways to compute the same tensor agree, up to what its precision allows."""
    limit = 1e-3 if torch.finfo(found.dtype).eps < HALF else 5e-2
    difference, size = (found - expected).double().norm(), expected.double().norm()
    return bool(difference <= limit * size.clamp(min=TINY))


def code_delta(
    code: Float[Tensor, "batch places features"],
    target: Float[Tensor, "batch places features"],
    rows: Float[Tensor, "features width"],
) -> Float[Tensor, "batch places width"]:
    """What moves the stream from one code to another: sum over i of (target_i - code_i) W_dec[i].

    Nothing is encoded again, so the dictionary's error stays what it was.
    """
    return (target - code) @ rows


def add_at(
    value: Float[Tensor, "batch pos *rest"],
    positions: tuple[int, ...],
    delta: Float[Tensor, "batch places width"],
) -> Float[Tensor, "batch pos *rest"]:
    """A copy of `value` with `delta`, flat over heads, added at these positions."""
    changed = value.clone()
    changed[:, positions] += delta.reshape(len(value), len(positions), *value.shape[2:])
    return changed


def keep(
    live: Float[Tensor, "batch places parts width"],
    reference: Float[Tensor, "batch places parts width"],
    kept: Bool[Tensor, "places parts"],
    added: Float[Tensor, "batch places parts width"],
) -> Float[Tensor, "batch places parts width"]:
    """Kept parts stay live; elsewhere the reference, plus what kept features and errors add to it."""
    return torch.where(kept[None, :, :, None], live, reference + added)
