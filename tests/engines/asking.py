"""One number per prompt from an engine, in one line of a test."""

from tiny_models import tiny_prompts

from circuitcheck.engine import (
    Condition,
    Downstream,
    Intervention,
    KeepOnly,
    Measurement,
    MetricReading,
    Mlps,
    Plan,
    Reading,
    Replace,
    Request,
    Route,
    Side,
    Source,
    SourceKind,
    Steer,
    SteerHow,
    Values,
)
from circuitcheck.engines import LensEngine
from circuitcheck.nodes import Node, parse_node
from circuitcheck.prompts.pairs import PromptSet

LOGIT_DIFF = MetricReading("logit_diff")
PROMPTS = tiny_prompts(24)
REFERENCES = tiny_prompts(32, seed=7)


def nodes(*names: str) -> tuple[Node, ...]:
    return tuple(parse_node(name) for name in names)


def ask(
    engine: LensEngine,
    intervention: Intervention | None,
    *,
    side: Side = "clean",
    reading: Reading = LOGIT_DIFF,
    prompts: PromptSet = PROMPTS,
    references: PromptSet = REFERENCES,
) -> Values:
    request = Request(Condition(side, intervention), reading)
    return engine.measure(Plan((request,)), prompts, references).values[request]


def measure(
    engine: LensEngine, condition: Condition, prompts: PromptSet = PROMPTS, references: PromptSet = REFERENCES
) -> Measurement:
    return engine.measure(Plan((Request(condition, LOGIT_DIFF),)), prompts, references)


def changes(engine: LensEngine, intervention: Intervention, side: Side = "clean") -> Values:
    condition = Condition(side, intervention)
    return measure(engine, condition).changes[condition]


def replace(kind: SourceKind, *names: str, error: str = "live") -> Replace:
    return Replace(nodes(*names), Source(kind), error)  # type: ignore[arg-type]


def keep(kind: SourceKind, *names: str, scope: str = "heads", error: str = "reference") -> KeepOnly:
    return KeepOnly(nodes(*names), Source(kind), scope, error)  # type: ignore[arg-type]


def route(
    senders: str,
    receivers: str,
    kind: SourceKind = "corrupt",
    *,
    downstream: Downstream = "free",
    mlps: Mlps = "frozen",
) -> Route:
    """Names with blanks between them."""
    return Route(
        nodes(*senders.split()), nodes(*receivers.split()), Source(kind), downstream=downstream, mlps=mlps
    )


def steer(how: SteerHow, value: float, *names: str, error: str = "live") -> Steer:
    return Steer(nodes(*names), how, value, error)  # type: ignore[arg-type]


def frozen(kind: SourceKind, *names: str, mlps: Mlps = "frozen") -> Replace:
    return Replace(nodes(*names), Source(kind), downstream="frozen", mlps=mlps)
