"""Verdicts and results written by hand, for the tests of what users see."""

from dataclasses import replace

from circuitcheck.verdict import Outcome, Part, PromptEffect, Verdict

NECESSARY = Part(
    quantity="drop",
    expected="between 0.0 and 0.3",
    slice="",
    estimate=0.412,
    low=0.371,
    high=0.455,
    p_support=0.9999,
    p_refute=0.0001,
    n=480,
    outcome=Outcome.REFUTED,
    below=0.0,
    above=0.3,
)

REFUTED = Verdict(
    claim="backup-compensates",
    verb="ablate",
    says="Knocking out the name movers costs little, because backups take over.",
    outcome=Outcome.REFUTED,
    parts=(NECESSARY,),
    n=480,
    seed=0,
    confidence=0.95,
    population="prompts of these 15 templates in 2 orders",
    facts={"clean": 3.56, "ablated": 2.09, "with": "mean", "nodes": "L9H6@END, L9H9@END, L10H0@END"},
    cells={"garden ABBA": 0.31, "store BABA": 0.52, "school ABBA": 0.4},
    worst=(
        PromptEffect(
            "When Mary and John went to the garden, John gave a ring to", "garden", "ABBA", 3.9, 0.2
        ),
        PromptEffect("When Tom and Kate went to the store, Kate gave a drink to", "store", "BABA", 4.4, 0.9),
    ),
    values={"clean": (3.9, 4.4), "intervened": (0.2, 0.9)},
    tags=("backup",),
    line=54,
)

BEHAVIOUR = Verdict(
    claim="behaviour",
    verb="measure",
    says="The model prefers the indirect object to the subject.",
    outcome=Outcome.SUPPORTED,
    parts=(
        Part("logit_diff", ">= 2.5", "", 3.56, 3.41, 3.7, 1e-9, 1.0, 64, Outcome.SUPPORTED, below=2.5),
        Part("accuracy", ">= 0.95", "", 0.985, 0.962, 0.996, 1e-3, 0.999, 64, Outcome.SUPPORTED, below=0.95),
    ),
    n=64,
    seed=0,
    confidence=0.95,
    population="prompts of these 15 templates in 2 orders",
    facts={"clean": 3.56},
    line=30,
)

UNDECIDED = Verdict(
    claim="better-than-chance",
    verb="ablate",
    says="The heads matter more than random heads.",
    outcome=Outcome.INCONCLUSIVE,
    parts=(
        Part(
            quantity="drop",
            expected=">= 0.3",
            slice="",
            estimate=0.28,
            low=0.22,
            high=0.34,
            p_support=0.7,
            p_refute=0.3,
            n=480,
            outcome=Outcome.INCONCLUSIVE,
            reason="the interval holds 0.3, after 480 prompts",
            needed="about 1900 prompts would settle it",
            below=0.3,
        ),
    ),
    n=480,
    seed=0,
    confidence=0.95,
    population="prompts of these 15 templates in 2 orders",
    line=68,
)

REPORTED = replace(
    BEHAVIOUR,
    claim="how-much",
    outcome=Outcome.MEASURED,
    parts=(Part("drop", "?", "", 0.2, 0.15, 0.25, 1.0, 1.0, 64, Outcome.MEASURED),),
    line=75,
)

KNOWN = replace(REFUTED, claim="backups-are-absent", known_failure="#12: not yet understood", line=80)
