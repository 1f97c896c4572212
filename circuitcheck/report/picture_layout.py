"""Where everything of a circuit picture lies: tokens from left to right, layers from bottom to top.

In: the nodes, edges and example prompt of a `FileRecord`. Out: a `Layout` in pixels, in which no two
boxes overlap: every cell of (token, layer) is as large as what lies in it.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from circuitcheck.report.results import ExampleRecord, FileRecord, NodeRecord

CHARACTER = 7.3
"""Width of a character of 12 pixel monospace, at most."""
NODE_HEIGHT = 26.0
GAP = 8.0
CAPTION = 16.0
GUTTER = 18.0
LANE = 16.0
"""What each edge inside one column adds to its right."""
LEFT = 74.0
TOP = 10.0
_MOST_STACKED = 4
_MOST_TOKENS = 24
_LONGEST = 22
_EVERYWHERE = {"all": "every token", "all+bos": "every token and BOS"}
_BOS = re.compile(r"<.*>|\[[A-Z]+\]")
_STAGES = ("embed", "resid", "q", "k", "v", "head", "attn", "resid_mid", "mlp", "neuron", "feature", "error")


@dataclass(frozen=True)
class Box:
    """A rectangle; `x`, `y` its top left corner, in pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> tuple[float, float]:
        """Its centre."""
        return self.x + self.width / 2, self.y + self.height / 2

    def overlaps(self, other: Box) -> bool:
        """Whether they share more than an edge."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


@dataclass(frozen=True)
class Placed:
    """A node with its box; `groups` are all that name it, `column` the number of its column."""

    node: NodeRecord
    groups: tuple[str, ...]
    labels: tuple[str, ...]
    column: int
    box: Box


@dataclass(frozen=True)
class Column:
    """A token, a stretch of tokens left out, or a place that is no single token."""

    token: str
    whole: str
    roles: str
    box: Box


@dataclass(frozen=True)
class Layout:
    """The whole picture. `captions` are group names over their nodes, `rows` layer names and boxes."""

    width: float
    height: float
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, Box], ...]
    nodes: tuple[Placed, ...]
    captions: tuple[tuple[str, Box], ...]
    token_line: float


def shown(text: str) -> str:
    """A token as drawn: without the space before it, on one line, at most a couple of dozen characters."""
    flat = "".join({"\n": "⏎", "\t": "⇥"}.get(sign, sign if sign.isprintable() else "·") for sign in text)
    flat = flat.strip() or ("␣" if text else "")
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"


def text_width(text: str) -> float:
    """How wide monospace text is at most; East Asian signs and emoji take two places."""
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    return CHARACTER * (len(text) + wide)


def index_of(at: str, example: ExampleRecord) -> int | None:
    """The token of a position on the example; None where it is no single token of it.

    Index 0 is the first token after BOS, which is there if the first token looks like a special one.
    """
    if re.fullmatch(r"-?\d+", at):
        has_bos = bool(example.tokens and _BOS.fullmatch(example.tokens[0].strip()))
        index = int(at) + (len(example.tokens) if at.startswith("-") else int(has_bos))
    else:
        found = re.fullmatch(r"(\w+?)([+-]\d+)?", at)
        if not found or found[1] not in example.roles:
            return None
        index = example.roles[found[1]] + int(found[2] or 0)
    return index if 0 <= index < len(example.tokens) else None


@dataclass(frozen=True)
class _Member:
    """A node before it has a box."""

    node: NodeRecord
    groups: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class _Block:
    """Nodes of one group in one cell: a caption over a grid."""

    caption: str
    members: tuple[_Member, ...]
    node_width: float

    @property
    def across(self) -> int:
        return max(math.ceil(len(self.members) / _MOST_STACKED), 1)

    @property
    def down(self) -> int:
        return math.ceil(len(self.members) / self.across)

    @property
    def width(self) -> float:
        grid = self.across * (self.node_width + GAP) - GAP
        return max(grid, text_width(self.caption))

    @property
    def height(self) -> float:
        return (CAPTION if self.caption else 0) + self.down * (NODE_HEIGHT + GAP) - GAP


def lay_out(file: FileRecord) -> Layout:
    """Place everything. The picture of a file without nodes has columns alone."""
    members = _members(file.nodes)
    names = _columns(file.example, members)
    places = {key: number for number, (keys, _, _, _) in enumerate(names) for key in keys}
    cells: dict[tuple[int, int], list[_Member]] = {}
    for member in members:
        column = places[_column_key(member.node.at, file.example)]
        cells.setdefault((column, _row_key(member.node)), []).append(member)
    blocks = {cell: _blocks(inside) for cell, inside in cells.items()}
    lanes = _lanes(file, members, places)
    columns = _column_boxes(names, blocks, lanes)
    rows = _row_boxes(blocks, columns)
    nodes, captions = _put(blocks, columns, dict(rows))
    bottom = max((box.y + box.height for _, box in rows), default=TOP)
    right = max((column.box.x + column.box.width for column in columns), default=LEFT)
    return Layout(
        width=right + 4,
        height=bottom + 48,
        columns=tuple(columns),
        rows=tuple((_row_name(key), box) for key, box in rows),
        nodes=tuple(nodes),
        captions=tuple(captions),
        token_line=bottom + 18,
    )


def ends(expression: str, nodes: Iterable[Placed]) -> tuple[Placed, ...]:
    """The nodes that one end of an edge names: a group's, or the node itself."""
    return tuple(
        placed
        for placed in nodes
        if expression in placed.groups
        or expression in {placed.node.name, f"{placed.node.name}@{placed.node.at}"}
    )


