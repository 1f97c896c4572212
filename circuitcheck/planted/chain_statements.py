"""What is true of the chain, and of the chain with a backup."""

from __future__ import annotations

from circuitcheck.planted.planting import Planting
from circuitcheck.planted.statements import Statement

_ALL = {"by": "none"}


def chain_statements(planted: Planting) -> tuple[Statement, ...]:
    """The claims of the chain without a backup."""
    return (*_behaviour(), *_finding(planted), *_moving(planted), *_together(planted))


def backup_statements(planted: Planting) -> tuple[Statement, ...]:
    """The claims of the chain whose mover has a backup."""
    at, both = planted.at, planted.at("mover", "backup")
    return (
        *_behaviour(),
        *_finding(planted),
        *(
            Statement(
                f"mover-alone-is-not-necessary-by-{how}",
                f"With the mover ablated by {how} the backup wakes, and little of the preference is lost.",
                {"ablate": at("mover"), "with": how},
                "drop",
                "low",
                {"alone": {"ablate": both}, "head": {"ablate": at("inhibition")}},
            )
            for how in ("resample", "mean", "zero")
        ),
        Statement(
            "mover-and-backup-are-necessary",
            "Without both nearly all of the preference is lost.",
            {"ablate": both, "with": "resample"},
            "drop",
            slips={"alone": {"ablate": at("mover")}, "head": {"ablate": at("mover", "gatherer")}},
        ),
        Statement(
            "backup-sleeps",
            "While the mover writes, the backup adds little.",
            {"ablate": at("backup"), "with": "resample"},
            "drop",
            "low",
            {"head": {"ablate": at("inhibition")}, "alone": {"ablate": both}},
        ),
        Statement(
            "backup-wakes",
            "Without the mover the backup looks at the answer.",
            {"attends": at("backup"), "to": "IO", "under": {"ablate": at("mover"), "with": "resample"}},
            "attention",
            slips={
                "head": {"under": {"ablate": at("gatherer"), "with": "resample"}},
                "position": {"to": "S1"},
            },
        ),
        Statement(
            "faithful",
            "The named heads alone keep the behaviour.",
            {"keep": _circuit(planted, "mover", "backup"), "with": "mean", **_ALL},
            "recovered",
            slips={"alone": {"keep": both}},
        ),
    )


def _behaviour() -> tuple[Statement, ...]:
    return (
        Statement(
            "behaviour", "The name that is not repeated is preferred.", {"measure": "clean"}, "logit_diff"
        ),
    )


def _finding(planted: Planting) -> tuple[Statement, ...]:
    """Duplicate and inhibition heads."""
    at = planted.at
    return (
        Statement(
            "duplicate-looks-back",
            "At the repeated name the duplicate head looks at its first place.",
            {"attends": at("duplicate", position="S2"), "to": "S1"},
            "attention",
            slips={"position": {"to": "IO"}, "head": {"attends": at("follower", position="S2")}},
        ),
        Statement(
            "duplicate-is-necessary",
            "Without the main duplicate head most of the preference is lost.",
            {"ablate": at("duplicate", position="S2"), "with": "resample"},
            "drop",
            slips={
                "position": {"ablate": at("duplicate")},
                "head": {"ablate": at("follower", position="S2")},
            },
        ),
        Statement(
            "twice-fires",
            "A feature of the stream says that a name came before.",
            {"activates": planted.streamed("twice", "S2")},
            "rate",
            slips={
                "position": {"activates": planted.streamed("twice", "S1")},
                "feature": {"activates": planted.streamed("inhibit", "S2")[:1]},
            },
        ),
        Statement(
            "inhibition-steers-the-mover",
            "Without the main inhibition head the mover looks less at the answer.",
            {
                "attends": at("mover"),
                "to": "IO",
                "minus": "S1",
                "under": {"ablate": at("inhibition"), "with": "resample"},
            },
            "attention",
            "low",
            {"head": {"under": {"ablate": at("early-gatherer"), "with": "resample"}}},
        ),
        Statement(
            "inhibited-name-is-necessary",
            "Without the features of the inhibited name in the stream all of the preference is lost.",
            {"ablate": planted.streamed("inhibit"), "with": "resample"},
            "drop",
            slips={
                "feature": {"ablate": planted.streamed("idle")},
                "position": {"ablate": planted.streamed("inhibit", "S2+1")},
            },
        ),
        Statement(
            "enabler-is-needed",
            "Without what the enabler writes the mover rests.",
            {"ablate": at("enabler"), "with": "zero"},
            "drop",
            slips={"ablation": {"with": "mean"}, "head": {"ablate": at("late-follower")}},
        ),
        Statement(
            "gatherer-does-nothing",
            "A head that gathers names plays no part.",
            {"ablate": at("gatherer"), "with": "resample"},
            "drop",
            "null",
            {"head": {"ablate": at("inhibition")}},
        ),
    )


