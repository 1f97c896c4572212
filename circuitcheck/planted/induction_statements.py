"""What is true of the previous-token and induction pair."""

from __future__ import annotations

from circuitcheck.planted.planting import Planting
from circuitcheck.planted.statements import Statement


def induction_statements(planted: Planting) -> tuple[Statement, ...]:
    """The claims of the pair."""
    return (*_looking(planted), *_stages(planted), *_features(planted), *_together(planted))


def _looking(planted: Planting) -> tuple[Statement, ...]:
    at = planted.at
    return (
        Statement("behaviour", "The list goes on as before.", {"measure": "clean"}, "logit_diff"),
        Statement(
            "previous-looks-one-back",
            "At the word to be copied the previous-token head looks at the word before.",
            {"attends": at("previous", position="SOURCE"), "to": "PREVIOUS"},
            "attention",
            slips={
                "position": {"attends": at("previous", position="NEXT")},
                "head": {"attends": at("induction", position="SOURCE")},
            },
        ),
        Statement(
            "induction-looks-at-the-source",
            "At the end the induction head looks at the word that followed the first time.",
            {"attends": at("induction"), "to": "SOURCE"},
            "attention",
            slips={"position": {"to": "NEXT"}, "head": {"attends": at("gatherer")}},
        ),
        Statement(
            "previous-steers-induction",
            "Told of another word before it, the induction head finds it less often.",
            {
                "attends": at("induction"),
                "to": "SOURCE",
                "under": {"ablate": at("previous", position="SOURCE"), "with": "resample"},
            },
            "attention",
            "low",
            {
                "position": {"under": {"ablate": at("previous", position="NEXT"), "with": "resample"}},
                "head": {"under": {"ablate": at("follower", position="SOURCE"), "with": "resample"}},
            },
        ),
    )


def _stages(planted: Planting) -> tuple[Statement, ...]:
    at = planted.at
    elsewhere = planted.elsewhere("previous", "SOURCE")
    return (
        Statement(
            "previous-is-necessary",
            "Without the main previous-token head, at this one word, most of the preference is lost.",
            {"ablate": at("previous", position="SOURCE"), "with": "resample"},
            "drop",
            slips={
                "position": {"ablate": at("previous")},
                "head": {"ablate": at("follower", position="SOURCE")},
                "layer": {"ablate": elsewhere},
            },
        ),
        Statement(
            "induction-is-necessary",
            "Without the main induction head a part of the preference is lost.",
            {"ablate": at("induction"), "with": "resample"},
            "drop",
            slips={
                "position": {"ablate": at("induction", position="SOURCE")},
                "head": {"ablate": at("gatherer")},
            },
        ),
        Statement(
            "key-is-necessary",
            "What the induction heads match at the word to be copied decides.",
            {
                "ablate": [f"{planted.seat(name).at('')}.k@SOURCE" for name in _PAIR],
                "with": "resample",
            },
            "drop",
            slips={"position": {"ablate": [f"{planted.seat('induction').at('')}.k@PREVIOUS"]}},
        ),
        Statement(
            "enabler-is-needed",
            "Without what the enabler writes the induction heads rest more.",
            {"ablate": at("enabler"), "with": "zero"},
            "drop",
            slips={"ablation": {"with": "resample"}, "head": {"ablate": at("gatherer")}},
        ),
        Statement(
            "gatherer-does-nothing",
            "A head that gathers names plays no part.",
            {"ablate": at("gatherer"), "with": "resample"},
            "drop",
            "null",
            {"head": {"ablate": at("induction")}},
        ),
        Statement(
            "induction-writes-the-word",
            "The induction head speaks for the right word directly.",
            {"writes": at("induction")},
            "logits",
            slips={"head": {"writes": at("gatherer")}},
        ),
    )


def _features(planted: Planting) -> tuple[Statement, ...]:
    return (
        Statement(
            "word-before-is-necessary",
            "Without the features of the word before most of the preference is lost.",
            {"ablate": planted.copied("previous", "name", "SOURCE"), "with": "resample"},
            "drop",
            slips={
                "feature": {"ablate": planted.copied("follower", "name", "SOURCE")},
                "position": {"ablate": planted.copied("previous", "name", "NEXT")},
            },
        ),
        Statement(
            "word-before-in-the-stream-is-necessary",
            "The same, of both heads together, in the stream in front of the induction heads.",
            {"ablate": planted.streamed("previous", "SOURCE"), "with": "resample"},
            "drop",
            slips={"feature": {"ablate": planted.streamed("idle", "SOURCE")}},
        ),
        Statement(
            "copied-word-is-necessary",
            "Without the features of the copied word a part of the preference is lost.",
            {"ablate": planted.copied("induction", "name"), "with": "mean"},
            "drop",
            slips={"feature": {"ablate": planted.copied("gatherer", "name")}},
        ),
        Statement(
            "followed-fires",
            "A feature of the stream says that a name came before.",
            {"activates": planted.streamed("followed", "SOURCE")},
            "mean",
            slips={
                "position": {"activates": planted.streamed("followed", "END")},
                "feature": {"activates": planted.streamed("idle", "SOURCE")[:1]},
            },
        ),
    )


def _together(planted: Planting) -> tuple[Statement, ...]:
    previous = planted.at("previous", "second-previous", position="SOURCE")
    induction = planted.at(*_PAIR)
    return (
        Statement(
            "previous-heads-are-necessary",
            "Without both previous-token heads nearly all of the preference is lost.",
            {"ablate": previous, "with": "resample"},
            "drop",
            slips={"alone": {"ablate": previous[1:]}},
        ),
        Statement(
            "induction-heads-restore",
            "The induction heads of the clean run bring the word back behind another list.",
            {"patch": induction},
            "restored",
            slips={"alone": {"patch": induction[1:]}, "head": {"patch": planted.at("induction", "gatherer")}},
        ),
        Statement(
            "faithful",
            "The named heads alone keep the behaviour.",
            {"keep": [*previous, *induction, *planted.at("enabler")], "with": "mean", "by": "none"},
            "recovered",
            slips={"alone": {"keep": induction}, "position": {"keep": planted.at(*_BEFORE, *_PAIR)}},
        ),
    )


_BEFORE = ("previous", "second-previous")
_PAIR = ("induction", "second-induction")
