"""SVG elements as text, with everything that is not markup escaped, and control characters named.

In: names, attributes and children. Out: `Markup`, which templates put in as it is.
"""

from __future__ import annotations

from markupsafe import Markup, escape

from circuitcheck.report.visible_text import visible

Attribute = str | float | int | None


def element(name: str, *children: str, **attributes: Attribute) -> Markup:
    """One element; `_` in attribute names is written `-`, a trailing one dropped (`class_`).

    Children that are not `Markup` are text. Attributes that are None are left out.
    """
    # Pages hold tens of thousands of attributes, for which `Markup.format` would be too slow.
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_short(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if not children:
        return Markup(f"<{name}{written}/>")
    inner = "".join(child if isinstance(child, Markup) else escape(visible(child)) for child in children)
    return Markup(f"<{name}{written}>{inner}</{name}>")


def standalone(svg: str, style: str) -> str:
    """A drawing as a file of its own, with the rules that a page would give it."""
    start, _, rest = svg.partition(">")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{start}><style>{style}</style>{rest}\n'


def _short(value: Attribute) -> str:
    """Numbers to a tenth of a pixel, since nobody sees more and pages hold thousands."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else visible(str(value))
