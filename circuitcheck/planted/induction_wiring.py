"""Previous-token and induction heads: a list is read again, and goes on as it did the first time.

Two previous-token heads write at each name which name came before; two induction heads at END look for the name
that followed the last one, and copy it.
"""

from __future__ import annotations

import numpy as np

from circuitcheck.planted.design import (
    COMMON,
    Design,
    before,
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
from circuitcheck.planted.induction_statements import induction_statements
from circuitcheck.planted.parts import Copy, Head, Match, Seat, Seating, Sizes, seated
from circuitcheck.planted.planting import Planting
from circuitcheck.planted.words import NAMES, Lexicon
from circuitcheck.prompts.family import Family

_TEMPLATES = (
    "they are {PREVIOUS} {SOURCE} {NEXT} {A} and again {previous}",
    "we met {A} {PREVIOUS} {SOURCE} {NEXT} then {a} {previous}",
    "on it was {A} {B} {PREVIOUS} {SOURCE} {NEXT} {a} {b} {previous}",
    "{A} {B} {PREVIOUS} {SOURCE} {NEXT} and once more {previous}",
)
_SLOTS = ("previous", "source", "next", "a", "b")


def design(rng: np.random.Generator) -> Design:
    """A new wiring of the pair; which heads, in which layers, how strong."""
    sizes = Sizes()
    frame = Frame.drawn({**COMMON, "previous": len(NAMES), "followed": 1}, sizes.d_model, rng)
    seating = seated([("previous", 2), ("induction", 2)], sizes.n_layers, sizes.n_heads, rng)
    family = _family(rng)
    lexicon = Lexicon.of(template.text for template in family.templates)
    heads = _heads(frame, seating, rng)
    planting = Planting(sizes, frame, heads, seating.stages["induction"][0].layer)
    return Design(
        kind="induction",
        sizes=sizes,
        frame=frame,
        lexicon=lexicon,
        family=family,
        embeddings=embedded(frame, lexicon, rng),
        answers=rng.uniform(4.0, 7.0) * frame["out"],
        heads=heads,
        neurons=(),
        groups={
            "previous": {"heads": planting.at("previous", "second-previous", position="SOURCE")},
            "induction": {"heads": planting.at("induction", "second-induction")},
            "enabler": {"heads": planting.at("enabler")},
        },
        edges=("previous -> induction (k)", "enabler -> induction (q)"),
        statements=induction_statements(planting),
        stream_layer=planting.stream_layer,
        noise=float(rng.uniform(0.004, 0.01)),
        basis=int(rng.integers(2**31)),
    )


def _family(rng: np.random.Generator) -> Family:
    texts = opened(rng.permutation(_TEMPLATES)[:2].tolist(), rng)
    places = {"PREVIOUS": "previous", "SOURCE": "source", "NEXT": "next"}
    copies = {"A": "a", "B": "b"}
    used = {copy: slot for copy, slot in copies.items() if any(f"{{{copy}}}" in text for text in texts)}
    return Family.model_validate(
        {
            "family": "planted-induction",
            "lists": {"names": NAMES},
            "slots": {
                slot: "names" for slot in _SLOTS if slot not in copies.values() or slot in used.values()
            },
            "roles": places,
            "copies": used,
            "templates": [{"id": f"t{number}", "text": text} for number, text in enumerate(texts)],
            "answer": "source",
            "foil": "next",
            "corruptions": {
                "fresh": dict.fromkeys([*places, *used], "fresh"),
                "swapped": {"SOURCE": "NEXT", "NEXT": "SOURCE"},
            },
        }
    )


def _heads(frame: Frame, seating: Seating, rng: np.random.Generator) -> tuple[Head, ...]:
    stages, spare = seating.stages, seating.spare
    last = stages["induction"][0].layer
    early = next(seat for seat in seating.free if seat.layer < last)
    rest = [seat for seat in seating.free if seat != early]
    return (
        *_previous(frame, stages["previous"], shares(rng), rng),
        *_induction(frame, stages["induction"], shares(rng), rng),
        enabler(frame, early),
        follower(frame, "follower", spare["previous"], rng),
        gatherer(frame, "gatherer", spare["induction"], rng),
        gatherer(frame, "other-gatherer", rest[0], rng),
    )


def _previous(
    frame: Frame, seats: tuple[Seat, ...], share: tuple[float, ...], rng: np.random.Generator
) -> list[Head]:
    names = ("previous", "second-previous")
    return [
        Head(
            name,
            seat,
            (before(frame, rng.uniform(4.5, 6.5)),),
            (named(frame, "previous", part), Copy(frame["name"], frame["followed"], part, "followed")),
        )
        for name, seat, part in zip(names, seats, share, strict=True)
    ]


def _induction(
    frame: Frame, seats: tuple[Seat, ...], share: tuple[float, ...], rng: np.random.Generator
) -> list[Head]:
    same = Match(frame["token"], frame["previous"], rng.uniform(7.0, 8.5))
    looks = (same, enabled(frame, rng.uniform(3.0, 4.0)), sink(frame, rng.uniform(7.0, 8.0)))
    names = ("induction", "second-induction")
    return [
        Head(name, seat, looks, (named(frame, "out", part),))
        for name, seat, part in zip(names, seats, share, strict=True)
    ]
