"""How a circuit file names a Hugging Face data set of prompt pairs; nothing is loaded here.

In: a mapping. Out: `DatasetRef`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from circuitcheck.errors import PromptError
from circuitcheck.prompts.wording import did_you_mean


class RoleColumn(BaseModel):
    """A role whose word stands in a column, where it comes more than once in the prompt."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    occurrence: int = Field(
        default=1, ge=1, description="Which occurrence in the clean prompt; 1 is the first."
    )


class ColumnNames(BaseModel):
    """Which column holds what; a key that is left out has the column of its own name, if there is one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clean: str = "clean"
    corrupt: str = "corrupt"
    answer: str = "answer"
    foil: str = "foil"
    foils: str = "foils"
    template: str = "template"
    order: str = "order"
    roles: str | dict[str, str | RoleColumn] = Field(
        default="roles", description="The column with the roles, or each role with the column of its word."
    )


class DatasetRef(BaseModel):
    """A data set: `name` on the Hub, or a local `path` (a file, a folder of files, or a saved data set)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = None
    path: str | None = None
    config: str | None = None
    revision: str | None = None
    split: str = "train"
    columns: ColumnNames = ColumnNames()
    leading_space: bool = Field(
        default=False,
        description="Whether to put a space before every answer and foil; for columns of bare words.",
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.name is None) == (self.path is None):
            msg = "a data set has either a name on the Hub or a local path. Write one of them."
            raise ValueError(msg)
        return self

    @property
    def where(self) -> str:
        """What messages call it."""
        return repr(self.name or self.path)


def read_dataset_ref(dataset: DatasetRef | Mapping[str, object]) -> DatasetRef:
    """The reference that a mapping spells.

    Raises:
        PromptError: for unknown keys, or without a place.
    """
    if isinstance(dataset, DatasetRef):
        return dataset
    try:
        return DatasetRef.model_validate(dataset)
    except ValidationError as error:
        raise PromptError("\n".join(_sentence(fault) for fault in error.errors())) from None


def _sentence(fault: ErrorDetails) -> str:
    *parents, key = (*map(str, fault["loc"]), "")[:-1] or ("",)
    where = ".".join(["dataset", *parents])
    if fault["type"] == "extra_forbidden":
        known = ColumnNames.model_fields if parents == ["columns"] else DatasetRef.model_fields
        return f"{where} has no key {key!r}. {did_you_mean(key, known)}"
    place = f"{where}.{key}" if key else where
    return f"{place}: {fault['msg'].removeprefix('Value error, ')}"
