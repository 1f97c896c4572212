"""A prompt family: word lists, templates and corruptions, as data.

In: YAML, built in or written in a circuit file. Out: `Family`, from which `generate` draws pairs. A
template's places are roles ({S2}: a token position that claims can name), copies ({A}: a slot's word
at a place that no claim points at), order places ({first}: a role that depends on the order) and slots
({place}: a word that stays as it is). A name that is a slot too means the role or copy. Corruptions
change roles and copies only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import InitErrorDetails, ValidationError
from ruamel.yaml import YAML

from circuitcheck.errors import PromptError
from circuitcheck.nodes import END
from circuitcheck.prompts.draws import Change, Draw, SlotSource, WordList
from circuitcheck.prompts.family_faults import family_faults
from circuitcheck.prompts.pairs import NO_ORDER
from circuitcheck.prompts.templates import Part, parse_template
from circuitcheck.prompts.wording import did_you_mean
from circuitcheck.quick_yaml import Unsure, quick_document

_FOLDER = "prompts/families"


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
    lists: dict[str, WordList] = Field(
        description="Word lists, without leading spaces; a range such as 05..94 lists numbers."
    )
    slots: dict[str, SlotSource] = Field(
        description="Slot to the list it is drawn from, for every prompt anew; slots of one list get distinct words. "
        "Of several lists every order takes one; {list: .., above: slot} draws a greater number."
    )
    roles: dict[str, str] = Field(
        description="Role (a token that claims can name) to the slot whose word it has in the clean prompt."
    )
    copies: dict[str, str] = Field(
        default_factory=dict,
        description="Further place for a slot's word: corruptions change it as they change roles, claims cannot "
        "name it, and a template may do without it.",
    )
    orders: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="Order to what it settles: each place to the role that stands there, each slot of several lists "
        "to the list that it is drawn from.",
    )
    templates: tuple[Template, ...] = Field(description="The sentence frames.")
    answer: str | None = Field(
        default=None, description="Slot whose word is right; left out, prompts are scored by their own loss."
    )
    foil: str | tuple[str, ...] = Field(default=(), description="Slot or slots whose words are wrong.")
    leading_space: bool = Field(
        default=True,
        description="Whether answers and foils begin with a space; false where prompts stop inside a word.",
    )
    corruptions: dict[str, dict[str, Change]] = Field(
        description="Corruption to what it changes: a role or copy to another's word; to `fresh`, a new word; to "
        "`other` or `twin`, a word of its slot's other list or the one at the same place of it; or to a draw."
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

    @property
    def has_answers(self) -> bool:
        """Whether prompts have a right and a wrong answer; else only `loss` and `kl` can score them."""
        return self.answer is not None

    @cached_property
    def placed(self) -> dict[str, str]:
        """Every role and copy, and the slot whose word it has in the clean prompt."""
        return {**self.copies, **self.roles}

    def lists_of(self, slot: str) -> tuple[str, ...]:
        """The lists that a slot may be drawn from."""
        source = self.slots[slot]
        if isinstance(source, Draw):
            return (source.list,)
        return (source,) if isinstance(source, str) else source

    def list_of(self, slot: str, order: str) -> str:
        """The list that a slot is drawn from in an order."""
        lists = self.lists_of(slot)
        return lists[0] if len(lists) == 1 else self.orders[order][slot]

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
        settled = self.orders.get(order, {})
        return _settled(text, tuple(item for item in settled.items() if item[0] not in self.slots))

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


@lru_cache(maxsize=1024)
def _settled(text: str, standing: tuple[tuple[str, str], ...]) -> tuple[Part, ...]:
    """A template's parts, its order places replaced; kept, since every prompt of an order asks for them."""
    roles = dict(standing)
    return tuple(Part(part.literal, roles.get(part.place, part.place)) for part in parse_template(text))


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


def _word(kind: str, text: str) -> str | bool:
    """The words of families are text, but for `leading_space`; where one is not, the slow parser says what it is."""
    if kind == "bool":
        return text.lower() == "true"
    if kind != "str":
        raise Unsure
    return text


def parse_family(text: str) -> Family:
    """A family from its YAML text; what it does not say it has from the built-in one that it `extends`.

    Raises:
        PromptError: when there is no built-in family of the name that it extends.
        pydantic.ValidationError: with every fault, each under its key.
    """
    quick = quick_document(text, _word)
    content = YAML(typ="safe", pure=True).load(text) if quick is None else quick.data
    if isinstance(content, dict) and "extends" in content:
        base = load_family(content.pop("extends")).model_dump(exclude_unset=True)
        content = base | content
    return Family.model_validate(content)
