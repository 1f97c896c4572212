"""What import refuses: one sentence each, and nothing written."""

import json
import pickle

import pytest
import torch
from exchange_files import AUTO, CFG, INSIDE, acdc, attribution, graph_file, imported, mib

from circuitcheck.cli import main
from circuitcheck.errors import CircuitCheckError

GIVEN = ["--model", "ioi-mini", "--prompts", "ioi"]


class Anything:
    """An object of which a pickle could run code."""


def refusal(path, **options):
    with pytest.raises(CircuitCheckError) as refused:
        imported(path, **options)
    return str(refused.value)


def edited(data, edit):
    edit(data)
    return data


WHOLE = json.dumps(mib())
BAD = {
    "truncated": (WHOLE[: len(WHOLE) // 2], "this is damaged JSON (it ends in the middle). Save or download"),
    "corrupted": (WHOLE.replace(":", ";", 1), "this is damaged JSON (line 1, column 7). Save or download"),
    "empty": ("", "the file is empty"),
    "no entries": ([], "the graph is empty: it has no nodes and no edges"),
    "an empty table": ({}, "the graph is empty: it has no nodes and no edges"),
    "an empty circuit": (mib() | {"nodes": {}, "edges": {}}, "the graph is empty: it has no nodes and no edges"),
    "an empty attribution graph": (
        attribution() | {"nodes": [], "links": []}, "the graph is empty: it has no nodes and no edges",
    ),
    "another format": ({"vertices": []}, "this is in no format that is known. Known are neuronpedia"),
    "a number": ("3", "this is in no format that is known"),
    "a node of no format": (
        mib() | {"nodes": {"head 3": {"in_graph": True}}}, "'head 3' is not a node of the format",
    ),
    "an edge of no format": (mib({"a1.h0=>m2": 1.0}), "'a1.h0=>m2' is not an edge of the format"),
    "a head without its input": (mib({"m0->a1.h0": 1.0}), "Heads read as <q>, <k> or <v>"),
    "an entry that says nothing": (mib() | {"edges": {"m0->m1": 3}}, "of edge 'm0->m1' it says neither score nor"),
    "another model": (
        mib(cfg=CFG | {"n_layers": 12, "n_heads": 12}),
        "it is of a model with 12 layers of 12 heads, and ioi-mini has 4 layers of 4 heads. Name the graph's own",
    ),
    "a head too many": (mib({"a0.h0->a9.h6<q>": 1.0, "a9.h6->logits": 1.0}, cfg={}), "it names L9H6, and ioi-mini has"),
    "layers beyond its own": (["A4.0->Resid End", "MLP 7->Resid End"], "it names L4H0 and 1 more, and ioi-mini has 4"),
    "no edge inside": (mib({}), "it has 2 edges and 20 nodes, and says of none that it is in the circuit. Choose"),
    "nothing scored": (mib({}, {}), "it has 0 edges and 20 nodes, none in its circuit and none with a score"),
    "an edge upstream": (mib({"m3->a1.h0<q>": 1.0, "a1.h0->logits": 1.0}), "no circuit file can be made of it"),
    "an unknown hook": ([["blocks.1.hook_scale", [None], "hook_embed", [None]]], "'blocks.1.hook_scale' is not a hook"),
    "a head without a number": (
        [["blocks.1.hook_q_input", [None], "hook_embed", [None]]], "the index [None] of blocks.1.hook_q_input names no",
    ),
    "an edge out of the end": ([*AUTO, "Resid End->MLP 0"], "runs out of the end or into the start of the model"),
    "an edge of another graph": ([*AUTO, "Block 0 Resid Mid->MLP 0"], "is not an edge of auto-circuit"),
    "a link to nowhere": (
        edited(attribution(), lambda data: data["links"][0].update(target="9_9_9")), "which are not both nodes",
    ),
    "a feature with another layer": (
        edited(attribution(), lambda data: data["nodes"][2].update(layer="3")),
        "feature '1_5_2' is not named layer_feature_position as its layer and ctx_idx say",
    ),
    "saved settings of another kind": (attribution() | {"qParams": 3}, "its qParams are not what the format has there"),
    "a node at no token": (
        edited(attribution(), lambda data: data["nodes"][2].update(ctx_idx="x")), "node '1_5_2' stands at no token",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_graph_is_refused_in_one_sentence_and_nothing_is_written(tmp_path, capsys, case):
    data, said = BAD[case]
    path, out = graph_file(tmp_path, data), tmp_path / "out.circuit.yaml"
    with pytest.raises(SystemExit) as exit_:
        main(["import", str(path), *GIVEN, "-o", str(out)])
    written = capsys.readouterr()
    assert exit_.value.code == 2
    assert written.out == ""
    assert said in written.err
    assert written.err.startswith(f"{path}: ")
    assert len(written.err.strip().splitlines()) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["graph.json"]
    with pytest.raises(SystemExit):
        main(["import", str(path), *GIVEN])
    assert capsys.readouterr() == written  # a text that is printed is checked like one that is saved


@pytest.mark.parametrize("name", ["edges.pkl", "edges.pickle", "edges.json", "edges"])
def test_a_pickle_is_refused_by_name_whatever_it_is_called(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(pickle.dumps(acdc()))
    assert f"{name}: this is a pickle, and reading a pickle can run any program" in refusal(path)


@pytest.mark.parametrize("saved", ["torch", "pickle"])
def test_a_file_of_tensors_with_other_objects_is_refused_as_a_pickle(tmp_path, saved):
    path = tmp_path / "scores.pt"
    if saved == "torch":
        torch.save({"graph": Anything()}, path)
    else:
        path.write_bytes(pickle.dumps({"graph": Anything()}))
    assert "scores.pt: this is a pickle that holds more than tensors" in refusal(path)


def test_a_damaged_file_of_tensors_says_so(tmp_path):
    path = tmp_path / "scores.pt"
    torch.save({"scores": torch.zeros(100)}, path)
    path.write_bytes(path.read_bytes()[:300])
    assert "this is a damaged file of tensors" in refusal(path)


def test_tensors_of_other_sizes_than_their_names_are_refused(tmp_path):
    path = tmp_path / "scores.pt"
    content = {
        "cfg": {},
        "src_nodes": ["input"],
        "dst_nodes": ["m0", "logits"],
        "edges_scores": torch.zeros(1, 3),
    }
    torch.save(content, path)
    assert "not of the sizes that src_nodes and dst_nodes tell" in refusal(path)


def test_a_format_is_taken_at_its_word(tmp_path):
    path = graph_file(tmp_path, mib())
    assert "there is no format 'mibb'. Did you mean 'mib'?" in refusal(path, format="mibb")
    assert "this is not in format acdc. Known are" in refusal(path, format="acdc")


def test_what_no_graph_says_has_to_be_said(tmp_path):
    path = graph_file(tmp_path, mib())
    assert refusal(path, model=None).startswith("the graph does not say which model to load. Write --model")
    assert refusal(path, prompts=None).startswith(
        "the graph has no pairs of prompts to measure on. Write --prompts"
    )
    assert "Did you mean 'ioi'?" in refusal(path, prompts="iio")
    assert "'tc' is not a dictionary" in refusal(path, dictionaries=("tc",))


def test_a_threshold_above_every_score_names_the_largest(tmp_path):
    assert "no score is of size 5 or more; the largest is 2. Write a smaller" in refusal(
        graph_file(tmp_path, mib()), threshold=5.0
    )


def test_a_feature_that_the_dictionary_lacks_is_refused(tmp_path, capsys):
    data = attribution(pinnedIds=["2_9999_5"])
    data["nodes"][4]["node_id"] = "2_9999_5"
    for link in data["links"]:
        link.update({end: "2_9999_5" for end in ("source", "target") if link[end] == "2_17_5"})
    out = tmp_path / "out.circuit.yaml"
    with pytest.raises(SystemExit):
        main(
            [
                "import",
                str(graph_file(tmp_path, data)),
                *GIVEN,
                "--dictionary",
                "tc=ioi-mini/mlp",
                "-o",
                str(out),
            ]
        )
    assert "dictionary 'tc' has 1024 features at layer 2" in capsys.readouterr().err
    assert not out.exists()


def test_a_graph_of_its_own_size_is_enough_where_the_model_is_not_here(tmp_path):
    path = graph_file(tmp_path, mib({**INSIDE, "a4.h0->logits": 1.0}))
    assert "it names L4H0, and its own cfg says 4 layers of 4 heads" in refusal(path, model="gpt2")
