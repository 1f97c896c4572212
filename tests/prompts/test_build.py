import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from circuitcheck.errors import PromptError
from circuitcheck.prompts.build import build_prompts, build_references
from circuitcheck.prompts.family import Family, load_family, parse_family
from circuitcheck.prompts.generate import generate
from circuitcheck.prompts.pairs import PromptPair, PromptSet
from circuitcheck.prompts.sources import load_pairs
from prompts.examples import FAMILY_YAML, NAMES, mini, tokenizer

TOKENIZER = tokenizer()


@dataclass(frozen=True)
class Ref:
    """What a circuit file would say."""

    family: str | Family | None = None
    pairs: str | None = None
    dataset: dict[str, Any] | None = None
    orders: list[str] | None = None
    templates: list[str] | None = None
    corrupt: str | None = None
    n: int | None = None
    seed: int | None = None
    lists: dict[str, list[str]] | None = None
    bos: bool | None = None


def row_of(pair: PromptPair, *, cells: bool = True) -> dict[str, object]:
    """A generated pair as a row of a file."""
    row: dict[str, object] = {
        "clean": pair.clean,
        "corrupt": pair.corrupt,
        "answer": pair.answer,
        "foils": list(pair.foils),
        "roles": {role: [list(here), list(there)] for role, (here, there) in pair.spans.items()},
    }
    return row | ({"template": pair.template, "order": pair.order} if cells else {})


def file_of(path: Path, n: int, *, cells: bool = True) -> str:
    """A file of `n` generated pairs."""
    pairs = generate(mini(), n=n, seed=0, corrupt="s2_to_io")
    (path / "pairs.json").write_text(json.dumps([row_of(pair, cells=cells) for pair in pairs]))
    return "pairs.json"


def both(ref: Ref, base: Path, **changes: Any) -> tuple[PromptSet, PromptSet]:
    """The evaluated prompts and their references."""
    evaluated = build_prompts(ref, TOKENIZER, base=base, **changes)
    return evaluated, build_references(ref, TOKENIZER, evaluated=evaluated, base=base)


def texts(prompts: PromptSet) -> set[str]:
    return {text for pair in prompts.pairs for text in (pair.clean, pair.corrupt)}


def fault_of(ref: Ref, base: Path = Path(), **changes: Any) -> str:
    with pytest.raises(PromptError) as caught:
        both(ref, base, **changes)
    return str(caught.value)


def test_a_family_in_the_file_gives_balanced_prompts_and_disjoint_references() -> None:
    evaluated, references = both(Ref(family=mini(), corrupt="fresh_names", n=66, seed=3), Path())
    assert (len(evaluated), evaluated.seed, len(references)) == (64, 3, 256)
    assert Counter(evaluated.cells) == dict.fromkeys(sorted(set(evaluated.cells)), 16)
    assert not texts(evaluated) & texts(references)


def test_a_family_is_found_by_its_name() -> None:
    words = set(
        "".join(c if c.isalpha() else " " for c in json.dumps(load_family("ioi").model_dump())).split()
    )
    made = tokenizer([*sorted(words), ".", ","])
    prompts = build_prompts(Ref(family="ioi", corrupt="fresh_names", n=120), made, base=Path())
    assert (len(prompts), prompts.seed, prompts.has_bos) == (120, 0, True)
    assert list(prompts.roles) == ["IO", "S1", "S2", "END"]


def test_what_the_call_says_outranks_what_the_file_says() -> None:
    ref = Ref(family=mini(), corrupt="fresh_names", n=64, seed=3)
    prompts = build_prompts(ref, TOKENIZER, corrupt="s2_to_io", n=16, seed=0, base=Path())
    expected = build_prompts(Ref(family=mini(), corrupt="s2_to_io", n=16, seed=0), TOKENIZER, base=Path())
    assert prompts.digest == expected.digest


