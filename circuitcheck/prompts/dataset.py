"""Prompt pairs of a Hugging Face data set; the only place that imports `datasets`, and only when asked.

In: `DatasetRef` from a circuit file. Out: `PromptPair`s, one per example, which is a row as in a JSON
file (see `sources`) once `columns` has named its columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from circuitcheck.errors import PromptError
from circuitcheck.prompts.dataset_ref import DatasetRef, RoleColumn, read_dataset_ref
from circuitcheck.prompts.pairs import PromptPair
from circuitcheck.prompts.rows import KEYS
from circuitcheck.prompts.sources import pairs_of_rows
from circuitcheck.prompts.wording import did_you_mean

_FILE_KINDS = {".parquet": "parquet", ".json": "json", ".jsonl": "json", ".csv": "csv", ".arrow": "arrow"}
_SAVED = ("state.json", "dataset_dict.json")


def load_dataset_pairs(dataset: DatasetRef | Mapping[str, object], *, base: Path) -> tuple[PromptPair, ...]:
    """The pairs of a data set; rows that repeat an earlier clean prompt are left out.

    Args:
        dataset: What to load (see `DatasetRef`).
        base: The folder that a relative path starts from.

    Raises:
        PromptError: when the data set cannot be loaded, or a row does not do.
    """
    ref = read_dataset_ref(dataset)
    pairs = pairs_of_rows(_rows(ref, base), f"data set {ref.where}")
    # Repeats would raise n without adding evidence, and whoever uses a data set rarely can edit it.
    first: dict[str, PromptPair] = {}
    for pair in pairs:
        first.setdefault(pair.clean, pair)
    return tuple(first.values())


def _rows(ref: DatasetRef, base: Path) -> list[dict[str, Any]]:
    """The examples of a data set, under the keys that a row has."""
    try:
        examples = _examples(ref, base)
    except Exception as error:
        # The library raises whatever its readers raise (Arrow, HTTP, its own), with no common base.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        msg = f"cannot load data set {ref.where}: {reason.rstrip('.')}. Check its name or path, config and split."
        raise PromptError(msg) from error
    for column in _asked_for(ref) if examples else ():
        if column not in examples[0]:
            msg = f"data set {ref.where} has no column {column!r}. {did_you_mean(column, examples[0])}"
            raise PromptError(msg)
    return [_row(example, ref) for example in examples]


def _examples(ref: DatasetRef, base: Path) -> list[dict[str, Any]]:
    from datasets import load_dataset, load_from_disk

    if ref.name is not None:
        return list(load_dataset(ref.name, ref.config, revision=ref.revision, split=ref.split))
    path = base / str(ref.path)
    if any((path / file).is_file() for file in _SAVED):
        saved = load_from_disk(path)
        return list(saved[ref.split] if (path / "dataset_dict.json").is_file() else saved)
    if not path.exists():
        msg = f"there is no {path}"
        raise PromptError(msg)
    # Streaming reads local files in place, where loading would copy them into the user's cache.
    kind = _FILE_KINDS.get(path.suffix)
    if kind is not None:
        return list(load_dataset(kind, data_files={ref.split: str(path)}, split=ref.split, streaming=True))
    return list(load_dataset(str(path), ref.config, split=ref.split, streaming=True))


def _row(example: Mapping[str, Any], ref: DatasetRef) -> dict[str, Any]:
    """An example under the keys of a row; columns that nobody asked for are left out."""
    columns = {key: getattr(ref.columns, key) for key in KEYS if key != "roles"}
    row = {key: example[column] for key, column in columns.items() if column in example}
    if ref.leading_space:
        row |= {key: _spaced(row[key]) for key in ("answer", "foil", "foils") if key in row}
    roles = ref.columns.roles
    return row | {"roles": example.get(roles) if isinstance(roles, str) else _words(example, roles)}


def _spaced(value: Any) -> Any:
    """Texts with one space in front; whatever is no text stays as it is, for the row check to name."""
    if isinstance(value, list):
        return [_spaced(each) for each in value]
    return f" {value.lstrip()}" if isinstance(value, str) else value


def _asked_for(ref: DatasetRef) -> Iterator[str]:
    """The columns that `columns` names, which therefore must be there."""
    for key in ref.columns.model_fields_set - {"roles"}:
        yield getattr(ref.columns, key)
    roles = ref.columns.roles
    if isinstance(roles, dict):
        yield from (role if isinstance(role, str) else role.column for role in roles.values())
    elif "roles" in ref.columns.model_fields_set:
        yield roles


def _words(example: Mapping[str, Any], roles: Mapping[str, str | RoleColumn]) -> dict[str, Any]:
    return {
        name: example[role]
        if isinstance(role, str)
        else {"word": example[role.column], "occurrence": role.occurrence}
        for name, role in roles.items()
    }
