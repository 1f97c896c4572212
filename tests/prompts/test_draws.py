"""What a family may say of where its words come from: each fault beside its place, and what is drawn."""

import copy
from typing import Any

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # it has no types of its own
from pydantic import ValidationError
from ruamel.yaml import YAML

from circuitcheck.errors import PromptError, SpecError
from circuitcheck.prompts.family import Family, load_family
from circuitcheck.prompts.generate import generate
from circuitcheck.reading import read_spec_text

COUNTING = """
family: counting
lists:
  cats: [cat, dog]
  herds: [cats, dogs]
  numbers: 05..12
  others: 01..15
slots:
  animal: [cats, herds]
  first: numbers
  more: {list: others, above: first}
  less: {list: others, below: first}
roles: {ANIMAL: animal, FIRST: first}
copies: {AGAIN: first}
orders:
  one: {animal: cats}
  many: {animal: herds}
templates:
  - {id: see, text: "I saw {FIRST} of the {ANIMAL} and then"}
  - {id: again, text: "I saw {FIRST}, yes {AGAIN}, of the {ANIMAL} and then"}
answer: more
foil: less
corruptions:
  number: {ANIMAL: twin}
  bigger: {FIRST: {list: others, above: more}}
"""


def content() -> dict[str, Any]:
    data: dict[str, Any] = YAML(typ="safe", pure=True).load(COUNTING)
    data["lists"]["others"] = "01..20"
    return copy.deepcopy(data)


def counting(**changes: Any) -> Family:
    return Family.model_validate(content() | {"corruptions": {"number": {"ANIMAL": "twin"}}} | changes)


