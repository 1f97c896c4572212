"""What is true of an OR and of an AND of two heads."""

from __future__ import annotations

from circuitcheck.planted.planting import Planting
from circuitcheck.planted.statements import Statement

_PAIR = ("first", "second")


def either_statements(planted: Planting) -> tuple[Statement, ...]:
    """The claims of an OR: neither head is necessary, both together are, and each suffices."""
    return (*_shared(planted), *_alone(planted, necessary=False), *_one_kept(planted, suffices=True))


def both_statements(planted: Planting) -> tuple[Statement, ...]:
    """The claims of an AND: each head is necessary, and none suffices."""
    return (*_shared(planted), *_alone(planted, necessary=True), *_one_kept(planted, suffices=False))


def _shared(planted: Planting) -> tuple[Statement, ...]:
    return (*_looking(planted), *_reading(planted), *_together(planted))


def _looking(planted: Planting) -> tuple[Statement, ...]:
    at = planted.at
    return (
        Statement("behaviour", "The name of the kind that is asked for.", {"measure": "clean"}, "logit_diff"),
        *(
            Statement(
                f"{head}-looks-at-the-answer",
                "The head looks at the name of the kind that is asked for.",
                {"attends": at(head), "to": "IO"},
                "attention",
                slips={"position": {"to": "S"}, "head": {"attends": at("gatherer")}},
            )
            for head in _PAIR
        ),
        Statement(
            "enabler-is-needed",
            "Without what the enabler writes the heads rest more.",
            {"attends": at("first"), "to": "IO", "under": {"ablate": at("enabler"), "with": "zero"}},
            "attention",
            "low",
            {"ablation": {"under": {"ablate": at("enabler"), "with": "mean"}}},
        ),
        Statement(
            "gatherer-does-nothing",
            "A head that gathers names plays no part.",
            {"ablate": at("gatherer"), "with": "resample"},
            "drop",
            "null",
            {"head": {"ablate": at(*_PAIR)}},
        ),
    )


def _reading(planted: Planting) -> tuple[Statement, ...]:
    layer = planted.neurons[0].layer
    return (
        Statement(
            "read-out-is-necessary",
            "The preference goes through the MLP behind the heads.",
            {"ablate": [f"L{layer}.mlp@END"], "with": "resample"},
            "drop",
            slips={"layer": {"ablate": ["L0.mlp@END"]}, "position": {"ablate": [f"L{layer}.mlp@IO"]}},
        ),
        Statement(
            "read-out-features-are-necessary",
            "It goes through the features that read what the heads write.",
            {"ablate": planted.read("readout"), "with": "mean"},
            "drop",
            slips={"feature": {"ablate": planted.read("idle")}},
        ),
        Statement(
            "read-out-writes-the-answer",
            "The MLP speaks for the answer directly.",
            {"writes": [f"L{layer}.mlp@END"]},
            "logits",
            slips={"layer": {"writes": ["L0.mlp@END"]}, "head": {"writes": planted.at("gatherer")}},
        ),
        Statement(
            "idle-neurons-fire",
            "Neurons that do nothing are active.",
            {"activates": planted.read("idle")[:1]},
            "mean",
            slips={"feature": {"activates": planted.read("readout")[:1]}},
        ),
    )


def _together(planted: Planting) -> tuple[Statement, ...]:
    pair = planted.at(*_PAIR)
    return (
        Statement(
            "pair-is-necessary",
            "Without both heads nearly all of the preference is lost.",
            {"ablate": pair, "with": "resample"},
            "drop",
            slips={"head": {"ablate": planted.at("gatherer", "other-gatherer")}},
        ),
        Statement(
            "pair-features-are-necessary",
            "The same for the features of what both copy.",
            {
                "ablate": [*planted.copied("first", "name"), *planted.copied("second", "name")],
                "with": "resample",
            },
            "drop",
            slips={"feature": {"ablate": planted.copied("gatherer", "name")}},
        ),
        Statement(
            "pair-restores",
            "The two heads of the clean run bring the preference back into other names.",
            {"patch": pair},
            "restored",
            slips={"head": {"patch": planted.at("gatherer", "other-gatherer")}},
        ),
        Statement(
            "pair-decides",
            "Asked for the other kind, the two heads turn the preference round.",
            {"patch": pair, "from": "corrupt", "into": "clean", "corrupt": "other_question"},
            "effect",
            "low",
            {"ablation": {"corrupt": "fresh"}},
        ),
        Statement(
            "faithful",
            "The named heads alone keep the behaviour.",
            {"keep": [*pair, *planted.at("enabler")], "with": "mean", "by": "none"},
            "recovered",
            slips={"position": {"keep": planted.at(*_PAIR, "enabler", position="IO")}},
        ),
    )


def _alone(planted: Planting, *, necessary: bool) -> tuple[Statement, ...]:
    """One head without the other: what an OR and an AND differ in."""
    pair = planted.at(*_PAIR)
    other = planted.at("gatherer") if necessary else pair
    said = "most" if necessary else "little"
    singles = {
        **{
            f"{head}-alone-by-{how}": (planted.at(head), how)
            for head in _PAIR
            for how in ("resample", "mean")
        },
        "first-features-alone": (planted.copied("first", "name"), "resample"),
        "first-in-the-stream": (planted.streamed("signal"), "resample"),
    }
    return tuple(
        Statement(
            name,
            f"Ablating this alone, {said} of the preference is lost.",
            {"ablate": nodes, "with": how},
            "drop",
            "high" if necessary else "low",
            {"head": {"ablate": other}},
        )
        for name, (nodes, how) in singles.items()
    )


def _one_kept(planted: Planting, *, suffices: bool) -> tuple[Statement, ...]:
    kept = {"with": "mean", "by": "none"}
    wrong = planted.at("enabler") if suffices else planted.at(*_PAIR, "enabler")
    return tuple(
        Statement(
            f"{head}-{'suffices' if suffices else 'does-not-suffice'}",
            f"This head alone keeps {'the behaviour' if suffices else 'little of the behaviour'}.",
            {"keep": planted.at(head, "enabler"), **kept},
            "recovered",
            "high" if suffices else "low",
            {"alone": {"keep": wrong}},
        )
        for head in _PAIR
    )