def node_width(node: NodeRecord) -> float:
    """Room for a symbol and the node's name inside its shape."""
    return text_width(f"✓! {node.name}") + 22


def _members(nodes: Sequence[NodeRecord]) -> list[_Member]:
    """Each placed node once, with all its groups."""
    found: dict[tuple[str, str], list[NodeRecord]] = {}
    for node in nodes:
        found.setdefault((node.name, node.at), []).append(node)
    return [
        _Member(
            same[0],
            tuple(node.group for node in same if node.group),
            tuple(node.label for node in same if node.label),
        )
        for same in found.values()
    ]


def _row_key(node: NodeRecord) -> int:
    return -1 if node.layer is None else node.layer


def _row_name(key: int) -> str:
    return "embed" if key < 0 else f"layer {key}"


def _column_key(at: str, example: ExampleRecord | None) -> str | int:
    """A token's index, or the position's own name."""
    index = index_of(at, example) if example else None
    return at if index is None else index


_Named = tuple[tuple[str | int, ...], str, str, str]
"""Keys that lie in a column, the token as drawn, the token in full, the roles."""


def _columns(example: ExampleRecord | None, members: Sequence[_Member]) -> list[_Named]:
    used = dict.fromkeys(_column_key(member.node.at, example) for member in members)
    outside: list[_Named] = [
        ((key,), "", "", _EVERYWHERE.get(key, key) or "no position") for key in used if isinstance(key, str)
    ]
    return outside + (_token_columns(example, used) if example else [])


def _token_columns(example: ExampleRecord, used: Iterable[str | int]) -> list[_Named]:
    roles: dict[int, list[str]] = {}
    for role, index in example.roles.items():
        roles.setdefault(index, []).append(role)
    telling = {*roles, *(key for key in used if isinstance(key, int))}
    columns = list[_Named]()
    for first, last in _stretches(len(example.tokens), telling):
        whole = "".join(example.tokens[first:last])
        if last - first > 1:
            columns.append(((), f"… {last - first} tokens", whole, ""))
        else:
            columns.append(((first,), shown(whole), whole, ", ".join(roles.get(first, ()))))
    return columns


def _stretches(length: int, telling: set[int]) -> list[tuple[int, int]]:
    """Tokens one by one; in long prompts, three or more in a row that have neither node nor role as one."""
    if length <= _MOST_TOKENS:
        return [(index, index + 1) for index in range(length)]
    stops = sorted({-1, length, *(index for index in telling if 0 <= index < length)})
    found = list[tuple[int, int]]()
    for before, after in zip(stops, stops[1:], strict=False):
        start = before + 1
        found += [(start, after)] if after - start > 2 else [(i, i + 1) for i in range(start, after)]
        found += [(after, after + 1)] if after < length else []
    return found


