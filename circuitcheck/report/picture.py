"""The picture of a circuit as SVG: a pure function of what a run recorded of one file.

x is token position, y is layer. Shapes tell kinds of nodes, lines tell what an edge is read as, colours
and symbols tell how the claims that name a node came out. Titles, shown on hover, give the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from markupsafe import Markup

from circuitcheck.report.picture_layout import Box, Column, Layout, Placed, ends, lay_out
from circuitcheck.report.results import EdgeRecord, FileRecord, NodeRecord
from circuitcheck.report.svg import element

XMLNS = "http://www.w3.org/2000/svg"
SHAPES = {
    "head": "attention head",
    "q": "input of a head (q, k or v)",
    "attn": "attention output of a layer",
    "mlp": "MLP",
    "neuron": "neuron",
    "feature": "dictionary feature",
    "error": "dictionary error",
    "resid": "residual stream",
    "embed": "embedding",
}
LINES = {
    "q": "read as query (q)",
    "k": "read as key (k)",
    "v": "read as value (v)",
    "in": "read as MLP input (in)",
}
_SAME_SHAPE = {"k": "q", "v": "q", "resid_mid": "resid"}
_MOST_LANES = 4


@dataclass(frozen=True)
class Shade:
    """How a node is coloured: the style's key, its symbol, and a sentence per claim that names it."""

    key: str = ""
    symbol: str = ""
    claims: tuple[str, ...] = ()


_PLAIN = Shade()


def circuit_picture(file: FileRecord, shades: Mapping[str, Shade], name: str) -> Markup:
    """The picture of one file; "" for a file without nodes.

    `shades` gives colours by `NAME@POSITION`; `name` makes ids unique on a page.
    """
    if not file.nodes:
        return Markup("")
    layout = lay_out(file)
    return element(
        "svg",
        _arrow(name),
        *(_row(label, box) for label, box in layout.rows),
        *(_column(column, layout) for column in layout.columns),
        *_edges(file, layout, name),
        *(_caption(text, box) for text, box in layout.captions),
        *(_node(placed, shades) for placed in layout.nodes),
        xmlns=XMLNS,
        class_="circuit",
        style=f"--natural: {layout.width:.0f}px",
        width=layout.width,
        height=layout.height,
        viewBox=f"0 0 {layout.width:.1f} {layout.height:.1f}",
        role="img",
        aria_label=_spoken(file),
    )


def picture_legend(file: FileRecord) -> tuple[tuple[Markup, str], ...]:
    """What each shape and line of the file's picture means: a small drawing and words."""
    kinds = {_SAME_SHAPE.get(node.kind, node.kind) for node in file.nodes}
    inputs = {edge.input for edge in file.edges}
    return (
        *((_key(*_shape(kind, Box(2, 2, 28, 16))), word) for kind, word in SHAPES.items() if kind in kinds),
        *((_key_line(read), word) for read, word in LINES.items() if read in inputs),
    )


def _spoken(file: FileRecord) -> str:
    count = len({(node.name, node.at) for node in file.nodes})
    edges = f" and {len(file.edges)} edges" if file.edges else ""
    return f"Picture of the circuit {file.circuit}: {count} nodes{edges}, listed in the table below it"


def _arrow(name: str) -> Markup:
    head = element("path", d="M0,0 L8,4 L0,8 z", class_="arrow")
    marker = element(
        "marker",
        head,
        id=f"{name}-arrow",
        viewBox="0 0 8 8",
        refX=7,
        refY=4,
        markerWidth=10,
        markerHeight=10,
        markerUnits="userSpaceOnUse",
        orient="auto",
    )
    return element("defs", marker)


def _row(label: str, box: Box) -> Markup:
    y = box.y + box.height
    line = element("line", x1=box.x, x2=box.x + box.width, y1=y, y2=y, class_="grid")
    text = element("text", label, x=box.x - 10, y=box.middle[1] + 4, text_anchor="end", class_="layer")
    return element("g", line, text)


