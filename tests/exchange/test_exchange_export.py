"""Exports: valid by the formats' own rules, read back to what they were made of."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from exchange_files import BOTH, INSIDE, SCHEMA, edges_of, graph_file, mib, spec_of

from circuitcheck.errors import CircuitCheckError
from circuitcheck.exchange import export_circuit
from circuitcheck.reading import read_spec, read_spec_text

CIRCUITS = Path(__file__).parents[2] / "circuits"
SMALL = """
circuitcheck: 1
circuit: small
title: A drawing
model: ioi-mini
dictionaries: {tc: {bundled: ioi-mini/mlp}, z: {bundled: ioi-mini/z}}
prompts: {family: ioi}
nodes:
  mover: {heads: [L2H0], at: END, label: 'moves "it"'}
  names: {features: [L1.tc/5, L1.z/7], nodes: [L1.tc/error, embed], at: S1}
  next: {features: [L2.tc/17], at: END}
  wide: {nodes: [L0.mlp], at: all}
  idle: {heads: [L3H2], at: END}
edges:
  - mover -> next (in)
  - names -> L2H0@S1 (q)
  - L0.mlp@S1 -> mover (k)
claims:
  - {id: nothing, says: x, ablate: idle, expect: {drop: "between -0.1 and 0.1"}, tags: [null-claim]}
  - {id: writes, says: x, writes: next, expect: {logits: ">= 0.1"}}
