"""YAML read ten times faster than by ruamel.yaml, where both read the same; None where that is not sure.

In: a text. Out: its data, and where the items of its lists stand. Libyaml parses (through PyYAML); what a word is in
YAML 1.2 is still decided by ruamel.yaml. A text with a fault, or with anything on which the two might differ,
is left to the slow parser, which has every place and every sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own
from ruamel.yaml.nodes import ScalarNode as RuamelScalar
from ruamel.yaml.resolver import Resolver

LIBYAML: Any = getattr(yaml, "CBaseLoader", None)
"""None where PyYAML was built without libyaml."""

_TAG = "tag:yaml.org,2002:"
_DOUBTFUL = re.compile(
    r"[^\n -~\u00a1-\u1fff\u2030-\ud7ff]"  # tabs, YAML 1.1's line breaks, whatever cannot be seen
    r"|(?:^|[ \[{,:])(?:[!&*?]|<<)|^%"  # tags, anchors, long keys, merges, directives
    r"|[\]}\"'] *:\S"  # keys of JSON
    r"|^(?:---|\.\.\.)",  # several documents
    re.MULTILINE,
)
_BLOCK = re.compile(r"(?:^|[ \[{,:])[|>]", re.MULTILINE)
_TAME_BLOCK = re.compile(r": [|>]-\n( +)[^ #\n].*\n(?:\1[^ #\n].*\n)*\n*(?=(?: *[^ #\n]|\Z))")
"""Lines of one indent, none of them empty or like a comment, before a line that is not like one either."""
_LONGEST_LINE, _MOST_BRACKETS = 1000, 4000
"""Nothing is nested deeper than these two together, and PyYAML recurses in C without a limit of its own."""
_DEEPEST = 40
_WORDS = Resolver(loadumper=None)


@dataclass(frozen=True)
class QuickDocument:
    """A text as data; `lines` has, by section, the 1-based lines on which the items of its list begin."""

    data: dict[str, Any]
    lines: dict[str, list[int]]


class Unsure(Exception):
    """The slow parser should look at this text."""


def quick_document(text: str, scalar: Callable[[str, str], Any]) -> QuickDocument | None:
    """The mapping that a YAML text holds, or None where the slow parser should read it.

    `scalar` makes a value of what YAML 1.2 takes a word for (str, int, float, bool, null, ...) and the word; it may
    raise `Unsure`.
    """
    if LIBYAML is None or not _is_tame(text):
        return None
    try:
        root = yaml.compose(text, Loader=_parser())
        if not isinstance(root, yaml.MappingNode):
            return None
        return QuickDocument(_mapping(root, scalar, 0), _lines(root))
    except (yaml.YAMLError, Unsure):
        return None


def _is_tame(text: str) -> bool:
    return (
        _DOUBTFUL.search(text) is None
        and len(_BLOCK.findall(text)) == len(_TAME_BLOCK.findall(text))
        and text.count("[") + text.count("{") <= _MOST_BRACKETS
        and max(map(len, text.split("\n"))) <= _LONGEST_LINE
    )


@cache
def _parser() -> Any:
    """Libyaml's parser, which asks ruamel.yaml what a word is."""

    def resolve(_: Any, kind: type, word: str, implicit: tuple[bool, bool]) -> str:
        if kind is yaml.ScalarNode:
            return str(_WORDS.resolve(RuamelScalar, word, implicit))
        return f"{_TAG}map" if kind is yaml.MappingNode else f"{_TAG}seq"

    return type("_Parser", (LIBYAML,), {"resolve": resolve})


def _value(node: yaml.Node, scalar: Callable[[str, str], Any], depth: int) -> Any:
    if depth > _DEEPEST:
        raise Unsure
    if isinstance(node, yaml.ScalarNode):
        return scalar(node.tag.removeprefix(_TAG), node.value)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, scalar, depth)
    return [_value(item, scalar, depth + 1) for item in node.value]


def _mapping(node: yaml.MappingNode, scalar: Callable[[str, str], Any], depth: int) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.value in built:
            raise Unsure
        built[key.value] = _value(value, scalar, depth + 1)
    return built


def _lines(root: yaml.MappingNode) -> dict[str, list[int]]:
    return {
        key.value: [item.start_mark.line + 1 for item in section.value]
        for key, section in root.value
        if isinstance(section, yaml.SequenceNode)
    }