def faults(**changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        counting(**changes)
    return [
        (".".join(map(str, fault["loc"])), fault["msg"].removeprefix("Value error, "))
        for fault in caught.value.errors()
    ]


def slots(**changes: Any) -> dict[str, Any]:
    return {"slots": content()["slots"] | changes}


def lists(**changes: Any) -> dict[str, Any]:
    return {"lists": content()["lists"] | changes}


def corruption(**changes: Any) -> dict[str, Any]:
    return {"corruptions": {"x": changes}}


@pytest.mark.parametrize(
    ("changes", "place", "sentence"),
    [
        (
            lists(numbers="5-12"),
            "lists.numbers",
            "'5-12' is not a list of words. Write [a, b], or a range of numbers such as 05..94.",
        ),
        (
            lists(numbers="12..05"),
            "lists.numbers",
            "'12..05' holds no number. Write the smaller number first.",
        ),
        (
            slots(animal=["cats", "herd"]),
            "slots.animal",
            "there is no list 'herd'. Did you mean 'herds'?",
        ),
        (slots(animal=[]), "slots.animal", "slot 'animal' is drawn from no list. Name one."),
        (
            slots(first=7),
            "slots.first",
            "7 does not say where a word comes from. Write a list, [several lists], or {list: .., above: a slot}.",
        ),
        (
            slots(more={"list": "other", "above": "first"}),
            "slots.more",
            "there is no list 'other'. Did you mean 'others'?",
        ),
        (
            slots(more={"list": "others", "above": "frist"}),
            "slots.more",
            "there is no slot 'frist'. Did you mean 'first'?",
        ),
        (
            slots(more={"list": "others", "above": "less"}),
            "slots.more",
            "this is compared with slot 'less', which is drawn after it. Write that slot first.",
        ),
        (
            slots(more={"list": "others", "above": "first", "below": "first"}),
            "slots.more",
            "above: and below: cannot both be kept in every prompt. Write one of them.",
        ),
        (
            slots(more={"list": "cats", "above": "first"}),
            "slots.more",
            "'cat' is not a number, and above: and below: compare numbers. Draw from other lists.",
        ),
        (
            lists(others="01..13"),
            "slots.more",
            "slot 'more' needs 2 of list 'others' above slot 'first', which may be 12: there is 1 number. "
            "Change the lists' ends.",
        ),
        (
            {"orders": {}},
            "slots.animal",
            "slot 'animal' is drawn from cats, herds, and no order says from which. Write orders:, or one list.",
        ),
        (
            {"orders": {"one": {}, "many": {}}},
            "orders.one",
            "order 'one' does not say from which of cats, herds slot 'animal' is drawn. Write animal: and one.",
        ),
        (
            {"orders": {"one": {"animal": "cat"}, "many": {"animal": "herds"}}},
            "orders.one.animal",
            "slot 'animal' is not drawn from a list 'cat'. Did you mean 'cats'?",
        ),
        (
            {"orders": {"one": {"animal": "cats", "first": "numbers"}}},
            "orders.one.first",
            "'first' is already a role or a slot. Give the order place another name.",
        ),
        (
            {"copies": {"AGAIN": "frist"}},
            "copies.AGAIN",
            "there is no slot 'frist'. Did you mean 'first'?",
        ),
        (
            {"copies": {"FIRST": "first"}},
            "copies.FIRST",
            "'FIRST' is already a role. Give the copy another name.",
        ),
        (
            {"copies": {"twin": "first"}},
            "copies.twin",
            "'twin' cannot be a name. Use letters, digits and _, and not END, all, fresh, other, twin.",
        ),
        (
            {"templates": [{"id": "a", "text": "{FIRST} {ANIMAL} {AGAIN} {AGAIN}"}]},
            "templates.0.text",
            "template 'a' in order 'one' has copy 'AGAIN' 2 times. Name each as a copy of its own.",
        ),
        (
            corruption(FIRST="other"),
            "corruptions.x.FIRST",
            "FIRST is drawn from one list, so there is no other word. Write fresh.",
        ),
        (
            corruption(ANIMAL="twin") | lists(herds=["cats", "dogs", "cows"]),
            "corruptions.x.ANIMAL",
            "lists 'cats' and 'herds' have 2 and 3 words, and twins stand at the same place of both. "
            "Write as many words.",
        ),
        (
            corruption(ANIMAL="twin") | lists(herds=["cats", "dog"]),
            "corruptions.x.ANIMAL",
            "'dog' is its own twin in lists 'cats' and 'herds'. Move or change it.",
        ),
        (
            corruption(FIRST={"list": "numbrs"}),
            "corruptions.x.FIRST",
            "there is no list 'numbrs'. Did you mean 'numbers'?",
        ),
        (
            corruption(FIRST={"list": "numbers", "above": "mor"}),
            "corruptions.x.FIRST",
            "there is no slot 'mor'. Did you mean 'more'?",
        ),
        (
            corruption(FIRST={"list": "others", "above": "more"}),
            "corruptions.x.FIRST",
            "corruption 'x' needs 1 of list 'others' above slot 'more', which may be 20: there are 0 numbers. "
            "Change the lists' ends.",
        ),
        (
            corruption(FIRST=["numbers"]),
            "corruptions.x.FIRST",
            "['numbers'] does not say where a word comes from. Write a role, fresh, or {list: .., above: a slot}.",
        ),
        (
            corruption(AGAIN="fresh"),
            "corruptions.x",
            "corruption 'x' changes nothing in template 'see'. Change a place of it.",
        ),
        (
            corruption(other="fresh"),
            "corruptions.x",
            "'other' is a new word, not a role. Write it on the right, as in {FIRST: other}.",
        ),
        (
            corruption(ANIMAL="fresh") | lists(cats=["cat"], herds=["cats"]),
            "corruptions.x",
            "corruption 'x' needs 2 distinct words of list 'herds', which is shorter. Add words.",
        ),
        ({"answer": None}, "answer", "there is a foil and no answer. Name the slot of the right answer."),
        ({"foil": []}, "foil", "there is no foil. Name the slot of a wrong answer."),
    ],
)
def test_a_fault_is_told_at_its_key(changes: dict[str, Any], place: str, sentence: str) -> None:
    assert (place, sentence) in faults(**changes)


def test_one_word_in_the_other_list_is_enough_for_other() -> None:
    family = counting(**corruption(ANIMAL="other"), **lists(herds=["cats"], cats=["cat"]))
    pairs = generate(family, n=16, seed=0, corrupt="x")
    assert {pair.corrupt.split(" the ")[1].split()[0] for pair in pairs if pair.order == "one"} == {"cats"}


def test_a_range_has_the_width_of_its_first_number() -> None:
    assert counting().lists["numbers"] == ("05", "06", "07", "08", "09", "10", "11", "12")
    assert counting(**lists(numbers="8..11")).lists["numbers"] == ("8", "9", "10", "11")


def test_a_circuit_file_may_put_a_range_in_the_place_of_a_list() -> None:
    family = load_family("greater-than").with_lists({"starts": ("10..12",)})
    assert family.lists["starts"] == ("10", "11", "12")


def test_lists_that_leave_no_later_number_are_refused_where_they_are_replaced() -> None:
    with pytest.raises(
        PromptError, match=r"^slots\.later: slot 'later' needs 2 of list 'ends' above slot 'start'"
    ):
        load_family("greater-than").with_lists({"starts": ["99"]})


def test_a_family_says_from_which_list_a_slot_is_drawn() -> None:
    family = counting()
    assert family.lists_of("animal") == ("cats", "herds")
    assert (family.list_of("animal", "one"), family.list_of("animal", "many")) == ("cats", "herds")
    assert family.list_of("more", "one") == "others"


def test_bounded_numbers_are_on_their_side_and_a_twin_is_the_word_at_the_same_place() -> None:
    for pair in generate(counting(), n=32, seed=0, corrupt="number"):
        first, animal = (pair.clean[slice(*pair.spans[role][0])] for role in ("FIRST", "ANIMAL"))
        assert int(pair.foils[0]) < int(first) < int(pair.answer)
        assert animal in {"one": ("cat", "dog"), "many": ("cats", "dogs")}[pair.order]
        twin = pair.corrupt[slice(*pair.spans["ANIMAL"][1])]
        assert twin == (f"{animal}s" if pair.order == "one" else animal[:-1])


def test_a_corruption_changes_a_role_and_leaves_its_copy() -> None:
    family = counting(corruptions={"x": {"FIRST": "fresh"}})
    for pair in generate(family, n=32, seed=0, corrupt="x"):
        if pair.template == "again":
            first = pair.clean[slice(*pair.spans["FIRST"][0])]
            assert pair.clean.count(first) == 2
            assert pair.corrupt.count(f"yes {first}") == 1


def test_a_corruption_changes_a_copy_and_leaves_its_role() -> None:
    template = content()["templates"][1]
    family = counting(templates=[template], corruptions={"x": {"AGAIN": "fresh"}})
    for pair in generate(family, n=32, seed=0, corrupt="x"):
        first = pair.clean[slice(*pair.spans["FIRST"][0])]
        assert f"saw {first}," in pair.corrupt
        assert f"yes {first}," not in pair.corrupt


def test_answers_without_a_leading_space_follow_the_prompt_directly() -> None:
    joined = generate(counting(leading_space=False), n=16, seed=0, corrupt="number")[0]
    spaced = generate(counting(), n=16, seed=0, corrupt="number")[0]
    assert (spaced.answer, spaced.foils) == (f" {joined.answer}", tuple(f" {foil}" for foil in joined.foils))


@pytest.mark.parametrize("name", ["greater-than", "pronoun", "agreement", "induction", "plain"])
def test_the_json_schema_accepts_what_the_built_in_families_write(name: str) -> None:
    family = load_family(name)
    validator = Draft7Validator(Family.model_json_schema())
    assert [
        error.message for error in validator.iter_errors(family.model_dump(mode="json", exclude_unset=True))
    ] == []
    assert Family.model_validate(family.model_dump()) == family


def test_the_json_schema_knows_ranges_bounds_and_several_lists() -> None:
    validator = Draft7Validator(Family.model_json_schema())
    assert validator.is_valid(content())
    assert not validator.is_valid(content() | lists(numbers="5-12"))
    assert not validator.is_valid(content() | lists(numbers="5..12 and more"))
    assert not validator.is_valid(content() | slots(more={"list": "others", "over": "first"}))
    assert not validator.is_valid(content() | slots(more=[{"list": "others"}]))


def test_a_fault_of_a_family_in_a_circuit_file_has_its_line() -> None:
    family = "".join(f"    {line}\n" for line in COUNTING.strip().splitlines())
    text = f"circuitcheck: 1\ncircuit: counting\nmodel: ioi-mini\nprompts:\n  family:\n{family}  n: 16\nclaims:\n"
    text += "  - {id: a, says: b, measure: clean, expect: {accuracy: '?'}}\n"
    text = text.replace("below: first", "below: frist").replace("{animal: herds}", "{animal: herd}")
    with pytest.raises(SpecError) as caught:
        read_spec_text(text)
    assert [(problem.line, problem.message) for problem in caught.value.problems] == [
        (
            text.splitlines().index("      less: {list: others, below: frist}") + 1,
            "prompts.family.slots.less: there is no slot 'frist'. Did you mean 'first'?",
        ),
        (
            text.splitlines().index("      many: {animal: herd}") + 1,
            "prompts.family.orders.many.animal: slot 'animal' is not drawn from a list 'herd'. Did you mean 'herds'?",
        ),
    ]
