"""Cut edges are exact, and scored edges are the slope of cutting them."""

from functools import cached_property

import numpy as np
import pytest
import torch
from tiny_models import tiny_gemma2, tiny_gpt2, tiny_llama, tiny_neox, tiny_prompts

from circuitcheck.discovery.acdc import acdc
from circuitcheck.discovery.cutting import CutBatch
from circuitcheck.discovery.edge_attribution import edge_attribution
from circuitcheck.discovery.gradients import batches
from circuitcheck.discovery.wiring import Wiring
from circuitcheck.engine import CORRUPT, Condition, MetricReading, Plan, Replace, Request, Route, Source
from circuitcheck.engines import LensEngine, LensModel, load_model
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import parse_node

PROMPTS = tiny_prompts(6)
READING = MetricReading("logit_diff")
STEP = 1e-2
EXACT = {"rtol": 1e-4, "atol": 1e-5}
"""Norms of some architectures are computed in single precision whatever the weights are in."""
KINDS = {"gpt2": tiny_gpt2, "llama": tiny_llama, "neox": tiny_neox}


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LensModel:
    folder = KINDS[request.param](tmp_path_factory.mktemp(request.param))
    return load_model(folder, dtype="float64", device="cpu")


def cut_batch(model: LensModel, kind: type[CutBatch] = CutBatch) -> CutBatch:
    (batch,) = batches(model, PROMPTS, "logit_diff")
    return kind(Wiring(model), batch)


def table_of(wiring: Wiring, edges) -> torch.Tensor:
    table = torch.zeros(len(wiring.senders), len(wiring.readers), dtype=torch.bool)
    for source, target in edges:
        table[wiring.senders.index(source), wiring.readers.index(target)] = True
    return table


def all_edges(wiring: Wiring):
    return [
        (sender, reader)
        for sender in wiring.senders
        for reader in wiring.readers
        if wiring.reads(sender, reader)
    ]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("L0H1", "L1H2.q"),
        ("L0.mlp", "L2H0.q"),
        ("L0H1", "L1.mlp"),
        ("L1H3", "L2.mlp"),
        ("embed", "L1H2.q"),
        ("embed", "L1.mlp"),
    ],
)
def test_cutting_one_edge_is_what_the_engine_makes_of_a_path(
    model: LensModel, source: str, target: str
) -> None:
    cutter = cut_batch(model)
    table = table_of(cutter.wiring, [(parse_node(source), parse_node(target))])
    nodes = parse_node(f"{source}@all"), parse_node(f"{target}@all")
    request = Request(Condition("clean", Route((nodes[0],), (nodes[1],), Source("corrupt"))), READING)
    engine = LensEngine(model, {}).measure(Plan((request,)), PROMPTS, PROMPTS.subset([]))
    np.testing.assert_allclose(cutter.metric(table).numpy(), engine.values[request], **EXACT)


def test_cutting_all_edges_of_a_head_is_patching_the_head(model: LensModel) -> None:
    cutter = cut_batch(model)
    head = parse_node("L1H1")
    table = table_of(cutter.wiring, [edge for edge in all_edges(cutter.wiring) if edge[0] == head])
    request = Request(Condition("clean", Replace((head.placed("all"),), Source("corrupt"))), READING)
    engine = LensEngine(model, {}).measure(Plan((request,)), PROMPTS, PROMPTS.subset([]))
    np.testing.assert_allclose(cutter.metric(table).numpy(), engine.values[request], **EXACT)


def test_cutting_every_edge_leaves_the_corrupt_run(model: LensModel) -> None:
    cutter = cut_batch(model)
    request = Request(CORRUPT, READING)
    engine = LensEngine(model, {}).measure(Plan((request,)), PROMPTS, PROMPTS.subset([]))
    found = cutter.metric(table_of(cutter.wiring, all_edges(cutter.wiring))).numpy()
    np.testing.assert_allclose(found, engine.values[request], **EXACT)