def test_without_n_and_seed_there_are_128_prompts_of_seed_0() -> None:
    prompts = build_prompts(Ref(family=mini(), corrupt="s2_to_io"), TOKENIZER, base=Path())
    assert (len(prompts), prompts.seed) == (128, 0)


def test_the_first_corruption_need_not_be_named() -> None:
    unnamed, named = (
        build_prompts(Ref(family=mini(), n=16, corrupt=corrupt), TOKENIZER, base=Path())
        for corrupt in (None, "fresh_names")
    )
    assert unnamed.digest == named.digest


def test_lists_orders_templates_and_bos_of_the_file_are_followed() -> None:
    ref = Ref(
        family=parse_family(FAMILY_YAML),
        corrupt="s2_to_io",
        n=8,
        orders=["BABA"],
        templates=["rain"],
        lists={"places": ["farm"]},
        bos=False,
    )
    evaluated, references = both(ref, Path())
    for prompts in (evaluated, references):
        assert set(prompts.cells) == {("rain", "BABA")}
        assert all(" farm" in pair.clean for pair in prompts.pairs)
        assert not prompts.has_bos


@pytest.mark.parametrize(
    ("ref", "sentence"),
    [
        (Ref(), "prompts come from one of family, pairs and dataset, not from none."),
        (
            Ref(family="ioi", pairs="x.json"),
            "prompts come from one of family, pairs and dataset, not from family and pairs.",
        ),
        (
            Ref(pairs="x.json", corrupt="s2_to_io"),
            "corrupt: s2_to_io names a family's corruption, and pairs bring their own. Leave it out.",
        ),
        (
            Ref(dataset={"path": "x"}, lists={"names": ["Ada"]}),
            "lists: replaces words of a family, and dataset have none. Leave it out.",
        ),
    ],
)
def test_a_source_that_makes_no_sense_is_refused(ref: Ref, sentence: str) -> None:
    assert fault_of(ref) == sentence


@pytest.mark.parametrize("source", ["pairs", "dataset"])
def test_rows_are_balanced_over_cells_and_the_others_are_references(tmp_path: Path, source: str) -> None:
    name = file_of(tmp_path, 80)
    ref = Ref(pairs=name, n=43) if source == "pairs" else Ref(dataset={"path": name}, n=43)
    evaluated, references = both(ref, tmp_path)
    assert Counter(evaluated.cells) == dict.fromkeys(sorted(set(evaluated.cells)), 10)
    free = [pair for pair in load_pairs(tmp_path / name) if not {pair.clean, pair.corrupt} & texts(evaluated)]
    assert {pair.clean for pair in references.pairs} == {pair.clean for pair in free}
    assert not texts(evaluated) & texts(references)


def test_more_rows_extend_fewer_and_another_seed_takes_others(tmp_path: Path) -> None:
    name = file_of(tmp_path, 80)
    few, many, other = (
        build_prompts(Ref(pairs=name, n=n, seed=seed), TOKENIZER, base=tmp_path)
        for n, seed in ((16, 0), (40, 0), (16, 1))
    )
    assert many.pairs[:16] == few.pairs
    assert set(other.clean) != set(few.clean)


def test_a_file_with_fewer_rows_than_n_is_evaluated_whole(tmp_path: Path) -> None:
    ref = Ref(pairs=file_of(tmp_path, 20), n=480)
    assert len(build_prompts(ref, TOKENIZER, base=tmp_path)) == 20


def test_rows_without_cells_are_one_stratum(tmp_path: Path) -> None:
    prompts = build_prompts(Ref(pairs=file_of(tmp_path, 40, cells=False), n=7), TOKENIZER, base=tmp_path)
    assert (len(prompts), set(prompts.cells)) == (7, {("-", "-")})


def test_rows_of_some_cells_can_be_chosen(tmp_path: Path) -> None:
    ref = Ref(pairs=file_of(tmp_path, 80), n=8, orders=["BABA"], templates=["walk"])
    assert set(build_prompts(ref, TOKENIZER, base=tmp_path).cells) == {("walk", "BABA")}
    assert fault_of(Ref(pairs="pairs.json", orders=["ABAB"]), tmp_path) == (
        "there is no order 'ABAB'. Did you mean 'BABA'?"
    )


