"""What an engine is asked, and what it answers; no torch here.

In: a `Plan` of `Request`s over one `PromptSet` of pairs. Out: a `Measurement` of per-prompt numbers,
never averaged. Engines live in `circuitcheck.engines`; tests use fakes that return arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from circuitcheck.interventions import (
    CLEAN,
    CORRUPT,
    Condition,
    Downstream,
    ErrorPolicy,
    Intervention,
    KeepOnly,
    Mlps,
    Replace,
    Route,
    Scope,
    Side,
    Source,
    SourceKind,
    Splice,
    Steer,
    SteerHow,
)
from circuitcheck.nodes import Node

if TYPE_CHECKING:
    from circuitcheck.prompts.pairs import PromptSet

__all__ = [
    "CLEAN",
    "CORRUPT",
    "WITHOUT_ANSWER",
    "ActivationReading",
    "AttentionReading",
    "Condition",
    "Context",
    "Description",
    "Downstream",
    "Engine",
    "Errand",
    "ErrorPolicy",
    "Fit",
    "Forecast",
    "Intervention",
    "KeepOnly",
    "Measurement",
    "MetricName",
    "MetricReading",
    "Mlps",
    "Plan",
    "Profile",
    "Progress",
    "Reading",
    "Replace",
    "Request",
    "Route",
    "Scope",
    "Shape",
    "Side",
    "Source",
    "SourceKind",
    "Splice",
    "Steer",
    "SteerHow",
    "Survey",
    "Values",
    "WriteReading",
]

MetricName = Literal["logit_diff", "prob_diff", "log_prob", "kl", "accuracy", "top1", "rank", "loss"]
Values = NDArray[np.float64]

WITHOUT_ANSWER: frozenset[MetricName] = frozenset({"kl", "loss"})
"""Metrics that prompts without a right and a wrong answer have too."""


@dataclass(frozen=True)
class MetricReading:
    """A metric at END, scored with the clean pair's answer and foils whatever the side.

    `loss` is that of the whole text which is run, the corrupt one on the corrupt side: the mean
    cross-entropy of its tokens, in nats, each predicted from those before it (the first from BOS, and
    left out where there is none).
    """

    name: MetricName


@dataclass(frozen=True)
class AttentionReading:
    """Attention of one head from its position `head.at` to the position `to`, in [0, 1]."""

    head: Node
    to: str


@dataclass(frozen=True)
class ActivationReading:
    """Activation of one feature at its position, in dictionary units."""

    feature: Node


@dataclass(frozen=True)
class WriteReading:
    """Direct effect of the nodes together on answer minus foil, in logits.

    The sum of their outputs in the residual stream at END, centred, through the clean run's final
    norm scale and weight, dotted with U[answer] - mean U[foils], before any soft-cap.
    """

    nodes: tuple[Node, ...]


Reading = MetricReading | AttentionReading | ActivationReading | WriteReading


@dataclass(frozen=True)
class Request:
    """One number per prompt: what is read, under which condition."""

    condition: Condition
    reading: Reading


@dataclass(frozen=True)
class Plan:
    """The frozen list of numbers that some claims need, each named once."""

    requests: tuple[Request, ...]

    @classmethod
    def of(cls, requests: list[Request]) -> Plan:
        """A plan without repetition, in first-come order."""
        return cls(tuple(dict.fromkeys(requests)))


@dataclass(frozen=True)
class Measurement:
    """What an engine measured: per-prompt numbers, in the order of the prompt set.

    `values[request]` has shape (n,). `changes[condition]` has shape (n, nodes): by how much each node
    of the intervention changed, relative to its own size. For `Route` a column per sender: by how much it
    changed the stream that receivers read, relative to that stream, where that is most. For `KeepOnly` one
    column, the scope, by how much the intervention would change the untouched values of its side, at the layer
    where that is most: what is ablated is not computed under the intervention itself, and up to the first change
    both are the same.
    """

    values: Mapping[Request, Values]
    changes: Mapping[Condition, Values] = field(default_factory=dict)


@dataclass(frozen=True)
class Fit:
    """How well one dictionary stands in for what it reconstructs, at one layer and position.

    `variance_explained` is within (template, order) on clean prompts, 1 at best; NaN where the target
    does not vary. `kept` is the metric with the error set to zero there, as a share of clean.
    `firing` holds, per feature asked about, the share of clean prompts on which it fires there.
    """

    place: Node
    variance_explained: float
    kept: float
    l0: float
    firing: Mapping[int, float]


@dataclass(frozen=True)
class Profile:
    """How every feature of one dictionary behaves at one place, on clean prompts; shape (d_sae,) each.

    `rate` is the share of prompts on which a feature fires, `mean` its activation averaged over all
    prompts (dictionary units), `norm` the length of its decoder row.
    """

    place: Node
    rate: Values
    mean: Values
    norm: Values


@dataclass(frozen=True)
class Context:
    """Where a feature fired: row of the prompt set, token index (BOS counted), activation."""

    row: int
    position: int
    activation: float


@dataclass(frozen=True)
class Description:
    """What a feature is about, as far as prompts and weights show it.

    `rate` and `mean` are taken at the feature's own position on clean prompts; `strongest` over all positions
    but BOS, one per prompt at most, strongest first. `promotes` and `suppresses` are (token id, logit) along the
    decoder row, through the final norm's weight and the unembedding, centred; for z features through W_O.
    """

    feature: Node
    rate: float
    mean: float
    strongest: tuple[Context, ...]
    promotes: tuple[tuple[int, float], ...]
    suppresses: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Shape:
    """How large a model is, for checking names: counts, all positive."""

    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_model: int
    d_mlp: int
    d_vocab: int
    d_head: int = 0


@dataclass(frozen=True)
class Survey:
    """A walk over all clean prompts that reads dictionaries: for a fit, a profile, or descriptions.

    `nodes` are the place of a fit or a profile (an error node), or the features to describe; `features` those
    that a fit is asked about.
    """

    kind: Literal["fit", "profile", "describe"]
    nodes: tuple[Node, ...]
    features: tuple[int, ...] = ()


@dataclass(frozen=True)
class Errand:
    """Something to be measured on some prompts: a plan, as `Engine.measure` takes it, and surveys."""

    prompts: PromptSet
    references: PromptSet
    plan: Plan = Plan(())
    surveys: tuple[Survey, ...] = ()


@dataclass(frozen=True)
class Forecast:
    """What measuring would take.

    `tokens` are those that are computed, in tokens of a whole pass: token positions times blocks, over the model's
    blocks. `naive_tokens` are those of one whole pass of every prompt per condition; passes over reference sets
    and surveys are in both, as often as they are made. `seconds` come from a short trial on this machine,
    `peak_bytes` from the sizes of tensors.
    """

    passes: int = 0
    tokens: float = 0.0
    naive_tokens: int = 0
    seconds: float = 0.0
    peak_bytes: int = 0

    def __add__(self, other: Forecast) -> Forecast:
        """Both, one after the other."""
        return Forecast(
            self.passes + other.passes,
            self.tokens + other.tokens,
            self.naive_tokens + other.naive_tokens,
            self.seconds + other.seconds,
            max(self.peak_bytes, other.peak_bytes),
        )


Progress = Callable[[int, int, str], None]
"""Called with (done, total, what) as forward passes finish."""


class Engine(Protocol):
    """Measures plans on one model with its dictionaries."""

    @property
    def shape(self) -> Shape:
        """How large the model is."""

    @property
    def provenance(self) -> Mapping[str, object]:
        """Hashes of model and dictionaries, versions, device, dtype, weight processing; plain data."""

    def measure(
        self, plan: Plan, prompts: PromptSet, references: PromptSet, progress: Progress | None = None
    ) -> Measurement:
        """Measure every request on every prompt.

        `references` is the reference set for `mean`; `resample` takes donors among `prompts`.

        Raises:
            MeasurementError: when a value is not finite, or an intervention cannot be done.
        """

    def forecast(self, errands: Sequence[Errand]) -> Forecast:
        """What these errands would take, one after the other, without doing them.

        What cannot be known beforehand is not in it: partial passes whose change is so small that a whole one
        has to decide, and parts that are done again where memory runs out.

        Raises:
            MeasurementError: when something cannot be done, or one prompt does not fit into memory.
        """

    def fit(self, place: Node, features: tuple[int, ...], prompts: PromptSet) -> Fit:
        """How well the dictionary of the error node `place` fits there (see `Fit`)."""

    def profile(self, place: Node, prompts: PromptSet) -> Profile:
        """Every feature's behaviour at the place of the error node `place` (see `Profile`)."""

    def describe(self, features: tuple[Node, ...], prompts: PromptSet) -> tuple[Description, ...]:
        """What each feature is about (see `Description`), in the order asked."""
