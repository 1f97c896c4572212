"""SVG elements as text, with everything that is not markup escaped.

In: names, attributes and children. Out: `Markup`, which templates put in as it is.
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Signs that a token may hold and that XML has no way to write."""

Attribute = str | float | int | None


def element(name: str, *children: str, **attributes: Attribute) -> Markup:
    """One element; `_` in attribute names is written `-`, a trailing one dropped (`class_`).

    Children that are not `Markup` are text. Attributes that are None are left out.
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _short(value))
        for key, value in attributes.items()
        if value is not None
    )
    inner = Markup("").join(escape(child) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), written, inner)


def standalone(svg: str, style: str) -> str:
    """A drawing as a file of its own, with the rules that a page would give it."""
    start, _, rest = _NOT_XML.sub("�", svg).partition(">")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{start}><style>{style}</style>{rest}\n'


def _short(value: Attribute) -> str:
    """Numbers to a tenth of a pixel, since nobody sees more and pages hold thousands."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
