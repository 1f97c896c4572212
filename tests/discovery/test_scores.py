"""Scores rank what they score, and know how sure they are."""

import numpy as np
import pytest

from circuitcheck.discovery.scores import Drawn, Edge, Scores, auroc
from circuitcheck.nodes import parse_node

NODES = tuple(map(parse_node, ("L0H0@END", "L0H1@END", "L1.mlp@S2")))


def scores_of(rows: list[list[float]], strata: list[int] | None = None) -> Scores:
    values = np.array(rows)
    n = values.shape[1]
    where = np.array(strata or [0] * n)
    return Scores("scan", NODES, values, Drawn(0, n, "digest"), where, 5.0)


def test_the_largest_effect_comes_first_whatever_its_sign() -> None:
    scores = scores_of([[1.0, 1.0], [-3.0, -3.0], [2.0, 2.0]])
    assert [effect for _, effect in scores.ranked()] == [-3.0, 2.0, 1.0]


def test_by_sign_what_holds_the_metric_up_comes_first() -> None:
    scores = scores_of([[1.0, 1.0], [-3.0, -3.0], [2.0, 2.0]])
    assert [node for node, _ in scores.ranked("sign")] == [NODES[2], NODES[0], NODES[1]]


def test_strata_weigh_the_same_whatever_their_sizes() -> None:
    scores = scores_of([[0.0, 0.0, 0.0, 4.0]] * 3, strata=[0, 0, 0, 1])
    assert scores.effects.tolist() == [2.0] * 3


def test_an_interval_holds_the_effect_and_narrows_with_prompts() -> None:
    rng = np.random.default_rng(0)
    few, many = (scores_of([rng.normal(1, 1, n).tolist()] * 3) for n in (20, 500))
    narrow, wide = (scores.interval(NODES[0]) for scores in (many, few))
    assert narrow[0] < 1 < narrow[1]
    assert narrow[1] - narrow[0] < (wide[1] - wide[0]) / 3


def test_two_prompts_are_too_few_for_an_interval() -> None:
    assert scores_of([[1.0, 2.0]] * 3).interval(NODES[0]) == (float("-inf"), float("inf"))


def test_auroc_counts_pairs_in_the_right_order() -> None:
    scores = scores_of([[1.0, 1.0], [-3.0, -3.0], [2.0, 2.0]])
    assert auroc(scores, [NODES[1]]) == 1.0
    assert auroc(scores, [NODES[2]]) == 0.5
    assert auroc(scores, [NODES[0], NODES[1]]) == 0.5


def test_a_truth_of_everything_cannot_be_told_from_nothing() -> None:
    with pytest.raises(ValueError, match="some items are true and some are not"):
        auroc(scores_of([[1.0, 1.0]] * 3), NODES)


def test_edges_are_written_as_circuit_files_write_them() -> None:
    source = parse_node("L0H1@END")
    edges = [Edge(source, parse_node(target)) for target in ("L1H2.q@END", "L1.mlp@END", "L1G0.k@END")]
    assert [str(edge) for edge in edges] == ["L0H1 -> L1H2 (q)", "L0H1 -> L1.mlp (in)", "L0H1 -> L1G0 (k)"]
    assert str(Edge(source, None)) == "L0H1 -> logits"
    assert (edges[0].kind, edges[0].layer, edges[0].at) == ("q", 1, "END")