def _column(column: Column, layout: Layout) -> Markup:
    """A token with its roles below it, and a band over it where it has any."""
    middle = column.box.middle[0]
    drawn = [element("title", f"token {column.whole!r}")] if column.whole else []
    if column.roles:
        drawn.append(
            element(
                "rect",
                x=column.box.x + 3,
                y=column.box.y,
                width=column.box.width - 6,
                height=layout.token_line - 14 - column.box.y,
                class_="band",
            )
        )
        drawn.append(
            element(
                "text", column.roles, x=middle, y=layout.token_line + 20, text_anchor="middle", class_="role"
            )
        )
    kind = "token named" if column.roles else "token"
    drawn.append(
        element("text", column.token, x=middle, y=layout.token_line, text_anchor="middle", class_=kind)
    )
    return element("g", *drawn)


def _caption(text: str, box: Box) -> Markup:
    return element(
        "text",
        text,
        x=box.middle[0],
        y=box.y + 11,
        text_anchor="middle",
        paint_order="stroke",
        class_="group",
    )


def _node(placed: Placed, shades: Mapping[str, Shade]) -> Markup:
    shade = shades.get(f"{placed.node.name}@{placed.node.at}", _PLAIN)
    x, y = placed.box.middle
    text = " ".join(filter(None, (shade.symbol, placed.node.name)))
    return element(
        "g",
        element("title", _title(placed, shade)),
        *_shape(_SAME_SHAPE.get(placed.node.kind, placed.node.kind), placed.box),
        element("text", text, x=x, y=y + 4, text_anchor="middle", class_="name"),
        class_=f"node {shade.key}".strip(),
    )


def _title(placed: Placed, shade: Shade) -> str:
    """What a reader sees on hover: the node, its groups and labels, its claims with their numbers."""
    node = placed.node
    lines = [f"{node.name}@{node.at}: {_kind_word(node)}"]
    if placed.groups:
        lines.append(f"group {', '.join(placed.groups)}")
    return "\n".join([*lines, *placed.labels, *(shade.claims or ("no claim of this run names it",))])


def _kind_word(node: NodeRecord) -> str:
    if node.kind in _SAME_SHAPE:
        return {"k": "key input of a head", "v": "value input of a head"}.get(
            node.kind, "residual stream after attention"
        )
    return "query input of a head" if node.kind == "q" else SHAPES.get(node.kind, node.kind)


def _shape(kind: str, box: Box) -> tuple[Markup, ...]:
    """The outline of a kind of node; unknown kinds are drawn as heads."""
    x, y, right, bottom = box.x, box.y, box.x + box.width, box.y + box.height
    middle, cut = box.middle[1], box.height / 3
    if kind in {"mlp", "error", "head", "neuron"} or kind not in SHAPES:
        radius = {"mlp": 0.0, "error": 0.0, "neuron": box.height / 2}.get(kind, 5.0)
        outer = _rectangle(box, radius, "shape dashed" if kind == "error" else "shape")
        inner = Box(x + 3, y + 3, box.width - 6, box.height - 6)
        return (outer, _rectangle(inner, 0.0, "shape inner")) if kind == "mlp" else (outer,)
    outlines: dict[str, list[tuple[float, float]]] = {
        "q": [(x, y), (right - cut, y), (right, middle), (right - cut, bottom), (x, bottom)],
        "attn": [
            *((x, bottom - cut), (x, y + cut), (x + cut, y), (right - cut, y)),
            *((right, y + cut), (right, bottom - cut), (right - cut, bottom), (x + cut, bottom)),
        ],
        "feature": [
            *((x, middle), (x + cut, y), (right - cut, y)),
            *((right, middle), (right - cut, bottom), (x + cut, bottom)),
        ],
        "resid": [(x + cut, y), (right, y), (right - cut, bottom), (x, bottom)],
        "embed": [(x + cut, y), (right - cut, y), (right, bottom), (x, bottom)],
    }
    points = " ".join(f"{px:.1f},{py:.1f}" for px, py in outlines[kind])
    return (element("polygon", points=points, class_="shape"),)


