"""Logits at END to one number per prompt; pure functions.

In: logits of this run and of the clean run, the clean pair's answer and foils. Out: values in float64.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from einops import einsum
from jaxtyping import Bool, Float, Int
from torch import Tensor

from circuitcheck.engine import MetricName


@dataclass(frozen=True)
class Targets:
    """What each prompt is scored on: token ids of the answer and of the foils.

    `counted` is false where a prompt has fewer foils than the widest of its batch. `tokens` are all of
    them, each once, in ascending order.
    """

    answer: Int[Tensor, " batch"]
    foils: Int[Tensor, "batch foils"]
    counted: Bool[Tensor, "batch foils"]
    tokens: Int[Tensor, " tokens"]

    @classmethod
    def of(cls, answers: Sequence[int], foils: Sequence[Sequence[int]], device: str) -> "Targets":
        """Targets as tensors; a missing foil is padded and not counted."""
        width = max(map(len, foils))
        padded = [[*row, *[0] * (width - len(row))] for row in foils]
        counted = [[column < len(row) for column in range(width)] for row in foils]
        # Types are said, because prompts without answers make empty rows.
        return cls(
            torch.tensor(list(answers), dtype=torch.long, device=device),
            torch.tensor(padded, dtype=torch.long, device=device),
            torch.tensor(counted, dtype=torch.bool, device=device),
            torch.tensor(sorted({*answers}.union(*padded)), dtype=torch.long, device=device),
        )

    def among(self, tokens: Int[Tensor, " tokens"]) -> "Targets":
        """The same targets by their places among these tokens, which hold them all in ascending order."""
        return replace(
            self,
            answer=torch.searchsorted(tokens, self.answer),
            foils=torch.searchsorted(tokens, self.foils),
        )

    def of_answer(self, values: Float[Tensor, "batch tokens"]) -> Float[Tensor, " batch"]:
        """The answer's value."""
        return values.gather(1, self.answer[:, None])[:, 0]

    def sum_of_foils(self, values: Float[Tensor, "batch tokens"]) -> Float[Tensor, " batch"]:
        """The foils' values, added up."""
        return (values.gather(1, self.foils) * self.counted).sum(1)

    def mean_of_foils(self, values: Float[Tensor, "batch tokens"]) -> Float[Tensor, " batch"]:
        """The foils' values, averaged; NaN without foils."""
        return self.sum_of_foils(values) / self.counted.sum(1)

    def direction(self, unembedding: Float[Tensor, "d_model vocab"]) -> Float[Tensor, "batch d_model"]:
        """U[answer] - mean U[foils]."""
        weights = self.counted / self.counted.sum(1, keepdim=True)
        foils = einsum(
            unembedding[:, self.foils].to(weights.dtype),
            weights,
            "d_model batch foils, batch foils -> batch d_model",
        )
        return unembedding[:, self.answer].T - foils


Metric = Callable[[Any, Any, Targets], Tensor]

OF_TARGETS: frozenset[MetricName] = frozenset({"logit_diff", "accuracy"})
"""Metrics that read the logits of answers and foils only; the others need the whole vocabulary."""


def text_loss(
    logits: Float[Tensor, "batch pos vocab"], tokens: Int[Tensor, "batch pos"]
) -> Float[Tensor, " batch"]:
    """Mean cross-entropy of each text's tokens behind the first, in nats per token."""
    # Row by row: float64 logits of a whole batch would be the largest tensor of the pass.
    losses = [
        torch.nn.functional.cross_entropy(row[:-1].double(), text[1:])
        for row, text in zip(logits, tokens, strict=True)
    ]
    return torch.stack(losses)


def score(
    name: MetricName,
    logits: Float[Tensor, "batch tokens"],
    clean: Float[Tensor, "batch vocab"],
    targets: Targets,
) -> Float[Tensor, " batch"]:
    """The metric of each prompt.

    `logit_diff`: logit of the answer minus the mean logit of the foils. `prob_diff`: probability of the
    answer minus the sum of the foils'. `log_prob`: of the answer, in nats. `kl`: KL(clean || this run),
    in nats. `accuracy`: 1 where the answer's logit is above every foil's. `top1`: 1 where the answer is
    the argmax. `rank`: 1 + the number of tokens with a larger logit. `loss` is `text_loss`, which reads
    logits at every position. For those `OF_TARGETS`, `logits` may have a column per target only.
    """
    return _METRICS[name](logits.double(), clean, targets).double()


def _logit_diff(logits: Tensor, clean: Tensor, targets: Targets) -> Tensor:
    return targets.of_answer(logits) - targets.mean_of_foils(logits)


def _prob_diff(logits: Tensor, clean: Tensor, targets: Targets) -> Tensor:
    probabilities = logits.softmax(-1)
    return targets.of_answer(probabilities) - targets.sum_of_foils(probabilities)


def _log_prob(logits: Tensor, clean: Tensor, targets: Targets) -> Tensor:
    return targets.of_answer(logits.log_softmax(-1))


def _kl(logits: Tensor, clean: Tensor, targets: Targets) -> Tensor:
    log_clean, log_here = clean.double().log_softmax(-1), logits.log_softmax(-1)
    return (log_clean.exp() * (log_clean - log_here)).sum(-1)


def _accuracy(logits: Tensor, clean: Tensor, targets: Targets) -> Tensor:
    foils = logits.gather(1, targets.foils).masked_fill(~targets.counted, -torch.inf)
    return targets.of_answer(logits) > foils.amax(1)


def _top1(logits: Tensor, clean: Tensor, targets: Targets) -> Tensor:
    return logits.argmax(-1) == targets.answer


def _rank(logits: Tensor, clean: Tensor, targets: Targets) -> Tensor:
    return 1 + (logits > targets.of_answer(logits)[:, None]).sum(-1)


_METRICS: Mapping[MetricName, Metric] = {
    "logit_diff": _logit_diff,
    "prob_diff": _prob_diff,
    "log_prob": _log_prob,
    "kl": _kl,
    "accuracy": _accuracy,
    "top1": _top1,
    "rank": _rank,
}
