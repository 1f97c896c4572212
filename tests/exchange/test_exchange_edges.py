"""EAP-IG, MIB, ACDC and auto-circuit: the same circuit in four formats becomes the same circuit file."""

import json
import math

import pytest
import torch
from exchange_files import AUTO, CFG, EDGES, INSIDE, NAMES, acdc, edges_of, graph_file, imported, mib, spec_of


def groups_of(spec):
    return {name: [str(node) for node in group.nodes] for name, group in spec.nodes.items()}


GROUPS = {
    "heads-of-layer-1": ["L1H0@all", "L1H3@all"],
    "heads-of-layer-2": ["L2H0@all"],
    "mlp-of-layer-2": ["L2.mlp@all"],
}


def is_the_circuit(spec):
    """Whether nodes, edges and direct effects are those of the sample."""
    direct = next(claim for claim in spec.written if claim.id == "direct-effect")
    return (
        groups_of(spec) == GROUPS
        and edges_of(spec) == EDGES
        and list(direct.expressions) == ["L2H0@END", "L2.mlp@END"]
    )


def test_a_mib_circuit_becomes_groups_edges_and_direct_effects(tmp_path):
    assert is_the_circuit(spec_of(graph_file(tmp_path, mib())))


def test_an_older_file_may_say_of_its_nodes_only_whether_they_are_in(tmp_path):
    data = mib()
    data["nodes"] = {name: entry["in_graph"] for name, entry in data["nodes"].items()}
    assert is_the_circuit(spec_of(graph_file(tmp_path, data)))


def tensors(path, **extra):
    """The scores of the sample as EAP-IG writes them to a .pt file."""
    targets = [n for i in range(4) for n in (*(f"a{i}.h{j}<{q}>" for q in "qkv" for j in range(4)), f"m{i}")]
    targets, sources = [*targets, "logits"], [name for name in NAMES if name != "logits"]
    scores = torch.zeros(len(sources), len(targets))
    for edge, score in INSIDE.items():
        source, target = edge.split("->")
        scores[sources.index(source), targets.index(target)] = score
    inside = scores != 0
    marks = {"edges_in_graph": inside, "nodes_in_graph": inside.any(1)}
    torch.save(
        {"cfg": CFG, "src_nodes": sources, "dst_nodes": targets, "edges_scores": scores, **marks, **extra},
        path,
    )
    return path


def test_scores_of_eap_ig_are_read_from_a_pt_file(tmp_path):
    spec = spec_of(tensors(tmp_path / "scores.pt"))
    assert set(edges_of(spec)) == set(EDGES)
    assert set(map(tuple, groups_of(spec).values())) == set(map(tuple, GROUPS.values()))


def test_the_scores_of_a_pt_file_can_be_chosen_from(tmp_path):
    path = tensors(tmp_path / "scores.pt")
    assert set(edges_of(spec_of(path, top=3))) == {"L1H0@all -> L2H0@all (q)", "L1H3@all -> L2H0@all (k)"}


@pytest.mark.parametrize("form", ["tuples as keys", "tuples as text", "a list", "a list with effects"])
def test_an_acdc_edge_list_becomes_the_same_circuit(tmp_path, form):
    edges = acdc()
    present = [list(edge) for edge, is_present in edges.items() if is_present]
    path = tmp_path / "graph.json"
    if form == "tuples as keys":
        path = tmp_path / "subgraph.pth"
        torch.save(edges, path)
    elif form == "tuples as text":
        graph_file(tmp_path, {str(edge): is_present for edge, is_present in edges.items()})
    else:
        graph_file(tmp_path, present if form == "a list" else [[edge, 0.25] for edge in present])
    assert is_the_circuit(spec_of(path))


def test_the_effects_of_acdc_are_scores(tmp_path):
    effects = {str(edge): number / 10 for number, edge in enumerate(acdc(), start=1)}
    spec = spec_of(graph_file(tmp_path, effects), threshold=0.35)
    assert edges_of(spec)[:2] == ["L1H3@all -> L2H0@all (k)", "L2H0@all -> L2.mlp@all (in)"]


@pytest.mark.parametrize("form", ["names", "marks", "under edges"])
def test_auto_circuit_edges_become_the_same_circuit(tmp_path, form):
    data = AUTO if form == "names" else {**dict.fromkeys(AUTO, True), "MLP 0->MLP 3": False}
    assert is_the_circuit(spec_of(graph_file(tmp_path, {"edges": data} if form == "under edges" else data)))


