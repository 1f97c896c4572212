import json
from pathlib import Path
from typing import Any

import datasets
import pytest

from circuitcheck.errors import PromptError
from circuitcheck.prompts.dataset import load_dataset_pairs
from circuitcheck.prompts.dataset_ref import DatasetRef
from circuitcheck.prompts.sources import load_pairs

ROW: dict[str, Any] = {
    "clean": "Then Ada and Ben went. Ben gave it to",
    "corrupt": "Then Cleo and Dan went. Eve gave it to",
    "answer": " Ada",
    "foil": " Ben",
    "roles": {"IO": "Ada", "S2": {"word": "Ben", "occurrence": 2}},
    "template": "went",
    "order": "ABBA",
}
OTHER_ROW = ROW | {"clean": "Then Fay and Ben went. Ben gave it to", "roles": ROW["roles"] | {"IO": "Fay"}}


def written(path: Path, *rows: object) -> Path:
    """A JSON file of these rows."""
    file = path / "pairs.json"
    file.write_text(json.dumps(rows))
    return file


def fault_of(path: Path, *rows: object) -> str:
    """What a file of these rows is refused for, without its path."""
    file = written(path, *rows)
    with pytest.raises(PromptError) as caught:
        load_pairs(file)
    return str(caught.value).removeprefix(f"{file}: ")


def words(path: Path, **roles: object) -> dict[str, tuple[str, str]]:
    """The clean and corrupt word of each role, as a file with these roles is read."""
    (pair,) = load_pairs(written(path, ROW | {"roles": roles}))
    return {
        role: (pair.clean[slice(*here)], pair.corrupt[slice(*there)])
        for role, (here, there) in pair.spans.items()
    }


def test_a_row_becomes_a_pair(tmp_path: Path) -> None:
    (pair,) = load_pairs(written(tmp_path, ROW))
    assert (pair.clean, pair.corrupt, pair.answer, pair.foils) == (
        ROW["clean"],
        ROW["corrupt"],
        " Ada",
        (" Ben",),
    )
    assert (pair.template, pair.order) == ("went", "ABBA")
    assert dict(pair.spans) == {"IO": ((5, 8), (5, 9)), "S2": ((23, 26), (24, 27))}


def test_cells_roles_and_single_foils_are_optional(tmp_path: Path) -> None:
    bare = {key: ROW[key] for key in ("clean", "corrupt", "answer")} | {"foils": [" Ben", " Dan"]}
    (pair,) = load_pairs(written(tmp_path, bare))
    assert (pair.foils, pair.template, pair.order, dict(pair.spans)) == ((" Ben", " Dan"), "-", "-", {})


def test_rows_may_stand_under_pairs(tmp_path: Path) -> None:
    file = tmp_path / "pairs.json"
    file.write_text(json.dumps({"pairs": [ROW]}))
    assert load_pairs(file) == load_pairs(written(tmp_path, ROW))


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("Ada", ("Ada", "Cleo")),
        (" Ada ", ("Ada", "Cleo")),
        ({"word": "Ada"}, ("Ada", "Cleo")),
        ({"word": "Ben", "occurrence": 1}, ("Ben", "Dan")),
        ({"word": "Ben", "occurrence": 2}, ("Ben", "Eve")),
        ({"word": "Ada", "occurrence": None}, ("Ada", "Cleo")),
        (".", (".", ".")),
        ([5, 8], ("Ada", "Cleo")),
        ([27, 29], ("ga", "ga")),
        ([[9, 12], [10, 13]], ("and", "and")),
    ],
)
def test_a_role_is_placed_by_word_occurrence_or_characters(
    tmp_path: Path, place: object, found: object
) -> None:
    assert words(tmp_path, R=place) == {"R": found}


