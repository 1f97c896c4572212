"""The same cases, asked of an engine: plain data in, `circuitcheck` words out, numbers back under the same names."""

from __future__ import annotations

from circuitcheck.engine import (
    ActivationReading,
    AttentionReading,
    Condition,
    Engine,
    Intervention,
    KeepOnly,
    MetricReading,
    Plan,
    Reading,
    Replace,
    Request,
    Route,
    Source,
    Splice,
    Steer,
    WriteReading,
)
from circuitcheck.nodes import parse_node
from circuitcheck.prompts.pairs import PromptSet
from oracle.readings import Numbers
from oracle.wording import Case


def ask(engine: Engine, cases: list[Case], prompts: PromptSet, references: PromptSet) -> list[Numbers]:
    """All cases in one plan, as a circuit file with many claims would be."""
    requests = [{text: _request(case, text) for text in case.every_reading} for case in cases]
    plan = Plan.of([request for case in requests for request in case.values()])
    values = engine.measure(plan, prompts, references).values
    return [{text: values[request] for text, request in case.items()} for case in requests]


def _request(case: Case, reading: str) -> Request:
    return Request(Condition(case.side, _intervention(case)), _reading(reading))  # type: ignore[arg-type]  # plain words


def _intervention(case: Case) -> Intervention | None:
    nodes = tuple(parse_node(text) for text in case.nodes)
    source = Source(case.source, case.over, case.donors)  # type: ignore[arg-type]  # plain words
    if case.verb == "splice":
        return Splice(nodes)
    if case.verb == "keep":
        return KeepOnly(nodes, source, case.scope, case.error or "reference")  # type: ignore[arg-type]  # plain words
    error = case.error or "live"
    if case.verb == "steer":
        return Steer(nodes, case.how, case.amount, error)  # type: ignore[arg-type]  # plain words
    if case.verb == "route":
        receivers = tuple(parse_node(text) for text in case.receivers)
        return Route(nodes, receivers, source, error, case.downstream, case.mlps)  # type: ignore[arg-type]  # plain words
    if not nodes:
        return None
    places = [parse_node(text) if text else None for text in (case.from_hook, case.until)]
    return Replace(nodes, source, error, case.downstream, case.mlps, *places)  # type: ignore[arg-type]  # plain words


def _reading(text: str) -> Reading:
    verb, *words = text.split()
    if verb == "attention":
        return AttentionReading(parse_node(words[0]), words[1])
    if verb == "activation":
        return ActivationReading(parse_node(words[0]))
    if verb == "writes":
        return WriteReading(tuple(parse_node(word) for word in words))
    return MetricReading(verb)  # type: ignore[arg-type]  # the seven metrics
