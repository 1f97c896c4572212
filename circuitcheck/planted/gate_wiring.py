"""Two heads and a read-out: either of them suffices (OR), or both are needed (AND).

The last word asks for one of two kinds of name; two heads look at the name of that kind and write it to one
place, from which neurons of a later MLP take it to the answer. Neurons that saturate make an OR, neurons that
start only above what one head writes make an AND.
"""

from __future__ import annotations

import numpy as np

from circuitcheck.planted.design import (
    COMMON,
    Design,
    embedded,
    enabled,
    enabler,
    follower,
    gatherer,
    named,
    opened,
    sink,
)
from circuitcheck.planted.frame import Array, Frame
from circuitcheck.planted.gate_statements import both_statements, either_statements
from circuitcheck.planted.parts import Head, Match, Neurons, Seat, Seating, Sizes, seated
from circuitcheck.planted.planting import Planting
from circuitcheck.planted.words import FILLERS, NAMES, Lexicon
from circuitcheck.prompts.family import Family

_KINDS = ("north", "south")
_HALF = len(NAMES) // 2
_ASKING = {"north": ("up", "high"), "south": ("down", "low")}
_TEMPLATES = (
    "then {IO} and {S} went near the {x} with a {y} and {ASK}",
    "then {S} and {IO} went near the {x} with a {y} and {ASK}",
    "at the {x} {S} saw {IO} , the {y} was {ASK}",
    "at the {x} {IO} saw {S} , the {y} was {ASK}",
)


def design(rng: np.random.Generator, *, suffices: bool) -> Design:
    """A new wiring of a gate; an OR where one head suffices, else an AND."""
    sizes = Sizes()
    asks = {f"asks-{kind}": 1 for kind in _KINDS}
    frame = Frame.drawn(
        {**COMMON, **dict.fromkeys(_KINDS, 1), **asks, "signal": len(NAMES)}, sizes.d_model, rng
    )
    seating = seated([("enabler", 1), ("first", 1), ("second", 1)], sizes.n_layers, sizes.n_heads, rng)
    family = _family(rng)
    lexicon = Lexicon.of((template.text for template in family.templates), _words())
    heads = _heads(frame, seating, rng)
    later = int(rng.integers(seating.stages["second"][0].layer, sizes.n_layers))
    neurons = (_readout(frame, later, rng, suffices=suffices), _idle_neurons(frame, later, rng))
    planting = Planting(sizes, frame, heads, seating.stages["second"][0].layer, neurons)
    return Design(
        kind="or" if suffices else "and",
        sizes=sizes,
        frame=frame,
        lexicon=lexicon,
        family=family,
        embeddings=_embedded(frame, lexicon, rng),
        answers=rng.uniform(5.0, 7.0) * frame["out"],
        heads=heads,
        neurons=neurons,
        groups={
            "pair": {"heads": planting.at("first", "second")},
            "enabler": {"heads": planting.at("enabler")},
            "readout": {"nodes": [f"L{later}.mlp"], "at": "END"},
        },
        edges=("pair -> readout (in)",),
        statements=either_statements(planting) if suffices else both_statements(planting),
        stream_layer=planting.stream_layer,
        noise=float(rng.uniform(0.004, 0.01)),
        basis=int(rng.integers(2**31)),
    )


def _words() -> list[str]:
    return [word for words in _ASKING.values() for word in words]


def _family(rng: np.random.Generator) -> Family:
    first = 2 * int(rng.integers(2))
    texts = opened(_TEMPLATES[first : first + 2], rng)
    north, south = NAMES[:_HALF], NAMES[_HALF:]
    return Family.model_validate(
        {
            "family": "planted-gate",
            "lists": {
                "north": north, "south": south, "fillers": FILLERS,
                **{f"asks_{kind}": words for kind, words in _ASKING.items()},
            },
            "slots": {
                "IO": list(_KINDS), "S": list(_KINDS), "ask": [f"asks_{kind}" for kind in _KINDS],
                "x": "fillers", "y": "fillers",
            },
            "roles": {"IO": "IO", "S": "S"},
            "copies": {"ASK": "ask"},
            "orders": {
                "north": {"IO": "north", "S": "south", "ask": "asks_north"},
                "south": {"IO": "south", "S": "north", "ask": "asks_south"},
            },
            "templates": [{"id": f"t{number}", "text": text} for number, text in enumerate(texts)],
            "answer": "IO",
            "foil": "S",
            "corruptions": {
                "fresh": {"IO": "fresh", "S": "fresh"},
                "other_question": {"ASK": "twin"},
            },
        }
    )  # fmt: skip


def _embedded(frame: Frame, lexicon: Lexicon, rng: np.random.Generator) -> Array:
    rows = embedded(frame, lexicon, rng)
    for kind, names in zip(_KINDS, (NAMES[:_HALF], NAMES[_HALF:]), strict=True):
        rows[lexicon.ids(names)] += frame[kind]
        rows[lexicon.ids(_ASKING[kind])] += frame[f"asks-{kind}"]
    return rows


def _heads(frame: Frame, seating: Seating, rng: np.random.Generator) -> tuple[Head, ...]:
    stages, spare = seating.stages, seating.spare
    return (
        _looker(frame, "first", stages["first"][0], rng),
        _looker(frame, "second", stages["second"][0], rng),
        enabler(frame, stages["enabler"][0]),
        gatherer(frame, "gatherer", spare["second"], rng),
        gatherer(frame, "other-gatherer", spare["first"], rng),
        follower(frame, "follower", spare["enabler"], rng),
    )


def _looker(frame: Frame, name: str, seat: Seat, rng: np.random.Generator) -> Head:
    kinds = [Match(frame[f"asks-{kind}"], frame[kind], rng.uniform(4.5, 6.0)) for kind in _KINDS]
    looks = (*kinds, enabled(frame, rng.uniform(3.0, 4.0)), sink(frame, 6.0))
    return Head(name, seat, looks, (named(frame, "signal", rng.uniform(0.95, 1.15)),))


def _readout(frame: Frame, layer: int, rng: np.random.Generator, *, suffices: bool) -> Neurons:
    """Neurons per name that start at a of what is written s: relu(s - a), and for an OR - relu(s - b) as well.

    Of about 0.9 that one head writes an OR is full, and an AND has a part; a mean over names stays below a.
    """
    signal, out, every = frame["signal"], frame["out"], np.ones(len(NAMES))
    if suffices:
        start = rng.uniform(0.25, 0.35)
        full = start + rng.uniform(0.25, 0.35)
        read, bias = np.concatenate([signal, signal]), np.concatenate([-start * every, -full * every])
        return Neurons("readout", layer, read, bias, 0.8 / (full - start) * np.concatenate([out, -out]))
    start = rng.uniform(0.5, 0.7)
    return Neurons("readout", layer, signal, -start * every, out / (1.6 - start))


def _idle_neurons(frame: Frame, layer: int, rng: np.random.Generator) -> Neurons:
    """Neurons that fire on gathered names, and write what nobody reads."""
    bias = np.full(len(NAMES), rng.uniform(0.0, 0.2))
    write = frame["filler"][np.arange(len(NAMES)) % len(frame["filler"])]
    return Neurons("idle", layer, frame["idle"] + frame["enable"], bias, write)
