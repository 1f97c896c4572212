"""What a later run needs to be paired with this one, prompt by prompt: which prompts, and which numbers.

In: what a claim was judged on. Out: plain data for its verdict; `circuitcheck.baseline` compares two of them.
"""

from __future__ import annotations

from circuitcheck.claims.questions import Question
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.verdict import EvaluatedPrompts, PartNumbers


def evaluated_prompts(prompts: PromptSet) -> EvaluatedPrompts:
    """Who the prompts are, and the cell of each."""
    whole = prompts.whole.digest if prompts.whole is not prompts else ""
    return EvaluatedPrompts(prompts.digest, prompts.fingerprints, prompts.cells, whole)


def numbers_of(question: Question) -> PartNumbers:
    """The numbers per prompt that one part was judged on; none where they are no mean over the claim's own prompts."""
    sample = question.sample
    if question.elsewhere is not None or not sample.is_mean:
        return PartNumbers(rows=tuple(False for _ in question.rows), numerator=())
    return PartNumbers(
        rows=tuple(map(bool, question.rows)),
        numerator=tuple(map(float, sample.numerator)),
        denominator=None if sample.denominator is None else tuple(map(float, sample.denominator)),
        limits=sample.limits,
    )
