"""Trains sparse dictionaries by BatchTopK and turns them into JumpReLU dictionaries with one threshold.

BatchTopK keeps the `k * batch` largest activations of a batch (Bussmann, Leask and Nanda 2024, arXiv:2412.06410), so
that `k` is a mean and not a limit per token; dead features learn from the residual, after the auxiliary loss of Gao et al. 2024
(arXiv:2406.04093). Inputs and targets are normalised for training and the normalisation is folded into
the weights afterwards, so that the saved dictionary reads raw activations.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

FEATURES = {"z": 1024, "mlp": 1024, "resid": 1024}
"""Dictionary sizes: eight times the width, since 112 names alone are almost as many as the dimensions."""

MEAN_ACTIVE = {"z": 12, "mlp": 32, "resid": 32}
BATCH_ROWS = 1024
STEPS = {"z": 1500, "mlp": 3000, "resid": 3000}
PEAK_RATE = 2e-3
WARMUP_STEPS = 100
DECAY_FROM = 0.7
DEAD_AFTER_ROWS = 30_000
RESCUED = 64
"""How many dead features share the auxiliary loss of a step."""
RESCUE_WEIGHT = 1 / 32


@dataclass(frozen=True)
class Dictionary:
    """A JumpReLU dictionary or transcoder: `f = x W_enc + b_enc where above threshold`, `y = f W_dec + b_dec`."""

    W_enc: Float[Tensor, "d_in d_dict"]
    b_enc: Float[Tensor, "d_dict"]
    W_dec: Float[Tensor, "d_dict d_in"]
    b_dec: Float[Tensor, "d_in"]
    threshold: Float[Tensor, "d_dict"]

    def encode(self, x: Float[Tensor, "*rows d_in"]) -> Float[Tensor, "*rows d_dict"]:
        """Feature activations."""
        before = x @ self.W_enc + self.b_enc
        return before * (before > self.threshold)

    def decode(self, features: Float[Tensor, "*rows d_dict"]) -> Float[Tensor, "*rows d_in"]:
        """The reconstruction that the activations stand for."""
        return features @ self.W_dec + self.b_dec


@dataclass(frozen=True)
class Scaling:
    """Centre and scale that bring activations to zero mean and unit mean square per dimension."""

    mean: Float[Tensor, "d_in"]
    scale: float

    @classmethod
    def of(cls, rows: Float[Tensor, "row d_in"]) -> Scaling:
        """The scaling of a sample."""
        mean = rows.mean(0)
        return cls(mean, (rows - mean).square().mean().sqrt().item())

    def apply(self, rows: Float[Tensor, "row d_in"]) -> Float[Tensor, "row d_in"]:
        """Scaled rows."""
        return (rows - self.mean) / self.scale


class BatchTopK:
    """A dictionary in training, in scaled units."""

    def __init__(self, width: int, features: int, mean_active: int, generator: torch.Generator) -> None:
        directions = torch.randn(features, width, generator=generator)
        directions = functional.normalize(directions, dim=-1)
        self.W_dec = directions.clone().requires_grad_()
        self.W_enc = directions.T.clone().requires_grad_()
        self.b_enc = torch.zeros(features, requires_grad=True)
        self.b_dec = torch.zeros(width, requires_grad=True)
        self.mean_active = mean_active
        self.threshold = 0.0
        self.rows_since_active: Int[Tensor, "d_dict"] = torch.zeros(features, dtype=torch.int64)

    @property
    def parameters(self) -> list[Tensor]:
        """What the optimizer changes."""
        return [self.W_enc, self.b_enc, self.W_dec, self.b_dec]

    def loss(self, x: Float[Tensor, "row d_in"], y: Float[Tensor, "row d_in"]) -> Float[Tensor, ""]:
        """Mean squared error of the batch, plus the dead features' error on what is left over."""
        before = (x @ self.W_enc + self.b_enc).relu()
        least = before.detach().flatten().topk(self.mean_active * len(x)).values[-1].item()
        # A running mean: the one threshold of the finished dictionary must stand for all batches.
        self.threshold = least if self.threshold == 0.0 else 0.99 * self.threshold + 0.01 * least
        features = before * (before >= least)
        self._count(features)
        error = y - (features @ self.W_dec + self.b_dec)
        return error.square().mean() + RESCUE_WEIGHT * self._rescue(before, error.detach())

    def keep_decoder_unit(self) -> None:
        """Gives every decoder row norm 1, so that activations have one scale."""
        with torch.no_grad():
            self.W_dec.copy_(functional.normalize(self.W_dec, dim=-1))

    def _rescue(
        self, before: Float[Tensor, "row d_dict"], error: Float[Tensor, "row d_in"]
    ) -> Float[Tensor, ""]:
        dead = (self.rows_since_active > DEAD_AFTER_ROWS).nonzero().flatten()
        if len(dead) == 0:
            return error.new_zeros(())
        among = before[:, dead]
        top = among.topk(min(RESCUED, len(dead)), dim=-1)
        features = torch.zeros_like(among).scatter(-1, top.indices, top.values)
        return (error - features @ self.W_dec[dead]).square().mean()

    def _count(self, features: Float[Tensor, "row d_dict"]) -> None:
        active = (features > 0).any(0)
        self.rows_since_active = torch.where(active, 0, self.rows_since_active + len(features))

    def finished(self, source: Scaling, target: Scaling) -> Dictionary:
        """The dictionary on raw activations, with the scalings folded into its weights."""
        W_enc = self.W_enc.detach() / source.scale
        return Dictionary(
            W_enc=W_enc.contiguous(),
            b_enc=self.b_enc.detach() - source.mean @ W_enc,
            W_dec=self.W_dec.detach() * target.scale,
            b_dec=self.b_dec.detach() * target.scale + target.mean,
            threshold=torch.full_like(self.b_enc.detach(), self.threshold),
        )


def train_dictionary(
    kind: str, source: Float[Tensor, "row d_in"], target: Float[Tensor, "row d_in"], seed: int
) -> Dictionary:
    """Trains a dictionary that reconstructs `target` from `source`, with the size and activity of its kind of site."""
    generator = torch.Generator().manual_seed(seed)
    source_scaling, target_scaling = Scaling.of(source), Scaling.of(target)
    x, y = source_scaling.apply(source), target_scaling.apply(target)
    trainee = BatchTopK(source.shape[-1], FEATURES[kind], MEAN_ACTIVE[kind], generator)
    optimizer = torch.optim.Adam(trainee.parameters, lr=PEAK_RATE, betas=(0.9, 0.99), fused=True)
    steps = STEPS[kind]
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = _rate_at(step, steps)
        rows = torch.randint(len(x), (BATCH_ROWS,), generator=generator)
        optimizer.zero_grad()
        torch.autograd.backward(trainee.loss(x[rows], y[rows]))
        optimizer.step()
        trainee.keep_decoder_unit()
    return trainee.finished(source_scaling, target_scaling)


def _rate_at(step: int, steps: int) -> float:
    """Linear warm-up, constant, then linear decay to zero."""
    left = (steps - step) / (steps * (1 - DECAY_FROM))
    return PEAK_RATE * min(1.0, (step + 1) / WARMUP_STEPS, left)
