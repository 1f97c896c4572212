"""Other people's text with its invisible signs made visible, so that none of them can act on a page.

In: text from prompts, tokens and circuit files. Out: text in which control characters and signs that turn
the direction of writing are named, as `⟨U+202E⟩`. Line breaks stay, letters of every script do.
"""

from __future__ import annotations

import re

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but for tab and line feed
    "\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"  # direction, no-width spaces, separators
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"  # no characters at all, which no file can hold
)


def visible(text: str) -> str:
    """The text; what nobody could see in it is named."""
    return _INVISIBLE.sub(lambda sign: f"⟨U+{ord(sign[0]):04X}⟩", text)
