"""Runs for the tests of pages: every verdict, every kind of node and edge, and texts that look like markup."""

from dataclasses import replace

from verdict_samples import BEHAVIOUR, KNOWN, REFUTED, REPORTED, UNDECIDED

from circuitcheck.report.results import (
    ClaimRecord,
    ContextRecord,
    EdgeRecord,
    ExampleRecord,
    FeatureRecord,
    FileRecord,
    NodeRecord,
    PromptRecord,
    RunResults,
    SetupRecord,
)
from circuitcheck.verdict import Controls, Outcome, Part

NASTY = """<script>alert("x")</script> & 'quoted' <b>bold</b>"""
TEXT = "When Mary and John went to the garden, John gave a ring to"
TOKENS = ["<|endoftext|>", "When", *(f" {word}" for word in TEXT.replace(",", " ,").split()[1:])]
EXAMPLE = ExampleRecord(
    tokens=TOKENS, roles={"IO": 2, "S1": 4, "S2": 10, "END": 14}, template="garden", order="ABBA"
)


def node(name, at, kind, layer, group="", label=""):
    return NodeRecord(name=name, at=at, kind=kind, layer=layer, group=group, label=label)


NODES = [
    node("L0H0", "S2", "head", 0, "duplicate", "sees that a name came before"),
    node("L0H3", "S2", "head", 0, "duplicate", "sees that a name came before"),
    node("L1H4", "END", "head", 1, "inhibitor", "tells the mover where not to look"),
    node("L2H0", "END", "head", 2, "mover", "writes the other name"),
    node("L2H5.q", "END", "q", 2, "mover", "writes the other name"),
    node("L2.tc/174", "END", "feature", 2, "answer", f"this name comes next {NASTY}"),
    node("L3.tc/255", "END", "feature", 3, "answer", "this name comes next"),
    node("L3.tc/error", "END", "error", 3),
    node("L1.mlp", "S1+1", "mlp", 1, "late", ""),
    node("L1.mlp.n12", "S1+1", "neuron", 1, "late", ""),
    node("L0.resid", "IO", "resid", 0),
    node("L1.attn", "IO", "attn", 1),
    node("L3.resid_mid", "all", "resid_mid", 3),
    node("embed", "IO", "embed", None),
]
EDGES = [
    EdgeRecord(source="duplicate", target="inhibitor", input="v"),
    EdgeRecord(source="inhibitor", target="mover", input="q"),
    EdgeRecord(source="embed", target="L2H0", input="k"),
    EdgeRecord(source="L2H0@END", target="answer", input="in"),
]
HIDDEN = "left\u202eright\x00\u200b"
"""Signs that nobody would see, or that would turn the text round."""
CONTEXT = ContextRecord(
    tokens=TOKENS[1:], firing=9, activation=6.27, roles={"IO": 1, "S1": 3, "S2": 9, "END": 13}, template="garden",
    order="ABBA",
)  # fmt: skip
FEATURES = [
    FeatureRecord(
        name="L2.tc/174",
        at="END",
        groups=["answer"],
        labels=["this name comes next"],
        rate=0.453,
        mean=1.149,
        contexts=[
            CONTEXT,
            CONTEXT.model_copy(update={"firing": 4, "activation": 2.0, "before": 7, "after": 3}),
        ],
        promotes=[(" Mary", 2.084), (" John", 0.5)],
        suppresses=[(" the", -3.41), ("\n", -1.0)],
    ),
    FeatureRecord(
        name="L3.tc/255",
        at="END",
        groups=["answer"],
        labels=["this name comes next"],
        rate=0.0,
        mean=0.0,
    ),
    FeatureRecord(
        name="L3.tc/9",
        at="all",
        groups=[NASTY],
        labels=[NASTY, HIDDEN],
        rate=0.004,
        mean=0.01,
        contexts=[
            ContextRecord(
                tokens=[f" {NASTY}", HIDDEN, " "],
                firing=1,
                activation=0.2,
                roles={NASTY: 0},
                template=NASTY,
                order=HIDDEN,
            )
        ],
        promotes=[(NASTY, 1.0), (HIDDEN, 0.5)],
        suppresses=[(" ", -1.0), ("", None)],
    ),
    FeatureRecord(name="L7.tc/1", at="END", missing=f"there is no layer 7. {NASTY}"),
]
CONTROLS = Controls(
    quantity="drop",
    effect=0.42,
    effects=(*(number / 250 for number in range(97)), 0.5, 0.52, 0.6),
    beaten=0.97,
    required=0.95,
    n=120,
    seed=7,
    outcome=Outcome.SUPPORTED,
    error_effect=0.05,
    pools={"L2.tc/174@END": 20, "L3.tc/255@END": 22},
)
SPANS = {"IO": (5, 9), "S1": (14, 18), "S2": (39, 43)}


