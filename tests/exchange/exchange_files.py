"""Small graph files of every format, as other tools write them, all of a circuit that the bundled model could have."""

import json
from copy import deepcopy
from pathlib import Path

from circuitcheck.exchange import ImportRequest, import_circuit
from circuitcheck.exchange.choosing import Choice
from circuitcheck.reading import read_spec_text

SCHEMA = json.loads(Path(__file__).with_name("neuronpedia_graph.schema.json").read_text(encoding="utf-8"))
CFG = {"n_layers": 4, "n_heads": 4, "parallel_attn_mlp": False, "d_model": 128}
NAMES = ["input", *(n for i in range(4) for n in (*(f"a{i}.h{j}" for j in range(4)), f"m{i}")), "logits"]
INSIDE = {
    "input->a1.h0<q>": 0.5,
    "input->a1.h3<v>": 0.4,
    "a1.h0->a2.h0<q>": 1.5,
    "a1.h3->a2.h0<k>": -1.2,
    "a2.h0->m2": 0.3,
    "a2.h0->logits": 2.0,
    "m2->logits": 0.7,
}
OUTSIDE = {"a0.h0->a1.h1<k>": 0.01, "m0->m3": -0.9}
EDGES = [
    "embed@all -> L1H0@all (q)",
    "embed@all -> L1H3@all (v)",
    "L1H0@all -> L2H0@all (q)",
    "L1H3@all -> L2H0@all (k)",
    "L2H0@all -> L2.mlp@all (in)",
]
"""The edges of INSIDE in our words, without those into the logits."""
BOTH = ("tc=ioi-mini/mlp", "z=ioi-mini/z")


def mib(inside=INSIDE, outside=OUTSIDE, cfg=CFG, **extra):
    """A circuit as EAP-IG writes it to JSON."""
    ends = {name for edge in inside for name in edge.partition("<")[0].split("->")}
    marked = [(inside, True), (outside, False)]
    edges = {edge: {"score": s, "in_graph": mark} for table, mark in marked for edge, s in table.items()}
    return {"cfg": cfg, "nodes": {name: {"in_graph": name in ends} for name in NAMES}, "edges": edges} | extra


def acdc():
    """The same as ACDC has it, tuples and all: (receiver, index, sender, index) to present."""
    q, k, v = ("blocks.{}.hook_" + letter + "_input" for letter in "qkv")
    result, whole = "blocks.{}.attn.hook_result", (None,)
    return {
        (q.format(1), (None, None, 0), "blocks.0.hook_resid_pre", whole): True,
        (v.format(1), (None, None, 3), "blocks.0.hook_resid_pre", whole): True,
        (q.format(2), (None, None, 0), result.format(1), (None, None, 0)): True,
        (k.format(2), (None, None, 0), result.format(1), (None, None, 3)): True,
        ("blocks.2.hook_mlp_in", whole, result.format(2), (None, None, 0)): True,
        ("blocks.3.hook_resid_post", whole, result.format(2), (None, None, 0)): True,
        ("blocks.3.hook_resid_post", whole, "blocks.2.hook_mlp_out", whole): True,
        # A step inside of a head, and an edge that was taken out.
        ("blocks.2.attn.hook_q", (None, None, 0), q.format(2), (None, None, 0)): True,
        (k.format(1), (None, None, 1), result.format(0), (None, None, 0)): False,
    }


AUTO = [
    "Resid Start->A1.0.Q",
    "Resid Start->A1.3.V",
    "A1.0->A2.0.Q",
    "A1.3->A2.0.K",
    "A2.0->MLP 2",
    "A2.0->Resid End",
    "MLP 2->Resid End",
]


def node(name, layer, index, kind, feature=None, label="", **extra):
    """An entry of an attribution graph."""
    return {
        "node_id": name, "feature": feature, "layer": str(layer), "ctx_idx": index, "feature_type": kind,
        "jsNodeId": f"{name}-0", "clerp": label, **extra,
    }  # fmt: skip


TRANSCODER, ERROR = "cross layer transcoder", "mlp reconstruction error"
TOKENS = ["<|endoftext|>", "When", " Mary", " and", " John", " went"]


def attribution(**saved):
    """A graph as circuit-tracer writes it, over six tokens with BOS."""
    return {
        "metadata": {"slug": "names", "scan": "ioi-mini", "prompt_tokens": TOKENS, "prompt": "When Mary and John went"},
        "qParams": {"pinnedIds": [], "supernodes": [], "linkType": "both", "clickedId": "", "sg_pos": ""} | deepcopy(saved),
        "nodes": [
            node("E_7_2", "E", 2, "embedding", 2, " Mary"),
            node("E_0_0", "E", 0, "embedding", 0, "<|endoftext|>"),
            node("1_5_2", 1, 2, TRANSCODER, label="a name", influence=0.4, activation=2.5),
            node("0_1_2", 1, 2, ERROR, -1),
            node("2_17_5", 2, 5, TRANSCODER, label="who is meant"),
            node("3_8_5", 3, 5, TRANSCODER),
            node("5_9_5", 5, 5, "logit", 9, 'Output " John" (p=0.400)'),
        ],
        "links": [
            {"source": "E_7_2", "target": "1_5_2", "weight": 3.0},
            {"source": "0_1_2", "target": "2_17_5", "weight": 0.2},
            {"source": "1_5_2", "target": "2_17_5", "weight": 1.5},
            {"source": "2_17_5", "target": "3_8_5", "weight": -0.75},
            {"source": "3_8_5", "target": "5_9_5", "weight": 4.0},
        ],
    }  # fmt: skip


PINNED = {"pinnedIds": ["2_17_5", "5_9_5", "E_7_2"], "supernodes": [["a name: Mary", "1_5_2", "0_1_2"]]}


def graph_file(folder, data, name="graph.json"):
    """The data in a file of JSON."""
    path = folder / name
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return path


def imported(path, **options):
    """What import makes of a file; as in the command, top and threshold are options."""
    choice = Choice(options.pop("threshold", None), options.pop("top", None))
    given = {"model": "ioi-mini", "prompts": "ioi"} | options
    return import_circuit(ImportRequest(path, choice=choice, **given))


def spec_of(path, **options):
    """The circuit file that import makes of a file, read back."""
    return read_spec_text(imported(path, **options).text)


def edges_of(spec):
    """The edges as the file writes them."""
    return [str(written.edge) for written in spec.edges]
