"""A prompt family: word lists, templates and corruptions, as data.

In: YAML, built in or written in a circuit file. Out: `Family`, from which `generate` draws pairs. A
template's places are roles ({S2}: a token position that claims can name), order places ({first}: a
role that depends on the order) and slots ({place}: a word that no claim points at). A name that is
both a role and a slot means the role. Corruptions change roles only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import InitErrorDetails, ValidationError
from ruamel.yaml import YAML

from circuitcheck.errors import PromptError
from circuitcheck.nodes import END
from circuitcheck.prompts.family_faults import family_faults
from circuitcheck.prompts.templates import Part, parse_template
from circuitcheck.prompts.wording import did_you_mean

NO_ORDER = "-"
_FOLDER = "prompts/families"


def _word(value: Any) -> str:
    # YAML reads 07 as the number 7, so a number cannot be turned back into the word that was meant.
    if not isinstance(value, str):
        msg = f"{value!r} is not text, and words are. Put it in quotes."
        raise ValueError(msg)
    return value


class Template(BaseModel):
    """One sentence frame, with places in braces."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(description="Name of the template, by which claims slice and circuit files select.")
    text: str = Field(description="The prompt up to the answer; {role}, {slot} or {order place} in braces.")


class Family(BaseModel):
    """A generator of prompt pairs; every fault of its text is found when it is built."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str = Field(description="Name of the family.")
    title: str = Field(default="", description="What the prompts are about, for people.")
    lists: dict[str, tuple[Annotated[str, BeforeValidator(_word)], ...]] = Field(
        description="Word lists, without leading spaces."
    )
    slots: dict[str, str] = Field(
        description="Slot to the list it is drawn from, for every prompt anew; slots of one list get distinct words."
    )
    roles: dict[str, str] = Field(
        description="Role (a token that claims can name) to the slot whose word it has in the clean prompt."
    )
    orders: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="Order to its places, and each place to the role that stands there."
    )
    templates: tuple[Template, ...] = Field(description="The sentence frames.")
    answer: str = Field(description="Slot whose word, after a space, is right.")
    foil: str | tuple[str, ...] = Field(description="Slot or slots whose words, after a space, are wrong.")
    corruptions: dict[str, dict[str, str]] = Field(
        description="Corruption to what it changes: a role to another role's word, or to `fresh`, a new word."
    )

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        faults = family_faults(self)
        if faults:
            # All faults at once, each under its own key, so that a file reader can point at its line.
            details = [
                InitErrorDetails(type="value_error", loc=place, input=None, ctx={"error": message})
                for place, message in faults
            ]
            raise ValidationError.from_exception_data(type(self).__name__, details)
        return self

    @property
    def foils(self) -> tuple[str, ...]:
        """The slots of the wrong answers."""
        return (self.foil,) if isinstance(self.foil, str) else self.foil

    def role_names(self) -> tuple[str, ...]:
        """Every role a claim can name, END included and last."""
        return (*self.roles, END)

    def corruption_names(self) -> tuple[str, ...]:
        """Every corruption, in the order of the file."""
        return tuple(self.corruptions)

    def template_ids(self) -> tuple[str, ...]:
        """Every template, in the order of the file."""
        return tuple(template.id for template in self.templates)

    def order_names(self) -> tuple[str, ...]:
        """Every order, in the order of the file; `-` where the family has none."""
        return tuple(self.orders) or (NO_ORDER,)

    def parts(self, template_id: str, order: str) -> tuple[Part, ...]:
        """The parts of a template, its order places replaced by the roles that stand there."""
        text = next(template.text for template in self.templates if template.id == template_id)
        standing = self.orders.get(order, {})
        return tuple(
            Part(part.literal, standing.get(part.place, part.place)) for part in parse_template(text)
        )

    def role_order(self) -> list[list[str]]:
        """The roles in text order, END last; one list per (order, template), templates running faster."""
        return [
            [*(part.place for part in self.parts(template_id, order) if part.place in self.roles), END]
            for order in self.order_names()
            for template_id in self.template_ids()
        ]

    def with_lists(self, lists: Mapping[str, Sequence[str]]) -> Family:
        """The same family with other words in some of its lists.

        Raises:
            PromptError: for a list that the family lacks, or words that do not do.
        """
        for name in lists:
            if name not in self.lists:
                msg = f"family {self.family!r} has no list {name!r}. {did_you_mean(name, self.lists)}"
                raise PromptError(msg)
        content = self.model_dump() | {"lists": {**self.lists, **lists}}
        try:
            return Family.model_validate(content)
        except ValidationError as error:
            raise PromptError("\n".join(_sentences(error))) from None


def _sentences(error: ValidationError) -> list[str]:
    """Pydantic's findings, each as `place: sentence`."""
    return [
        f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors()
    ]


def family_names() -> tuple[str, ...]:
    """The built-in families, sorted."""
    folder = files("circuitcheck").joinpath(_FOLDER)
    return tuple(
        sorted(file.name[: -len(".yaml")] for file in folder.iterdir() if file.name.endswith(".yaml"))
    )


@cache
def load_family(name: str) -> Family:
    """A built-in family.

    Raises:
        PromptError: when there is none of that name.
    """
    if name not in family_names():
        msg = f"there is no built-in family {name!r}. {did_you_mean(name, family_names())}"
        raise PromptError(msg)
    return parse_family(files("circuitcheck").joinpath(_FOLDER, f"{name}.yaml").read_text(encoding="utf-8"))


def parse_family(text: str) -> Family:
    """A family from its YAML text; what it does not say it has from the built-in one that it `extends`.

    Raises:
        PromptError: when there is no built-in family of the name that it extends.
        pydantic.ValidationError: with every fault, each under its key.
    """
    content = YAML(typ="safe", pure=True).load(text)
    if isinstance(content, dict) and "extends" in content:
        base = load_family(content.pop("extends")).model_dump(exclude_unset=True)
        content = base | content
    return Family.model_validate(content)
