"""Duplicate, inhibition, mover: who is named twice is not the answer, as in indirect object identification.

A duplicate head at S2 finds the same name before, and writes which name; an inhibition head at END brings that
name there; a mover at END looks at all names but that one, and copies what it sees. With a backup, a later head
would do what the mover does, but leaves alone the name that the mover has written, so that it wakes whenever the
mover does not write the answer.
"""

from __future__ import annotations

import numpy as np

from circuitcheck.planted.chain_statements import backup_statements, chain_statements
from circuitcheck.planted.design import (
    COMMON,
    SELF,
    Design,
    always,
    embedded,
    enabled,
    enabler,
    follower,
    gatherer,
    named,
    opened,
    shares,
    sink,
)
from circuitcheck.planted.frame import Frame
from circuitcheck.planted.parts import Copy, Head, Match, Seat, Seating, Sizes, seated
from circuitcheck.planted.planting import Planting
from circuitcheck.planted.words import FILLERS, NAMES, Lexicon
from circuitcheck.prompts.family import Family

_TEMPLATES = (
    "then {first} and {second} went near the {x} , {S2} gave the {y} to",
    "at the {x} {first} saw {second} , later {S2} sold a {y} to",
    "when {first} met {second} the {x} was old and {S2} took the {y} to",
    "near the {x} , {first} and {second} sat , and {S2} gave a {y} to",
)


def design(rng: np.random.Generator, *, backup: bool) -> Design:
    """A new wiring of the chain; which heads, in which layers, how strong."""
    sizes = Sizes(n_layers=5)
    frame = Frame.drawn(
        {**COMMON, "twice": 1, "double": len(NAMES), "inhibit": len(NAMES)}, sizes.d_model, rng
    )
    movers = [("mover", 1), ("backup", 1)] if backup else [("mover", 2)]
    stages = [("duplicate", 2), ("inhibition", 2), *movers]
    seating = seated(stages, sizes.n_layers, sizes.n_heads, rng)
    family = _family(rng)
    lexicon = Lexicon.of(template.text for template in family.templates)
    heads = _heads(frame, seating, rng, backup=backup)
    planting = Planting(sizes, frame, heads, seating.stages["mover"][0].layer)
    return Design(
        kind="backup" if backup else "chain",
        sizes=sizes,
        frame=frame,
        lexicon=lexicon,
        family=family,
        embeddings=embedded(frame, lexicon, rng),
        answers=rng.uniform(4.0, 7.0) * frame["out"],
        heads=heads,
        neurons=(),
        groups=_groups(planting, "mover", "backup" if backup else "second-mover"),
        edges=("duplicate -> inhibition (k)", "duplicate -> inhibition (v)", "inhibition -> mover (q)"),
        statements=backup_statements(planting) if backup else chain_statements(planting),
        stream_layer=planting.stream_layer,
        noise=float(rng.uniform(0.004, 0.01)),
        basis=int(rng.integers(2**31)),
    )


def _family(rng: np.random.Generator) -> Family:
    texts = opened(rng.permutation(_TEMPLATES)[:2].tolist(), rng)
    return Family.model_validate(
        {
            "family": "planted-chain",
            "lists": {"names": NAMES, "fillers": FILLERS},
            "slots": {"IO": "names", "S": "names", "x": "fillers", "y": "fillers"},
            "roles": {"IO": "IO", "S1": "S", "S2": "S"},
            "orders": {"ABBA": {"first": "IO", "second": "S1"}, "BABA": {"first": "S1", "second": "IO"}},
            "templates": [{"id": f"t{number}", "text": text} for number, text in enumerate(texts)],
            "answer": "IO",
            "foil": "S",
            "corruptions": {
                "fresh": {"IO": "fresh", "S1": "fresh", "S2": "fresh"},
                "other_repeated": {"S2": "IO"},
            },
        }
    )


def _heads(frame: Frame, seating: Seating, rng: np.random.Generator, *, backup: bool) -> tuple[Head, ...]:
    stages, spare = seating.stages, seating.spare
    early = next(seat for seat in seating.free if seat.layer < stages["mover"][0].layer)
    rest = [seat for seat in seating.free if seat != early]
    movers = (1.0,) if backup else shares(rng)
    heads = [
        *_duplicates(frame, stages["duplicate"], shares(rng), rng),
        *_inhibitions(frame, stages["inhibition"], shares(rng), rng),
        *_movers(frame, stages["mover"], movers, rng),
        enabler(frame, early),
        follower(frame, "follower", spare["duplicate"], rng),
        gatherer(frame, "gatherer", spare["mover"], rng),
        gatherer(frame, "early-gatherer", spare["inhibition"], rng),
        follower(frame, "late-follower", rest[0], rng),
    ]
    return (*heads, _backup(frame, stages["backup"][0], rng)) if backup else tuple(heads)


def _duplicates(
    frame: Frame, seats: tuple[Seat, ...], share: tuple[float, ...], rng: np.random.Generator
) -> list[Head]:
    names = ("duplicate", "second-duplicate")
    return [
        Head(
            name,
            seat,
            (
                Match(frame["token"], frame["token"], rng.uniform(8.0, 9.5)),
                Match(frame["position"], frame["position"], -SELF),
                sink(frame, rng.uniform(4.0, 5.0)),
            ),
            (named(frame, "double", part), Copy(frame["name"], frame["twice"], part, "twice")),
        )
        for name, seat, part in zip(names, seats, share, strict=True)
    ]


def _inhibitions(
    frame: Frame, seats: tuple[Seat, ...], share: tuple[float, ...], rng: np.random.Generator
) -> list[Head]:
    names = ("inhibition", "second-inhibition")
    return [
        Head(
            name,
            seat,
            (Match(always(frame), frame["twice"], rng.uniform(6.0, 7.0)), sink(frame, 2.5)),
            (Copy(frame["double"], frame["inhibit"], part, "repeated"),),
        )
        for name, seat, part in zip(names, seats, share, strict=True)
    ]


def _movers(
    frame: Frame, seats: tuple[Seat, ...], share: tuple[float, ...], rng: np.random.Generator
) -> list[Head]:
    looks = (enabled(frame, rng.uniform(4.5, 5.5)), sink(frame, 2.5))
    avoids = Match(frame["inhibit"], frame["token"], -rng.uniform(5.0, 6.5))
    names = ("mover", "second-mover")
    return [
        Head(name, seat, (*looks, avoids), (named(frame, "out", part),))
        for name, seat, part in zip(names, seats, share, strict=False)
    ]


def _backup(frame: Frame, seat: Seat, rng: np.random.Generator) -> Head:
    """Looks at the name that is neither repeated nor written already; rests where there is none."""
    # One match of both codes, since each of its own would need more dimensions than a head has.
    avoided = rng.uniform(8.5, 9.5) * frame["inhibit"] + rng.uniform(10.0, 11.5) * frame["out"]
    matches = (enabled(frame, 6.5), sink(frame, 4.5), Match(avoided, frame["token"], -1.0))
    return Head("backup", seat, matches, (named(frame, "out", rng.uniform(0.9, 1.1)),))


def _groups(planting: Planting, *movers: str) -> dict[str, dict[str, object]]:
    at = planting.at
    return {
        "duplicate": {"heads": at("duplicate", "second-duplicate", position="S2")},
        "inhibition": {"heads": at("inhibition", "second-inhibition")},
        "mover": {"heads": at(*movers)},
        "enabler": {"heads": at("enabler")},
    }