def claim(verdict, nodes=(), spans=None, **written):
    record = ClaimRecord.of(verdict)
    worst = [prompt.model_copy(update={"spans": spans or {}}) for prompt in record.worst[:1]] + record.worst[
        1:
    ]
    return record.model_copy(update={"nodes": list(nodes), "written": written, "worst": worst})


def part(quantity, estimate, low, high, outcome, slice="", below=None, above=None, reason=""):
    expected = f">= {below}" if above is None else f"between {below} and {above}"
    return Part(
        quantity, expected, slice, estimate, low, high, 0.5, 0.5, 240, outcome, reason, "", below, above
    )


ORDERS = replace(
    BEHAVIOUR,
    claim="faithful",
    verb="keep",
    says="The named heads alone keep most of the behaviour.",
    parts=(
        part("recovered", 0.91, 0.86, 0.96, Outcome.SUPPORTED, "ABBA", 0.8, 1.2),
        part("recovered", 0.84, 0.812, 0.87, Outcome.SUPPORTED, "BABA", 0.8, 1.2),
    ),
    facts={"metric": "logit_diff", "clean": 3.56, "ablated by": "mean", "scope": "heads", "kept pairs": "4"},
    warnings=("overlap: L2.tc/174 shares 0.41 of its decoder norm with L2H0",),
    line=40,
)
UNLUCKY = replace(
    BEHAVIOUR,
    claim="was-hopeless",
    known_failure="#7: nobody believed it",
    says="Nobody believed it.",
    line=90,
)
MARKUP = replace(
    REFUTED,
    claim="looks-like-markup",
    says=NASTY,
    warnings=(NASTY,),
    tags=("backup", NASTY),
    facts={NASTY: NASTY},
    cells={f"{NASTY} ABBA": 0.3, f"{NASTY} BABA": 0.2},
    population=NASTY,
    known_failure=NASTY,
    reason=NASTY,
    line=95,
)
ERROR = ClaimRecord.of_error(
    "gone", f"L9H6 is in layer 9, and the model has 4. {NASTY}", 19, "Head 6 matters."
)


def ioi(claims=None, **fields):
    """One rich file; `claims` are records."""
    mover = ["L2H0@END", "L2H5.q@END"]
    records = claims or [
        claim(BEHAVIOUR, measure="clean"),
        claim(ORDERS, ["L0H0@S2", "L0H3@S2", "L1H4@END"], keep=["duplicate", "inhibitor"]),
        claim(REFUTED, mover, SPANS, ablate=["mover"], **{"with": "mean"}),
        claim(
            replace(UNDECIDED, controls=CONTROLS),
            ["L2.tc/174@END", "L3.tc/255@END"],
            ablate=["answer"],
            error="live",
        ),
        claim(REPORTED, ["L1.mlp@S1+1"], ablate=["L1.mlp@S1+1"]),
        claim(KNOWN, ["L1.mlp.n12@S1+1"], SPANS, ablate=["L1.mlp.n12"]),
        claim(UNLUCKY, ["L0.resid@IO"]),
        claim(MARKUP, ["L1.attn@IO"], ablate=["x"]),
        ERROR.model_copy(update={"nodes": ["L3.tc/error@END"]}),
    ]
    start = {
        "path": "circuits/ioi.circuit.yaml",
        "circuit": "ioi",
        "title": "Indirect object identification",
        "model": "ioi-mini",
        "setup": [
            SetupRecord(
                name="setup-prompts", ok=True, message="480 pairs from 15 templates", facts={"n": 480}
            ),
            SetupRecord(name="setup-dictionary-tc", ok=False, message="L2.tc/error@END does not fit: 0.31"),
        ],
        "provenance": {"model": {"name": "ioi-mini", "sha256": "ab" * 32}, "seed": 0, "dtype": "float32"},
        "example": EXAMPLE,
        "features": FEATURES,
        "nodes": NODES,
        "edges": EDGES,
        "seconds": 41.2,
    }
    return FileRecord(claims=records, **start | fields)


def run(*files, name="20261122T093512Z-abcdef", **fields):
    start = {"started": "2026-11-22T09:35:12+00:00", "seconds": 200.5, "command": ["pytest", "circuits/"]}
    environment = {"python": "3.11.7", "torch": "2.13.0"}
    return RunResults(run=name, files=list(files), environment=environment, **start | fields)


def prompt(text, spans):
    return PromptRecord(prompt=text, template="t", order="o", before=1.0, after=0.5, spans=spans)
