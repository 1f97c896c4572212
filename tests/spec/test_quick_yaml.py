"""The quick parser reads a text as the slow one does, or leaves it to it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuitcheck import quick_yaml
from circuitcheck.errors import SpecError
from circuitcheck.locations import Document, read_document
from circuitcheck.quick_yaml import quick_document
from circuitcheck.scalars import plain_value

ROOT = Path(__file__).parents[2]
SHIPPED = [*ROOT.glob("circuits/*.circuit.yaml"), *ROOT.glob("circuitcheck/prompts/families/*.yaml")]
TESTED = list(ROOT.glob("tests/specs/*/*.circuit.yaml"))
MARKS = [*"\"'[]{}:,#\n ?|>&*!%@`~\t\u2028\u0007", ": ", "- ", " #", "\n  ", "\\n", "<<", "---", "- - x"]
WORDS = ["null", "0x1F", "1e3", "9.10", "yes", "True", "é", "b: c", "'a':1", "{a: 1}", "k: >-\n  a\n  b\n"]
FRAGMENTS = st.sampled_from([*MARKS, *WORDS])


def slowly(text: str, monkeypatch: pytest.MonkeyPatch) -> Document:
    with monkeypatch.context() as patch:
        patch.setattr(quick_yaml, "LIBYAML", None)
        return read_document(text, "x")


def written(value: object) -> object:
    """Values with their types, and numbers as they were written."""
    if isinstance(value, dict):
        return [(key, written(part)) for key, part in value.items()]
    return list(map(written, value)) if isinstance(value, list) else (type(value), str(value))


def assert_read_alike(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = quick_document(text, plain_value)
    if quick is None:
        return
    slow = slowly(text, monkeypatch)
    assert written(quick.data) == written(slow.data)
    for section, lines in quick.lines.items():
        assert lines == [slow.line((section, number)) for number in range(len(lines))]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_file_is_read_quickly_and_alike(path, monkeypatch):
    text = path.read_text(encoding="utf-8")
    assert quick_document(text, plain_value) is not None
    assert_read_alike(text, monkeypatch)


@pytest.mark.parametrize("path", TESTED, ids=lambda path: path.name)
def test_good_and_bad_files_are_read_alike_or_left_to_the_slow_parser(path, monkeypatch):
    assert_read_alike(path.read_bytes().decode("utf-8-sig"), monkeypatch)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_lines_are_read_alike_or_left_to_the_slow_parser(data):
    lines = data.draw(st.sampled_from(SHIPPED)).read_text(encoding="utf-8").split("\n")
    start = data.draw(st.integers(0, len(lines) - 1))
    text = "\n".join(lines[start : start + data.draw(st.integers(1, 8))])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(FRAGMENTS) + text[at + data.draw(st.integers(0, 3)) :]
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert_read_alike(text, monkeypatch)


@pytest.mark.parametrize(
    "text",
    [
        "a: &x 1\nb: *x",
        "a: !!str 1",
        "? a\n: 1",
        "%YAML 1.1\n---\na: yes",
        "a: 1\n---\nb: 2",
        "a:\t1",
        "a: {'b':1}",
        "<<: {a: 1}",
        "a: 1\na: 2",
        "- a",
        "a: >\n\n  b\n",
        "a: [b",
        "a: b\u2028c: d",
    ],
)
def test_what_the_parsers_might_read_differently_is_left_to_the_slow_one(text):
    assert quick_document(text, plain_value) is None


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000 + "x", "a: " + "{b: " * 50 + "1" + "}" * 50])
def test_what_is_nested_too_deeply_is_left_to_the_slow_parser_which_says_so(text):
    assert quick_document(text, plain_value) is None
    with pytest.raises(SpecError):
        read_document(text, "x")


def test_a_text_that_was_read_quickly_still_has_the_place_of_every_part():
    document = read_document("a: 1\nclaims:\n  - id: x\n\n  - id: y\n    n: 2", "file")
    assert [document.line(("claims", number)) for number in (0, 1)] == [3, 5]
    assert document.line(("claims", 1, "n")) == 6
    assert str(document.problem(("claims", 1, "n"), "too few.")).startswith("file:6:8: claims.1.n: too few.")


def test_without_libyaml_the_slow_parser_reads_everything(monkeypatch):
    monkeypatch.setattr(quick_yaml, "LIBYAML", None)
    assert quick_document("a: 1", plain_value) is None
    assert read_document("a: 1", "x").data == {"a": 1}
