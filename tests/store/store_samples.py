"""An identity without a model, and an engine that counts what it is asked."""

from dataclasses import replace

import numpy as np
from fakes import FakeEngine, fake_profile, fake_prompts

from circuitcheck.engine import (
    CLEAN,
    Condition,
    Fit,
    MetricReading,
    Plan,
    Replace,
    Request,
    Shape,
    Source,
)
from circuitcheck.nodes import parse_node
from circuitcheck.store import DictionaryIdentity, Identity, ModelIdentity, Store, StoredEngine

MODEL = ModelIdentity("ab" * 32, "cd" * 32, "raw", "float32", "cpu", Shape(4, 4, 4, 8, 16, 10))
LIBRARIES = {"torch": "2.13.0", "transformers": "5.0", "transformer-lens": "4.3.0"}
METRIC = MetricReading("logit_diff")
PLACE = parse_node("L2.z/error@END")
FIT = Fit(PLACE, 0.75, 1 / 3, 4.5, {7: 0.5, 8: 0.0})
PROMPTS = fake_prompts(8)
REFERENCES = fake_prompts(4, seed=9)


def dictionary(alias, layer):
    """Two aliases of one dictionary per layer, and another."""
    content = f"{alias if alias == 'other' else 'z'}{layer}"
    return DictionaryIdentity(content, content, layer, "z")


IDENTITY = Identity("somewhere", MODEL, dictionary, LIBRARIES)


def ablating(*nodes, kind="resample", at="END", side="clean", **source):
    done = Replace(tuple(parse_node(node, at) for node in nodes), Source(kind, **source))
    return Request(Condition(side, done), METRIC)


PLAN = Plan.of(
    [
        Request(CLEAN, METRIC),
        Request(CLEAN, MetricReading("accuracy")),
        ablating("L2H0"),
        ablating("L2.z/7", kind="zero"),
        ablating("L1H0", kind="mean", at="all"),
    ]
)


def numbers(request, n):
    """Values with every bit in use, another row for every request."""
    seed = sum(map(ord, repr(request)))
    return np.random.default_rng([seed, 3]).standard_normal(n)


class Bench:
    """Stored engines on one folder, whose engines remember how often they were made and asked."""

    def __init__(self, folder, identity=IDENTITY, **options):
        self.store = Store(folder, **options)
        self.fake = FakeEngine(
            numbers, fits={PLACE.name: FIT}, profiles={PLACE.name: fake_profile(PLACE, [0.1, 1 / 3])}
        )
        self.made = 0
        self.engine = StoredEngine(self._make, identity, self.store)

    def _make(self):
        self.made += 1
        return self.fake

    def measure(self, plan=PLAN, prompts=PROMPTS):
        return self.engine.measure(plan, prompts, REFERENCES)

    @property
    def asked(self):
        """The requests that reached the engine, in one list."""
        return [request for plan in self.fake.asked for request in plan.requests]


def model_with(**changes):
    return replace(IDENTITY, model=replace(MODEL, **changes))