def test_a_word_inside_a_longer_word_is_not_taken_for_it(tmp_path: Path) -> None:
    texts = {
        "clean": "annabel met Rosanna and anna at",
        "corrupt": "rosa met Joanna and maria at",
        "roles": {"A": "anna"},
    }
    (pair,) = load_pairs(written(tmp_path, ROW | texts))
    assert pair.spans["A"] == ((24, 28), (20, 25))


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("text", "row 1 is 'text', not an object. Write one with clean, corrupt, answer, foil and roles."),
        ({"clear": "x"}, "row 1 has the unknown key 'clear'. Did you mean 'clean'?"),
        ({"clean": "x"}, "row 1 has no 'corrupt'. Write its text."),
        (ROW | {"answer": 7}, "row 1 has 7 as 'answer', which is no text. Write a text in quotes."),
        (ROW | {"clean": ""}, "row 1 has '' as 'clean', which is no text. Write a text in quotes."),
        (
            ROW | {"corrupt": ROW["clean"]},
            "row 1 has the same text as clean and as corrupt. Change a word, or leave the row out.",
        ),
        (
            ROW | {"foil": None},
            "row 1 needs either 'foil' or 'foils'. Write the wrong answer, or a list of them.",
        ),
        (
            ROW | {"foils": [" Eve"]},
            "row 1 needs either 'foil' or 'foils'. Write the wrong answer, or a list of them.",
        ),
        (ROW | {"foil": 3}, "row 1 has 3 as foils. Write a text, or a list of texts."),
        (ROW | {"foil": []}, "row 1 has [] as foils. Write a text, or a list of texts."),
        (
            ROW | {"roles": ["Ada"]},
            "row 1 has ['Ada'] as 'roles'. Write an object such as {\"S2\": \"John\"}.",
        ),
        (ROW | {"roles": "{"}, "row 1 has '{' as 'roles'. Write an object such as {\"S2\": \"John\"}."),
        (
            ROW | {"roles": {"END": "Ada"}},
            "row 1 has the role 'END'. Use letters, digits and _, and not END or all.",
        ),
        (
            ROW | {"roles": {"X": "Zoe"}},
            "row 1 has 'Zoe' as role X, which is no word of 'Then Ada and Ben went. Ben gave it to'. "
            "Write one of its words.",
        ),
        (
            ROW | {"roles": {"X": "Ben"}},
            "row 1 has 'Ben' as role X, which comes 2 times in 'Then Ada and Ben went. Ben gave it to'. "
            'Say which: {"word": "Ben", "occurrence": 2}.',
        ),
        (
            ROW | {"roles": {"X": {"word": "Ben", "occurrence": 3}}},
            "row 1 asks for occurrence 3 of 'Ben' as role X, but 'Then Ada and Ben went. Ben gave it to' has 2.",
        ),
        (
            ROW | {"roles": {"X": [5, 99]}},
            "row 1 has role X at [5, 99], which is not inside 'Then Ada and Ben went. Ben gave it to'. "
            "Count characters from 0.",
        ),
        (
            ROW | {"roles": {"X": {"place": 3}}},
            "row 1 has {'place': 3} as role X. Write a word, "
            '{"word": "John", "occurrence": 2}, [start, end], or [[start, end], [start, end]].',
        ),
        (
            ROW | {"roles": {"X": [5, 12]}},
            "row 1 has role X at 'Ada and', which is not one word. "
            "Write [[start, end], [start, end]] for clean and corrupt.",
        ),
        (
            ROW | {"roles": {"X": [5, 7]}},
            "row 1 has role X at 'Ad', which is not one word. "
            "Write [[start, end], [start, end]] for clean and corrupt.",
        ),
        (
            ROW | {"corrupt": "Then Cleo went. Eve gave it to"},
            "row 1 has 10 clean words and 8 corrupt words, so role IO cannot be found in the corrupt one. "
            "Write [[start, end], [start, end]] for clean and corrupt.",
        ),
    ],
)
def test_a_fault_of_a_row_names_the_row_and_the_key(tmp_path: Path, row: object, sentence: str) -> None:
    assert fault_of(tmp_path, row) == sentence


def test_a_later_row_is_called_by_its_number(tmp_path: Path) -> None:
    assert fault_of(tmp_path, ROW, OTHER_ROW, {"clean": "x"}) == "row 3 has no 'corrupt'. Write its text."


