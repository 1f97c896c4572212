"""Paths, and how far a change reaches: `path`, `downstream`, `mlps`, `from_hook`, `until`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from circuitcheck.nodes import Node, NodeKind
from circuitcheck.spec.claim import Claim, Under
from circuitcheck.spec.draft import Draft, Fault
from circuitcheck.spec.rules.edges import INPUTS, why_impossible
from circuitcheck.spec.rules.mentions import Loc, Mention, claim_mentions, under_mentions
from circuitcheck.spec.rules.order import TextOrder
from circuitcheck.spec.rules.sites import stages

_STREAM = frozenset({NodeKind.RESID, NodeKind.RESID_MID})


def path_faults(draft: Draft) -> Iterator[Fault]:
    """Paths that begin elsewhere or cannot be, and limits to a change that say nothing."""
    order = TextOrder(draft)
    for number, claim in draft.claims.items():
        if number in draft.damaged:
            continue
        loc: Loc = ("claims", number)
        yield from _of_words(draft, order, loc, claim, list(claim_mentions(number, claim)))
        if claim.under is not None:
            mentions = list(under_mentions(number, claim))
            yield from _of_words(draft, order, (*loc, "under"), claim.under, mentions)
    for number, claim in draft.edge_claims.items():
        yield from _mlps(("edges", number), claim)


def _of_words(
    draft: Draft, order: TextOrder, loc: Loc, words: Claim | Under, mentions: Sequence[Mention]
) -> Iterator[Fault]:
    nodes = [node for mention in mentions for node in mention.nodes(draft)]
    if words.verb == "patch" and words.path is not None:
        yield from _path(draft, order, loc, words, nodes)
    if words.verb in {"ablate", "patch"}:
        yield from _mlps(loc, words)
        yield from _hooks(draft, loc, words, nodes)


def _path(
    draft: Draft, order: TextOrder, loc: Loc, words: Claim | Under, nodes: Sequence[Node]
) -> Iterator[Fault]:
    assert words.path is not None, "only claims with a path are looked at"
    begins = Mention(loc, words.path.source).nodes(draft)
    if nodes and begins and set(nodes) != set(begins):
        patched = ", ".join(words.expressions)
        msg = f"the path begins at {words.path.source}, and {patched} is patched. Write patch: {words.path.source}."
        yield Fault((*loc, "path"), msg)
    elif message := why_impossible(draft, order, words.path):
        yield Fault((*loc, "path"), message)
    for key in ("from_hook", "until"):
        if getattr(words, key) is not None:
            msg = f"a path says who reads the change, and {key} where everything does. Delete one of them."
            yield Fault((*loc, key), msg, at_key=True)


def _mlps(loc: Loc, words: Claim | Under) -> Iterator[Fault]:
    if words.mlps is not None and words.downstream != "frozen":
        msg = "mlps says whether MLPs are frozen with the heads, and nothing is. Write downstream: frozen, or delete it."
        yield Fault((*loc, "mlps"), msg, at_key=True)


def _hooks(draft: Draft, loc: Loc, words: Claim | Under, nodes: Sequence[Node]) -> Iterator[Fault]:
    hooks = {"from_hook": words.from_hook, "until": words.until}
    if words.path is not None:
        return
    for key, hook in hooks.items():
        if hook is not None and (message := _no_hook(draft, words, hook, nodes)):
            yield Fault((*loc, key), message)
    if _leaves_first(draft, words):
        msg = f"the change would leave before it enters, at {words.from_hook}. Name a later place than that."
        yield Fault((*loc, "until"), msg)


def _leaves_first(draft: Draft, words: Claim | Under) -> bool:
    entry, leaving = words.from_hook, words.until
    if entry is None or leaving is None or not {entry.kind, leaving.kind} <= _STREAM:
        return False
    return stages(draft, leaving)[0] <= stages(draft, entry)[0]


def _no_hook(draft: Draft, words: Claim | Under, hook: Node, nodes: Sequence[Node]) -> str:
    """Why the change of the nodes cannot enter or leave the stream there."""
    if hook.kind not in _STREAM:
        return f"{hook} is no place in the residual stream. Write for example L5.resid or L5.resid_mid."
    if hook.at:
        return f"the place is that of the nodes themselves. Write {hook.name}."
    if words.downstream == "frozen" and words.mlps != "live":
        return "downstream: frozen lets nothing between the nodes and the logits see the change. Delete one of them."
    for node in nodes:
        if node.kind in INPUTS:
            return f"{node} is an input, and writes nothing into the stream. Name the head itself."
        if stages(draft, hook)[0] <= stages(draft, node)[0]:
            return f"{node} does not write before {hook}. Name a place behind it."
    return ""
