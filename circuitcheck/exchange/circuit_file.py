"""The text of an imported circuit file: data and comments in, YAML out.

Labels and names come from files of others: every character that cannot be seen is taken out of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from circuitcheck.exchange.grouping import NamedNodes
from circuitcheck.nodes import Node, NodeKind

_WIDTH = 110
_KEYS = {NodeKind.HEAD: "heads", NodeKind.FEATURE: "features"}


@dataclass(frozen=True)
class CircuitFile:
    """The parts of a circuit file; `header` are its single values and references, `comments` its first lines.

    `edges` come each with the words for its score, `labels` are those of nodes that are not a group of their own.
    """

    comments: Sequence[str]
    header: Mapping[str, Any]
    groups: Sequence[NamedNodes]
    labels: Mapping[Node, str]
    edges: Sequence[tuple[Mapping[str, Any], str]]
    claims: Sequence[Mapping[str, Any]]

    def text(self) -> str:
        """The file as YAML."""
        root = CommentedMap({key: _flow(value) for key, value in self.header.items()})
        root.yaml_set_start_comment("\n".join(map(one_line, self.comments)))
        root["nodes"] = self._nodes()
        if self.edges:
            root["edges"] = self._edges()
        root["claims"] = CommentedSeq([_claim(claim) for claim in self.claims])
        yaml = YAML()
        yaml.width = _WIDTH
        yaml.indent(mapping=2, sequence=4, offset=2)
        out = StringIO()
        yaml.dump(root, out)
        # Lines that are broken inside of a list end in a space, which means nothing in YAML.
        return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())

    def _nodes(self) -> CommentedMap:
        nodes = CommentedMap()
        for group in self.groups:
            nodes[group.name] = _group(group)
            said = [
                one_line(f"{node}: {self.labels[node]}")
                for node in group.nodes
                if self._is_labelled(node, group)
            ]
            if said:
                nodes.yaml_set_comment_before_after_key(group.name, before="\n".join(said), indent=2)
        return nodes

    def _is_labelled(self, node: Node, group: NamedNodes) -> bool:
        return bool(self.labels.get(node)) and self.labels[node] != group.label

    def _edges(self) -> CommentedSeq:
        edges = CommentedSeq([_flow(edge) for edge, _ in self.edges])
        for number, (_, said) in enumerate(self.edges):
            edges.yaml_add_eol_comment(said, number)
        return edges


def one_line(text: str) -> str:
    """The text as one line of characters that can be seen."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _group(group: NamedNodes) -> Any:
    positions = {node.at for node in group.nodes}
    shared = next(iter(positions)) if len(positions) == 1 else ""
    parts: dict[str, list[str]] = {}
    for node in group.nodes:
        parts.setdefault(_KEYS.get(node.kind, "nodes"), []).append(node.name if shared else str(node))
    placed: dict[str, Any] = dict(parts)
    if shared:
        placed["at"] = int(shared) if shared.isdecimal() else shared
    return _flow({**placed, "label": one_line(group.label)})


def _claim(claim: Mapping[str, Any]) -> CommentedMap:
    return CommentedMap(
        {key: _flow(one_line(value) if key == "says" else value) for key, value in claim.items()}
    )


def _flow(value: Any) -> Any:
    """Mappings and lists on one line, as circuit files write what is short."""
    if isinstance(value, Mapping):
        mapping = CommentedMap({key: _flow(part) for key, part in value.items()})
        mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, Iterable) and not isinstance(value, str):
        sequence = CommentedSeq([_flow(part) for part in value])
        sequence.fa.set_flow_style()
        return sequence
    return value
