"""What a page shows beside a verdict: named numbers, cells, the prompts that speak most against the claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from circuitcheck.claims.case import Case
from circuitcheck.claims.conditions import condition_of, nothing_kept, with_errors_kept
from circuitcheck.claims.noop import UNCHANGED
from circuitcheck.claims.pairs_of_scores import what_support_says
from circuitcheck.claims.parts_of_circuits import parts_left_out
from circuitcheck.claims.planning import INTERVENING
from circuitcheck.claims.questions import Question, samples_of
from circuitcheck.claims.requests import metric
from circuitcheck.claims.verbs.circuits import compared_runs
from circuitcheck.claims.verbs.metrics import runs_of
from circuitcheck.claims.verbs.steer import before_and_after, dose_columns
from circuitcheck.engine import CLEAN, KeepOnly, Replace, Route, Source, Steer, Values
from circuitcheck.nodes import ALL, Node, NodeKind
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.spec import Claim
from circuitcheck.spec.words import KEEPING
from circuitcheck.verdict import PromptEffect

_WHOLE_KINDS = frozenset({NodeKind.HEAD, NodeKind.ATTN, NodeKind.MLP})

WORST = 3
"""How many prompts a failure page shows."""


def population_of(prompts: PromptSet, claim: Claim | None = None) -> str:
    """Whom a verdict speaks of."""
    templates = {template for template, _ in prompts.cells}
    orders = {order for _, order in prompts.cells}
    text = (
        f"prompts of these {len(templates)} templates" if len(templates) > 1 else "prompts of this template"
    )
    if claim is not None and claim.generalises is not None:
        text = f"templates like these {len(templates)}, by the mean of each,"
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
    return {**_own_facts(case, changed), **_facts_elsewhere(case)}


def _facts_elsewhere(case: Case) -> dict[str, float | str]:
    """How the model does on the other prompts, and on how many of them the intervention changes anything."""
    there, words = case.elsewhere, case.claim.elsewhere
    if there is None or words is None:
        return {}
    clean = _mean(there, there.value(metric(CLEAN, there.metric)))
    said = f"{len(there.prompts)} prompts, {there.metric} {clean:.3g} without the intervention"
    changed = there.measurement.changes.get(there.condition)
    if changed is not None:
        said += f", which changes something on {(changed >= UNCHANGED).any(axis=1).mean():.0%}"
    return {f"elsewhere: {words.name}": said}


def _own_facts(case: Case, changed: float | None) -> dict[str, float | str]:
    if case.claim.verb in KEEPING - INTERVENING:
        return _facts_of_circuit(case)
    if case.claim.verb not in INTERVENING:
        return {"changed on": f"{changed:.0%} of prompts"} if changed is not None else {}
    name = case.claim.metric or case.spec.metric
    facts: dict[str, float | str] = {"metric": name}
    facts |= {key: _mean(case, column) for key, column in _columns(case).items()}
    intervention = condition_of(case.claim, case.spec, case.mlp_aliases).intervention
    if isinstance(intervention, Steer):
        facts["changed on"] = f"{changed:.0%} of prompts"
    if isinstance(intervention, Route):
        facts["read by"] = ", ".join(map(str, intervention.receivers))
    if isinstance(intervention, Replace | Route):
        facts["replaced by"] = _ablations(case.claim, intervention.source)
        facts["changed on"] = f"{changed:.0%} of prompts"
    if isinstance(intervention, KeepOnly):
        facts |= _scope(case, intervention)
        facts |= _recovered_with_errors(case)
        facts["kept"] = _kept_pairs(case, intervention)
    if "dependence" in case.claim.thresholds:
        facts["dependence"] = f"supported says: {what_support_says(case.claim)}"
    return facts


def _facts_of_circuit(case: Case) -> dict[str, float | str]:
    """The facts of a complete or minimal circuit; of its random parts, which nodes they hold."""
    whole = case.condition.intervention
    assert isinstance(whole, KeepOnly), "circuits are kept"
    clean = case.value(metric(CLEAN, case.metric))
    facts: dict[str, float | str] = {"metric": case.metric, "clean": _mean(case, clean)}
    facts |= _scope(case, whole)
    facts["circuit"] = _kept_pairs(case, whole)
    if case.claim.verb == "complete":
        parts = parts_left_out(case.claim, case.spec)
        facts |= {part.name: ", ".join(map(str, part.nodes)) for part in parts if part.is_random}
    return facts


def _scope(case: Case, keep: KeepOnly) -> dict[str, float | str]:
    return {"ablated by": _ablations(case.claim, keep.source), "scope": keep.scope}


def _ablations(claim: Claim, source: Source) -> str:
    """What replaced, one after the other."""
    return ", ".join(claim.replacements) if len(claim.variants) > 1 else source.kind


def cell_effects(case: Case, question: Question) -> Mapping[str, float]:
    """The quantity in each (template, order) cell of the question's prompts; none where it is made of no means."""
    sample = question.sample
    if not sample.is_mean:
        return {}
    case, question = question_there(case, question)
    names = [" ".join(cell) for cell in sorted(set(case.prompts.cells))]
    strata = case.prompts.strata[question.rows]
    counts, above = np.bincount(strata), np.bincount(strata, sample.numerator).tolist()
    below = counts if sample.denominator is None else np.bincount(strata, sample.denominator)
    effects = {
        names[cell]: above[cell] / float(below[cell]) if below[cell] else float("nan")
        for cell in np.flatnonzero(counts)
    }
    return dict(sorted(effects.items()))


