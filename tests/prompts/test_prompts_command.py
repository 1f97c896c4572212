"""`circuitcheck prompts --family`: the prompts of a built-in family, with no file to write first."""

from collections.abc import Callable
from pathlib import Path

import pytest

from circuitcheck.cli import main
from circuitcheck.prompts.family import load_family
from prompts.built_in import SIDE_FAMILIES

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Run the command: its exit code, what it wrote, and what it complained about."""

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main(["prompts", *arguments])
        written = capsys.readouterr()
        return int(exit_.value.code or 0), written.out, written.err

    return run


@pytest.mark.parametrize("family", SIDE_FAMILIES)
def test_a_family_is_shown_with_its_roles_marked(call: Call, family: str) -> None:
    code, out, _ = call("--family", family, "--count", "2")
    assert code == 0
    assert out.count("prompt ") == 2
    assert all(role in out for role in load_family(family).role_names())


def test_another_corruption_can_be_asked_for(call: Call) -> None:
    _, out, _ = call("--family", "greater-than", "--corrupt", "year_02", "--count", "1")
    corrupt = next(line for line in out.splitlines() if line.startswith("corrupt"))
    assert "|02 " in corrupt


def test_the_tokenizer_may_be_in_a_folder(call: Call, tmp_path: Path) -> None:
    code, _, err = call("--family", "ioi", "--model", str(tmp_path))
    assert code == 2
    assert "tokenizer.json" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "name either a circuit file or a family: circuitcheck prompts --family ioi."),
        (["--family", "plane"], "there is no built-in family 'plane'. Did you mean 'plain'?"),
        (["--family", "ioi", "--corrupt", "fresh"], "there is no corruption 'fresh'."),
        (["--family", "ioi", "--model", "ioi-mimi"], "no bundled model and no folder 'ioi-mimi'."),
    ],
)
def test_what_cannot_be_shown_is_said_in_one_sentence(
    call: Call, arguments: list[str], sentence: str
) -> None:
    code, out, err = call(*arguments)
    assert code == 2
    assert out == ""
    assert sentence in err
    assert len(err.strip().splitlines()) == 1
