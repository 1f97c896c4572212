"""Where a pass starts: at the tokens, or (see `suffix`) inside the model, from an untouched pass.

In: a model, prompts of one length. Out: `Start`s, which run the model with hooks alive.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from circuitcheck.engines.metrics import text_loss
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.windows import WHOLE, Window

Hooks = Sequence[tuple[str, Callable[..., Tensor | None]]]
"""Functions of (tensor, hook point) by the hook's name."""


@dataclass(frozen=True)
class Told:
    """What a run said about the next token: logits at END, and the loss of each text (NaN where not asked for).

    `logits` has a column for each of `tokens`; None stands for the whole vocabulary.
    """

    logits: Float[Tensor, "rows tokens"]
    loss: Float[Tensor, " rows"]
    tokens: Tensor | None = None


@runtime_checkable
class Start(Protocol):
    """One way to run the model on some prompts."""

    @property
    def model(self) -> LensModel:
        """What is run."""

    @property
    def rows(self) -> int:
        """How many prompts one copy of the batch holds."""

    @property
    def window(self) -> Window:
        """The part of the model that runs."""

    def run(self, copies: int, hooks: Hooks, *, loss: bool = False, wanted: Tensor | None = None) -> Told:
        """Run `copies` copies of the prompts, one after the other along the batch axis.

        `wanted` are the tokens, ids in ascending order, whose logits will be read; None stands for all.
        More than these may be told.
        """


@dataclass(frozen=True)
class WholeStart:
    """The whole model on whole prompts of one length; `end` is the token whose logits are wanted."""

    model: LensModel
    tokens: Sequence[tuple[int, ...]]
    end: int
    window: Window = WHOLE

    @property
    def rows(self) -> int:
        """Prompts."""
        return len(self.tokens)

    def run(self, copies: int, hooks: Hooks, *, loss: bool = False, wanted: Tensor | None = None) -> Told:
        """Run it all; where one token's logits are enough and the model can unembed it alone, it does."""
        del wanted  # beside a whole pass, the unembedding of one token costs little
        ids = torch.tensor(self.tokens, device=self.model.device).repeat(copies, 1)
        bridge: Any = self.model.bridge
        with torch.inference_mode():
            if loss or "logits_to_keep" not in inspect.signature(bridge.original_model.forward).parameters:
                logits = bridge.run_with_hooks(ids, fwd_hooks=hooks)
                # A copy, since a view would keep the logits of every position.
                return Told(logits[:, self.end].clone(), text_loss(logits, ids) if loss else _unknown(logits))
            last = torch.tensor([self.end], device=self.model.device)
            logits = bridge.run_with_hooks(ids, fwd_hooks=hooks, logits_to_keep=last)
            return Told(logits[:, 0], _unknown(logits))


def _unknown(logits: Float[Tensor, "rows *rest"]) -> Float[Tensor, " rows"]:
    return torch.full((len(logits),), torch.nan)