def test_scores_of_auto_circuit_do_not_say_what_is_in_the_circuit(tmp_path):
    path = graph_file(tmp_path, dict.fromkeys(AUTO, 0.5) | {"A2.0->MLP 2": 0.75})
    with pytest.raises(Exception, match=r"says of none that it is in the circuit\. Choose with --top N"):
        imported(path)
    assert edges_of(spec_of(path, top=1)) == ["L2H0@all -> L2.mlp@all (in)"]


def test_a_head_with_one_input_is_read_as_query_key_and_value(tmp_path):
    found = imported(graph_file(tmp_path, ["A1.0->A2.0"]))
    assert found.edges == 3
    assert any("written as three, (q), (k) and (v)" in sentence for sentence in found.unsaid)


def test_the_largest_scores_count_whatever_their_sign(tmp_path):
    path = graph_file(tmp_path, mib())
    assert edges_of(spec_of(path, top=3)) == ["L1H0@all -> L2H0@all (q)", "L1H3@all -> L2H0@all (k)"]
    assert "L0.mlp@all -> L3.mlp@all (in)" in edges_of(spec_of(path, threshold=0.9))


def test_nodes_are_chosen_where_the_tool_scored_nodes(tmp_path):
    data = mib(inside={}, outside={})
    for name, score in {"a2.h0": 3.0, "m2": -2.0, "a1.h0": 1.0, "a0.h0": math.nan}.items():
        data["nodes"][name]["score"] = score
    spec = spec_of(graph_file(tmp_path, data), top=2)
    assert groups_of(spec) == {name: GROUPS[name] for name in ("heads-of-layer-2", "mlp-of-layer-2")}


def test_the_claims_measure_and_judge_nothing(tmp_path):
    spec = spec_of(graph_file(tmp_path, mib()))
    assert [claim.id for claim in spec.written] == [
        "behaviour", "kept", "without-heads-of-layer-1", "without-heads-of-layer-2", "without-mlp-of-layer-2",
        "direct-effect",
    ]  # fmt: skip
    assert not any(wanted.judged for claim in spec.claims for wanted in claim.expect.values())


def test_a_patching_tool_s_circuit_is_kept_while_all_else_is_corrupt(tmp_path):
    kept = next(claim for claim in spec_of(graph_file(tmp_path, mib())).written if claim.verb == "keep")
    assert (kept.replacements, kept.scope) == (("corrupt",), "heads+mlps")


def test_sentences_name_the_file_and_its_scores(tmp_path):
    spec = spec_of(graph_file(tmp_path, mib(), "found.json"))
    says = {claim.id: claim.says for claim in spec.written}
    assert says["without-mlp-of-layer-2"] == (
        "How much goes without mlp-of-layer-2, 1 node of found.json (scores from 0.3 to 0.7)."
    )
    assert "# score -1.2" in imported(graph_file(tmp_path, mib())).text


def test_what_cannot_be_said_is_in_the_comments_too(tmp_path):
    data = mib()
    data["nodes"]["a2.h0"]["neurons"] = [True] * 128
    found = imported(graph_file(tmp_path, data))
    assert any("(neurons)" in sentence for sentence in found.unsaid)
    assert any(sentence.startswith("Positions:") for sentence in found.unsaid)
    head = found.text[: found.text.index("circuitcheck: 1")]
    assert all(f"# - {sentence}" in head for sentence in found.unsaid)


def test_a_node_of_the_circuit_without_an_edge_is_listed(tmp_path):
    data = mib()
    data["nodes"]["m3"]["in_graph"] = True
    assert (
        "1 node of the circuit without an edge in it: L3.mlp." in imported(graph_file(tmp_path, data)).unsaid
    )


def test_prompts_without_answers_are_measured_by_their_loss(tmp_path):
    found = imported(graph_file(tmp_path, mib()), prompts="plain")
    assert any("no answer to write for" in sentence for sentence in found.unsaid)
    spec = spec_of(graph_file(tmp_path, mib()), prompts="plain")
    assert {quantity for claim in spec.claims for quantity in claim.expect} == {"loss", "effect"}


def test_paths_are_written_from_the_folder_of_the_circuit_file(tmp_path):
    pairs = tmp_path / "pairs.json"
    pairs.write_text(json.dumps([]), encoding="utf-8")
    (tmp_path / "model").mkdir()
    graph = graph_file(tmp_path, mib())
    found = imported(
        graph, model=str(tmp_path / "model"), prompts=str(pairs), directory=tmp_path / "circuits"
    )
    assert "model: {path: ../model}" in found.text
    assert "pairs: ../pairs.json" in found.text
