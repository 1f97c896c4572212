"""Nodes: the places in a model that a claim can name, and how they are written.

In: text such as `L9H6`, `L9H6.q`, `L9G1.k`, `L9.attn`, `L9.mlp`, `L9.mlp.n123`, `L9.resid`,
`L9.resid_mid`, `L5.z/7515`, `L5.z/error`, `embed`, each optionally followed by `@POSITION`.
Out: `Node`, frozen and hashable. Whether the model has such a place is asked later.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache

ALL = "all"
ALL_WITH_BOS = "all+bos"
END = "END"
COMPONENT_WORDS = frozenset({"attn", "mlp", "resid", "resid_mid", "embed", "q", "k", "v", "error"})
"""Words that a dictionary alias may not be: `L5.mlp/3` reads too much like neuron `L5.mlp.n3`."""


class NodeKind(StrEnum):
    """What a node is; the value is the word that reports print."""

    HEAD = "head"
    Q = "q"
    K = "k"
    V = "v"
    ATTN = "attn"
    MLP = "mlp"
    NEURON = "neuron"
    RESID = "resid"
    RESID_MID = "resid_mid"
    FEATURE = "feature"
    ERROR = "error"
    EMBED = "embed"


@dataclass(frozen=True)
class Node:
    """A place in the model, with a position.

    `layer` is None only for `embed`. Exactly one of `head` and `group` (a group of key-value heads)
    is set for q, k and v; `index` is a neuron's or a feature's number; `dictionary` an alias of the
    circuit file. `at` is a role, an index ("0" is the first token after BOS, "-1" is END), "all" or
    "all+bos"; "" while no position has been given.
    """

    kind: NodeKind
    layer: int | None = None
    head: int | None = None
    group: int | None = None
    index: int | None = None
    dictionary: str | None = None
    at: str = ""

    def placed(self, at: str) -> Node:
        """The same node at `at`, unless it already has a position of its own."""
        return self if self.at else _placed(self, at)

    def __hash__(self) -> int:
        # Without the kind, whose hash is a call of its own: plans are hashed deeply and often, and the rest
        # tells nearly all nodes apart.
        return hash((self.layer, self.head, self.group, self.index, self.dictionary, self.at))

    @property
    def name(self) -> str:
        """The node as a circuit file writes it, without its position."""
        return _NAMES[self.kind](self)

    def __str__(self) -> str:
        return f"{self.name}@{self.at}" if self.at else self.name


@cache
def _placed(node: Node, at: str) -> Node:
    """Kept, as parsed names are."""
    return replace(node, at=at)


def _head_name(node: Node) -> str:
    return f"L{node.layer}H{node.head}" if node.group is None else f"L{node.layer}G{node.group}"


_NAMES: dict[NodeKind, Callable[[Node], str]] = {
    NodeKind.HEAD: _head_name,
    NodeKind.Q: lambda node: f"{_head_name(node)}.q",
    NodeKind.K: lambda node: f"{_head_name(node)}.k",
    NodeKind.V: lambda node: f"{_head_name(node)}.v",
    NodeKind.ATTN: lambda node: f"L{node.layer}.attn",
    NodeKind.MLP: lambda node: f"L{node.layer}.mlp",
    NodeKind.NEURON: lambda node: f"L{node.layer}.mlp.n{node.index}",
    NodeKind.RESID: lambda node: f"L{node.layer}.resid",
    NodeKind.RESID_MID: lambda node: f"L{node.layer}.resid_mid",
    NodeKind.FEATURE: lambda node: f"L{node.layer}.{node.dictionary}/{node.index}",
    NodeKind.ERROR: lambda node: f"L{node.layer}.{node.dictionary}/error",
    NodeKind.EMBED: lambda node: "embed",
}

_POSITION = re.compile(r"-?\d+|all|all\+bos|[A-Za-z_]\w*(?:[+-]\d+)?")
_HEAD = re.compile(r"L(\d+)H(\d+)(?:\.([qkv]))?")
_MIB_HEAD = re.compile(r"a(\d+)\.h(\d+)(?:<([qkv])>)?")
_GROUP = re.compile(r"L(\d+)G(\d+)\.([kv])")
_PART = re.compile(r"L(\d+)\.(attn|mlp|resid|resid_mid)")
_NEURON = re.compile(r"L(\d+)\.mlp\.n(\d+)")
_FEATURE = re.compile(r"L(\d+)\.([A-Za-z_]\w*)/(\d+|error)")
_BARE = re.compile(r"\d+\.\d+")
_HOW = (
    "Write a head as L9H6, its input as L9H6.q, an MLP as L9.mlp, a neuron as L9.mlp.n12, "
    "the residual stream as L9.resid, a feature as L9.z/123, a dictionary's error as L9.z/error."
)


def parse_node(text: object, at: str = "") -> Node:
    """Read one node name, with `at` as its position where the text names none.

    Raises:
        ValueError: with a full sentence, when the text is not a node.
    """
    if isinstance(text, float | int) or (isinstance(text, str) and _BARE.fullmatch(text)):
        layer = f"{text}".partition(".")[0]
        msg = (
            f"{text} is a number, and YAML cannot tell {layer}.1 from {layer}.10. "
            f"Write head 10 of layer {layer} as L{layer}H10 (or a{layer}.h10)."
        )
        raise ValueError(msg)
    if not isinstance(text, str):
        msg = f"{text!r} is not a node. {_HOW}"
        raise ValueError(msg)
    return _parse_text(text, at)


@cache
def _parse_text(text: str, at: str) -> Node:
    """Kept, since a file's names are read again for every control of its claims."""
    name, _, position = text.strip().partition("@")
    if position and not _POSITION.fullmatch(position):
        msg = f"{position!r} is not a position. Write a role such as END, an index, or 'all'."
        raise ValueError(msg)
    node = _parse_name(name.strip())
    if node is None:
        msg = f"{text!r} is not a node. {_HOW}"
        raise ValueError(msg)
    return node.placed(position).placed(at)


def _parse_name(name: str) -> Node | None:
    if name == "embed":
        return Node(NodeKind.EMBED)
    if match := _HEAD.fullmatch(name) or _MIB_HEAD.fullmatch(name):
        kind = NodeKind(match[3]) if match[3] else NodeKind.HEAD
        return Node(kind, int(match[1]), head=int(match[2]))
    if match := _GROUP.fullmatch(name):
        return Node(NodeKind(match[3]), int(match[1]), group=int(match[2]))
    if match := _PART.fullmatch(name):
        return Node(NodeKind(match[2]), int(match[1]))
    if match := _NEURON.fullmatch(name):
        return Node(NodeKind.NEURON, int(match[1]), index=int(match[2]))
    if match := _FEATURE.fullmatch(name):
        if match[3] == "error":
            return Node(NodeKind.ERROR, int(match[1]), dictionary=match[2])
        return Node(NodeKind.FEATURE, int(match[1]), index=int(match[3]), dictionary=match[2])
    return None
