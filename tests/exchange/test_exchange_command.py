"""`circuitcheck import` and `circuitcheck export` from the command line, to verdicts of the bundled model."""

import pytest
from exchange_files import TRANSCODER, attribution, graph_file, mib, node

import circuitcheck
from circuitcheck.cli import main
from circuitcheck.reading import read_spec


@pytest.fixture
def call(capsys, tmp_path, monkeypatch):
    """Run a command in an empty folder: its exit code, what it wrote, and what it complained about."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        written = capsys.readouterr()
        return int(exit_.value.code or 0), written.out, written.err

    return run


GIVEN = ("--model", "ioi-mini", "--prompts", "agreement")
HEADS = {"input->a1.h0<q>": 0.5, "a1.h0->a3.h1<v>": 1.5, "a3.h1->logits": 2.0}


def test_an_imported_circuit_of_heads_validates_and_is_measured(call, tmp_path):
    graph_file(tmp_path, mib(HEADS), "heads.json")
    code, out, err = call("import", "heads.json", *GIVEN, "-o", "circuits/heads.circuit.yaml")
    assert (code, out.splitlines()[0]) == (0, "wrote circuits/heads.circuit.yaml: 2 nodes, 2 edges")
    assert "not said there: Positions" in err
    assert call("validate", "circuits")[0] == 0
    wanted = {"kept", "without-heads-of-layer-1", "direct-effect", "edge-l1h0-all-l3h1-all-v"}
    result = circuitcheck.check("circuits/heads.circuit.yaml", n=32, claims=wanted)
    assert result.errors == {}
    assert {verdict.claim: str(verdict.outcome) for verdict in result.verdicts} == dict.fromkeys(
        wanted, "measured"
    )


def test_an_imported_attribution_graph_validates_and_is_measured(call, tmp_path):
    # Three features that fire at the last token of every prompt of the family.
    names = ["1_707_5", "2_492_5", "2_590_5"]
    data = attribution(pinnedIds=names[1:], supernodes=[["number", names[0]]])
    data["nodes"] += [node(name, name[0], 5, TRANSCODER) for name in names]
    data["links"] = [{"source": names[0], "target": names[1], "weight": 2.0}]
    data["links"] += [{"source": names[1], "target": "5_9_5", "weight": 1.0}]
    graph_file(tmp_path, data)
    call("import", "graph.json", *GIVEN, "--dictionary", "tc=ioi-mini/mlp", "-o", "graph.circuit.yaml")
    assert call("validate", "graph.circuit.yaml")[0] == 0
    wanted = {"kept", "without-number", "direct-effect", "edge-l1-tc-707-end-l2-tc-492-end-in"}
    result = circuitcheck.check("graph.circuit.yaml", n=32, claims=wanted)
    assert result.errors == {}
    assert {verdict.claim: str(verdict.outcome) for verdict in result.verdicts} == dict.fromkeys(
        wanted, "measured"
    )


def test_the_text_is_printed_where_no_file_is_named(call, tmp_path):
    graph_file(tmp_path, mib(), "heads.json")
    code, out, _ = call("import", "heads.json", *GIVEN)
    (tmp_path / "printed.circuit.yaml").write_text(out, encoding="utf-8")
    assert code == 0
    assert len(read_spec(tmp_path / "printed.circuit.yaml").claims) == 11


def test_a_file_that_is_there_is_never_overwritten(call, tmp_path):
    graph_file(tmp_path, mib(), "heads.json")
    mine = tmp_path / "mine.circuit.yaml"
    mine.write_text("mine", encoding="utf-8")
    assert "is there already and is left as it is" in call("import", "heads.json", *GIVEN, "-o", mine.name)[2]
    assert mine.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--top", "3", "--threshold", "1"),
            "--threshold and --top both say what to take. Write one of them.",
        ),
        (
            ("-o", "a.yaml"),
            "circuit files end in .circuit.yaml, and a.yaml does not. Write -o a.circuit.yaml.",
        ),
    ],
    ids=["two choices", "another ending"],
)
def test_options_that_contradict_are_refused(call, tmp_path, options, said):
    graph_file(tmp_path, mib(), "heads.json")
    code, out, err = call("import", "heads.json", *GIVEN, *options)
    assert (code, out, err.strip()) == (2, "", said)


def test_an_export_says_on_standard_error_what_it_leaves_out(call, tmp_path):
    graph_file(tmp_path, mib(), "heads.json")
    call("import", "heads.json", *GIVEN, "-o", "heads.circuit.yaml")
    code, out, err = call("export", "heads.circuit.yaml", "--to", "dot")
    assert code == 0
    assert out.startswith("// Not said here: ")
    assert err.splitlines()[0] == "not said there: 6 claims with what is expected, and the metric logit_diff."
    assert all(line.startswith("not said there: ") for line in err.splitlines())
    assert call("export", "heads.circuit.yaml", "--to", "mib", "-o", "again.json")[1] == "wrote again.json\n"
    assert (tmp_path / "again.json").is_file()