def test_below_four_rows_per_cell_the_templates_are_balanced(tmp_path: Path) -> None:
    prompts = build_prompts(Ref(pairs=file_of(tmp_path, 80), n=11), TOKENIZER, base=tmp_path)
    assert Counter(template for template, _ in prompts.cells) == {"rain": 5, "walk": 5}


def test_too_few_rows_to_evaluate_are_refused(tmp_path: Path) -> None:
    assert fault_of(Ref(pairs=file_of(tmp_path, 80), n=7), tmp_path) == (
        "80 rows of 2 templates and n: 7 do not make 4 of each template. "
        "Add rows, raise n, or choose fewer templates."
    )


def test_too_few_rows_for_references_are_refused_with_the_n_that_does(tmp_path: Path) -> None:
    assert fault_of(Ref(pairs=file_of(tmp_path, 20, cells=False), n=12), tmp_path) == (
        "20 rows less 12 evaluated leave 8 for the reference set, which needs 16. Write n: 4, or add 8 rows."
    )
    assert fault_of(Ref(pairs="pairs.json", n=19), tmp_path).endswith("Write n: 4, or add 15 rows.")
    assert fault_of(Ref(pairs=file_of(tmp_path, 16, cells=False), n=15), tmp_path).endswith("Add 15 rows.")


def test_a_row_whose_corrupt_prompt_is_evaluated_is_no_reference(tmp_path: Path) -> None:
    pairs = generate(mini(), n=40, seed=0, corrupt="fresh_names", templates=["walk"], orders=["ABBA"])
    shared = {"corrupt": "Then Ada and Ben walked to the park. Cleo gave it to", "roles": {}}
    (tmp_path / "pairs.json").write_text(json.dumps([row_of(pair) | shared for pair in pairs]))
    assert fault_of(Ref(pairs="pairs.json", n=8), tmp_path).startswith("40 rows less 8 evaluated leave 0 for")


def test_a_cell_without_a_row_left_for_references_is_refused(tmp_path: Path) -> None:
    pairs = generate(mini(), n=40, seed=0, corrupt="fresh_names", templates=["walk"])
    rows = [row_of(pair) for pair in pairs if pair.order == "ABBA"][:4] + [
        row_of(pair) for pair in pairs if pair.order == "BABA"
    ]
    (tmp_path / "pairs.json").write_text(json.dumps(rows))
    assert fault_of(Ref(pairs="pairs.json", n=8), tmp_path) == (
        "no row of template 'walk', order 'ABBA' is left for the reference set. Add rows of it, or write a smaller n."
    )


def test_a_row_that_does_not_fit_the_tokenizer_is_called_by_its_number_in_the_file(tmp_path: Path) -> None:
    pairs = generate(mini(), n=24, seed=0, corrupt="s2_to_io")
    rows = [row_of(pair) for pair in pairs]
    rows[6] |= {"answer": " Zoe"}
    (tmp_path / "pairs.json").write_text(json.dumps(rows))
    with pytest.raises(PromptError, match=r"^prompt pair 7 has the answer ' Zoe', which is 4 tokens"):
        build_prompts(Ref(pairs="pairs.json", n=24), TOKENIZER, base=tmp_path)


def test_names_of_two_tokens_are_found_before_anything_runs() -> None:
    ref = Ref(family=mini(), corrupt="fresh_names", n=64, lists={"names": [*NAMES, "Smythe"]})
    assert "'Smythe'" in fault_of(ref) or "' Smythe'" in fault_of(ref)


def test_prompts_import_nothing_heavy() -> None:
    heavy = "'torch', 'transformers', 'pandas', 'datasets', 'scipy', 'transformer_lens'"
    code = (
        f"import sys, circuitcheck.prompts.build; print([name for name in ({heavy}) if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
