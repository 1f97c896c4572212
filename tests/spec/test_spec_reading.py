"""Reading: what is not YAML, what is built in code, and how long it takes."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from circuitcheck.errors import Problem, SpecError
from circuitcheck.reading import read_spec, read_spec_text
from circuitcheck.spec import CircuitSpec

HEAD = """circuitcheck: 1
circuit: many
model: ioi-mini
prompts: {family: ioi, n: 120}
nodes:
  mover: {heads: [L2H0], at: END}
claims:
"""
CLAIM = """  - id: claim-{number}
    says: Without the mover the preference loses a third.
    ablate: mover
    with: resample
    expect: {{drop: ">= 0.33", effect: "<= -0.2"}}
"""
MINIMAL = HEAD + CLAIM.format(number=0)
CIRCUIT = {
    "circuitcheck": 1,
    "circuit": "in-code",
    "model": {"bundled": "ioi-mini"},
    "prompts": {"family": "ioi"},
    "nodes": {"mover": {"heads": ["L2H0"], "at": "END"}},
}


def problems_of(text: str) -> tuple[Problem, ...]:
    try:
        read_spec_text(text)
    except SpecError as error:
        return error.problems
    return ()


def refused(text: str) -> tuple[Problem, ...]:
    with pytest.raises(SpecError) as caught:
        read_spec_text(text)
    return caught.value.problems


@given(
    st.text(
        alphabet=st.one_of(st.sampled_from("\t\n -:{}[]\"'&*!|>%@`#?,a1.<~"), st.characters()), max_size=80
    )
)
@settings(max_examples=300, deadline=None)
@example("%YAML\n---\na")
@example("%TAG ! a\n---\n!b c")
@example("&a [*a]")
@example("? {a: b}\n: c")
@example("<<: 3")
@example("[" * 200)
@example("a: 0x_")
@example("a: " + "9" * 5000)
@example("a: .inf\nb: .nan")
@example("\ud800")
def test_no_text_raises_anything_but_spec_errors(text: str) -> None:
    assert all(problem.message for problem in problems_of(text))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_change_of_a_right_file_raises_anything_but_spec_errors(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(MINIMAL)))
    stop = data.draw(st.integers(start, min(start + 12, len(MINIMAL))))
    new = data.draw(
        st.one_of(st.text(max_size=6), st.sampled_from(["[]", "{}", "null", "3", "1.5", "[a, 1]", "true"]))
    )
    problems = problems_of(MINIMAL[:start] + new + MINIMAL[stop:])
    assert all(problem.line >= 1 and problem.column >= 1 for problem in problems)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["END", "L2H0", "mover", ">= 1", "none"]),
    lambda inside: (
        st.lists(inside, max_size=2) | st.dictionaries(st.sampled_from(["a", "drop", "ablate"]), inside)
    ),
    max_leaves=4,
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["ablate", "patch", "keep", "expect", "with", "from", "to", "under", "by", "at_most", "tags"]
        ),
        values,
    )
)
@settings(max_examples=150, deadline=None)
def test_no_value_of_any_key_of_a_claim_raises_anything_but_spec_errors(keys: dict[str, Any]) -> None:
    fields = {"id": "x", "says": "y", "expect": {"drop": "?"}} | keys
    text = json.dumps(fields).replace("Infinity", ".inf").replace("NaN", ".nan")
    assert all(problem.line == 8 for problem in problems_of(f"{HEAD}  - {text}\n"))


def test_a_thousand_claims_are_read_in_under_two_seconds() -> None:
    text = HEAD + "".join(CLAIM.format(number=number) for number in range(1000))
    read_spec_text(MINIMAL)
    started = time.process_time()
    spec = read_spec_text(text)
    assert len(spec.claims) == 1000
    assert time.process_time() - started < 2


def test_reading_a_file_imports_nothing_heavy() -> None:
    heavy = ["torch", "transformers", "transformer_lens", "pandas", "scipy", "datasets", "pyarrow"]
    code = (
        "import sys; from circuitcheck.reading import read_spec_text; from circuitcheck.schema import circuit_schema;"
        f"read_spec_text({MINIMAL!r}); circuit_schema(); print([name for name in {heavy} if name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_a_file_that_is_not_there_or_not_utf8_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="the file cannot be read"):
        read_spec(tmp_path / "none.circuit.yaml")
    path = tmp_path / "latin.circuit.yaml"
    path.write_bytes(b"circuitcheck: 1\ntitle: caf\xe9\n")
    with pytest.raises(SpecError, match=r"latin.circuit.yaml:2:1: this is not UTF-8"):
        read_spec(path)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "windows.circuit.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode())
    assert read_spec(path).claims[0].line == 8
    path.write_bytes(MINIMAL.replace("ablate", "ablat").replace("\n", "\r\n").encode())
    with pytest.raises(SpecError) as caught:
        read_spec(path)
    assert caught.value.problems[0].source == "    ablat: mover"


def test_a_damaged_claim_still_gets_its_other_faults() -> None:
    found = refused(
        MINIMAL.replace("with: resample", "with: resampel").replace("ablate: mover", "ablate: mver")
    )
    assert [problem.message.partition(":")[0] for problem in found] == ["claims.0.ablate", "claims.0.with"]


def test_damaged_prompts_still_get_their_other_faults() -> None:
    found = refused(MINIMAL.replace("n: 120", "m: 120, corrupt: fresh_name"))
    assert [problem.message.partition(":")[0] for problem in found] == ["prompts.m", "prompts.corrupt"]


def test_what_could_not_be_read_is_not_called_unknown() -> None:
    for wrong in ("mover: {heads: [L2H], at: END}", "mover: 3"):
        found = refused(MINIMAL.replace("mover: {heads: [L2H0], at: END}", wrong))
        assert len(found) == 1
        assert found[0].line == 6
    assert len(refused(MINIMAL.replace("  mover: {heads: [L2H0], at: END}", "  - mover"))) == 1


def test_a_spec_built_in_code_is_held_to_the_same_rules() -> None:
    claim = {"id": "x", "says": "y", "ablate": "mover", "expect": {"drop": ">= 0.2"}}
    assert CircuitSpec.model_validate({**CIRCUIT, "claims": [claim]}).claims[0].verb == "ablate"
    with pytest.raises(ValidationError, match="there is no node group 'mver'") as caught:
        CircuitSpec.model_validate({**CIRCUIT, "claims": [{**claim, "ablate": "mver"}]})
    assert caught.value.errors()[0]["loc"] == ("claims", 0, "ablate", 0)


def test_python_spells_with_and_from_with_an_underscore_and_yaml_does_not() -> None:
    claim = {"id": "x", "says": "y", "ablate": "mover", "with_": "zero", "expect": {"drop": ">= 0.2"}}
    assert CircuitSpec.model_validate({**CIRCUIT, "claims": [claim]}).claims[0].with_ == "zero"
    assert (
        "with_: unknown key. Did you mean 'with'?" in refused(MINIMAL.replace("with:", "with_:"))[0].message
    )


def test_a_spec_is_frozen() -> None:
    spec = read_spec_text(MINIMAL)
    with pytest.raises(ValidationError, match="frozen"):
        spec.claims[0].id = "other"
    with pytest.raises(SpecError, match=r"there is no node group 'mver'\. Did you mean 'mover'"):
        spec.resolve("mver")