def _rectangle(box: Box, radius: float, kind: str) -> Markup:
    return element("rect", x=box.x, y=box.y, width=box.width, height=box.height, rx=radius, class_=kind)


def _edges(file: FileRecord, layout: Layout, name: str) -> list[Markup]:
    """Every pair of nodes that an edge connects; a reader lies in a later layer, or later in the same."""
    drawn, lanes = list[Markup](), dict[int, int]()
    for edge in file.edges:
        sources, targets = ends(edge.source, layout.nodes), ends(edge.target, layout.nodes)
        for source, target in product(sources, targets):
            if source != target and _reads(source, target, edge):
                lane = lanes.get(source.column, 0)
                lanes[source.column] = lane + 1
                drawn.append(_edge(source, target, edge, lane, layout, name))
    return drawn


def _reads(source: Placed, target: Placed, edge: EdgeRecord) -> bool:
    """Only q and MLP inputs have to be read at the source's own position."""
    return edge.input in {"k", "v"} or source.column == target.column


def _edge(source: Placed, target: Placed, edge: EdgeRecord, lane: int, layout: Layout, name: str) -> Markup:
    same = source.column == target.column
    path, (x, y) = (_bow if same else _rise)(source, target, lane, layout)
    said = f"{source.node.name} → {target.node.name}, {LINES[edge.input]}"
    return element(
        "g",
        element("title", said),
        element("path", d=path, class_=f"edge {edge.input}", marker_end=f"url(#{name}-arrow)"),
        element("text", edge.input, x=x, y=y + 4, text_anchor="middle", paint_order="stroke", class_="input"),
    )


def _bow(source: Placed, target: Placed, lane: int, layout: Layout) -> tuple[str, tuple[float, float]]:
    """Inside a column: out to a lane on the right, along it past whatever lies between, and back."""
    column = layout.columns[source.column].box
    inside = max(each.box.x + each.box.width for each in layout.nodes if each.column == source.column)
    lane %= _MOST_LANES
    far = inside + (column.x + column.width - inside) * (1 + lane) / (_MOST_LANES + 1)
    start, end = source.box.x + source.box.width, target.box.x + target.box.width
    y1, y2 = source.box.middle[1], target.box.middle[1]
    corner = math.copysign(min(6.0, abs(y2 - y1) / 2), y2 - y1)
    path = (
        f"M{start:.1f},{y1:.1f} H{far - 6:.1f} Q{far:.1f},{y1:.1f} {far:.1f},{y1 + corner:.1f} "
        f"V{y2 - corner:.1f} Q{far:.1f},{y2:.1f} {far - 6:.1f},{y2:.1f} H{end:.1f}"
    )
    return path, (far, y1 + (y2 - y1) * (0.35 + 0.1 * lane))


def _rise(source: Placed, target: Placed, lane: int, _: Layout) -> tuple[str, tuple[float, float]]:
    """To another column: from the side of the source to the near side of the target."""
    is_left = source.column < target.column
    x1, x2 = (
        box.x + (box.width if on_right else 0)
        for box, on_right in ((source.box, is_left), (target.box, not is_left))
    )
    y1, y2 = source.box.middle[1], target.box.middle[1]
    bend = (x2 - x1) / 2
    t = 0.35 + 0.1 * (lane % _MOST_LANES)
    path = f"M{x1:.1f},{y1:.1f} C{x1 + bend:.1f},{y1:.1f} {x2 - bend:.1f},{y2:.1f} {x2:.1f},{y2:.1f}"
    weights = ((1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3)
    x = sum(w * value for w, value in zip(weights, (x1, x1 + bend, x2 - bend, x2), strict=True))
    y = sum(w * value for w, value in zip(weights, (y1, y1, y2, y2), strict=True))
    return path, (x, y)


def _key(*shapes: Markup) -> Markup:
    return element(
        "svg", element("g", *shapes, class_="node"), width=32, height=20, class_="key", aria_hidden="true"
    )


def _key_line(read: str) -> Markup:
    line = element("path", d="M1,10 L31,10", class_=f"edge {read}")
    return element("svg", line, width=32, height=20, class_="key", aria_hidden="true")
