"""Edge attribution: what cutting each edge would do, estimated from gradients for all edges at once.

In: a model, prompts. Out: `Scores` of edges. An edge's estimate is (what its sender writes on the clean run - on the
corrupt run), times the gradient of the metric by what its reader reads of the residual stream, through the reader's own
LayerNorm (edge attribution patching, Syed et al. 2023). Gradients are taken at the clean run, as the mean of clean and
corrupt run, or as the mean over runs whose embeddings lie between those two (EAP-IG of inputs, Hanna et al. 2024), at
midpoints of equal steps rather than at their left ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from circuitcheck.discovery.attribution import midpoints
from circuitcheck.discovery.gradients import BATCH, PairBatch, Seen, batches, refuse_flat
from circuitcheck.discovery.scores import Drawn, Edge, Scores
from circuitcheck.discovery.wiring import EMBEDDED, Wiring
from circuitcheck.engine import MetricName
from circuitcheck.engines.models import LensModel
from circuitcheck.nodes import ALL
from circuitcheck.prompts.pairs import PromptSet

Along = Literal["clean", "clean-corrupt", "inputs"]
METHODS: Mapping[Along, str] = {"clean": "eap", "clean-corrupt": "eap-clean-corrupt", "inputs": "eap-ig"}
STEPS = 5


def edge_attribution(
    model: LensModel,
    prompts: PromptSet,
    *,
    along: Along = "inputs",
    steps: int = STEPS,
    at: str = ALL,
    metric: MetricName = "logit_diff",
    batch_size: int = BATCH,
) -> Scores[Edge]:
    """Score every edge between embedding, heads, MLPs and logits, at one position or summed over all.

    Raises:
        MeasurementError: for an architecture whose edges cannot be told apart, or a metric without a gradient.
    """
    if along == "clean":
        refuse_flat(metric)
    wiring = Wiring(model)
    wiring.check()
    edges = wiring.edges(at)
    places = [_place(wiring, edge) for edge in edges]
    per_prompt = np.full((len(edges), len(prompts)), np.nan)
    for batch in batches(model, prompts, metric, batch_size):
        table = _table(wiring, batch, along, steps, at).double().cpu().numpy()
        per_prompt[:, batch.rows] = np.stack([table[place] for place in places])
    passes = {"clean": 1, "clean-corrupt": 2, "inputs": steps}[along]
    # The two sides are run in any case; those that are differentiated are not run again.
    extra = 2 * passes if along != "inputs" else 3 * passes
    return Scores(METHODS[along], edges, per_prompt, Drawn.of(prompts), prompts.strata, 2.0 + extra)


def _place(wiring: Wiring, edge: Edge) -> tuple[int, int]:
    """Sender's and reader's number."""
    source, target = replace(edge.source, at=""), edge.target and replace(edge.target, at="")
    return wiring.senders.index(source), wiring.readers.index(target)


def _table(
    wiring: Wiring, batch: PairBatch, along: Along, steps: int, at: str
) -> Float[Tensor, "senders readers batch"]:
    """The estimate of every sender and reader on each prompt, whether or not there is an edge."""
    clean = batch.run("clean", _hooks(wiring), differentiate=along != "inputs")
    corrupt = batch.run("corrupt", _hooks(wiring), clean=clean.logits, differentiate=along == "clean-corrupt")
    change = wiring.writes(clean.values) - wiring.writes(corrupt.values)
    slope, runs = 0.0 * change[:1], 0
    for seen in _runs(wiring, batch, clean, corrupt, along, steps):
        slope, runs = slope + wiring.slopes(seen.values, seen.gradients), runs + 1
    read, written = (_at(batch, at, one) for one in (slope / runs, change))
    return torch.einsum("sbpd,rbpd->srb", written, read)


def _runs(
    wiring: Wiring, batch: PairBatch, clean: Seen, corrupt: Seen, along: Along, steps: int
) -> Iterator[Seen]:
    """The runs whose gradients are averaged."""
    if along != "inputs":
        yield clean
    if along == "clean-corrupt":
        yield corrupt
    if along == "inputs":
        start, end = clean.values[EMBEDDED], corrupt.values[EMBEDDED]
        for share in midpoints(steps):
            mixed = {EMBEDDED: start + share * (end - start)}
            yield batch.run("clean", wiring.reading_hooks, replaced=mixed, clean=clean.logits)


def _hooks(wiring: Wiring) -> tuple[str, ...]:
    return (*wiring.sending_hooks, *wiring.reading_hooks)


def _at(batch: PairBatch, at: str, values: Float[Tensor, "parts batch pos d_model"]) -> Tensor:
    return torch.stack([batch.at(at, part) for part in values])