def test_a_prompt_that_comes_twice_is_refused(tmp_path: Path) -> None:
    sentence = "row 3 repeats the clean prompt of row 1. Leave one of them out."
    assert fault_of(tmp_path, ROW, OTHER_ROW, ROW | {"answer": " Cleo"}) == sentence


def test_rows_with_different_roles_are_refused(tmp_path: Path) -> None:
    sentence = "rows 1 and 2 differ in role S2. Give every row the same roles."
    assert fault_of(tmp_path, ROW, OTHER_ROW | {"roles": {"IO": "Fay"}}) == sentence


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[", "cannot be read as JSON (Expecting value: line 1 column 2 (char 1)). Write an array of rows."),
        ('{"rows": []}', 'has no rows. Write an array of rows, or {"pairs": [..]}.'),
        ("[]", "has no rows. Write at least one."),
    ],
)
def test_a_damaged_file_is_told(tmp_path: Path, text: str, what: str) -> None:
    file = tmp_path / "pairs.json"
    file.write_text(text)
    with pytest.raises(PromptError) as caught:
        load_pairs(file)
    assert str(caught.value) == f"{file} {what}"


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(PromptError) as caught:
        load_pairs(tmp_path / "pairs.json")
    assert (
        str(caught.value)
        == f"there is no {tmp_path}/pairs.json. Write the path from the circuit file's folder."
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small data set in every local form."""
    path = tmp_path_factory.mktemp("data")
    datasets.disable_progress_bars()
    made = datasets.Dataset.from_list([ROW, OTHER_ROW, ROW])
    made.to_parquet(path / "rows.parquet")
    made.to_json(path / "rows.jsonl")
    made.save_to_disk(path / "saved")
    datasets.DatasetDict(test=made).save_to_disk(path / "dict")
    (path / "files").mkdir()
    made.to_parquet(path / "files" / "train.parquet")
    plain = {"prompt": ROW["clean"], "other": ROW["corrupt"], "io": "Ada", "s": "Ben", "extra": 1}
    datasets.Dataset.from_list([plain]).to_csv(path / "plain.csv")
    return path


@pytest.mark.parametrize("name", ["rows.parquet", "rows.jsonl", "saved", "files"])
def test_a_local_data_set_gives_the_pairs_of_its_rows_once(folder: Path, tmp_path: Path, name: str) -> None:
    expected = load_pairs(written(tmp_path, ROW, OTHER_ROW))
    assert load_dataset_pairs({"path": name}, base=folder) == expected


def test_a_split_of_a_saved_data_set_can_be_chosen(folder: Path) -> None:
    assert len(load_dataset_pairs(DatasetRef(path="dict", split="test"), base=folder)) == 2


def test_rows_of_unlike_roles_survive_a_json_data_set(tmp_path: Path) -> None:
    file = written(
        tmp_path, ROW, OTHER_ROW | {"roles": {"IO": [5, 8], "S2": {"word": "Ben", "occurrence": 2}}}
    )
    assert load_dataset_pairs({"path": file.name}, base=tmp_path) == load_pairs(file)


def test_roles_may_be_json_text(tmp_path: Path) -> None:
    assert load_pairs(written(tmp_path, ROW | {"roles": json.dumps(ROW["roles"])})) == load_pairs(
        written(tmp_path, ROW)
    )


def test_a_quote_is_a_word_too(tmp_path: Path) -> None:
    texts = {"clean": 'He said " to', "corrupt": 'She said " to', "roles": {"Q": '"'}}
    assert load_pairs(written(tmp_path, ROW | texts))[0].spans["Q"] == ((8, 9), (9, 10))


def test_columns_can_be_renamed(folder: Path, tmp_path: Path) -> None:
    columns = {
        "clean": "prompt",
        "corrupt": "other",
        "answer": "io",
        "foil": "s",
        "roles": {"IO": "io", "S2": {"column": "s", "occurrence": 2}},
    }
    (pair,) = load_dataset_pairs(
        {"path": "plain.csv", "columns": columns, "leading_space": True}, base=folder
    )
    (expected,) = load_pairs(
        written(tmp_path, {key: ROW[key] for key in ROW if key not in {"template", "order"}})
    )
    assert pair == expected


def test_a_leading_space_is_added_to_every_foil(tmp_path: Path) -> None:
    row = {key: value for key, value in ROW.items() if key != "foil"} | {
        "foils": ["Ben", " Eve"],
        "answer": "Ada",
    }
    written(tmp_path, row)
    (pair,) = load_dataset_pairs({"path": "pairs.json", "leading_space": True}, base=tmp_path)
    assert (pair.answer, pair.foils) == (" Ada", (" Ben", " Eve"))


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"clean": "prompts"}, "data set 'plain.csv' has no column 'prompts'. Did you mean 'prompt'?"),
        (
            {"clean": "prompt", "roles": {"IO": "ioo"}},
            "data set 'plain.csv' has no column 'ioo'. Did you mean 'io'?",
        ),
        (
            {"roles": "role"},
            "data set 'plain.csv' has no column 'role'. There is: prompt, other, io, s, extra.",
        ),
        ({}, "data set 'plain.csv': row 1 has no 'clean'. Write its text."),
    ],
)
def test_a_missing_column_is_told(folder: Path, columns: dict[str, object], sentence: str) -> None:
    with pytest.raises(PromptError) as caught:
        load_dataset_pairs({"path": "plain.csv", "columns": columns}, base=folder)
    assert str(caught.value) == sentence


def test_a_fault_of_a_data_set_row_names_the_data_set(tmp_path: Path) -> None:
    written(tmp_path, ROW, OTHER_ROW | {"foil": ""})
    with pytest.raises(PromptError) as caught:
        load_dataset_pairs({"path": "pairs.json"}, base=tmp_path)
    assert (
        str(caught.value) == "data set 'pairs.json': row 2 has '' as foils. Write a text, or a list of texts."
    )


@pytest.mark.parametrize(
    ("reference", "start"),
    [
        ({"path": "nowhere"}, "cannot load data set 'nowhere': there is no "),
        ({"path": "rows.parquet", "split": "test", "config": "x"}, None),
        (
            {"path": "files", "split": "nope"},
            "cannot load data set 'files': Bad split: nope. Available splits: ['train']",
        ),
        ({"path": "dict", "split": "nope"}, "cannot load data set 'dict': "),
        ({"path": "broken.parquet"}, "cannot load data set 'broken.parquet': "),
    ],
)
def test_a_data_set_that_cannot_be_loaded_is_told(
    folder: Path, reference: dict[str, object], start: str | None
) -> None:
    (folder / "broken.parquet").write_text("no")
    if start is None:
        assert load_dataset_pairs(reference, base=folder)
        return
    with pytest.raises(PromptError) as caught:
        load_dataset_pairs(reference, base=folder)
    assert str(caught.value).startswith(start)
    assert str(caught.value).endswith(". Check its name or path, config and split.")


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ({}, "dataset: a data set has either a name on the Hub or a local path. Write one of them."),
        (
            {"name": "a/b", "path": "c"},
            "dataset: a data set has either a name on the Hub or a local path. Write one of them.",
        ),
        ({"path": "c", "colums": {}}, "dataset has no key 'colums'. Did you mean 'columns'?"),
        (
            {"path": "c", "columns": {"cleen": "x"}},
            "dataset.columns has no key 'cleen'. Did you mean 'clean'?",
        ),
        ({"path": 3}, "dataset.path: Input should be a valid string"),
    ],
)
def test_a_wrong_reference_is_told(reference: dict[str, object], sentence: str) -> None:
    with pytest.raises(PromptError) as caught:
        load_dataset_pairs(reference, base=Path())
    assert str(caught.value) == sentence


def test_a_name_is_loaded_from_the_hub_with_its_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def hub(*names: object, **options: object) -> list[dict[str, Any]]:
        asked.extend([*names, options])
        return [ROW]

    monkeypatch.setattr(datasets, "load_dataset", hub)
    reference = {"name": "owner/pairs", "config": "small", "revision": "abc", "split": "test"}
    assert len(load_dataset_pairs(reference, base=Path())) == 1
    assert asked == ["owner/pairs", "small", {"revision": "abc", "split": "test"}]
