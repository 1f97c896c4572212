"""Attribution graphs of circuit-tracer and Neuronpedia.

In: the data of the file: `metadata`, `qParams`, `nodes`, `links`. Out: a `Graph`: pinned nodes and supernodes where
there are any, else all nodes; links as edges where both ends stand at one token, since the others run through
attention. Neuronpedia, app/api/graph/graph-schema.json, version 1.0.0.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from circuitcheck.exchange.attribution_nodes import Tokens, Unsayable, node_of
from circuitcheck.exchange.graph import Graph, GraphEdge, GraphNode
from circuitcheck.exchange.mib import score_of
from circuitcheck.nodes import END, Node, NodeKind
from circuitcheck.prompts.wording import counted
from circuitcheck.spec.groups import Input

FORMAT = "attribution graph"
INPUT = "circuitcheck_input"
"""The key under which an exported graph keeps how a link is read; viewers pass over it."""
_LAYERS = (
    "How a transcoder writes: one that writes to several layers is taken for one that writes to its own."
)
_READS: Mapping[str, Input] = {"q": "q", "k": "k", "v": "v", "in": "in"}


def is_attribution(data: Any) -> bool:
    """Whether the data are of this format, as far as their keys tell."""
    return isinstance(data, dict) and {"metadata", "nodes", "links"} <= set(data)


def read_attribution(data: Mapping[str, Any], alias: str) -> Graph:
    """The graph; features and errors are of dictionary `alias`.

    Raises:
        ValueError: in a sentence without the file, for entries that are not of the format.
    """
    metadata, saved = _part(data, "metadata", dict), _part({"qParams": {}, **data}, "qParams", dict)
    tokens = Tokens(tuple(map(str, metadata.get("prompt_tokens") or ())))
    entries = {str(entry.get("node_id")): entry for entry in _entries(data, "nodes")}
    places = {name: node_of(entry, tokens, alias) for name, entry in entries.items()}
    groups, pinned = _groups(saved), [str(name) for name in saved.get("pinnedIds") or ()]
    wanted = dict.fromkeys([*pinned, *(name for names in groups.values() for name in names)])
    nodes = {name: place for name, place in places.items() if isinstance(place, Node)}
    inside = {name for name in nodes if name in wanted}
    missing = [name for name in wanted if name not in entries]
    links, unread = _links(data, places)
    return Graph(
        format=FORMAT,
        nodes=tuple(
            GraphNode(node, name in inside, label=str(entries[name].get("clerp") or ""))
            for name, node in nodes.items()
            if name in inside or not inside
        ),
        edges=tuple(_marked(edge, {nodes[name] for name in inside}) for edge in links),
        groups={name: tuple(nodes[one] for one in ids if one in nodes) for name, ids in groups.items()},
        unsaid=(*_unsaid(places.values()), *_unread(unread), *_gone(missing)),
        prompt=str(metadata.get("prompt", "")),
        pinned=bool(inside),
        patches=False,
        frozen_attention=True,
    )


def _part(data: Mapping[str, Any], key: str, kind: type) -> Any:
    if not isinstance(data[key], kind):
        msg = f"its {key} are not what the format has there. Save or download the graph again."
        raise ValueError(msg)
    return data[key]


def _entries(data: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    entries: Sequence[Any] = _part(data, key, list)
    if not all(isinstance(entry, dict) for entry in entries):
        msg = f"an entry of its {key} is not a table. Save or download the graph again."
        raise ValueError(msg)
    return entries


def _groups(saved: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Supernodes by a name that circuit files can write, each with its node ids."""
    groups: dict[str, tuple[str, ...]] = {}
    for entry in saved.get("supernodes") or ():
        if not isinstance(entry, list) or len(entry) < 2:
            continue
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", str(entry[0])).strip("-")
        name = name if re.match(r"[A-Za-z_]", name) else f"group-{name}".rstrip("-")
        number = sum(known == name or known.startswith(f"{name}-") for known in groups)
        groups[f"{name}-{number + 1}" if name in groups else name] = tuple(map(str, entry[1:]))
    return groups


def _links(
    data: Mapping[str, Any], places: Mapping[str, Node | Unsayable]
) -> tuple[list[GraphEdge], Counter[str]]:
    """The links that are edges of a circuit file, and how many are not, by the reason."""
    edges: dict[str, GraphEdge] = {}
    unread: Counter[str] = Counter()
    for link in _entries(data, "links"):
        ends = [places.get(str(link.get(key))) for key in ("source", "target")]
        if None in ends:
            msg = f"a link joins {link.get('source')!r} and {link.get('target')!r}, which are not both nodes. Save the graph again."
            raise ValueError(msg)
        read = _edge(ends[0], ends[1], link)
        if isinstance(read, GraphEdge):
            edges.setdefault(str(read), read)
        else:
            unread[read] += 1
    return list(edges.values()), unread


def _edge(source: Any, target: Any, link: Mapping[str, Any]) -> GraphEdge | str:
    """The edge of a link, or what it is that a circuit file cannot say."""
    weight = score_of(link.get("weight"))
    if isinstance(source, Unsayable):
        return "from nodes that it cannot name"
    if isinstance(target, Unsayable):
        if "logits" not in target.why:
            return "into nodes that it cannot name"
        direct = source.at in {END, "-1"}
        return GraphEdge(source, None, None, False, weight) if direct else "into logits from earlier tokens"
    read = _READS.get(str(link.get(INPUT))) or _input(target)
    if read is None:
        return "into heads, without the input that reads"
    if read in {"q", "in"} and source.at != target.at:
        return "between two tokens, which run through attention"
    return GraphEdge(source, target, read, False, weight)


def _input(target: Node) -> Input | None:
    reads = target.kind in {NodeKind.MLP, NodeKind.NEURON, NodeKind.FEATURE, NodeKind.ERROR}
    return "in" if reads else None


def _marked(edge: GraphEdge, inside: set[Node]) -> GraphEdge:
    return GraphEdge(edge.source, edge.target, edge.input, inside.issuperset(edge.ends), edge.score)


def _unsaid(places: Any) -> Iterator[str]:
    reasons = Counter(place.why for place in places if isinstance(place, Unsayable))
    for why, number in reasons.items():
        yield f"{counted(number, 'node')}: {why}."
    if any(isinstance(place, Node) and place.kind is NodeKind.FEATURE for place in places):
        yield _LAYERS


def _unread(reasons: Counter[str]) -> Iterator[str]:
    for why, number in reasons.items():
        yield f"{counted(number, 'link')} {why}."


def _gone(names: Sequence[str]) -> Iterator[str]:
    if names:
        yield f"{counted(len(names), 'pinned id')} that are no nodes of the graph: {', '.join(names)}."
