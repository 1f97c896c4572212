"""Where in a block a node writes, as far as config files and names tell."""

from __future__ import annotations

from typing import Literal

from circuitcheck.nodes import Node, NodeKind
from circuitcheck.shapes import dictionary_site
from circuitcheck.spec.draft import Draft

Site = Literal["attn", "mlp", "resid"]
_PER_LAYER = 4
"""Stages of a block: the stream before it, attention, the stream between, the MLP."""
_STAGE = {
    NodeKind.RESID: 0,
    NodeKind.HEAD: 1,
    NodeKind.Q: 1,
    NodeKind.K: 1,
    NodeKind.V: 1,
    NodeKind.ATTN: 1,
    NodeKind.RESID_MID: 2,
    NodeKind.MLP: 3,
    NodeKind.NEURON: 3,
}
_SITE_STAGES = {"attn": (1, 1), "mlp": (3, 3), "resid": (0, 4), None: (0, 4)}
_BUNDLED_SITES: dict[str, Site] = {"z": "attn", "tc": "mlp", "mlp": "mlp"}


def stages(draft: Draft, node: Node) -> tuple[int, int]:
    """The earliest and the latest stage at which the node can be; bigger is further downstream."""
    if node.layer is None:
        return -1, -1
    if node.kind in _STAGE:
        low = high = _STAGE[node.kind]
    else:
        low, high = _SITE_STAGES[site_of(draft, node)]
    return _PER_LAYER * node.layer + low, _PER_LAYER * node.layer + high


def site_of(draft: Draft, node: Node) -> Site | None:
    """What the dictionary of a feature or error node reconstructs; None where nobody tells."""
    dictionary = draft.dictionaries.get(node.dictionary or "")
    if dictionary is None or node.layer is None:
        return None
    folder = dictionary.layer_folder(draft.directory, node.layer)
    named = dictionary_site(folder) if folder else None
    if named is None and dictionary.bundled:
        return _BUNDLED_SITES.get(dictionary.bundled.rpartition("/")[2])
    return _site(named or (dictionary.saelens.id if dictionary.saelens else ""))


def _site(hook: str) -> Site | None:
    if "resid" in hook:
        return "resid"
    if "mlp" in hook:
        return "mlp"
    return "attn" if "hook_z" in hook or "attn" in hook else None
