"""From a run to the text of its page."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from circuitcheck.report.html.comparison import Comparison, comparison_view
from circuitcheck.report.html.run_view import run_view
from circuitcheck.report.results import RunResults
from circuitcheck.report.visible_text import visible


def report_page(results: RunResults) -> str:
    """The page of one run."""
    return _environment().get_template("report.html").render(view=run_view(results))


def comparison_page(before: RunResults, after: RunResults) -> str:
    """The page that shows two runs side by side."""
    view: Comparison = comparison_view(before, after)
    return _environment().get_template("comparison.html").render(view=view)


def figure_style() -> str:
    """The rules for drawings in files of their own: light, and without variables, which few editors know."""
    light, _, rest = _text("figures.css").partition("@media")
    colours = dict(re.findall(r"--([\w-]+): (#\w+)", light))
    rules = rest.partition("\n}\n")[2]
    return re.sub(r"var\(--([\w-]+)\)", lambda name: colours[name[1]], rules)


@cache
def _environment() -> Environment:
    # autoescape stands alone here: without it a prompt could write the page.
    environment = Environment(
        loader=PackageLoader("circuitcheck.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.globals["style"] = Markup(_text("page.css") + _text("figures.css"))
    return environment


def _visible(value: object) -> object:
    """Every text that a template puts in, except for what is markup already."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _text(name: str) -> str:
    return files("circuitcheck.report.html").joinpath("templates", name).read_text(encoding="utf-8")
