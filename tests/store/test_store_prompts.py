"""Prompts in the store: the same as those that are drawn, found by all that they depend on and by nothing else."""

import json
from dataclasses import replace

import numpy as np
import pytest

from circuitcheck.prompts.family import load_family
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.prompts.tokens import Tokenizer
from circuitcheck.shapes import bundled_path
from circuitcheck.spec.prompts import PromptsRef
from circuitcheck.store import Store, drawn
from circuitcheck.store.drawn import PromptShelf

SOURCES = [
    PromptsRef(family="ioi", n=60),
    PromptsRef(family="greater-than", n=32),
    PromptsRef(family="plain", n=32),
    PromptsRef(family="ioi", orders=["ABBA"], lists={"places": ["park", "school", "store"]}, n=60, bos=False),
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_directory(bundled_path("ioi-mini") / "model")


@pytest.fixture
def shelf(tokenizer, tmp_path) -> PromptShelf:
    return PromptShelf(PromptsRef(family="ioi", n=60), tokenizer, tmp_path, Store(tmp_path / "store"))


def only_from_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on, what is not found cannot be made."""
    monkeypatch.delattr(drawn, "build_prompts")
    monkeypatch.delattr(drawn, "build_references")


def assert_same(found: PromptSet, made: PromptSet) -> None:
    for name in ("pairs", "clean", "corrupt", "answers", "foils", "has_bos", "seed", "digest"):
        assert getattr(found, name) == getattr(made, name), name
    assert list(found.roles) == list(made.roles)
    assert all(np.array_equal(found.roles[role], made.roles[role]) for role in made.roles)
    assert [list(pair.spans) for pair in found.pairs] == [list(pair.spans) for pair in made.pairs]


@pytest.mark.parametrize("source", SOURCES, ids=["ioi", "several foils", "no answers", "lists of its own"])
def test_prompts_come_back_as_they_were_drawn(source, tokenizer, tmp_path, monkeypatch):
    made = PromptShelf(source, tokenizer, tmp_path)
    first, again = (PromptShelf(source, tokenizer, tmp_path, Store(tmp_path / "store")) for _ in range(2))
    evaluated = made.evaluated(corrupt=None, n=None, seed=3)
    references = made.references(evaluated, corrupt=None)
    assert_same(first.evaluated(corrupt=None, n=None, seed=3), evaluated)
    assert_same(first.references(evaluated, corrupt=None), references)
    only_from_the_store(monkeypatch)
    assert_same(again.evaluated(corrupt=None, n=None, seed=3), evaluated)
    assert_same(again.references(evaluated, corrupt=None), references)


def test_a_run_that_spells_out_what_the_file_says_finds_the_same_prompts(shelf, monkeypatch):
    made = shelf.evaluated(corrupt=None, n=None, seed=None)
    only_from_the_store(monkeypatch)
    assert_same(shelf.evaluated(corrupt=None, n=60, seed=0), made)


@pytest.mark.parametrize(
    "change",
    [
        {"n": 90},
        {"seed": 1},
        {"corrupt": "s2_to_io"},
        {"orders": ["ABBA"]},
        {"bos": False},
        {"lists": {"places": ["park", "school", "store"]}},
        {"family": load_family("ioi").with_lists({"places": ["park", "school", "store"]})},
    ],
    ids=lambda change: next(iter(change)),
)
def test_other_words_in_the_file_are_other_prompts(shelf, change):
    shelf.evaluated(corrupt=None, n=None, seed=None)
    other = replace(shelf, source=shelf.source.model_copy(update=change))
    made = replace(other, store=None).evaluated(corrupt=None, n=None, seed=None)
    assert_same(other.evaluated(corrupt=None, n=None, seed=None), made)


def test_another_tokenizer_is_another_set_of_prompts(shelf, tokenizer):
    shelf.evaluated(corrupt=None, n=None, seed=None)
    other = replace(shelf, tokenizer=Tokenizer(tokenizer.backend, None))
    assert not other.evaluated(corrupt=None, n=None, seed=None).has_bos


def test_references_depend_on_the_prompts_that_they_avoid(shelf):
    few = {"names": ["Mary", "Anna", "John", "Paul", "Mark", "Kate"], "places": ["park"], "objects": ["book"]}
    crowded = replace(shelf, source=PromptsRef(family="ioi", lists=few))
    small, large = (crowded.evaluated(corrupt="s2_to_io", n=n, seed=None) for n in (120, 480))
    crowded.references(small, corrupt="s2_to_io")
    texts = {pair.clean for pair in crowded.references(large, corrupt="s2_to_io").pairs}
    assert not texts & {pair.clean for pair in large.pairs}


def test_damaged_prompts_are_drawn_again(shelf):
    made = shelf.evaluated(corrupt=None, n=None, seed=None)
    (path,) = shelf.store.paths()
    path.write_bytes(path.read_bytes()[:-20])
    assert_same(shelf.evaluated(corrupt=None, n=None, seed=None), made)
    assert shelf.store.damaged == [path]


def test_rows_of_a_file_are_read_where_they_stand(tokenizer, tmp_path):
    rows = [
        {
            "clean": f"Then {one} and {other} walked to the park. {other} gave a ring to",
            "corrupt": f"Then {other} and {one} walked to the park. {one} gave a ring to",
            "answer": f" {one}",
            "foil": f" {other}",
            "roles": {"place": "park"},
        }
        for one, other in [("Mary", "John"), ("Anna", "Paul"), ("Kate", "Mark"), ("Lucy", "Jack")]
    ]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    shelf = PromptShelf(PromptsRef(pairs="rows.json", n=4), tokenizer, tmp_path, Store(tmp_path / "store"))
    assert len(shelf.evaluated(corrupt=None, n=None, seed=None)) == 4
    assert not list(shelf.store.paths())
