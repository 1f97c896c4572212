"""Engines that return arrays written in the test, and prompts without a tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from circuitcheck.engine import (
    Context,
    Description,
    Errand,
    Fit,
    Forecast,
    Intervention,
    KeepOnly,
    Measurement,
    MetricReading,
    Plan,
    Profile,
    Progress,
    Replace,
    Request,
    Route,
    Shape,
    Steer,
    Values,
)
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import Node
from circuitcheck.prompts.pairs import PromptPair, PromptSet

Answer = Callable[[Request, int], Values]


def fake_prompts(n: int = 64, *, templates: int = 2, seed: int = 0) -> PromptSet:
    """n pairs over `templates` templates and two orders, five tokens each, BOS first."""
    cells = [(f"t{i % templates}", "ABBA" if (i // templates) % 2 else "BABA") for i in range(n)]
    pairs = tuple(
        PromptPair(f"prompt {i}", f"corrupt {i}", " yes", (" no",), template, order, {})
        for i, (template, order) in enumerate(cells)
    )
    roles = {name: np.full(n, at, dtype=np.int64) for name, at in {"IO": 1, "S2": 3, "END": 4}.items()}
    return PromptSet(
        pairs=pairs,
        clean=((0, 1, 2, 3, 4),) * n,
        corrupt=((0, 5, 6, 7, 4),) * n,
        answers=(8,) * n,
        foils=((9,),) * n,
        roles=roles,
        has_bos=True,
        seed=seed,
    )


@dataclass
class FakeEngine:
    """Answers every request through one function; remembers what it was asked."""

    answer: Answer
    change: float = 1.0
    """Relative change of every node under every intervention."""
    fits: Mapping[str, Fit] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    profiled: list[Node] = field(default_factory=list)
    """Places whose profile it was asked for."""
    refuse: str = ""
    """Name of a node whose interventions cannot be measured."""
    asked: list[Plan] = field(default_factory=list)
    shape: Shape = field(default_factory=lambda: Shape(4, 4, 4, 8, 16, 10))
    provenance: Mapping[str, object] = field(default_factory=lambda: {"model": "fake"})

    def measure(
        self, plan: Plan, prompts: PromptSet, references: PromptSet, progress: Progress | None = None
    ) -> Measurement:
        self.asked.append(plan)
        conditions = dict.fromkeys(request.condition for request in plan.requests)
        for condition in conditions:
            named = getattr(condition.intervention, "nodes", ())
            if any(node.name == self.refuse for node in named):
                msg = f"{self.refuse} cannot be measured"
                raise MeasurementError(msg)
        widths = {
            condition: _columns(condition.intervention) for condition in conditions if condition.intervention
        }
        return Measurement(
            values={
                request: self.answer(request, len(prompts.whole))[prompts.rows] for request in plan.requests
            },
            changes={
                condition: np.full((len(prompts), width), self.change) for condition, width in widths.items()
            },
        )

    def forecast(self, errands: Sequence[Errand]) -> Forecast:
        """A pass, and ten tokens of a hundred, for every request and every survey."""
        asked = sum(len(errand.plan.requests) + len(errand.surveys) for errand in errands)
        return Forecast(asked, 10.0 * asked, 100 * asked, 0.5 * asked, 1 << 20)

    def fit(self, place: Node, features: tuple[int, ...], prompts: PromptSet) -> Fit:
        return self.fits[place.name]

    def profile(self, place: Node, prompts: PromptSet) -> Profile:
        self.profiled.append(place)
        return self.profiles[place.name]

    def describe(self, features: tuple[Node, ...], prompts: PromptSet) -> tuple[Description, ...]:
        """Every feature fires on half of the prompts, most on the first, and speaks for token 8 against 9."""
        return tuple(
            Description(node, 0.5, 0.25, (Context(0, 3, 2.0),), ((8, 1.5),), ((9, -1.5),))
            for node in features
        )


def _columns(done: Intervention) -> int:
    """How many nodes an intervention tells the change of."""
    match done:
        case Replace() | Steer():
            return len(done.nodes)
        case Route():
            return len(done.senders)
        case _:
            return 1


def fake_profile(place: Node, rate: Sequence[float], mean: Sequence[float] | None = None) -> Profile:
    """Features that fire so often, as strongly as often unless `mean` says otherwise, decoder rows of length 1."""
    rates = np.array(rate, dtype=np.float64)
    return Profile(
        place, rates, rates if mean is None else np.array(mean, dtype=np.float64), np.ones(len(rates))
    )


def noisy(value: float, n: int, *, sd: float = 0.5, seed: int = 0) -> Values:
    """n draws around `value`."""
    return value + sd * np.random.default_rng([seed, 17]).standard_normal(n)


def model_of(clean: float, intervened: float, corrupt: float = 0.0, ablated: float = 0.0) -> Answer:
    """A model whose logit_diff is about these, by condition; rates are 0 or 1 by the sign."""

    def answer(request: Request, n: int) -> Values:
        done = request.condition.intervention
        value = {"clean": clean, "corrupt": corrupt}[request.condition.side]
        if done is not None:
            value = ablated if isinstance(done, KeepOnly) and not done.nodes else intervened
        seed = 4 * (request.condition.side == "clean") + 2 * (done is None) + bool(getattr(done, "nodes", ()))
        values = noisy(value, n, seed=seed)
        reading = request.reading
        if isinstance(reading, MetricReading) and reading.name in {"accuracy", "top1"}:
            return (values > 0).astype(np.float64)
        return values

    return answer