"""


def small():
    return read_spec_text(SMALL)


def shipped():
    return sorted(path for path in CIRCUITS.glob("*.circuit.yaml") if read_spec(path).nodes)


def test_there_are_shipped_circuits_to_export():
    assert len(shipped()) >= 4


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.name)
def test_a_shipped_circuit_exports_to_a_graph_that_neuronpedia_s_schema_accepts(path):
    graph = json.loads(export_circuit(read_spec(path), "neuronpedia").text)
    jsonschema.Draft7Validator(SCHEMA).validate(graph)
    names = [node["node_id"] for node in graph["nodes"]]
    linked = {link[end] for link in graph["links"] for end in ("source", "target")}
    supernodes = [set(ids) for _, *ids in graph["qParams"]["supernodes"]]
    assert len(names) == len(set(names))
    assert linked | set(graph["qParams"]["pinnedIds"]) | set.union(*supernodes) <= set(names)


@pytest.mark.parametrize("key", ["slug", "prompt_tokens"])
def test_the_schema_refuses_a_graph_without_what_it_needs(key):
    graph = json.loads(export_circuit(small(), "neuronpedia").text)
    del graph["metadata"][key]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(SCHEMA).validate(graph)


def test_an_attribution_graph_reads_back_to_the_same_nodes_groups_and_edges(tmp_path):
    spec = small()
    path = graph_file(tmp_path, export_circuit(spec, "neuronpedia").text)
    back = spec_of(path, dictionaries=BOTH)
    for name in ("mover", "names", "next", "wide"):
        assert set(back.nodes[name].nodes) == set(spec.nodes[name].nodes)
    assert back.nodes["mover"].label == 'moves "it"'
    assert set(edges_of(back)) == {
        "L2H0@END -> L2.tc/17@END (in)",
        *(f"{name}@S1 -> L2H0@S1 (q)" for name in ("L1.tc/5", "L1.z/7", "L1.tc/error", "embed")),
        "L0.mlp@S1 -> L2H0@END (k)",
    }
    direct = next(claim for claim in back.written if claim.verb == "writes")
    assert direct.expressions == ("L2.tc/17@END",)


def test_the_names_of_circuit_tracer_are_used_where_it_has_names():
    graph = json.loads(export_circuit(small(), "neuronpedia").text)
    feature = next(node for node in graph["nodes"] if node["node_id"].startswith("2_17_"))
    # Cantor's pairing of layer 2 and feature 17: 19 * 20 / 2 + 17.
    assert (feature["feature"], feature["feature_type"]) == (207, "cross layer transcoder")
    assert feature["ctx_idx"] == len(graph["metadata"]["prompt_tokens"]) - 1
    error = next(node for node in graph["nodes"] if node["feature_type"] == "mlp reconstruction error")
    assert re.fullmatch(r"1_-1_\d+", error["node_id"])
    assert error["feature"] == -1
    logit = next(node for node in graph["nodes"] if node["feature_type"] == "logit")
    assert re.fullmatch(r"5_\d+_\d+", logit["node_id"])
    assert {"source": feature["node_id"], "target": logit["node_id"], "weight": 1.0} in graph["links"]


def test_a_role_is_the_token_that_it_is_in_the_prompt():
    graph = json.loads(export_circuit(small(), "neuronpedia").text)
    embedding = next(
        node for node in graph["nodes"] if node["feature_type"] == "embedding" and "circuitcheck_node" in node
    )
    tokens = graph["metadata"]["prompt_tokens"]
    assert tokens.count(tokens[embedding["ctx_idx"]]) == 2  # S1 is the first of two mentions
    assert tokens.index(tokens[embedding["ctx_idx"]]) == embedding["ctx_idx"]


def test_a_mib_circuit_reads_back_to_the_edges_that_it_had(tmp_path):
    spec = spec_of(graph_file(tmp_path, mib()))
    graph = json.loads(export_circuit(spec, "mib").text)
    assert set(graph["edges"]) == set(INSIDE)
    assert graph["nodes"] == mib()["nodes"]
    assert graph["cfg"] == mib()["cfg"]
    assert all(set(entry) == {"score", "in_graph"} for entry in graph["edges"].values())


def test_a_node_at_all_tokens_that_writes_the_answer_is_drawn_once(tmp_path):
    text = export_circuit(spec_of(graph_file(tmp_path, mib())), "dot").text
    assert '"L2H0@all" -> logits;' in text
    assert "@END" not in text


def test_nodes_that_would_hang_loose_are_joined_to_input_and_logits():
    made = export_circuit(small(), "mib")
    assert set(json.loads(made.text)["edges"]) == {
        "input->a2.h0<q>", "m0->a2.h0<k>",  # the edges that the format can name
        "input->m0", "a2.h0->logits",
    }  # fmt: skip
    assert any("2 from the input or into the logits are added" in sentence for sentence in made.unsaid)


def test_a_circuit_without_edges_has_all_of_them_in_mib():
    spec = read_spec_text(
        SMALL.replace("edges:", "x-edges:").split("x-edges:")[0]
        + ("claims:\n  - {id: a, says: x, keep: [mover, wide, idle], expect: {recovered: '?'}}\n")
    )
    made = export_circuit(spec, "mib")
    assert set(json.loads(made.text)["edges"]) == {
        "input->m0", "m0->logits", "a2.h0->logits", "a3.h2->logits",
        *(f"{one}->a2.h0<{q}>" for one in ("input", "m0") for q in "qkv"),
        *(f"{one}->a3.h2<{q}>" for one in ("input", "m0", "a2.h0") for q in "qkv"),
    }  # fmt: skip
    assert any("the file names none, so all between its nodes are in" in sentence for sentence in made.unsaid)


def test_what_mib_cannot_say_is_listed_in_the_file_too():
    made = export_circuit(small(), "mib")
    assert any("L1.tc/5@S1" in sentence and "left out" in sentence for sentence in made.unsaid)
    assert any(sentence.startswith("Positions:") for sentence in made.unsaid)
    assert json.loads(made.text)["circuitcheck"]["not_said_here"] == list(made.unsaid)


def test_a_drawing_in_dot_frames_groups_and_names_inputs():
    made = export_circuit(small(), "dot")
    lines = [line.strip() for line in made.text.splitlines()]
    assert 'subgraph "cluster_mover" {' in lines
    assert 'label="mover: moves \\"it\\"";' in lines
    assert '"L2H0@END" -> "L2.tc/17@END" [label="in"];' in lines
    assert '"L2.tc/17@END" -> logits;' in lines
    assert made.text.count("{") == made.text.count("}")
    assert [line for line in lines if line.startswith("//")] == [
        f"// Not said here: {s}" for s in made.unsaid
    ]


@pytest.mark.parametrize("to", ["neuronpedia", "mib", "dot"])
def test_groups_of_null_claims_are_left_out_and_listed(to):
    made = export_circuit(small(), to)
    assert any("left out: idle." in sentence for sentence in made.unsaid)
    assert "L3H2" not in made.text
    assert '"a3.h2": {\n   "in_graph": true' not in made.text


def test_one_group_can_be_exported_alone():
    made = export_circuit(small(), "dot", ["next"])
    assert "L2.tc/17@END" in made.text
    assert "L2H0" not in made.text
    assert any("not asked for: mover, names, wide, idle." in sentence for sentence in made.unsaid)


@pytest.mark.parametrize(
    ("to", "only", "said"),
    [
        ("svg", (), "there is no format 'svg'."),
        ("dot", ("movr",), "small has no node group 'movr'. Did you mean 'mover'?"),
    ],
)
def test_unknown_formats_and_groups_are_refused(to, only, said):
    with pytest.raises(CircuitCheckError, match=re.escape(said)):
        export_circuit(small(), to, only)


@pytest.mark.parametrize("to", ["neuronpedia", "mib"])
def test_a_model_that_is_not_on_this_disk_is_refused(to):
    spec = read_spec_text(SMALL.replace("model: ioi-mini", "model: {name: gpt2}"))
    with pytest.raises(CircuitCheckError, match=r"gpt2 is not on this disk\. Write model: \{path: \.\.\}\."):
        export_circuit(spec, to)
    assert "L2H0" in export_circuit(spec, "dot").text