def _moving(planted: Planting) -> tuple[Statement, ...]:
    """The movers, without a backup."""
    at, elsewhere = planted.at, planted.elsewhere("mover")
    return (
        Statement(
            "mover-is-necessary",
            "Without the main mover a part of the preference is lost.",
            {"ablate": at("mover"), "with": "resample"},
            "drop",
            slips={
                "head": {"ablate": at("gatherer")},
                "layer": {"ablate": elsewhere},
                "position": {"ablate": at("mover", position="S2")},
            },
        ),
        Statement(
            "mover-looks-at-the-answer",
            "The mover looks at the name that is not repeated.",
            {"attends": at("mover"), "to": "IO"},
            "attention",
            slips={"position": {"to": "S1"}, "head": {"attends": at("gatherer")}},
        ),
        Statement(
            "mover-writes-the-answer",
            "The mover speaks for the answer directly.",
            {"writes": at("mover")},
            "logits",
            slips={"head": {"writes": at("gatherer")}, "layer": {"writes": elsewhere}},
        ),
        Statement(
            "moved-names-are-necessary",
            "Without the features of the moved name a part of the preference is lost.",
            {"ablate": planted.copied("mover", "name"), "with": "resample"},
            "drop",
            slips={
                "feature": {"ablate": planted.copied("gatherer", "name")},
                "position": {"ablate": planted.copied("mover", "name", "S2")},
            },
        ),
    )


def _together(planted: Planting) -> tuple[Statement, ...]:
    at = planted.at
    movers, readers = at("mover", "second-mover"), at("inhibition", "second-inhibition")
    return (
        Statement(
            "movers-are-necessary",
            "Without both movers nearly all of the preference is lost.",
            {"ablate": movers, "with": "resample"},
            "drop",
            slips={"alone": {"ablate": movers[1:]}, "head": {"ablate": at("mover", "gatherer")}},
        ),
        Statement(
            "movers-restore",
            "The movers of the clean run bring the preference back into unrelated names.",
            {"patch": movers},
            "restored",
            slips={"alone": {"patch": movers[1:]}, "position": {"patch": at("mover", position="S2")}},
        ),
        Statement(
            "inhibition-decides",
            "Told that the other name is repeated, the inhibition heads turn the preference round.",
            {"patch": readers, "from": "corrupt", "into": "clean", "corrupt": "other_repeated"},
            "effect",
            "low",
            {"ablation": {"corrupt": "fresh"}, "alone": {"patch": readers[1:]}},
        ),
        Statement(
            "faithful",
            "The named heads alone keep the behaviour.",
            {"keep": _circuit(planted, "mover", "second-mover"), "with": "mean", **_ALL},
            "recovered",
            slips={"alone": {"keep": movers}, "position": {"keep": [*movers, *readers]}},
        ),
    )


def _circuit(planted: Planting, *movers: str) -> list[str]:
    return [
        *planted.at("duplicate", "second-duplicate", position="S2"),
        *planted.at("inhibition", "second-inhibition", "enabler", *movers),
    ]