def worst_prompts(case: Case, question: Question) -> tuple[PromptEffect, ...]:
    """The prompts that speak most against the threshold, worst first.

    By how far N - t D lies on the wrong side of the bound nearest to the estimate.
    """
    if not question.threshold.judged or not question.sample.is_mean:
        return ()
    case, question = question_there(case, question)
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


def question_there(case: Case, question: Question) -> tuple[Case, Question]:
    """A question about other prompts with the case of these, all of whose prompts it is about; others as they are."""
    if question.elsewhere is None:
        return case, question
    own_label = question.slice.partition(", ")[2]
    everywhere = np.ones(len(question.elsewhere.prompts), dtype=np.bool_)
    return question.elsewhere, replace(question, slice=own_label, rows=everywhere, elsewhere=None)


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
    if case.claim.verb == "steer":
        return before_and_after(case, question.slice)
    if case.claim.verb in KEEPING - INTERVENING:
        return compared_runs(_under_the_ablation(case, question), question.slice)
    if case.claim.verb in INTERVENING:
        runs = runs_of(_under_the_ablation(case, question))
        patched = case.claim.verb == "patch" and case.claim.patch_into == "corrupt"
        before = runs.corrupt if patched and runs.corrupt is not None else runs.clean
        return before, runs.intervened
    full = np.full(len(case.prompts), np.nan)
    full[question.rows] = question.sample.numerator
    return full, full


def _under_the_ablation(case: Case, question: Question) -> Case:
    """Of several ablations, the one that the question is about."""
    named = question.slice.partition(", ")[0]
    variants = case.claim.variants
    claim = next((variant for variant in variants if variant.with_ == named), variants[0])
    return replace(case, claim=claim)


def _columns(case: Case) -> dict[str, Values]:
    if case.claim.verb == "steer":
        return dose_columns(case)
    variants = case.claim.variants
    if len(variants) == 1:
        return _columns_of_one(case)
    return {
        name if name in {"clean", "corrupt"} else f"{name} by {variant.with_}": column
        for variant in variants
        for name, column in _columns_of_one(replace(case, claim=variant)).items()
    }


def _columns_of_one(case: Case) -> dict[str, Values]:
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
    if live is None or len(case.claim.variants) > 1:
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