def _blocks(members: Sequence[_Member]) -> list[_Block]:
    """The groups of one cell, from top to bottom: what is computed later lies higher."""
    groups: dict[str, list[_Member]] = {}
    for member in members:
        groups.setdefault(member.groups[0] if member.groups else "", []).append(member)
    blocks = [
        _Block(shown(group), tuple(inside), max(node_width(member.node) for member in inside))
        for group, inside in groups.items()
    ]
    return sorted(blocks, key=lambda block: -_stage(block.members[0].node))


def _stage(node: NodeRecord) -> int:
    return _STAGES.index(node.kind) if node.kind in _STAGES else 0


def _lanes(
    file: FileRecord, members: Sequence[_Member], places: dict[str | int, int]
) -> dict[int, int]:
    """How many edges run inside each column."""
    counts: dict[int, int] = {}
    columns = {id(member): places[_column_key(member.node.at, file.example)] for member in members}

    def at(expression: str) -> list[int]:
        return [
            columns[id(member)]
            for member in members
            if expression in member.groups
            or expression in {member.node.name, f"{member.node.name}@{member.node.at}"}
        ]

    for edge in file.edges:
        for column in set(at(edge.source)) & set(at(edge.target)):
            pairs = at(edge.source).count(column) * at(edge.target).count(column)
            counts[column] = counts.get(column, 0) + pairs
    return counts


def _column_boxes(
    names: Sequence[_Named], blocks: dict[tuple[int, int], list[_Block]], lanes: dict[int, int]
) -> list[Column]:
    columns, x = list[Column](), LEFT
    for number, (_, token, whole, roles) in enumerate(names):
        inside = [block.width for (column, _), cell in blocks.items() if column == number for block in cell]
        width = max([text_width(token), text_width(roles), *inside], default=0) + GUTTER
        # Edges of one column bow out to its right, each in a lane of its own up to a few.
        width += 2 * LANE * min(lanes.get(number, 0), 4)
        columns.append(Column(token, whole, roles, Box(x, TOP, width, 0)))
        x += width
    return columns


def _row_boxes(
    blocks: dict[tuple[int, int], list[_Block]], columns: Sequence[Column]
) -> list[tuple[int, Box]]:
    """Rows that hold nodes, the last layer first."""
    width = max((column.box.x + column.box.width for column in columns), default=LEFT) - LEFT
    rows, y = list[tuple[int, Box]](), TOP
    for key in sorted({row for _, row in blocks}, reverse=True):
        heights = [_stack_height(cell) for (_, row), cell in blocks.items() if row == key]
        height = max(heights) + 2 * GUTTER
        rows.append((key, Box(LEFT, y, width, height)))
        y += height
    return rows


def _stack_height(cell: Sequence[_Block]) -> float:
    return sum(block.height for block in cell) + GAP * (len(cell) - 1)


def _put(
    blocks: dict[tuple[int, int], list[_Block]], columns: Sequence[Column], rows: dict[int, Box]
) -> tuple[list[Placed], list[tuple[str, Box]]]:
    nodes, captions = list[Placed](), list[tuple[str, Box]]()
    for (column, row), cell in blocks.items():
        middle = columns[column].box.middle[0]
        y = rows[row].middle[1] - _stack_height(cell) / 2
        for block in cell:
            if block.caption:
                width = text_width(block.caption)
                captions.append((block.caption, Box(middle - width / 2, y, width, CAPTION)))
            nodes += _grid(block, column, middle, y + (CAPTION if block.caption else 0))
            y += block.height + GAP
    return nodes, captions


def _grid(block: _Block, column: int, middle: float, top: float) -> Iterable[Placed]:
    width = block.across * (block.node_width + GAP) - GAP
    for number, member in enumerate(block.members):
        x = middle - width / 2 + (number % block.across) * (block.node_width + GAP)
        y = top + (number // block.across) * (NODE_HEIGHT + GAP)
        box = Box(x, y, block.node_width, NODE_HEIGHT)
        yield Placed(member.node, member.groups, member.labels, column, box)
