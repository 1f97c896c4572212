"""YAML text as plain data, with the place of every key and value kept.

In: the text of a circuit file. Out: `Document`. YAML 1.2 by ruamel.yaml, so Yes and No stay words. The
text is composed, not loaded: composed nodes have all places, and keep `9.10` as it was written. Since that takes
its time, a text in which nothing is doubtful is read by `quick_yaml`, and composed when a place is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from circuitcheck.errors import Problem, SpecError
from circuitcheck.parser_sentences import DEEPEST, parser_sentence
from circuitcheck.quick_yaml import quick_document
from circuitcheck.scalars import plain_value

Loc = tuple[str | int, ...]
"""The way to a part of a file: ("claims", 1, "expect", "drop")."""

_TAG = "tag:yaml.org,2002:"
_MOST_VALUES = 1_000_000


@dataclass(frozen=True)
class Document:
    """A YAML text as data, and where each part of it stands.

    `lines` has, by section, the lines of the items of its list, where they are known without composing the text.
    """

    path: str
    text: str
    data: Any
    lines: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @property
    def root(self) -> Node:
        """The text as composed nodes, which have all places."""
        return _compose(self.text, self.path)

    def problem(self, loc: Loc, message: str, *, at_key: bool = False) -> Problem:
        """A problem at the deepest part of `loc` that the file has.

        On the value, but on the key of a mapping, whose own beginning is its first entry; and on the
        key if asked for.
        """
        known, key, value = self._find(loc)
        node = key if key is not None and (at_key or isinstance(value, MappingNode)) else value
        named = ".".join(map(str, loc[:known]))
        text = f"{named}: {message}" if named else message
        return problem_at(self.path, self.text, node.start_mark.line, node.start_mark.column, text)

    def line(self, loc: Loc) -> int:
        """The 1-based line on which a part begins."""
        match loc:
            case (str(section), int(number)) if section in self.lines:
                return self.lines[section][number]
        return int(self._find(loc)[2].start_mark.line) + 1

    def _find(self, loc: Loc) -> tuple[int, Node | None, Node]:
        """How many steps of `loc` the file has, then the last step's key (if it has one) and value."""
        key: Node | None = None
        value = self.root
        for depth, step in enumerate(loc):
            found = _step(value, step)
            if found is None:
                return depth, key, value
            key, value = found
        return len(loc), key, value


def read_document(text: str, path: str) -> Document:
    """Read YAML.

    Raises:
        SpecError: when the text is not YAML, is empty, or writes a key twice.
    """
    quick = quick_document(text, plain_value)
    if quick is not None:
        return Document(path, text, quick.data, quick.lines)
    root = _compose(text, path)
    builder = _Builder(path, text)
    data = builder.build(root, ())
    if builder.problems:
        raise SpecError(tuple(builder.problems))
    return Document(path, text, data)


def problem_at(path: str, text: str, line: int, column: int, message: str) -> Problem:
    """A problem at a 0-based line and column, with the line of the file."""
    lines = _lines(text)
    source = lines[line].rstrip("\r") if 0 <= line < len(lines) else ""
    # A tab is one column wide here, as it is to the parser, so that the caret stands under the fault.
    return Problem(path, line + 1, column + 1, message, source.replace("\t", " "))


@lru_cache(maxsize=1)
def _lines(text: str) -> list[str]:
    return text.split("\n")


@lru_cache(maxsize=1)
def _compose(text: str, path: str) -> Node:
    yaml = YAML(typ="safe", pure=True)
    yaml.max_depth = DEEPEST
    try:
        root = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        raise _refusal(path, text, line, column, parser_sentence(error)) from None
    except ReaderError as error:
        before = text[: error.position]
        column = len(before) - (before.rfind("\n") + 1)
        msg = f"character U+{error.character:04X} may not stand in YAML. Delete it."
        raise _refusal(path, text, before.count("\n"), column, msg) from None
    except (
        YAMLError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        RecursionError,
        AssertionError,
    ) as error:
        # ruamel.yaml lets errors of its own escape on some damaged input (a directive without a version).
        msg = f"this is not YAML ({type(error).__name__} in the parser). Compare with the examples."
        raise _refusal(path, text, 0, 0, msg) from None
    if root is None:
        msg = "the file is empty. Begin with 'circuitcheck: 1'."
        raise _refusal(path, text, 0, 0, msg)
    assert isinstance(root, Node), "a document is composed to a node"
    return root


def _refusal(path: str, text: str, line: int, column: int, message: str) -> SpecError:
    return SpecError((problem_at(path, text, line, column, message),))


def _step(node: Node, step: str | int) -> tuple[Node | None, Node] | None:
    if isinstance(node, MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, SequenceNode) and isinstance(step, int) and 0 <= step < len(node.value):
        return None, node.value[step]
    return None


class _Builder:
    """Turns composed nodes into dicts, lists and scalars; keeps the problems that it meets."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.problems: list[Problem] = []
        self.open: set[int] = set()
        self.left = _MOST_VALUES

    def build(self, node: Node, loc: Loc) -> Any:
        self.left -= 1
        if id(node) in self.open or self.left < 0:
            return self._refuse(node, loc, "an anchor that holds itself, or too much. Write the values out.")
        self.open.add(id(node))
        value = self._value(node, loc)
        self.open.remove(id(node))
        return value

    def _value(self, node: Node, loc: Loc) -> Any:
        tag = str(node.tag)
        if isinstance(node, MappingNode) and tag == f"{_TAG}map":
            return self._mapping(node, loc)
        if isinstance(node, SequenceNode) and tag == f"{_TAG}seq":
            return [self.build(item, (*loc, number)) for number, item in enumerate(node.value)]
        if isinstance(node, ScalarNode) and tag.startswith(_TAG):
            return plain_value(tag.removeprefix(_TAG), node.value)
        return self._refuse(
            node, loc, f"circuit files use no tags, and this has {tag}. Write the plain value."
        )

    def _mapping(self, node: MappingNode, loc: Loc) -> dict[str, Any]:
        built: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._refuse(key, loc, "a key must be one word. Write key: value.")
            elif key.value in built:
                first = lines[key.value]
                self._refuse(key, (*loc, key.value), f"key written twice, first on line {first}. Keep one.")
            else:
                lines[key.value] = key.start_mark.line + 1
                built[key.value] = self.build(value, (*loc, key.value))
        return built

    def _refuse(self, node: Node, loc: Loc, message: str) -> None:
        name = ".".join(map(str, loc))
        text = f"{name}: {message}" if name else message
        mark = node.start_mark
        self.problems.append(problem_at(self.path, self.text, mark.line, mark.column, text))
