"""Signs that nobody would see are named; everything that can be read stays as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuitcheck.report.visible_text import visible


@pytest.mark.parametrize(
    ("sign", "name"),
    [
        ("\x00", "⟨U+0000⟩"),
        ("\x1b", "⟨U+001B⟩"),
        ("\r", "⟨U+000D⟩"),
        ("\x85", "⟨U+0085⟩"),
        ("\u202e", "⟨U+202E⟩"),
        ("\u2066", "⟨U+2066⟩"),
        ("\u200f", "⟨U+200F⟩"),
        ("\u200b", "⟨U+200B⟩"),
        ("\ufeff", "⟨U+FEFF⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("\uffff", "⟨U+FFFF⟩"),
    ],
)
def test_hidden_signs_are_named(sign, name):
    assert visible(f"a{sign}b") == f"a{name}b"


@pytest.mark.parametrize(
    "text", ["", "two\nlines\tand a tab", "שלום", "سلام", "नमस्ते", "日本語", "👩\u200d🔬", "<b>&"]
)
def test_text_of_every_script_stays(text):
    assert visible(text) == text


@given(st.text())
def test_the_result_can_be_written_and_is_not_changed_again(text):
    shown = visible(text)
    shown.encode("utf-8")
    assert visible(shown) == shown
