"""Trains the language model: GPT-2 architecture, four layers, every schedule counted in steps.

One thread and a seeded generator, so that the same command on the same machine gives the same weights.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

from circuitcheck.training.batches import POOL_BATCHES, pool_of_batches
from circuitcheck.training.corpus import STRANGERS_UNTIL
from circuitcheck.training.objective import training_loss
from circuitcheck.training.progress import report
from circuitcheck.training.tokenizer import CONTEXT_SIZE, END_OF_TEXT_ID, build_tokenizer


@dataclass(frozen=True)
class TrainingPlan:
    """How one model is trained.

    Attributes:
        seed: Decides the initial weights and the corpus.
        steps: Optimizer steps, a multiple of the pool size.
        peak_rate: Learning rate after the warm-up.
        warmup_steps: Steps over which the rate rises from zero.
        constant_until: Share of the steps after which the rate falls along a cosine.
        sparse_from: Share of the steps after which spread-out attention starts to cost.
        spread_weight: What it costs in the end: nats of loss per nat of attention entropy summed over heads.
        checkpoint_steps: Steps between two saved states.
    """

    seed: int
    steps: int = 6000
    peak_rate: float = 2e-3
    warmup_steps: int = 200
    constant_until: float = 0.75
    sparse_from: float = 0.5
    spread_weight: float = 0.1
    checkpoint_steps: int = 500


FUSED_GELU = "gelu_pytorch_tanh"
"""GPT-2's `gelu_new` under the name of its fused implementation: the same function, and training is faster."""

SPARSE_RISE_STEPS = 500

LAST_RATE = 0.02
"""The learning rate at the end, as a share of its peak."""


@dataclass(frozen=True)
class Trained:
    """A trained model in evaluation mode, and how long it took, stops between checkpoints left out."""

    model: GPT2LMHeadModel
    minutes: float


def train_language_model(plan: TrainingPlan, work: Path) -> Trained:
    """Trains, or goes on from the newest checkpoint under `work`."""
    torch.set_num_threads(1)
    tokenizer = build_tokenizer()
    model = new_model(tokenizer.get_vocab_size(), plan.seed)
    optimizer = _optimizer(model, plan)
    step, seconds = _resume(work, model, optimizer)
    began = time.monotonic() - seconds
    while step < plan.steps:
        loss = _train_pool(model, optimizer, plan, tokenizer, step)
        step += POOL_BATCHES
        if step % (4 * POOL_BATCHES) == 0:
            report(f"seed {plan.seed}: step {step}/{plan.steps}, loss {loss:.3f} nats per token")
        if step % plan.checkpoint_steps == 0 or step >= plan.steps:
            seconds = time.monotonic() - began
            save_checkpoint(work, step, seconds, model, optimizer)
    return Trained(model.eval(), seconds / 60)


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


def rate_at(step: int, plan: TrainingPlan) -> float:
    """The learning rate of a step: linear warm-up, constant, then a cosine down to 2% of the peak."""
    if step < plan.warmup_steps:
        return plan.peak_rate * (step + 1) / plan.warmup_steps
    decay = (step / plan.steps - plan.constant_until) / (1 - plan.constant_until)
    fall = (1 + math.cos(math.pi * max(0.0, decay))) / 2
    return plan.peak_rate * (LAST_RATE + (1 - LAST_RATE) * fall)


def spread_weight_at(step: int, plan: TrainingPlan) -> float:
    """The weight of attention entropy in a step's loss: zero at first, then a linear rise to its full value."""
    rise = (step - plan.sparse_from * plan.steps) / SPARSE_RISE_STEPS
    return plan.spread_weight * min(1.0, max(0.0, rise))


def _train_pool(
    model: GPT2LMHeadModel,
    optimizer: torch.optim.Optimizer,
    plan: TrainingPlan,
    tokenizer: Tokenizer,
    first_step: int,
) -> float:
    """One pool of steps; returns the mean loss."""
    model.train()
    _choose_attention(model, plan, first_step / plan.steps)
    losses = []
    pool = first_step // POOL_BATCHES
    batches = pool_of_batches(tokenizer, plan.seed, pool, first_step / plan.steps)
    for step, tokens in enumerate(batches, start=first_step):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, plan)
        loss = training_loss(model, tokens, spread_weight_at(step, plan))
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
    return sum(losses) / len(losses)


def _choose_attention(model: GPT2LMHeadModel, plan: TrainingPlan, progress: float) -> None:
    """Sets which layers' attention is trained, and how it is computed, after a share of the steps.

    The first layer is held at its initial values while nobody's name has to be avoided, so that the model learns to
    copy names in later layers; without this every run that was looked at copied both names in the first layer, where no head can
    know yet who acts, and took the giver's name away again. The last layer is held once spread costs, or else its
    heads take over by taking the giver's name away.
    """
    first, last = model.transformer.h[0].attn, model.transformer.h[-1].attn
    sparse = progress >= plan.sparse_from
    first.requires_grad_(progress >= STRANGERS_UNTIL)
    last.requires_grad_(not sparse)
    # Only eager attention shows its weights; until they are needed, the fused one is faster.
    model.set_attn_implementation("eager" if sparse else "sdpa")


def _optimizer(model: GPT2LMHeadModel, plan: TrainingPlan) -> torch.optim.Optimizer:
    """AdamW with weight decay on matrices only: decayed LayerNorms and biases gain nothing."""
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    groups = [
        {"params": matrices, "weight_decay": 0.05},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=plan.peak_rate, betas=(0.9, 0.98), fused=True)


def save_checkpoint(
    work: Path, step: int, seconds: float, model: GPT2LMHeadModel, optimizer: torch.optim.Optimizer
) -> None:
    """Saves everything that training needs to go on."""
    work.mkdir(parents=True, exist_ok=True)
    progress = {"step": step, "seconds": seconds}
    state = {**progress, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(state, work / f"step-{step:06d}.pt")


def _resume(work: Path, model: GPT2LMHeadModel, optimizer: torch.optim.Optimizer) -> tuple[int, float]:
    """Loads the newest checkpoint, if there is one, and returns its step and the seconds it took to get there."""
    saved = sorted(work.glob("step-*.pt"))
    if not saved:
        return 0, 0.0
    state = torch.load(saved[-1], weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    report(f"going on from {saved[-1]}")
    return int(state["step"]), float(state["seconds"])
