"""Where along a pass things happen: which hook comes before which, in the residual stream.

In: hook names of blocks, in the naming of `sites`. Out: `Moment`s, which compare as time does.
"""

import re

from circuitcheck.engines.models import LensModel
from circuitcheck.engines.sites import (
    ATTN_OUT,
    MLP_OUT,
    NEURONS,
    PROJECTIONS,
    RESID,
    RESID_MID,
    RESID_POST,
    Z,
    block_hook,
)
from circuitcheck.nodes import Node

Moment = tuple[int, int]
"""Layer, and place within its block; the embedding comes before every block."""

_PLACES = (RESID, Z, ATTN_OUT, RESID_MID, NEURONS, MLP_OUT, RESID_POST)
_HOOK = re.compile(r"blocks\.(\d+)\.(.+)")


def moment_of(hook: str) -> Moment:
    """When a pass writes at this hook."""
    match = _HOOK.fullmatch(hook)
    if match is None:
        return (-1, 0)
    assert match[2] in _PLACES, f"{hook} writes nothing to the residual stream"
    return int(match[1]), _PLACES.index(match[2])


def input_hook(reader: Node, model: LensModel) -> str:
    """Where the stream is that a projection, or an MLP, reads; parallel blocks read it once for both."""
    layer = reader.layer or 0
    middle = block_hook(layer, RESID_MID)
    parallel = model.bridge.get_hook_point(middle) is None
    return block_hook(layer, RESID) if reader.kind in PROJECTIONS or parallel else middle