class SlightlyCut(CutBatch):
    """A cut edge carries a little of the corrupt value, and clean values for the rest."""

    share = STEP

    @cached_property
    def _lent(self) -> torch.Tensor:
        hooks = self.wiring.sending_hooks
        clean, corrupt = (
            self.wiring.writes(self.batch.values(one, hooks).values) for one in ("clean", "corrupt")
        )
        return clean + self.share * (corrupt - clean)


class SlightlyCutAway(SlightlyCut):
    """As much in the other direction."""

    share = -STEP


def test_a_score_is_the_slope_of_cutting_the_edge(model: LensModel) -> None:
    towards, away = cut_batch(model, SlightlyCut), cut_batch(model, SlightlyCutAway)
    found = edge_attribution(model, PROMPTS, along="clean")
    edges = all_edges(towards.wiring)
    scores = {
        (edge.source, edge.target): row for edge, row in zip(found.items, found.per_prompt, strict=True)
    }
    assert len(scores) == len(edges)
    for source, target in edges[::41]:
        table = table_of(towards.wiring, [(source, target)])
        slope = (away.metric(table) - towards.metric(table)).numpy() / (2 * STEP)
        scored = scores[source.placed("all"), target and target.placed("all")]
        np.testing.assert_allclose(scored, slope, rtol=2e-2, atol=2e-3)


def test_scores_at_roles_are_part_of_those_at_all_positions(model: LensModel) -> None:
    whole = edge_attribution(model, PROMPTS, along="clean-corrupt")
    parts = [edge_attribution(model, PROMPTS, along="clean-corrupt", at=str(at)) for at in range(7)]
    added = np.sum([part.per_prompt for part in parts], axis=0)
    np.testing.assert_allclose(added, whole.per_prompt, **EXACT)


def test_gradients_at_both_ends_are_averaged_and_those_between_are_others(model: LensModel) -> None:
    names = ("clean", "clean-corrupt", "inputs")
    clean, both, between = (edge_attribution(model, PROMPTS, along=name) for name in names)  # type: ignore[arg-type]
    assert (clean.method, both.method, between.method) == ("eap", "eap-clean-corrupt", "eap-ig")
    assert (clean.cost, both.cost, between.cost) == (4, 6, 17)
    assert np.abs(clean.effects - both.effects).max() > 1e-3
    assert np.abs(both.effects - between.effects).max() > 1e-3


def test_acdc_keeps_what_matters_and_cuts_the_rest(model: LensModel) -> None:
    prompts = PROMPTS.subset(range(2))
    found = acdc(model, prompts, threshold=0.3)
    cutter = CutBatch(Wiring(model), next(iter(batches(model, prompts, "kl"))))
    kept = {(edge.source, edge.target) for edge in found.kept}
    cut = [
        edge
        for edge in all_edges(cutter.wiring)
        if (edge[0].placed("all"), edge[1] and edge[1].placed("all")) not in kept
    ]
    divergence = float(cutter.metric(table_of(cutter.wiring, cut)).mean())
    assert divergence <= 0.3 * len(found.scores.items)
    for edge in found.kept:
        # When its turn came, the cut cost at least the threshold.
        assert found.scores.per_prompt[found.scores.items.index(edge)].mean() >= 0.3
    assert found.scores.cost <= 2 + 1 + len(found.scores.items)


def test_a_huge_threshold_cuts_everything_and_none_is_refused(model: LensModel) -> None:
    prompts = PROMPTS.subset(range(3))
    assert acdc(model, prompts, threshold=1e3).kept == ()
    with pytest.raises(MeasurementError, match="write one above 0"):
        acdc(model, prompts, threshold=0.0)


def test_a_model_whose_parts_do_not_add_up_is_refused(tmp_path) -> None:
    gemma = load_model(tiny_gemma2(tmp_path), device="cpu")
    with pytest.raises(MeasurementError, match=r"what a single part writes cannot be told|does not add"):
        edge_attribution(gemma, PROMPTS)


def test_kl_has_no_slope_at_the_clean_run(model: LensModel) -> None:
    with pytest.raises(MeasurementError, match="kl is 0 at the clean run"):
        edge_attribution(model, PROMPTS, along="clean", metric="kl")
