"""Runs with numbers per prompt, made without a model: what a baseline is written from and held against."""

from dataclasses import dataclass, field, replace

import numpy as np

from circuitcheck.report.claim_records import ClaimRecord
from circuitcheck.report.results import FileRecord, RunResults
from circuitcheck.verdict import EvaluatedPrompts, Outcome, Part, PartNumbers, Verdict

CELLS = [("garden", "ABBA"), ("garden", "BABA"), ("store", "ABBA"), ("store", "BABA")]
SHA = "9b1facdbbf97a1c8015413503ed909d7"


def clean_metric(n=96, seed=0):
    """The metric on clean prompts: about 4 logits."""
    return 4.0 + np.random.default_rng(seed).normal(0.0, 1.0, n)


def lost_metric(n=96, share=0.4, noise=0.3, seed=1):
    """What an ablation takes away: a share of the clean metric, with noise."""
    return share * clean_metric(n) + np.random.default_rng(seed).normal(0.0, noise, n)


@dataclass(frozen=True)
class Numbers:
    """The numbers of one part, with what tests like to vary; a drop, unless told otherwise."""

    numerator: np.ndarray = field(default_factory=lost_metric)
    denominator: np.ndarray | None = field(default_factory=clean_metric)
    quantity: str = "drop"
    expected: str = ">= 0.2"
    slice: str = ""
    rows: np.ndarray | None = None
    limits: tuple[float, float] | None = None

    def part(self, outcome):
        below = 1.0 if self.denominator is None else self.denominator.mean()
        estimate = float(self.numerator.mean() / below)
        n = len(self.numerator)
        return Part(
            self.quantity,
            self.expected,
            self.slice,
            estimate,
            estimate - 0.1,
            estimate + 0.1,
            0.001,
            0.999,
            n,
            outcome,
        )

    def kept(self, n):
        rows = np.ones(n, dtype=bool) if self.rows is None else self.rows
        below = None if self.denominator is None else tuple(map(float, self.denominator))
        return PartNumbers(tuple(map(bool, rows)), tuple(map(float, self.numerator)), below, self.limits)


def verdict(claim="mover-is-necessary", *parts, outcome="supported", n=None, prompts=None, **fields):
    """A verdict on these parts; one drop, left out."""
    parts = parts or (Numbers(),)
    n = n or (len(parts[0].rows) if parts[0].rows is not None else len(parts[0].numerator))
    word = Outcome(outcome)
    made = Verdict(
        claim=claim,
        verb="ablate",
        says="Without the mover the preference is lost.",
        outcome=word,
        parts=tuple(part.part(word) for part in parts),
        n=n,
        seed=0,
        confidence=0.95,
        population="prompts of these 2 templates in 2 orders",
        facts={"metric": "logit_diff"},
        prompts=prompts or evaluated(n),
        numbers=tuple(part.kept(n) for part in parts),
        line=12,
    )
    return replace(made, **fields)


def evaluated(n=96, start=1000):
    """Prompts of four cells in turn; another `start` makes others."""
    cells = tuple(CELLS[row % len(CELLS)] for row in range(n))
    return EvaluatedPrompts(f"digest-{start}-{n}", tuple(range(start, start + n)), cells)


def record(claim="mover-is-necessary", *parts, nodes=("L2H0@END",), written=None, since=None, **fields):
    """The record of a claim as reports have it."""
    made = ClaimRecord.of(verdict(claim, *parts, **fields))
    words = {"ablate": ["mover"], "with": "resample"} if written is None else written
    return made.model_copy(update={"nodes": list(nodes), "written": words, "since_baseline": since})


def file_of(*claims, model="ioi-mini", sha=SHA, device="cpu", circuit="ioi", **fields):
    """A circuit file's record."""
    provenance = {
        "model": {"name": "/somewhere/model", "sha256": sha},
        "weights": "raw",
        "dtype": "float32",
        "device": device,
        "dictionaries": {},
        "tokenizer": "8424b1",
        "prompts": {"fresh_names": "digest-1000-96"},
        "references": {"fresh_names": "63936b"},
    }
    return FileRecord(
        path=f"circuits/{circuit}.circuit.yaml", circuit=circuit, model=model, provenance=provenance,
        claims=list(claims), **fields,
    )  # fmt: skip


def run_of(*files, run="20261122T093512Z-3fa9c1"):
    """A run over these files."""
    return RunResults(
        run=run,
        started="2026-11-22T09:35:12+00:00",
        seconds=1.0,
        command=["pytest", "circuits"],
        environment={"python": "3.11.7", "torch": "2.13.0"},
        files=list(files),
    )
