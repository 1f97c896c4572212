"""Steering, paths, limits to a change, edges: of each kind a claim that is true, one that is false, one left open.

What is true of the bundled model was measured on 480 pairs; open claims stand at the value that is measured here.
"""

from functools import cache

import pytest

from circuitcheck import check
from circuitcheck.reading import read_spec_text
from circuitcheck.verdict import Outcome

HEAD = """circuitcheck: 1
circuit: kinds
model: ioi-mini
dictionaries: {z: {bundled: ioi-mini/z}}
prompts: {family: ioi, orders: [ABBA, BABA], corrupt: fresh_names, n: 128, seed: 3}
nodes:
  readers: {heads: [L1H0, L1H3], at: END}
  mover: {heads: [L2H0], at: END}
  name: {features: [L1.z/365], at: END}
edges:
  - readers -> mover (q)
  - {edge: "mover -> L3.mlp@END (in)", expect: {lost: ">= 0.6"}}
  - {edge: "readers -> L2H1@END (q)", expect: {lost: "OPEN"}}
claims:
"""
PATH = '"readers -> %s (q)"'
ROUTE = f"patch: readers, from: corrupt, into: clean, path: {PATH}"
KINDS = {
    "steer-effect": ("steer: name, set: [10, 20]", "effect", "<= -0.5", ">= 0.5"),
    "steer-metric": ("steer: mover, scale: 0", "accuracy", ">= 0.6", "<= 0.6"),
    "steer-step": ("steer: mover, scale: [0, 0.5, 1]", "step", "> 0", "<= -0.2"),
    "steer-slope": ("steer: name, set: [0, 10, 20]", "slope", "<= -0.05", ">= 0"),
    "path": (ROUTE % "mover", "lost", ">= 0.2", "<= 0.05"),
    "path-frozen": (f"{ROUTE % 'mover'}, downstream: frozen", "lost", ">= 0.1", ">= 0.6"),
    "path-denoising": (f"patch: readers, path: {PATH % 'mover'}", "restored", "between 0 and 0.2", ">= 0.3"),
    "path-and-attention": (
        "attends: mover, to: IO, minus: S1, corrupt: s2_to_io, "
        f"under: {{patch: readers, from: corrupt, into: clean, path: {PATH % 'mover'}}}",
        "attention",
        "<= -0.2",
        ">= 0.2",
    ),
    "frozen": ("ablate: mover, downstream: frozen", "drop", ">= 0.02", ">= 0.6"),
    "mlps-live": ("ablate: mover, downstream: frozen, mlps: live", "drop", ">= 0.1", ">= 0.8"),
    "until": ("ablate: mover, until: L3.resid", "drop", "between 0.02 and 0.2", ">= 0.3"),
    "from-hook": ("ablate: mover, from_hook: L3.resid_mid", "drop", ">= 0.02", ">= 0.6"),
    "patch-late": ("patch: mover, from_hook: L3.resid_mid", "restored", "> -0.05", ">= 0.5"),
}
"""Words of the claim, quantity, what is true of it, what is not."""
OUTCOMES = {"true": Outcome.SUPPORTED, "false": Outcome.REFUTED, "open": Outcome.INCONCLUSIVE}


def written(kind, what, threshold):
    words, quantity, *_ = KINDS[kind]
    return f'  - {{id: {kind}-{what}, says: It is {what}., {words}, expect: {{{quantity}: "{threshold}"}}}}'


@cache
def verdicts():
    """All verdicts of one file; first the numbers that open claims stand at are measured, on the same prompts."""
    open_ones = ["edge-readers-l2h1-end-q", *(f"{kind}-open" for kind in KINDS)]
    measured = judged(dict.fromkeys(KINDS, "?"), "?", claims=open_ones)
    values = {verdict.claim: verdict.parts for verdict in measured}
    lost = values["edge-readers-l2h1-end-q"][0].estimate
    at = {kind: f">= {hardest(values[f'{kind}-open'], KINDS[kind][1]):.6f}" for kind in KINDS}
    return {verdict.claim: verdict for verdict in judged(at, f">= {lost:.6f}")}


def hardest(parts, quantity):
    """The value that an open claim stands at: the least, since every part has to hold."""
    return min(part.estimate for part in parts if part.quantity == quantity)


def judged(open_at, edge_at, **options):
    claims = [
        written(kind, what, threshold)
        for kind, (_, _, true, false) in KINDS.items()
        for what, threshold in (("true", true), ("false", false), ("open", open_at[kind]))
    ]
    result = check(read_spec_text("\n".join([HEAD.replace("OPEN", edge_at), *claims])), **options)
    assert not result.errors
    return result.verdicts


@pytest.mark.parametrize("what", OUTCOMES)
@pytest.mark.parametrize("kind", KINDS)
def test_true_claims_are_supported_false_ones_refuted_and_the_others_left_open(kind, what):
    verdict = verdicts()[f"{kind}-{what}"]
    assert verdict.outcome is OUTCOMES[what], verdict.parts


@pytest.mark.parametrize(
    ("edge", "outcome"),
    [
        ("edge-readers-mover-q", Outcome.SUPPORTED),
        ("edge-mover-l3-mlp-end-in", Outcome.REFUTED),
        ("edge-readers-l2h1-end-q", Outcome.INCONCLUSIVE),
    ],
)
def test_edges_are_judged_like_any_other_claim(edge, outcome):
    assert verdicts()[edge].outcome is outcome, verdicts()[edge].parts
