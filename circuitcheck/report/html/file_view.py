"""What the page shows of one circuit file, and of where its numbers come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from circuitcheck.report.html.claim_view import ClaimView, again, claim_view, fact
from circuitcheck.report.html.status import Status, status_of, worst
from circuitcheck.report.html.words import KINDS
from circuitcheck.report.picture import Shade, circuit_picture, picture_legend
from circuitcheck.report.results import FileRecord, NodeRecord, SetupRecord
from circuitcheck.report.terminal import claim_text

Pair = tuple[str, str]


@dataclass(frozen=True)
class SetupView:
    """One setup item."""

    name: str
    ok: bool
    message: str
    facts: tuple[Pair, ...]


@dataclass(frozen=True)
class NodeView:
    """One row of the table of nodes, the picture in words; `claims` are (anchor, id, status)."""

    name: str
    at: str
    kind: str
    group: str
    label: str
    claims: tuple[tuple[str, str, Status], ...]


@dataclass(frozen=True)
class FileView:
    """One circuit file."""

    anchor: str
    title: str
    circuit: str
    path: str
    model: str
    test: str
    error: str
    seconds: str
    again: str
    picture: Markup
    legend: tuple[tuple[Markup, str], ...]
    caption: str
    nodes: tuple[NodeView, ...]
    edges: tuple[str, ...]
    setup: tuple[SetupView, ...]
    claims: tuple[ClaimView, ...]
    provenance: tuple[Pair, ...]

    @property
    def setup_ok(self) -> bool:
        """Whether every setup item is in order."""
        return all(item.ok for item in self.setup)


def file_view(file: FileRecord, number: int) -> FileView:
    """What the page shows of the file that is the `number`th of the run, from 1."""
    file = _without_values(file)
    anchors = {record.claim: f"f{number}-c{place}" for place, record in enumerate(file.claims, 1)}
    return FileView(
        anchor=f"f{number}",
        title=file.title or file.circuit,
        circuit=file.circuit,
        path=file.path,
        model=file.model,
        test=file.test,
        error=file.error,
        seconds="" if file.seconds is None else f"{file.seconds:.1f} s",
        again=again(file),
        picture=circuit_picture(file, shades(file), name=f"f{number}-picture"),
        legend=picture_legend(file),
        caption=_caption(file),
        nodes=_nodes(file, anchors),
        edges=tuple(f"{edge.source} → {edge.target} ({edge.input})" for edge in file.edges),
        setup=tuple(_setup(item) for item in file.setup),
        claims=tuple(claim_view(record, file, anchors[record.claim]) for record in file.claims),
        provenance=tuple(flattened(file.provenance)),
    )


def _without_values(file: FileRecord) -> FileRecord:
    """The page shows no per-prompt values, and dragging them along takes longer than all the rest."""
    return file.model_copy(
        update={"claims": [record.model_copy(update={"values": {}}) for record in file.claims]}
    )


def shades(file: FileRecord) -> dict[str, Shade]:
    """How each node of the picture is coloured, by `name@at`: by the worst claim that names it."""
    drawn = {}
    told = {
        record.claim: f"{record.claim}: {status_of(record).word}, {claim_text(record)}"
        for record in file.claims
    }
    for node in {f"{node.name}@{node.at}" for node in file.nodes}:
        about = [record for record in file.claims if node in record.nodes]
        status = worst(status_of(record) for record in about)
        said = tuple(told[record.claim] for record in about)
        drawn[node] = Shade(status.key if status else "", status.symbol if status else "", said)
    return drawn


def flattened(data: Mapping[str, Any], above: str = "") -> Iterator[Pair]:
    """Nested data as pairs: `("prompts.fresh_names", "ab12...")`."""
    for key, value in data.items():
        name = f"{above}.{key}" if above else str(key)
        if isinstance(value, Mapping):
            yield from flattened(value, name)
        elif isinstance(value, list):
            yield from flattened({str(place): inner for place, inner in enumerate(value)}, name)
        else:
            yield name, str(value)


def _setup(item: SetupRecord) -> SetupView:
    facts = tuple((name, fact(value)) for name, value in item.facts.items())
    return SetupView(item.name, item.ok, item.message, facts)


def _caption(file: FileRecord) -> str:
    if file.example is None:
        return "Tokens run from left to right, layers from bottom to top."
    cell = " ".join(filter(None, (file.example.template, file.example.order)))
    return f"Tokens run from left to right, layers from bottom to top. The prompt is one example ({cell})."


def _nodes(file: FileRecord, anchors: Mapping[str, str]) -> tuple[NodeView, ...]:
    return tuple(_node(node, file, anchors) for node in file.nodes)


def _node(node: NodeRecord, file: FileRecord, anchors: Mapping[str, str]) -> NodeView:
    placed = f"{node.name}@{node.at}"
    about = [record for record in file.claims if placed in record.nodes]
    return NodeView(
        name=node.name,
        at=node.at,
        kind=KINDS.get(node.kind, node.kind),
        group=node.group,
        label=node.label,
        claims=tuple((anchors[record.claim], record.claim, status_of(record)) for record in about),
    )
