"""Reads a page as a reader without a style sheet would: its text, and its elements with their attributes."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

BLOCKS = {"dt", "dd", "td", "th", "p", "li", "h1", "h2", "h3", "h4", "h5", "summary", "caption"}
"""A style sheet would put these apart."""


@dataclass
class Element:
    """An element with the text inside it."""

    tag: str
    attributes: dict
    text: str = ""


@dataclass
class Page(HTMLParser):
    """All elements in the order of their start tags."""

    html: str
    elements: list = field(default_factory=list)

    def __post_init__(self):
        super().__init__(convert_charrefs=True)
        self._open = []
        self.feed(self.html)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append(Element(tag, dict(attrs)))
        if tag not in {"meta", "br", "link", "img"}:
            self._open.append(self.elements[-1])

    def handle_endtag(self, tag):
        assert self._open, f"closed without being open: {tag}"
        assert self._open.pop().tag == tag, f"{tag} closes something else"
        if tag in BLOCKS:
            self.handle_data(" ")

    def handle_data(self, data):
        for element in self._open:
            element.text += data

    def all(self, tag, class_=""):
        """Elements of a tag that have a class."""
        return [
            element
            for element in self.elements
            if element.tag == tag
            and (not class_ or class_ in (element.attributes.get("class") or "").split())
        ]

    @property
    def text(self):
        """What can be read, one space between words."""
        return words(next(element.text for element in self.elements if element.tag == "body"))


def words(text):
    return " ".join(text.split())
