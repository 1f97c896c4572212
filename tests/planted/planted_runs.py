"""Planted models under plain ablations, measured without any claim."""

from functools import cache
from pathlib import Path

import torch

from circuitcheck.engine import CLEAN, Condition, MetricReading, Plan, Replace, Request, Source
from circuitcheck.engines import LensEngine
from circuitcheck.nodes import parse_node
from circuitcheck.prompts.build import build_prompts
from circuitcheck.prompts.tokens import Tokenizer

PLACES = {
    "duplicate": "S2",
    "second-duplicate": "S2",
    "previous": "SOURCE",
    "second-previous": "SOURCE",
}
"""Where heads of the circuit work; the others, and all distractors, at END."""
DISTRACTORS = ("gatherer", "early-gatherer", "other-gatherer", "follower", "late-follower")


@cache
def prompts_of(model, n=64):
    backend = model.bridge.tokenizer
    tokenizer = Tokenizer.from_backend(backend.backend_tokenizer, backend.bos_token_id)
    return build_prompts(
        model.spec([model.design.statements[0].claim("?")]).prompts, tokenizer, n=n, base=Path()
    )


@cache
def metric(model, condition=CLEAN, name="logit_diff"):
    request = Request(condition, MetricReading(name))
    prompts = prompts_of(model)
    engine = LensEngine(model.model, model.dictionaries)
    return engine.measure(Plan((request,)), prompts, prompts).values[request]


def without(model, heads, how):
    """The clean run with these heads ablated where they work."""
    nodes = tuple(parse_node(model.design.head(head).seat.at(PLACES.get(head, "END"))) for head in heads)
    return Condition("clean", Replace(nodes, Source(how)))


def drop(model, *heads, how="resample"):
    clean = metric(model).mean()
    return float((clean - metric(model, without(model, heads, how)).mean()) / clean)


def drop_by_hooks(model, written):
    """The drop when `written` (head name to a function of its z at END) is in force; hooks on the bridge only."""
    prompts, bridge = prompts_of(model), model.bridge
    clean = kept = 0.0
    for group in prompts.groups:
        part = prompts.subset(group)
        tokens = torch.tensor(part.clean)
        hooks = []
        for head, function in written.items():
            seat = model.design.head(head).seat

            def hook(z, hook, seat=seat, function=function):
                z = z.clone()
                z[:, -1, seat.head] = function(z[:, -1, seat.head])
                return z

            hooks.append((f"blocks.{seat.layer}.attn.hook_z", hook))
        with torch.inference_mode():
            clean += _differences(bridge(tokens), part)
            kept += _differences(bridge.run_with_hooks(tokens, fwd_hooks=hooks), part)
    return (clean - kept) / clean


def clean_outputs(model, head):
    """A head's z at END on clean prompts, by the number of prompts in a group."""
    prompts, seat = prompts_of(model), model.design.head(head).seat
    name = f"blocks.{seat.layer}.attn.hook_z"
    found = []
    for group in prompts.groups:
        tokens = torch.tensor(prompts.subset(group).clean)
        with torch.inference_mode():
            _, cache = model.bridge.run_with_cache(tokens, names_filter=[name])
        found.append(cache[name][:, -1, seat.head].clone())
    return found


def _differences(logits, part):
    rows = torch.arange(len(part))
    answers = logits[rows, -1, torch.tensor(part.answers)]
    foils = logits[rows, -1, torch.tensor([foils[0] for foils in part.foils])]
    return float((answers - foils).sum())
