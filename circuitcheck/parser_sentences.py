"""Text that is not YAML: what the parser says of it, in the words of people who write circuit files."""

from __future__ import annotations

from collections.abc import Sequence

from ruamel.yaml.error import MarkedYAMLError

DEEPEST = 50
"""Levels of nesting that are read."""

_SENTENCES: Sequence[tuple[str, str]] = (
    ("'\\t'", "a tab stands where YAML wants spaces. Indent with spaces."),
    ("'@'", "a value may not begin with '@'. Put it in quotes, or name the node first, as in L9H6@END."),
    ("'`'", "a value may not begin with '`'. Put it in quotes."),
    ("'%'", "a value may not begin with '%'. Put it in quotes."),
    ("mapping values are not allowed", "a second ':' on this line. Put the text in quotes."),
    ("another document", "a second document begins here. Write one circuit per file."),
    (
        "undefined alias",
        "no '&' anchor of this name stands above. A value that begins with '*' needs quotes.",
    ),
    ("maximum depth", f"this is nested more than {DEEPEST} levels deep. A circuit file needs six."),
    ("unexpected end of stream", "a quote is opened here or before, and never closed. Close it."),
    ("unknown escape character", "an unknown '\\' escape in double quotes. Use single quotes."),
    ("expected ',' or ']'", "a '[' is not closed before this. Close it, or put a comma between the items."),
    ("expected ',' or '}'", "a '{' is not closed before this. Close it, or put a comma between the keys."),
    ("but found '}'", "this '}' closes nothing. Delete it."),
    ("but found ']'", "this ']' closes nothing. Delete it."),
    ("could not find expected ':'", "a key without a ':'. Write key: value."),
    ("expected <block end>", "this line is indented unlike its neighbours. Line up the keys of one mapping."),
    (
        "expected '<document start>'",
        "this line is indented unlike its neighbours. Line up the keys of one mapping.",
    ),
)
"""What the parser says, and how we say it; the first that fits."""


def parser_sentence(error: MarkedYAMLError) -> str:
    """One plain sentence for what the parser found."""
    said = str(error.problem or error.context or "it cannot be read")
    for part, sentence in _SENTENCES:
        if part in said:
            return f"this is not YAML: {sentence}"
    return f"this is not YAML: {said.splitlines()[0]}. Compare with the examples, or put the text in quotes."
