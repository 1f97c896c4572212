"""What the page shows of one circuit file, and of where its numbers come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from circuitcheck.report.html.claim_view import ClaimView, again, claim_view, fact
from circuitcheck.report.html.feature_view import ClaimLink, FeatureGroupView, feature_groups
from circuitcheck.report.html.status import status_of, worst
from circuitcheck.report.html.words import KINDS
from circuitcheck.report.picture import circuit_picture, picture_legend
from circuitcheck.report.picture_shades import Shade
from circuitcheck.report.results import ClaimRecord, FileRecord, NodeRecord, SetupRecord
from circuitcheck.report.terminal import claim_text
from circuitcheck.report.wording import cell_name

Pair = tuple[str, str]


FIT = {
    "explained": "variance explained",
    "kept": "metric kept with the error dropped",
    "active": "features active at once",
    "dead": "named features that never fire",
}
"""Facts about how well a dictionary fits at a place, by the word behind the place."""


@dataclass(frozen=True)
class SetupView:
    """One setup item; `fits` has a row of numbers for each place of a dictionary, under `columns`."""

    name: str
    ok: bool
    message: str
    facts: tuple[Pair, ...]
    columns: tuple[str, ...]
    fits: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class NodeView:
    """One row of the table of nodes, the picture in words; `anchor` is a feature's place below, if it has one."""

    anchor: str
    name: str
    at: str
    kind: str
    group: str
    label: str
    claims: tuple[ClaimLink, ...]


@dataclass(frozen=True)
class EdgeView:
    """One edge in words, with its claim where this run measured it."""

    text: str
    claim: ClaimLink | None


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
    edges: tuple[EdgeView, ...]
    setup: tuple[SetupView, ...]
    claims: tuple[ClaimView, ...]
    features: tuple[FeatureGroupView, ...]
    provenance: tuple[Pair, ...]

    @property
    def setup_ok(self) -> bool:
        """Whether every setup item is in order."""
        return all(item.ok for item in self.setup)


def file_view(file: FileRecord, number: int) -> FileView:
    """What the page shows of the file that is the `number`th of the run, from 1."""
    file = _without_values(file)
    anchors = {record.claim: f"f{number}-c{place}" for place, record in enumerate(file.claims, 1)}
    links = _claim_links(file, anchors)
    picture = circuit_picture(file, shades(file), name=f"f{number}-picture")
    features = feature_groups(file.features, links, f"f{number}")
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
        picture=picture,
        legend=picture_legend(file),
        caption=_caption(file, picture),
        nodes=tuple(_node(node, links, features) for node in file.nodes),
        edges=_edges(file, anchors),
        setup=tuple(_setup(item) for item in file.setup),
        claims=tuple(claim_view(record, file, anchors[record.claim]) for record in file.claims),
        features=features,
        provenance=tuple(flattened(file.provenance)),
    )


def _without_values(file: FileRecord) -> FileRecord:
    """The page shows no per-prompt values, and dragging them along takes longer than all the rest."""
    return file.model_copy(
        update={"claims": [record.model_copy(update={"values": {}}) for record in file.claims]}
    )


def shades(file: FileRecord) -> dict[str, Shade]:
    """How the picture is coloured: each node, by `name@at`, as the worst claim that names it; each edge as its own."""
    told = {
        record.claim: f"{record.claim}: {status_of(record).word}, {claim_text(record)}"
        for record in file.claims
    }
    named = {
        node: [record for record in file.claims if node in record.nodes]
        for node in {f"{node.name}@{node.at}" for node in file.nodes}
    }
    own = {
        edge.written: [record for record in file.claims if record.claim == edge.claim] for edge in file.edges
    }
    return {drawn: _shade(about, told) for drawn, about in (named | own).items()}


def _shade(about: Sequence[ClaimRecord], told: Mapping[str, str]) -> Shade:
    status = worst(status_of(record) for record in about)
    said = tuple(told[record.claim] for record in about)
    return Shade(status.key if status else "", status.symbol if status else "", said)


def _edges(file: FileRecord, anchors: Mapping[str, str]) -> tuple[EdgeView, ...]:
    links = {record.claim: (anchors[record.claim], record.claim, status_of(record)) for record in file.claims}
    return tuple(
        EdgeView(f"{edge.source} → {edge.target} ({edge.input})", links.get(edge.claim))
        for edge in file.edges
    )


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
    """Facts named `PLACE kept` and the like become a table; the others stay pairs."""
    table: dict[str, dict[str, str]] = {}
    facts = list[Pair]()
    for name, value in item.facts.items():
        place, _, what = name.rpartition(" ")
        if place and what in FIT:
            table.setdefault(place, {})[what] = fact(value)
        else:
            facts.append((name, fact(value)))
    known = [what for what in FIT if any(what in row for row in table.values())]
    rows = tuple((place, tuple(row.get(what, "") for what in known)) for place, row in table.items())
    return SetupView(item.name, item.ok, item.message, tuple(facts), tuple(FIT[what] for what in known), rows)


def _caption(file: FileRecord, picture: str) -> str:
    said = "Tokens run from left to right, layers from bottom to top."
    if file.example is not None:
        cell = cell_name(file.example.template, file.example.order)
        said += f" The prompt is one example ({cell})."
    return f"{said} A line at a dotted frame means every node in it." if 'class="frame"' in picture else said


def _claim_links(file: FileRecord, anchors: Mapping[str, str]) -> dict[str, list[ClaimLink]]:
    """The claims that name each node, by `NAME@POSITION`."""
    links: dict[str, list[ClaimLink]] = {}
    for record in file.claims:
        for node in record.nodes:
            links.setdefault(node, []).append((anchors[record.claim], record.claim, status_of(record)))
    return links


def _node(
    node: NodeRecord, links: Mapping[str, list[ClaimLink]], groups: tuple[FeatureGroupView, ...]
) -> NodeView:
    described = (feature for group in groups for feature in group.features)
    place = (node.name, node.at)
    return NodeView(
        anchor=next((feature.anchor for feature in described if (feature.name, feature.at) == place), ""),
        name=node.name,
        at=node.at,
        kind=KINDS.get(node.kind, node.kind),
        group=node.group,
        label=node.label,
        claims=tuple(links.get(f"{node.name}@{node.at}", ())),
    )
