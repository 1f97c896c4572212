"""The picture of a circuit as SVG: a pure function of what a run recorded of one file.

x is token position, y is layer. Shapes tell kinds of nodes, lines tell what an edge is read as, colours
and symbols tell how the claims that name a node came out. Titles, shown on hover, give the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from circuitcheck.report.picture_edges import LINES, arrow, edges
from circuitcheck.report.picture_layout import Box, Column, Layout, Placed, lay_out
from circuitcheck.report.picture_shades import PLAIN, Shade
from circuitcheck.report.results import FileRecord, NodeRecord
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
_SAME_SHAPE = {"k": "q", "v": "q", "resid_mid": "resid"}


def circuit_picture(file: FileRecord, shades: Mapping[str, Shade], name: str) -> Markup:
    """The picture of one file; "" for a file without nodes.

    `shades` gives colours by `NAME@POSITION`, of edges by how they are written; `name` makes ids unique on a page.
    """
    if not file.nodes:
        return Markup("")
    layout = lay_out(file)
    return element(
        "svg",
        arrow(name),
        *(_row(label, box) for label, box in layout.rows),
        *(_column(column, layout) for column in layout.columns),
        *edges(file, layout, shades, name),
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
    shade = shades.get(f"{placed.node.name}@{placed.node.at}", PLAIN)
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


def _key(*shapes: Markup) -> Markup:
    return element(
        "svg", element("g", *shapes, class_="node"), width=32, height=20, class_="key", aria_hidden="true"
    )


def _key_line(read: str) -> Markup:
    line = element("path", d="M1,10 L31,10", class_=f"edge {read}")
    return element("svg", line, width=32, height=20, class_="key", aria_hidden="true")
