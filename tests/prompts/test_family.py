import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # it has no types of its own
from pydantic import ValidationError

from circuitcheck.errors import PromptError
from circuitcheck.prompts.family import Family, family_names, load_family, parse_family
from prompts.examples import content, mini

SEVERAL = [{"id": "walk", "text": "{IO} {S1} {S2}"}, {"id": "walk", "text": "{IO} {S1} {S2} to"}]


def faults(**changes: object) -> list[tuple[str, str]]:
    """The faults of the small family with some keys replaced, as (key path, sentence)."""
    with pytest.raises(ValidationError) as caught:
        mini(**changes)
    return [
        (".".join(map(str, fault["loc"])), fault["msg"].removeprefix("Value error, "))
        for fault in caught.value.errors()
    ]


def one_template(text: str) -> dict[str, object]:
    return {"templates": [{"id": "walk", "text": text}]}


@pytest.mark.parametrize(
    ("changes", "place", "sentence"),
    [
        (
            {"slots": {"IO": "names", "S": "nanes", "place": "places"}},
            "slots.S",
            "there is no list 'nanes'. Did you mean 'names'?",
        ),
        (
            {"roles": {"IO": "IO", "S1": "S", "S2": "SS"}},
            "roles.S2",
            "there is no slot 'SS'. Did you mean 'S'?",
        ),
        (
            {"roles": {}},
            "roles",
            "there are no roles. Name at least one word of the prompt, as in roles: {S2: S}.",
        ),
        (
            {"roles": {"IO": "IO", "S1": "S", "S2": "S", "END": "S"}},
            "roles.END",
            "'END' cannot be a name. Use letters, digits and _, and not END, all, fresh, other, twin.",
        ),
        ({"answer": "OI"}, "answer", "there is no slot 'OI'. There is: IO, S, place."),
        ({"foil": ["S", "subject"]}, "foil", "there is no slot 'subject'. There is: IO, S, place."),
        ({"foil": "IO"}, "foil", "slot 'IO' is both the answer and a foil. Choose another foil."),
        ({"foil": []}, "foil", "there is no foil. Name the slot of a wrong answer."),
        ({"foil": ["S", "S"]}, "foil", "a foil is named twice. Name it once."),
        (
            {"templates": []},
            "templates",
            "there are no templates. Write at least one, as {id: .., text: ..}.",
        ),
        ({"templates": SEVERAL}, "templates", "2 templates have the id 'walk'. Give each its own."),
        (
            {"corruptions": {}},
            "corruptions",
            "there are no corruptions. Write at least one, as in fresh: {S2: fresh}.",
        ),
        (
            {"corruptions": {"x": {"S3": "IO"}}},
            "corruptions.x",
            "there is no role 'S3'. There is: IO, S1, S2, fresh.",
        ),
        (
            {"corruptions": {"x": {"S2": "I0"}}},
            "corruptions.x",
            "there is no role 'I0'. There is: IO, S1, S2, fresh.",
        ),
        (
            {"corruptions": {"x": {"fresh": "S2"}}},
            "corruptions.x",
            "'fresh' is a new word, not a role. Write it on the right, as in {S2: fresh}.",
        ),
        (
            {"corruptions": {"x": {"S2": "S1"}}},
            "corruptions.x",
            "corruption 'x' leaves every word as it is. Change at least one role.",
        ),
        (
            {"corruptions": {"x": {}}},
            "corruptions.x",
            "corruption 'x' leaves every word as it is. Change at least one role.",
        ),
        (
            {"orders": {"ABBA": {"first": "IO", "second": "S3"}}},
            "orders.ABBA.second",
            "there is no role 'S3'. There is: IO, S1, S2.",
        ),
        (
            {"orders": {"ABBA": {"first": "IO", "place": "S1"}}},
            "orders.ABBA.place",
            "'place' is already a role or a slot. Give the order place another name.",
        ),
        (
            {"orders": {"ABBA": {"first": "IO", "second": "S1"}, "BABA": {"first": "S1"}}},
            "orders.BABA",
            "order 'BABA' has other places than order 'ABBA'. Give every order the same places.",
        ),
        (
            one_template("Then {first} and {second} saw the {plaice}. {S2} gave it to"),
            "templates.0.text",
            "there is no role, slot or order place 'plaice'. Did you mean 'place'?",
        ),
        (
            one_template("Then {first} and {second} went to"),
            "templates.0.text",
            "template 'walk' in order 'ABBA' has no place for role 'S2'. Write {S2} where its word stands.",
        ),
        (
            one_template("Then {first} and {second} and {S2} and {S2} went to"),
            "templates.0.text",
            "template 'walk' in order 'ABBA' has role 'S2' 2 times. Name each occurrence as a role of its own.",
        ),
        (
            one_template("{first} {second} {S2} to "),
            "templates.0.text",
            "'{first} {second} {S2} to ' ends with a space, which belongs to the answer. Leave it out.",
        ),
        (
            one_template("{first} {second} {S2 to"),
            "templates.0.text",
            "the braces of '{first} {second} {S2 to' do not pair up. Write a place as {name}, and a brace as {{ or }}.",
        ),
        (
            one_template("{first} {second} {S2:>9} to"),
            "templates.0.text",
            "{S2} in '{first} {second} {S2:>9} to' is not a place. Write the bare name of a role, slot or order place.",
        ),
        (
            {"lists": {"names": [], "places": ["park"]}},
            "lists.names",
            "list 'names' is empty. Give it at least one word.",
        ),
        (
            {"lists": {"names": ["Ada", "Ada", "Ben", "Cleo", "Dan", "Eve"], "places": ["park"]}},
            "lists.names",
            "'Ada' is 2 times in list 'names'. Leave it there once.",
        ),
        (
            {"lists": {"names": ["Ada ", "Ben", "Cleo", "Dan", "Eve"], "places": ["park"]}},
            "lists.names",
            "'Ada ' in list 'names' is empty or has spaces at its ends. Write the bare word.",
        ),
        (
            {"lists": {"names": ["Ada", 17], "places": ["park"]}},
            "lists.names.1",
            "17 is not text, and words are. Put it in quotes.",
        ),
        (
            {"lists": {"names": ["Ada"], "places": ["park"]}},
            "lists.names",
            "list 'names' has 1 word, but 2 slots draw distinct words from it. Add words.",
        ),
        (
            {"lists": {"names": ["Ada", "Ben", "Cleo", "Dan"], "places": ["park"]}},
            "corruptions.fresh_names",
            "corruption 'fresh_names' needs 5 distinct words of list 'names', which is shorter. Add words.",
        ),
    ],
)
def test_a_fault_of_a_family_is_told_at_its_key(
    changes: dict[str, object], place: str, sentence: str
) -> None:
    assert (place, sentence) in faults(**changes)


