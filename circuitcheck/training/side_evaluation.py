"""Whether the model does its side families: each prompt has one right and one wrong next token."""

from __future__ import annotations

import random
from collections.abc import Callable

import torch
from tokenizers import Tokenizer
from transformers import GPT2LMHeadModel

from circuitcheck.training import side_families
from circuitcheck.training.lexicon import (
    CENTURIES,
    FEMININE,
    LONG_EVENTS,
    NAMES,
    PLACES,
    PLURAL_NOUNS,
    SINGULAR_NOUNS,
    is_held_out,
)
from circuitcheck.training.tokenizer import END_OF_TEXT_ID

Contrast = tuple[str, str, str]
"""A prompt, the right next token and a wrong one, as texts."""


@torch.inference_mode()
def side_accuracies(model: GPT2LMHeadModel, tokenizer: Tokenizer, count: int, seed: int) -> dict[str, float]:
    """Share of prompts of each family whose right token has the higher logit."""
    rng = random.Random(f"sides/{seed}")
    return {
        name: sum(_is_right(model, tokenizer, write(rng)) for _ in range(count)) / count
        for name, write in _FAMILIES.items()
    }


def _is_right(model: GPT2LMHeadModel, tokenizer: Tokenizer, contrast: Contrast) -> bool:
    prompt, right, wrong = (tokenizer.encode(text).ids for text in contrast)
    logits = model(input_ids=torch.tensor([[END_OF_TEXT_ID, *prompt]])).logits[0, -1]
    return bool(logits[right[0]] > logits[wrong[0]])


def _greater_than(rng: random.Random) -> Contrast:
    """A later year against an earlier one, from a start that this event never had in the corpus."""
    while True:
        event, century, start = rng.choice(LONG_EVENTS), rng.choice(CENTURIES), rng.randint(5, 94)
        if is_held_out(event, century, str(start)):
            break
    template = rng.choice(side_families.YEAR_TEMPLATES)
    text = template.format(event=event, start=f"{century}{start:02d}", end="|")
    right, wrong = rng.randint(start + 1, 99), rng.randint(2, start - 1)
    return text.partition("|")[0] + century, f"{right:02d}", f"{wrong:02d}"


def _pronoun(rng: random.Random) -> Contrast:
    """The pronoun of a name against the other one, where the name never stood in this sentence."""
    while True:
        name, template = rng.choice(NAMES), rng.choice(side_families.PRONOUN_TEMPLATES)
        if is_held_out(name, template):
            break
    text = template.format(name=name, pronoun="|", state="", place=rng.choice(PLACES))
    answers = (" she", " he") if name in FEMININE else (" he", " she")
    return text.partition(" |")[0], *answers


def _agreement(rng: random.Random) -> Contrast:
    """The verb of the subject's number, where a noun that never stood beside it has the other number."""
    while True:
        subjects, distractors, answers = rng.choice(
            [
                (SINGULAR_NOUNS, PLURAL_NOUNS, (" is", " are")),
                (PLURAL_NOUNS, SINGULAR_NOUNS, (" are", " is")),
            ]
        )
        nouns = {"subject": rng.choice(subjects), "distractor": rng.choice(distractors)}
        if is_held_out(*nouns.values()):
            break
    text = rng.choice(side_families.AGREEMENT_TEMPLATES).format(**nouns, verb="|", state="")
    return text.partition(" |")[0], *answers


def _induction(rng: random.Random) -> Contrast:
    """The next word of a repeated list in a new order, against another word of it."""
    start, words = rng.choice(list(zip(side_families.LIST_STARTS, side_families.LIST_WORDS, strict=True)))
    listed = rng.sample(words, 5)
    shown = rng.randint(1, 4)
    wrong = rng.choice([word for word in listed if word != listed[shown]])
    text = f"{start} {' '.join(listed)} {' '.join(listed[:shown])}"
    return text, f" {listed[shown]}", f" {wrong}"


_FAMILIES: dict[str, Callable[[random.Random], Contrast]] = {
    "greater-than": _greater_than,
    "pronoun": _pronoun,
    "agreement": _agreement,
    "induction": _induction,
}
