"""Nodes of an attribution graph in our names: which place of the model an entry of `nodes` is, and at which token.

circuit-tracer, frontend/graph_models.py: a feature is `{layer}_{feature}_{position}`; `feature` of an entry has
two encodings, so that it is never read. Files that circuitcheck wrote carry their own name under `NAME`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from circuitcheck.nodes import END, Node, NodeKind, parse_node

NAME = "circuitcheck_node"
"""The key under which an exported graph keeps the node as the circuit file wrote it; viewers pass over it."""
EMBEDDING, LOGIT, ERROR, TRANSCODER = (
    "embedding",
    "logit",
    "mlp reconstruction error",
    "cross layer transcoder",
)
_FEATURE = re.compile(r"(\d+)_(\d+)_(\d+)")
_BOS = re.compile(r"<[^<>\s]+>|\[[A-Z]+\]")


@dataclass(frozen=True)
class Tokens:
    """The prompt of a graph; `texts` with BOS, where it has one."""

    texts: tuple[str, ...]

    @property
    def has_bos(self) -> bool:
        """Whether the first token is no text, such as <bos> or <|endoftext|>."""
        return bool(self.texts) and bool(_BOS.fullmatch(self.texts[0].strip()))

    def position(self, index: int) -> str | None:
        """An absolute index as circuit files write it: after BOS, the last token as END; None for BOS itself."""
        if self.texts and index == len(self.texts) - 1:
            return END
        after = index - int(self.has_bos)
        return str(after) if after >= 0 else None


@dataclass(frozen=True)
class Unsayable:
    """An entry that no node of a circuit file is; `why` completes "what a circuit file cannot say: ..."."""

    why: str


def node_of(entry: Mapping[str, Any], tokens: Tokens, alias: str) -> Node | Unsayable:
    """The node of an entry, its features and errors in dictionary `alias`.

    Raises:
        ValueError: in a sentence without the file, when the entry contradicts itself.
    """
    if NAME in entry:
        return parse_node(entry[NAME])
    kind, index = str(entry.get("feature_type", "")).lower(), entry.get("ctx_idx")
    if kind == LOGIT:
        return Unsayable("which logits the edges run to: claims are about the answer of each prompt")
    if not isinstance(index, int) or isinstance(index, bool) or index < 0:
        msg = f"node {entry.get('node_id')!r} stands at no token (ctx_idx). Save the graph again."
        raise ValueError(msg)
    at = tokens.position(index)
    if at is None:
        return Unsayable("nodes at BOS, which circuit files leave as it is")
    if kind == EMBEDDING:
        return Node(NodeKind.EMBED, at=at)
    if kind == ERROR:
        return Node(NodeKind.ERROR, _layer(entry), dictionary=alias, at=at)
    if "transcoder" in kind:
        return _feature(entry, index, alias, at)
    return Unsayable(f"nodes of type {kind!r}")


def _feature(entry: Mapping[str, Any], index: int, alias: str, at: str) -> Node:
    name = str(entry.get("node_id"))
    found = _FEATURE.fullmatch(name)
    if found is None or (int(found[1]), int(found[3])) != (_layer(entry), index):
        msg = f"feature {name!r} is not named layer_feature_position as its layer and ctx_idx say. Save the graph again."
        raise ValueError(msg)
    return Node(NodeKind.FEATURE, int(found[1]), index=int(found[2]), dictionary=alias, at=at)


def _layer(entry: Mapping[str, Any]) -> int:
    text = str(entry.get("layer"))
    if not text.isdecimal():
        msg = f"node {entry.get('node_id')!r} has no layer. Save the graph again."
        raise ValueError(msg)
    return int(text)


def mentioned_aliases(nodes: Sequence[Node]) -> tuple[str, ...]:
    """The dictionaries that nodes are of, each once."""
    return tuple(dict.fromkeys(node.dictionary for node in nodes if node.dictionary))
