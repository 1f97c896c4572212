"""The words of the page for somebody who has never seen one, and links from sentences to them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import Markup, escape

from circuitcheck.report.visible_text import visible


@dataclass(frozen=True)
class Term:
    """A word with its meaning; `key` makes its anchor, `pattern` finds it in sentences."""

    key: str
    word: str
    meaning: str
    pattern: str

    @property
    def anchor(self) -> str:
        """The id of its place on the page."""
        return f"word-{self.key}"


TERMS = (
    Term(
        "circuit", "circuit", "a few parts of a model that together are said to do one task", r"\bcircuits?\b"
    ),
    Term(
        "head",
        "attention head",
        "a part that moves information from earlier tokens to a later one. L2H0 is head 0 of layer 2; "
        "its query, key and value inputs (q, k, v) decide where it looks and what it takes along",
        r"\battention heads?\b",
    ),
    Term(
        "mlp",
        "MLP",
        "a part that works on one token at a time. L2.mlp is the MLP of layer 2; a neuron is one unit of it",
        r"\bMLPs?\b|\bneurons?\b",
    ),
    Term(
        "feature",
        "feature",
        "a direction in the model's activations that a dictionary learnt to pick out, often one that fires for "
        "one kind of thing. L2.tc/174 is feature 174 of the dictionary tc at layer 2; its activation says how "
        "strongly it fires",
        r"\bfeatures?\b",
    ),
    Term(
        "dictionary",
        "dictionary",
        "a sparse autoencoder or transcoder: it rewrites an activation as a sum of few features. What it leaves "
        "out is its error",
        r"\bdictionar(?:y|ies)\b",
    ),
    Term(
        "position",
        "position",
        "the token at which something is done: @END is the last one, where the model answers; other names are "
        "roles that the prompts give to their tokens, such as the second mention of a name",
        r"\btokens?\b",
    ),
    Term(
        "clean",
        "clean and corrupt",
        "prompts come in twins: a clean one, and a corrupt one in which the telling words are exchanged, so that "
        "the right answer no longer follows",
        r"\bclean prompts?\b|\bcorrupt (?:prompts?|twin)\b|\bclean twin\b|\bcorrupt side\b|\bclean side\b",
    ),
    Term(
        "reference",
        "reference set",
        "further prompts of the same kind, over which means are taken; none of them is used for judging",
        r"\breference set\b",
    ),
    Term(
        "intervention",
        "intervention",
        "while the model runs, the value of a part is replaced by another; everything after it follows. What "
        "changes in the answer is what the part is worth",
        r"\breplaced\b|\bgot the value\b",
    ),
    Term(
        "path",
        "path patching",
        "only one reader sees the replaced value, through one of its inputs (query, key, value, or the input of an "
        "MLP); everything else reads the part as it is. It tells whether that reader uses that part",
        r"\bonly [^.(]+\(as its\b",
    ),
    Term(
        "taken_out",
        "taken out",
        "replaced as everything outside the circuit is. A circuit is complete if it does as the whole model does "
        "whichever of its parts are taken out of both, and minimal if each part makes a difference",
        r"\btaken out\b",
    ),
    Term(
        "frozen",
        "frozen downstream",
        "parts that come later keep the values of the untouched run, so that none of them can make up for the change",
        r"\bfrozen: it kept\b",
    ),
    Term(
        "steering",
        "steering",
        "a part is made stronger or weaker by stated amounts; the answer at several amounts is a dose-response",
        r"\badded to the (?:activation|output)\b|\bmultiplied by\b|\bwas set to\b(?! zero)",
    ),
    Term(
        "metric",
        "metric",
        "one number per prompt for how well the model does; logit_diff is the right answer's score minus the "
        "wrong one's",
        r"\blogits?\b",
    ),
    Term(
        "interval",
        "confidence interval",
        "the range in which the true value lies with the stated confidence, given that only so many prompts "
        "were measured",
        r"\bconfidence\b",
    ),
    Term(
        "controls",
        "controls",
        "other features that fire about as often and as strongly, put in the place of the claim's own. If they do "
        "as much, the claim says nothing special about its features",
        r"\bcontrols\b",
    ),
)
_PATTERN = re.compile("|".join(f"(?P<{term.key}>{term.pattern})" for term in TERMS))
_BY_KEY = {term.key: term for term in TERMS}


def linked(text: str) -> Markup:
    """The text with the first mention of each word leading to its meaning."""
    made, at, seen = Markup(""), 0, set[str]()
    for found in _PATTERN.finditer(text):
        key = found.lastgroup or ""
        if key in seen:
            continue
        seen.add(key)
        made += escape(visible(text[at : found.start()]))
        made += Markup('<a class="word" href="#{}">{}</a>').format(_BY_KEY[key].anchor, found[0])
        at = found.end()
    return made + escape(visible(text[at:]))
