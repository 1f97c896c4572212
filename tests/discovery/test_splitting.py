"""Discovery, thresholds and confirmation share no words, and the file has no template that discovery saw."""

import pytest

from circuitcheck.discovery.splitting import DRAWS, Split, check_has_answers
from circuitcheck.errors import PromptError
from circuitcheck.prompts.family import load_family
from circuitcheck.spec.prompts import PromptsRef

SPLIT = Split.of("ioi", seed=7, n_discovery=80, n=480)


def test_names_are_in_one_part_each() -> None:
    parts = [
        set(part["lists"]["names"]) for part in (SPLIT.discovery, SPLIT.thresholds[0], SPLIT.confirmation)
    ]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    assert set.union(*parts) == set(load_family("ioi").lists["names"])
    assert set(SPLIT.file["lists"]["names"]) == parts[1] | parts[2]


def test_templates_of_the_file_are_new() -> None:
    seen, left = set(SPLIT.discovery["templates"]), set(SPLIT.file["templates"])
    assert not seen & left
    assert seen | left == set(load_family("ioi").template_ids())
    assert SPLIT.confirmation["templates"] == SPLIT.thresholds[0]["templates"] == SPLIT.file["templates"]


def test_thresholds_are_set_on_several_draws_of_seeds_of_their_own() -> None:
    seeds = [part["seed"] for part in SPLIT.thresholds]
    assert len(set(seeds)) == DRAWS == len(seeds)
    assert sum(part["n"] for part in SPLIT.thresholds) == 480
    assert not {SPLIT.discovery["seed"], SPLIT.confirmation["seed"], SPLIT.file["seed"]} & set(seeds)


def test_every_part_is_a_section_of_a_circuit_file() -> None:
    for part in (SPLIT.discovery, *SPLIT.thresholds, SPLIT.confirmation, SPLIT.file):
        assert PromptsRef.model_validate(part).known_family is not None


def test_short_lists_and_bounded_numbers_stay_whole() -> None:
    assert set(SPLIT.discovery["lists"]) == {"names"}
    assert "lists" not in Split.of("greater-than", seed=0, n_discovery=80, n=480).discovery


def test_a_family_without_answers_has_no_behaviour_to_explain() -> None:
    with pytest.raises(PromptError, match="no right and wrong answers"):
        check_has_answers("plain")
    check_has_answers("ioi")
