"""What stored steers, routes and paths depend on."""

from dataclasses import replace

import numpy as np
import pytest
from store_samples import IDENTITY, METRIC, PROMPTS, REFERENCES, ablating

from circuitcheck.engine import Condition, Request, Route, Source, Steer
from circuitcheck.nodes import parse_node
from circuitcheck.store import keys as module
from circuitcheck.store.chunks import passes_of
from circuitcheck.store.keys import VERSIONS, Keys, digest
from circuitcheck.store.measured import Numbers

HEAD, READER = parse_node("L1H0@END"), parse_node("L2H3.q@END")
STEER = Steer((parse_node("L2.z/7@END"),), "add", 2.0)
ROUTE = Route((HEAD,), (READER,), Source("resample"))
ABLATION = ablating("L2H0").condition.intervention


def key(intervention, prompts=PROMPTS, references=REFERENCES, side="clean"):
    keys = Keys(IDENTITY, prompts)
    return digest([keys.context, keys.request(Request(Condition(side, intervention), METRIC), references)])


OTHERS = (
    replace(PROMPTS, seed=5),
    replace(PROMPTS, corrupt=((0, 11, 11, 11, 4), *PROMPTS.corrupt[1:])),
)


def test_steering_reads_its_own_run_alone():
    for other in OTHERS:
        assert key(STEER, other) == key(STEER)
    assert key(STEER, references=OTHERS[1]) == key(STEER)
    assert key(STEER, OTHERS[1], side="corrupt") != key(STEER, side="corrupt")


@pytest.mark.parametrize(
    "changes", [{"how": "scale"}, {"value": 2.5}, {"error": "drop"}, {"nodes": (parse_node("L2.z/8@END"),)}]
)
def test_another_steer_is_measured_again(changes):
    assert key(replace(STEER, **changes)) != key(STEER)


@pytest.mark.parametrize(
    "changes",
    [
        {"senders": (parse_node("L1H1@END"),)},
        {"receivers": (parse_node("L2H3.k@END"),)},
        {"downstream": "frozen"},
        {"source": Source("mean")},
    ],
)
def test_another_route_is_measured_again(changes):
    assert key(replace(ROUTE, **changes)) != key(ROUTE)


def test_a_route_depends_on_what_its_source_reads():
    for other in OTHERS:
        assert key(ROUTE, other) != key(ROUTE)
    mean, zero = (replace(ROUTE, source=Source(kind)) for kind in ("mean", "zero"))
    assert key(mean, OTHERS[0]) == key(mean)
    assert key(mean, references=OTHERS[1]) != key(mean)
    assert key(zero, references=OTHERS[1]) == key(zero)


def test_frozen_on_the_clean_side_reads_clean_prompts_alone():
    frozen = replace(ablating("L2H0", kind="zero").condition.intervention, downstream="frozen")
    for other in OTHERS:
        assert key(frozen, other) == key(frozen)
    assert key(frozen, OTHERS[1], side="corrupt") != key(frozen, side="corrupt")


def test_words_that_change_nothing_leave_the_key_alone():
    """So a plain replace has the key that it had before there were such words."""
    assert key(replace(ABLATION, mlps="live")) == key(ABLATION)
    assert key(replace(ROUTE, mlps="live")) == key(ROUTE)
    frozen = replace(ABLATION, downstream="frozen")
    assert key(replace(frozen, mlps="live")) != key(frozen) != key(ABLATION)
    plain = Keys(IDENTITY, PROMPTS).plain(ABLATION)
    assert set(plain) == {"is", "nodes", "source", "error"}


@pytest.mark.parametrize("word", ["from_hook", "until"])
def test_another_place_in_the_stream_is_measured_again(word):
    first, second = (replace(ABLATION, **{word: parse_node(name)}) for name in ("L2.resid_mid", "L3.resid"))
    assert len({key(ABLATION), key(first), key(second)}) == 3


@pytest.mark.parametrize(("word", "intervention"), [("steer", STEER), ("route", ROUTE)])
def test_a_raised_version_measures_again(monkeypatch, word, intervention):
    before = key(intervention), key(ABLATION)
    monkeypatch.setattr(module, "VERSIONS", {**VERSIONS, word: 2})
    assert (key(intervention) != before[0], key(ABLATION) == before[1]) == (True, True)


@pytest.mark.parametrize("intervention", [STEER, ROUTE])
def test_numbers_without_the_changes_of_every_node_are_measured_again(intervention):
    request, values = Request(Condition("clean", intervention), METRIC), np.zeros(8)
    assert Numbers(values, np.zeros((8, 1))).suit(request, 8)
    assert not Numbers(values, None).suit(request, 8)
    assert not Numbers(values, np.zeros((8, 2))).suit(request, 8)


def test_a_route_costs_what_lies_behind_its_receiver():
    late, early = (replace(ROUTE, receivers=(parse_node(name),)) for name in ("L3H0.q@END", "L1H0.q@END"))
    assert 0 < passes_of(Condition("clean", late), 4) < passes_of(Condition("clean", early), 4) < 1
