"""What a page shows beside a verdict: named numbers, cells, the prompts that speak most against the claim."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from circuitcheck.claims.case import Case
from circuitcheck.claims.conditions import condition_of, nothing_kept, with_errors_kept
from circuitcheck.claims.planning import INTERVENING
from circuitcheck.claims.questions import Question, samples_of
from circuitcheck.claims.requests import metric
from circuitcheck.claims.verbs.metrics import runs_of
from circuitcheck.engine import KeepOnly, Replace, Values
from circuitcheck.nodes import ALL, Node, NodeKind
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.verdict import PromptEffect

_WHOLE_KINDS = frozenset({NodeKind.HEAD, NodeKind.ATTN, NodeKind.MLP})

WORST = 3
"""How many prompts a failure page shows."""


def population_of(prompts: PromptSet) -> str:
    """Whom a verdict speaks of."""
    templates = {template for template, _ in prompts.cells}
    orders = {order for _, order in prompts.cells}
    text = (
        f"prompts of these {len(templates)} templates" if len(templates) > 1 else "prompts of this template"
    )
    return f"{text} in {len(orders)} orders" if len(orders) > 1 else text


def values_of(case: Case) -> Mapping[str, tuple[float, ...]]:
    """The per-prompt numbers behind the verdict, by name."""
    if case.claim.verb in INTERVENING:
        return {name: tuple(map(float, column)) for name, column in _columns(case).items()}
    return {
        " ".join(part for part in (quantity, name) if part): tuple(map(float, sample.numerator))
        for quantity in case.claim.thresholds
        for name, sample in samples_of(case, quantity)
    }


def facts_of(case: Case, changed: float | None) -> Mapping[str, float | str]:
    """Named numbers for the page, in reading order; metrics are means over prompts."""
    if case.claim.verb not in INTERVENING:
        return {"changed on": f"{changed:.0%} of prompts"} if changed is not None else {}
    name = case.claim.metric or case.spec.metric
    facts: dict[str, float | str] = {"metric": name}
    facts |= {key: _mean(case, column) for key, column in _columns(case).items()}
    intervention = condition_of(case.claim, case.spec, case.mlp_aliases).intervention
    if isinstance(intervention, Replace):
        facts["replaced by"] = intervention.source.kind
        facts["changed on"] = f"{changed:.0%} of prompts"
    if isinstance(intervention, KeepOnly):
        facts["ablated by"] = intervention.source.kind
        facts["scope"] = intervention.scope
        facts |= _recovered_with_errors(case)
        facts["kept"] = _kept_pairs(case, intervention)
    return facts


def cell_effects(case: Case, question: Question) -> Mapping[str, float]:
    """The quantity in each (template, order) cell of the question's prompts."""
    sample = question.sample
    cells = np.array([f"{template} {order}" for template, order in case.prompts.cells])[question.rows]
    effects = {}
    for cell in sorted(set(cells)):
        rows = cells == cell
        below = 1.0 if sample.denominator is None else sample.denominator[rows].mean()
        effects[str(cell)] = float(sample.numerator[rows].mean() / below) if below else float("nan")
    return effects


def worst_prompts(case: Case, question: Question) -> tuple[PromptEffect, ...]:
    """The prompts that speak most against the threshold, worst first.

    By how far N - t D lies on the wrong side of the bound nearest to the estimate.
    """
    if not question.threshold.judged:
        return ()
    margins = _margins(question)
    before, after = _before_and_after(case, question)
    rows = np.flatnonzero(question.rows)
    worst = np.argsort(margins, kind="stable")[:WORST]
    return tuple(
        PromptEffect(
            prompt=case.prompts.pairs[rows[i]].clean,
            template=case.prompts.pairs[rows[i]].template,
            order=case.prompts.pairs[rows[i]].order,
            before=float(before[rows[i]]),
            after=float(after[rows[i]]),
            spans={role: spans[0] for role, spans in case.prompts.pairs[rows[i]].spans.items()},
        )
        for i in worst
    )


def _margins(question: Question) -> Values:
    """How far each prompt is on the right side; negative on the wrong side."""
    sample, threshold = question.sample, question.threshold
    below = np.ones(sample.n) if sample.denominator is None else sample.denominator
    margins = []
    if threshold.low is not None:
        margins.append(sample.numerator - threshold.low * below)
    if threshold.high is not None:
        margins.append(threshold.high * below - sample.numerator)
    return np.asarray(np.min(margins, axis=0), dtype=np.float64)


def _before_and_after(case: Case, question: Question) -> tuple[Values, Values]:
    if case.claim.verb in INTERVENING:
        runs = runs_of(case)
        patched = case.claim.verb == "patch" and case.claim.patch_into == "corrupt"
        before = runs.corrupt if patched and runs.corrupt is not None else runs.clean
        return before, runs.intervened
    full = np.full(len(case.prompts), np.nan)
    full[question.rows] = question.sample.numerator
    return full, full


def _columns(case: Case) -> dict[str, Values]:
    runs = runs_of(case)
    columns = {"clean": runs.clean, "intervened": runs.intervened}
    if runs.corrupt is not None:
        columns["corrupt"] = runs.corrupt
    if runs.ablated is not None:
        columns["all ablated"] = runs.ablated
    return columns


def _mean(case: Case, column: Values) -> float:
    """Mean of cell means, the estimand of every test."""
    strata = case.strata
    return float(np.mean(np.bincount(strata, column) / np.bincount(strata)))


def _recovered_with_errors(case: Case) -> dict[str, float | str]:
    """`recovered` if the dictionaries' errors were kept beside the features."""
    condition = condition_of(case.claim, case.spec, case.mlp_aliases)
    live = with_errors_kept(condition)
    if live is None:
        return {}
    name = case.claim.metric or case.spec.metric
    floor = _mean(case, case.value(metric(nothing_kept(condition), name)))
    clean, kept = _mean(case, runs_of(case).clean), _mean(case, case.value(metric(live, name)))
    return {"recovered with errors kept": (kept - floor) / (clean - floor)} if clean != floor else {}


def _kept_pairs(case: Case, keep: KeepOnly) -> str:
    """Kept of all (node, position) pairs in scope, on a prompt as long as the first."""
    prompt = case.prompts.subset([0])
    whole: set[tuple[str, int]] = set()
    parts: set[tuple[str, int]] = set()
    for node in keep.nodes:
        for position in map(int, prompt.positions(node.at)[0]):
            found = whole if node.kind in _WHOLE_KINDS else parts
            found.update((name, position) for name in _heads_of(node, case))
    text = f"{len(whole)} of {_pairs_in_scope(case, keep, prompt)} (node, position) pairs"
    return f"{text}, and {len(parts)} features, neurons or errors" if parts else text


def _heads_of(node: Node, case: Case) -> list[str]:
    """The names of a layer's heads for its attention output; of anything else, its own."""
    if node.kind is not NodeKind.ATTN or case.shape is None:
        return [node.name]
    return [f"L{node.layer}H{head}" for head in range(case.shape.n_heads)]


def _pairs_in_scope(case: Case, keep: KeepOnly, prompt: PromptSet) -> str:
    if case.shape is None:
        return "all"
    in_layer = case.shape.n_heads + (keep.scope == "heads+mlps")
    return str(case.shape.n_layers * in_layer * prompt.positions(ALL).shape[1])
