"""Whether a dictionary is one of this model at all, by its cfg.json alone: layer, hook and width.

In: its folder, without the weights. Out: nothing, or one sentence. Whether it fits well is measured later.
"""

from __future__ import annotations

import re
from pathlib import Path

from circuitcheck.engine import Shape
from circuitcheck.errors import DictionaryError
from circuitcheck.shapes import dictionary_input_width, dictionary_site

_HOOK = re.compile(r"blocks\.(\d+)\.(.+)")


def refuse_misfit(folder: Path, named: str, layer: int, shape: Shape) -> None:
    """Refuse a dictionary that was trained on another layer or another width.

    `named` is how the sentence calls it. What cfg.json does not say is left to whoever reads the weights.

    Raises:
        DictionaryError: it does not belong to this layer of a model of this shape.
    """
    hook = _HOOK.fullmatch(dictionary_site(folder) or "")
    if hook is None:
        return
    if int(hook[1]) != layer:
        msg = f"{named} was trained on layer {hook[1]} ({hook[0]}), not on layer {layer}; name that layer's own."
        raise DictionaryError(msg)
    width = dictionary_input_width(folder)
    expected = shape.n_heads * shape.d_head if hook[2].endswith("hook_z") else shape.d_model
    if width is not None and width != expected:
        msg = (
            f"{named} reads {width} numbers at {hook[0]}, but the model has {expected} there; "
            "use one that was trained on this model."
        )
        raise DictionaryError(msg)
