import pytest

from circuitcheck.errors import PromptError
from circuitcheck.nodes import END
from circuitcheck.prompts.generate import generate
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.prompts.tokenise import tokenise
from prompts.examples import mini, pair, tokenizer


def prompts(*, bos: bool) -> PromptSet:
    """One prompt of five tokens, `Then Ada gave it to`."""
    return tokenise([pair()], tokenizer(), bos=bos, seed=0)


def both_templates() -> PromptSet:
    return tokenise(generate(mini(), n=16, seed=0, corrupt="s2_to_io"), tokenizer(), bos=True, seed=0)


@pytest.mark.parametrize("bos", [True, False])
@pytest.mark.parametrize(
    ("at", "after_bos"),
    [("S", 1), ("S+1", 2), ("S-1", 0), ("END", 4), ("0", 0), ("4", 4), ("-1", 4), ("-5", 0)],
)
def test_a_position_counts_from_after_bos(at: str, after_bos: int, bos: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert prompts(bos=bos).positions(at).tolist() == [[after_bos + bos]]


@pytest.mark.parametrize("at", ["S-2", "END+1", "5", "-6"])
def test_a_position_off_the_prompt_is_refused(at: str) -> None:
    with pytest.raises(PromptError, match=r"falls off the prompt 'Then Ada gave it to'"):
        prompts(bos=True).positions(at)


def test_an_unknown_role_is_refused_with_those_there_are() -> None:
    with pytest.raises(PromptError, match=r"^these prompts have no role 'S2'\. They have: END, S\.$"):
        prompts(bos=True).positions("S2")


def test_all_leaves_bos_out_unless_asked() -> None:
    assert prompts(bos=True).positions("all").tolist() == [[1, 2, 3, 4, 5]]
    assert prompts(bos=True).positions("all+bos").tolist() == [[0, 1, 2, 3, 4, 5]]
    assert prompts(bos=False).positions("all").tolist() == [[0, 1, 2, 3, 4]]


def test_all_needs_prompts_of_one_length() -> None:
    with pytest.raises(PromptError, match="needs prompts of one length"):
        both_templates().positions("all")


def test_a_group_has_one_length_and_the_same_role_positions() -> None:
    whole = both_templates()
    assert sorted(row for rows in whole.groups for row in rows) == list(range(16))
    for rows in whole.groups:
        group = whole.subset(rows)
        assert len({len(tokens) for tokens in group.clean}) == 1
        assert all(len(set(index.tolist())) == 1 for index in group.roles.values())
        assert group.positions(END).tolist() == whole.positions(END)[rows].tolist()


def test_strata_number_the_cells_in_sorted_order() -> None:
    whole = both_templates()
    assert whole.strata.tolist()[:4] == [sorted(set(whole.cells)).index(cell) for cell in whole.cells[:4]]
    assert whole.strata.tolist()[:4] == [2, 0, 3, 1]


def test_the_digest_follows_the_prompts() -> None:
    whole = both_templates()
    assert whole.digest == both_templates().digest
    assert whole.digest != whole.subset(range(12)).digest
