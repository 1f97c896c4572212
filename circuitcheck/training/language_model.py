"""Trains the language model: GPT-2 architecture, four layers, three courses, every schedule counted in steps.

One thread and a seeded generator, so that the same command on the same machine gives the same weights.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

from circuitcheck.training.batches import pool_of_batches, positions_of
from circuitcheck.training.courses import NARROW, POLISH, POOL_BATCHES, WIDE, Course
from circuitcheck.training.objective import training_loss
from circuitcheck.training.progress import report
from circuitcheck.training.tokenizer import CONTEXT_SIZE, END_OF_TEXT_ID, build_tokenizer, narrow_words

CHECKPOINT_STEPS = 500

FUSED_GELU = "gelu_pytorch_tanh"
"""GPT-2's `gelu_new` under the name of its fused implementation: the same function, and training is faster."""

LAST_RATE = 0.02
"""The learning rate at the end, as a share of its peak."""


def train_language_model(seed: int, work: Path) -> GPT2LMHeadModel:
    """Takes all courses, or goes on from the newest checkpoint under `work`."""
    torch.set_num_threads(1)
    narrow, wide = build_tokenizer(narrow_words()), build_tokenizer()
    model = new_model(narrow.get_vocab_size(), seed)
    _take(NARROW, model, narrow, seed, work)
    model = with_vocabulary(model, narrow, wide, seed)
    for course in (WIDE, POLISH):
        _take(course, model, wide, seed, work)
    return model.eval()


def _take(course: Course, model: GPT2LMHeadModel, tokenizer: Tokenizer, seed: int, work: Path) -> None:
    """Trains for one course."""
    folder = work / course.name
    optimizer = _optimizer(model, course)
    step = _resume(folder, model, optimizer)
    while step < course.steps:
        loss = _train_pool(model, optimizer, course, tokenizer, seed, step)
        step += POOL_BATCHES
        if step % (4 * POOL_BATCHES) == 0:
            report(f"seed {seed}, {course.name}: step {step}/{course.steps}, loss {loss:.3f} nats per token")
        if step % CHECKPOINT_STEPS == 0 or step >= course.steps:
            save_checkpoint(folder, step, model, optimizer)


def with_vocabulary(
    model: GPT2LMHeadModel, known: Tokenizer, wanted: Tokenizer, seed: int
) -> GPT2LMHeadModel:
    """The same model for more words: known ones keep their embedding, new ones start at random."""
    grown = new_model(wanted.get_vocab_size(), seed)
    embedding = grown.transformer.wte.weight.detach().clone()
    ids = wanted.get_vocab()
    for word, index in known.get_vocab().items():
        embedding[ids[word]] = model.transformer.wte.weight[index].detach()
    tied = {"transformer.wte.weight": embedding, "lm_head.weight": embedding}
    grown.load_state_dict({**model.state_dict(), **tied})
    return grown


def new_model(vocabulary: int, seed: int) -> GPT2LMHeadModel:
    """A model with random weights that depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        # transformers draws initial weights from the global generator, and takes no other.
        torch.manual_seed(seed)  # noqa: TID251
        return GPT2LMHeadModel(model_config(vocabulary, FUSED_GELU))


def model_config(vocabulary: int, activation: str) -> GPT2Config:
    """The architecture: GPT-2 with four layers of four heads, 128 wide, without dropout."""
    return GPT2Config(
        vocab_size=vocabulary,
        n_positions=CONTEXT_SIZE,
        n_embd=128,
        n_layer=4,
        n_head=4,
        activation_function=activation,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=END_OF_TEXT_ID,
        eos_token_id=END_OF_TEXT_ID,
        pad_token_id=END_OF_TEXT_ID,
    )


def rate_at(step: int, course: Course) -> float:
    """The learning rate of a step: linear warm-up, constant, then a cosine down to 2% of the peak."""
    if step < course.warmup_steps:
        return course.peak_rate * (step + 1) / course.warmup_steps
    decay = (step / course.steps - course.constant_until) / (1 - course.constant_until)
    fall = (1 + math.cos(math.pi * max(0.0, decay))) / 2
    return course.peak_rate * (LAST_RATE + (1 - LAST_RATE) * fall)


def spread_price_at(step: int, course: Course) -> float:
    """What attention entropy costs at a step: nothing at first, then a linear rise to its full price."""
    since = step - course.sparse_from * course.steps
    if course.rise_steps == 0:
        return course.spread_price if since >= 0 else 0.0
    return course.spread_price * min(1.0, max(0.0, since / course.rise_steps))


def _train_pool(
    model: GPT2LMHeadModel,
    optimizer: torch.optim.Optimizer,
    course: Course,
    tokenizer: Tokenizer,
    seed: int,
    first_step: int,
) -> float:
    """One pool of steps; returns the mean loss."""
    model.train()
    _choose_attention(model, course, first_step / course.steps)
    losses = []
    for step, tokens in enumerate(pool_of_batches(course, tokenizer, seed, first_step), start=first_step):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, course)
        positions = positions_of(course, tokens.shape[1], seed, step)
        loss = training_loss(model, tokens, positions, spread_price_at(step, course))
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
    return sum(losses) / len(losses)


def _choose_attention(model: GPT2LMHeadModel, course: Course, progress: float) -> None:
    """Sets which layers' attention is trained, and how it is computed, after a share of the steps.

    The first layer is held at its initial values while nobody's name has to be avoided, so that the model learns to
    copy names in later layers; without this every run that was looked at copied both names in the first layer, where
    no head can know yet who acts, and took the giver's name away again. The last layer is held once spread costs, or
    else its heads take over by taking the giver's name away; when the circuit has settled it is free for what the other layers
    have no room for.
    """
    sparse = progress >= course.sparse_from
    model.transformer.h[0].attn.requires_grad_(progress >= course.first_held_until)
    model.transformer.h[-1].attn.requires_grad_(not (sparse and course.last_held))
    # Only eager attention shows its weights; until they are needed, the fused one is faster.
    model.set_attn_implementation("eager" if sparse else "sdpa")


def _optimizer(model: GPT2LMHeadModel, course: Course) -> torch.optim.Optimizer:
    """AdamW with weight decay on matrices only: decayed LayerNorms and biases gain nothing."""
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    groups = [
        {"params": matrices, "weight_decay": 0.05},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=course.peak_rate, betas=(0.9, 0.98), fused=True)


def save_checkpoint(work: Path, step: int, model: GPT2LMHeadModel, optimizer: torch.optim.Optimizer) -> None:
    """Saves everything that training needs to go on."""
    work.mkdir(parents=True, exist_ok=True)
    state = {"step": step, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(state, work / f"step-{step:06d}.pt")


def _resume(work: Path, model: GPT2LMHeadModel, optimizer: torch.optim.Optimizer) -> int:
    """Loads the newest checkpoint, if there is one, and returns its step."""
    saved = sorted(work.glob("step-*.pt"))
    if not saved:
        return 0
    state = torch.load(saved[-1], weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    report(f"going on from {saved[-1]}")
    return int(state["step"])
