"""Circuits are chosen from scores: the first, the large ones, what grows from the logits, the smallest that is faithful."""

from collections.abc import Sequence

import numpy as np
import pytest
from fakes import FakeEngine
from tiny_models import tiny_prompts

from circuitcheck.discovery.choosing import above, connected, grown, smallest, top
from circuitcheck.discovery.faithfulness import Curve, Faithfulness, Recovery
from circuitcheck.discovery.scores import Drawn, Edge, Scores
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import Node, parse_node

PROMPTS = tiny_prompts(4)


def edge(source: str, target: str) -> Edge:
    return Edge(parse_node(f"{source}@all"), parse_node(f"{target}@all") if target else None)


def scores_of(effects: dict) -> Scores:
    values = np.array([[effect] * 2 for effect in effects.values()])
    return Scores("scan", tuple(effects), values, Drawn(0, 2, ""), np.zeros(2, dtype=np.int64), 1.0)


NODES = scores_of({parse_node(f"L0H{head}@END"): effect for head, effect in enumerate((1.0, -3.0, 2.0))})


def test_the_first_and_the_large_ones() -> None:
    first, second, third = NODES.items
    assert top(NODES, 2) == (second, third)
    assert top(NODES, 2, "sign") == (third, first)
    assert above(NODES, 2.0) == (second, third)
    assert above(NODES, 2.0, "sign") == (third,)


EDGES = scores_of(
    {
        edge("L0H1", "L1H0.q"): 9.0,
        edge("embed", "L0H1.v"): 5.0,
        edge("L1H0", ""): 1.0,
        edge("embed", "L1H0.k"): 0.5,
        edge("L1H3", ""): 4.0,
        edge("L0H2", "L1H1.v"): 8.0,
    }
)


def test_growth_starts_at_the_logits_and_takes_the_best_edge_that_is_read() -> None:
    # L1H3 is taken first, and left out in the end: nothing leads to it.
    assert [str(each) for each in grown(EDGES, 4)] == [
        "L1H0 -> logits",
        "L0H1 -> L1H0 (q)",
        "embed -> L0H1 (v)",
    ]


def test_growth_ends_where_nothing_more_is_read() -> None:
    assert edge("L0H2", "L1H1.v") not in grown(EDGES, 100)
    assert len(grown(EDGES, 100)) == 4


def test_edges_on_no_path_are_taken_away() -> None:
    path = [edge("embed", "L0.mlp"), edge("L0.mlp", "L1H0.q"), edge("L1H0", "")]
    loose = [edge("L0H3", "L1H0.v"), edge("embed", "L2H2.q")]
    assert connected([*path, *loose]) == tuple(path)
    assert connected(loose) == ()


class Weighed(Faithfulness):
    """A set recovers what its nodes weigh, the same in both orders, and is measured without error."""

    def of(self, circuits: Sequence[tuple[Node, ...]]) -> list[Recovery]:
        return [Recovery(((sum(map(weight_of, nodes)), 0.0),) * 2) for nodes in circuits]


WEIGHTS = {"L0H0@END": 0.5, "L0H1@END": 0.01, "L0H2@END": 0.2, "L0H3@END": 0.2, "L1H0@all": 0.08}


def weight_of(node: Node) -> float:
    return WEIGHTS[str(node)]


RANKING = [parse_node(name) for name in WEIGHTS if not name.endswith("all")]
WIDENING = [parse_node("L1H0@all")]


@pytest.fixture
def asked() -> Faithfulness:
    return Weighed(FakeEngine(lambda request, prompts: np.zeros(len(prompts))), PROMPTS, PROMPTS)


def test_the_shortest_start_is_taken_without_what_it_can_spare(asked: Faithfulness) -> None:
    chosen = smallest(asked, RANKING, 0.65)
    assert [str(node) for node in chosen.nodes] == ["L0H0@END", "L0H2@END"]
    assert chosen.recovery.lowest == pytest.approx(0.7)


def test_nodes_at_every_position_come_in_where_roles_fall_short(asked: Faithfulness) -> None:
    chosen = smallest(asked, RANKING, 0.95, WIDENING)
    assert "L1H0@all" in [str(node) for node in chosen.nodes]
    assert chosen.recovery.lowest >= 0.95


def test_a_target_out_of_reach_names_the_best(asked: Faithfulness) -> None:
    with pytest.raises(MeasurementError, match=r"recovers 0\.99 for sure: the best recovers 0\.91"):
        smallest(asked, RANKING, 0.99)


def test_recovering_too_much_is_as_far_off_as_too_little() -> None:
    assert Recovery(((0.8, 0.0), (1.0, 0.0))).nearness == pytest.approx(0.8)
    assert Recovery(((1.2, 0.0), (1.0, 0.0))).nearness == pytest.approx(0.8)
    assert Recovery(((0.9, 0.05), (0.9, 0.0))).nearness == pytest.approx(0.8)


def test_areas_of_a_curve() -> None:
    curve = Curve((0.0, 0.5, 1.0), (0.0, 1.0, 1.0))
    assert curve.cpr == pytest.approx(0.75)
    assert curve.cmd == pytest.approx(0.25)
