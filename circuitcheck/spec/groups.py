"""Node groups and edges, and the names that claims use for nodes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from circuitcheck.nodes import Node, NodeKind, parse_node
from circuitcheck.prompts.wording import did_you_mean
from circuitcheck.spec.fields import Located, Part, Positions, Text, one_or_more, refuse_all

Input = Literal["q", "k", "v", "in"]


def _node(value: Any) -> Node:
    return value if isinstance(value, Node) else parse_node(value)


NodeName = Annotated[Node, PlainValidator(_node), PlainSerializer(str), WithJsonSchema({"type": "string"})]
NodeNames = Annotated[
    tuple[NodeName, ...],
    one_or_more("a node"),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    ),
]
_KINDS = {"heads": ("a head", NodeKind.HEAD, "L9H6"), "features": ("a feature", NodeKind.FEATURE, "L9.z/123")}


class NodeGroup(Part):
    """Nodes that claims name together, each at a position."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [key]} for key in ("heads", "features", "nodes")]}
    )

    heads: NodeNames = Field(default=(), description="Attention heads, as in L9H6.")
    features: NodeNames = Field(default=(), description="Dictionary features, as in L9.z/123.")
    members: NodeNames = Field(
        default=(),
        alias="nodes",
        description="Nodes of any kind: L9H6.q, L9.mlp, L9.mlp.n12, L9.resid, L9.z/error.",
    )
    at: Positions = Field(
        default=(),
        description="Position of the nodes that name none: a role, an index, all, or a list of these.",
    )
    label: Text = Field(default="", description="What the group does, for people.")

    @field_validator("heads", "features")
    @classmethod
    def _are_of_the_kind(cls, nodes: tuple[Node, ...], info: Any) -> tuple[Node, ...]:
        what, kind, example = _KINDS[info.field_name]
        wrong = [(number, node) for number, node in enumerate(nodes) if node.kind is not kind]
        refuse_all(
            [
                ((number,), f"{node} is not {what} such as {example}. Move it to nodes:.")
                for number, node in wrong
            ]
        )
        return nodes

    @model_validator(mode="after")
    def _is_a_group(self) -> Self:
        if not self.written:
            msg = "the group is empty. Give it heads:, features: or nodes:."
            raise ValueError(msg)
        refuse_all(list(self._unplaced())[:1])
        refuse_all(self._repeated())
        return self

    def _unplaced(self) -> Iterator[Located]:
        for place, node in self.places.items():
            if not node.at and not self.at:
                yield place, f"{node} has no position. Write at: END beside it, or {node}@END."

    def _repeated(self) -> Iterator[Located]:
        seen: set[Node] = set()
        for place, node in self.places.items():
            if node in seen:
                yield place, f"{node} is named twice. Keep one."
            seen.add(node)

    @property
    def places(self) -> dict[tuple[str, int], Node]:
        """The nodes as the file has them, not yet placed, by their key and number there."""
        keys = {"heads": self.heads, "features": self.features, "nodes": self.members}
        return {(key, number): node for key, nodes in keys.items() for number, node in enumerate(nodes)}

    @property
    def written(self) -> tuple[Node, ...]:
        """The nodes as the file has them: heads, features, others; not yet placed."""
        return tuple(self.places.values())

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every node at every position of the group; a node's own position comes first."""
        return tuple(dict.fromkeys(self._placed()))

    def _placed(self) -> Iterator[Node]:
        for node in self.written:
            yield from [node] if node.at else [node.placed(at) for at in self.at]


def resolve(groups: Mapping[str, NodeGroup], expression: str | Iterable[str]) -> tuple[Node, ...]:
    """The nodes that a group name, a node or a list of both stands for, each once, all placed.

    Raises:
        ValueError: with a sentence, when a name is neither, or a node has no position.
    """
    if not isinstance(expression, str):
        return tuple(dict.fromkeys(node for one in expression for node in resolve(groups, one)))
    if expression in groups:
        return groups[expression].nodes
    if looks_like_a_group(expression):
        msg = f"there is no node group {expression!r}. {did_you_mean(expression, groups)}"
        raise ValueError(msg)
    return _alone(expression)


@cache
def _alone(expression: str) -> tuple[Node, ...]:
    """A node that is named by itself; kept, as parsed names are."""
    node = parse_node(expression)
    if not node.at:
        msg = f"{node} has no position. Write for example {node}@END."
        raise ValueError(msg)
    return (node,)


@cache
def looks_like_a_group(expression: str) -> bool:
    """Whether a name that is no group was meant to be one: a plain word that is not a node."""
    try:
        parse_node(expression)
    except ValueError:
        return bool(re.fullmatch(r"[A-Za-z_][\w -]*", expression)) and not re.match(r"[La]\d", expression)
    return False


_EDGE = re.compile(r"\s*(\S+)\s*->\s*(\S+?)\s*(?:\((\w+)\)\s*)?")


@dataclass(frozen=True)
class Edge:
    """A claim of the drawing: what one node writes, another reads as its q, k, v or MLP input."""

    source: str
    target: str
    input: Input

    def __str__(self) -> str:
        return f"{self.source} -> {self.target} ({self.input})"


def parse_edge(value: Any) -> Edge:
    """Read `a -> b (q)`.

    Raises:
        ValueError: with a sentence, when the text is not an edge.
    """
    if isinstance(value, Edge):
        return value
    found = _EDGE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        msg = f"{value!r} is not an edge. Write for example reader -> mover (q)."
        raise ValueError(msg)
    source, target, read = found.groups()
    for known in get_args(Input):
        if read == known:
            return Edge(source, target, known)
    said = f"({read}) is no input" if read else "the input is missing"
    msg = f"{said}. Write {source} -> {target} (q), (k) or (v) for heads, (in) for an MLP."
    raise ValueError(msg)


EdgeText = Annotated[
    Edge,
    PlainValidator(parse_edge),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^\s*\S+\s*->\s*\S+\s*\((q|k|v|in)\)\s*$"}),
]
