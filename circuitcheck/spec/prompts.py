"""Where the prompts of a circuit file come from: a family, a file of pairs, or a data set."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, PlainSerializer, PlainValidator, model_validator

from circuitcheck.engine import MetricName
from circuitcheck.nodes import END
from circuitcheck.prompts.dataset_ref import DatasetRef
from circuitcheck.prompts.family import Family, family_names, load_family
from circuitcheck.prompts.sources import load_pairs
from circuitcheck.prompts.wording import did_you_mean
from circuitcheck.spec.fields import Part, Text, Words
from circuitcheck.spec.references import exactly_one, one_of


def _family(value: Any) -> Any:
    if isinstance(value, Family):
        return value
    if isinstance(value, dict):
        return Family.model_validate(value)
    if not isinstance(value, str) or value not in family_names():
        msg = f"no built-in family {value!r}. {did_you_mean(str(value), family_names())}"
        raise ValueError(msg)
    return value


def _written(family: str | Family) -> Any:
    return family.model_dump() if isinstance(family, Family) else family


FamilyRef = Annotated[
    str | Family,
    PlainValidator(_family, json_schema_input_type=str | Family),
    PlainSerializer(_written),
]


class PromptsRef(Part):
    """The prompts that every claim of the file is measured on."""

    model_config = one_of("family", "pairs", "dataset")

    family: FamilyRef | None = Field(
        default=None, description="A built-in prompt family such as ioi, or one written here."
    )
    pairs: Text | None = Field(
        default=None, description="JSON file of (clean, corrupt) pairs with their roles."
    )
    dataset: DatasetRef | None = Field(default=None, description="Hugging Face data set of pairs.")
    orders: Words | None = Field(
        default=None, description="Orders of the family to draw from; all, left out."
    )
    templates: Words | None = Field(
        default=None, description="Templates of the family to draw from; all, left out."
    )
    corrupt: Text | None = Field(default=None, description="Corruption of the family; its first, left out.")
    lists: dict[str, Words] = Field(
        default_factory=dict, description="Words in place of the family's own lists."
    )
    n: int = Field(
        default=128,
        ge=2,
        description="Number of prompt pairs; rounded down to whole (template, order) cells.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of the prompts.")
    bos: bool | None = Field(
        default=None,
        description="Whether prompts begin with BOS; left out, they do where the tokenizer has one.",
    )

    @model_validator(mode="after")
    def _is_one_source(self) -> Self:
        exactly_one(self, "family", "pairs", "dataset")
        if self.family is None:
            unused = next(
                (key for key in ("orders", "templates", "corrupt", "lists") if getattr(self, key)), None
            )
            if unused:
                msg = f"{unused} belongs to a prompt family. Delete it, or write family: instead."
                raise ValueError(msg)
        return self

    @cached_property
    def known_family(self) -> Family | None:
        """The family with the file's own words in its lists; None for pairs and data sets.

        Raises:
            PromptError: when the file's lists do not fit the family.
        """
        if self.family is None:
            return None
        family = load_family(self.family) if isinstance(self.family, str) else self.family
        return family.with_lists(self.lists) if self.lists else family

    @property
    def has_answers(self) -> bool:
        """Whether the prompts have a right and a wrong answer; all do, but those of families that name none."""
        family = load_family(self.family) if isinstance(self.family, str) else self.family
        return family is None or family.has_answers

    @property
    def own_metric(self) -> MetricName:
        """What these prompts are measured in where the file does not say."""
        return "logit_diff" if self.has_answers else "loss"

    @property
    def corruption(self) -> str | None:
        """The corruption that makes the corrupt side; None for pairs and data sets, which have their own."""
        family = load_family(self.family) if isinstance(self.family, str) else self.family
        return self.corrupt or (family.corruption_names()[0] if family else None)

    def role_names(self, directory: Path) -> tuple[str, ...] | None:
        """The roles that nodes may be placed at, END included; None where only the data set knows them.

        Raises:
            PromptError: when the file of pairs cannot be read.
        """
        if self.family is not None:
            family = load_family(self.family) if isinstance(self.family, str) else self.family
            return family.role_names()
        if self.pairs is not None:
            return (*load_pairs(directory / self.pairs)[0].spans, END)
        roles = self.dataset.columns.roles if self.dataset else None
        return (*roles, END) if isinstance(roles, dict) else None