def test_all_faults_of_names_come_at_once() -> None:
    found = faults(answer="OI", foil="SS", slots={"IO": "names", "S": "names", "place": "plaices"})
    assert [place for place, _ in found] == ["slots.place", "answer", "foil"]


def test_two_templates_of_one_text_are_refused() -> None:
    text = content()["templates"][0]["text"]
    found = faults(templates=[{"id": "a", "text": text}, {"id": "b", "text": text}])
    assert found == [("templates", f"2 templates have the text {text!r}. Leave it there once.")]


def test_an_unknown_key_is_refused() -> None:
    assert faults(corruption={})[0][0] == "corruption"


def test_the_small_family_lists_its_names() -> None:
    family = mini()
    assert family.role_names() == ("IO", "S1", "S2", "END")
    assert family.corruption_names() == ("fresh_names", "s2_to_io", "swap_first_names")
    assert family.template_ids() == ("walk", "rain")
    assert family.order_names() == ("ABBA", "BABA")
    assert family.foils == ("S",)
    assert mini(foil=["S", "place"]).foils == ("S", "place")


def test_role_order_follows_the_text_through_the_order() -> None:
    assert mini().role_order() == [
        ["IO", "S1", "S2", "END"],
        ["IO", "S1", "S2", "END"],
        ["S1", "IO", "S2", "END"],
        ["S1", "IO", "S2", "END"],
    ]


def test_a_family_without_orders_has_the_single_order_dash() -> None:
    family = mini(orders={}, templates=[{"id": "walk", "text": "Then {IO} and {S1} walked. {S2} gave it to"}])
    assert family.order_names() == ("-",)
    assert family.role_order() == [["IO", "S1", "S2", "END"]]


def test_doubled_braces_are_text() -> None:
    family = mini(templates=[{"id": "set", "text": "In {{x}} {first} met {second}. {S2} gave it to"}])
    assert family.parts("set", "ABBA")[0].literal == "In {"


@pytest.mark.parametrize("name", family_names())
def test_every_built_in_family_loads(name: str) -> None:
    family = load_family(name)
    assert family.family == name
    assert load_family(name) is family


def test_an_unknown_family_is_named_with_its_neighbour() -> None:
    assert "ioi" in family_names()
    with pytest.raises(PromptError, match=r"^there is no built-in family 'ioy'\. Did you mean 'ioi'\?$"):
        load_family("ioy")


def test_lists_can_be_replaced() -> None:
    changed = mini().with_lists({"places": ["zoo"]})
    assert changed.lists["places"] == ("zoo",)
    assert changed.lists["names"] == mini().lists["names"]


def test_an_unknown_list_cannot_be_replaced() -> None:
    with pytest.raises(PromptError, match=r"^family 'mini' has no list 'place'\. Did you mean 'places'\?$"):
        mini().with_lists({"place": ["zoo"]})


def test_replacing_a_list_checks_the_family_again() -> None:
    with pytest.raises(
        PromptError, match=r"^lists\.places: list 'places' is empty\. Give it at least one word\.$"
    ):
        mini().with_lists({"places": []})


def test_the_json_schema_accepts_the_small_family_and_refuses_an_unknown_key() -> None:
    validator = Draft7Validator(Family.model_json_schema())
    assert validator.is_valid(content())
    assert not validator.is_valid(content() | {"template": []})


def test_a_family_that_extends_another_has_its_words_and_its_own_templates() -> None:
    base, new = load_family("ioi"), load_family("ioi-new-wording")
    assert new.lists == base.lists
    assert new.corruptions == base.corruptions
    assert not set(new.template_ids()) & set(base.template_ids())


def test_a_family_cannot_extend_one_that_is_not_there() -> None:
    with pytest.raises(PromptError, match="no built-in family 'ioj'"):
        parse_family("family: x\nextends: ioj\n")
