"""What the features of a circuit file are about, for its report.

In: a file, the claims that are checked, the bench, the prompts. Out: one `FeatureResult` per placed feature.
A feature that cannot be described takes nothing else down: its result says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from circuitcheck.checking.bench import Bench
from circuitcheck.checking.result import FeatureContext, FeatureResult
from circuitcheck.engine import Context, Description, Engine
from circuitcheck.errors import CircuitCheckError
from circuitcheck.nodes import Node, NodeKind
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.spec import CircuitSpec, Claim
from circuitcheck.uses import nodes_of

TOKENS_BEFORE, TOKENS_AFTER = 48, 16
"""How much of a long prompt is kept around the token where a feature fires."""

Text = Callable[[int], str]


def describe_features(
    spec: CircuitSpec, claims: Sequence[Claim], bench: Bench, prompts: PromptSet
) -> tuple[FeatureResult, ...]:
    """The features of the file's groups, then those that only `claims` name.

    Where only some of the file's claims are checked, features of dictionaries that these do not use are
    left out: to measure one claim should not load every dictionary of a large model.
    """
    named = named_features(spec, claims)
    found = _descriptions(bench.engine, tuple(named), prompts)
    text = cache(bench.tokenizer.decode)
    return tuple(_told(known, found[node], prompts, text) for node, known in named.items())


def named_features(spec: CircuitSpec, claims: Sequence[Claim]) -> dict[Node, FeatureResult]:
    """The features to describe, with the groups that hold them."""
    of_claims = [node for claim in claims for node in nodes_of(claim, spec)]
    of_groups = [node for group in spec.nodes.values() for node in group.nodes]
    if len(claims) < len(spec.claims):
        used = {(node.dictionary, node.layer) for node in of_claims}
        of_groups = [node for node in of_groups if (node.dictionary, node.layer) in used]
    every = dict.fromkeys(node for node in (*of_groups, *of_claims) if node.kind is NodeKind.FEATURE)
    return {node: _unknown(node, spec) for node in every}


def _unknown(node: Node, spec: CircuitSpec) -> FeatureResult:
    groups = {name: group.label for name, group in spec.nodes.items() if node in group.nodes}
    labels = tuple(dict.fromkeys(filter(None, groups.values())))
    return FeatureResult(node, tuple(groups), labels)


def _descriptions(
    engine: Engine, nodes: tuple[Node, ...], prompts: PromptSet
) -> Mapping[Node, Description | str]:
    """Descriptions, all made together; where one of them is impossible, each alone, or the reason."""
    if not nodes:
        return {}
    try:
        return dict(zip(nodes, engine.describe(nodes, prompts), strict=True))
    except CircuitCheckError as error:
        if len(nodes) == 1:
            return {nodes[0]: str(error)}
    alone = [_descriptions(engine, (node,), prompts) for node in nodes]
    return {node: found[node] for node, found in zip(nodes, alone, strict=True)}


def _told(known: FeatureResult, about: Description | str, prompts: PromptSet, text: Text) -> FeatureResult:
    if isinstance(about, str):
        return replace(known, missing=about)
    return replace(
        known,
        rate=about.rate,
        mean=about.mean,
        contexts=tuple(_context(context, prompts, text) for context in about.strongest),
        promotes=tuple((text(token), logit) for token, logit in about.promotes),
        suppresses=tuple((text(token), logit) for token, logit in about.suppresses),
    )


def _context(found: Context, prompts: PromptSet, text: Text) -> FeatureContext:
    tokens = prompts.clean[found.row]
    first = int(prompts.has_bos)
    start = max(first, found.position - TOKENS_BEFORE)
    end = min(len(tokens), found.position + TOKENS_AFTER + 1)
    roles = {role: int(at[found.row]) for role, at in prompts.roles.items()}
    template, order = prompts.cells[found.row]
    return FeatureContext(
        tokens=tuple(text(token) for token in tokens[start:end]),
        firing=found.position - start,
        activation=found.activation,
        roles={role: at - start for role, at in roles.items() if start <= at < end},
        template=template,
        order=order,
        before=start - first,
        after=len(tokens) - end,
    )
