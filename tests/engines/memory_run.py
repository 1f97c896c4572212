"""A process of its own that measures on a random model as wide as GPT-2 small, and says what memory that took.

Called with layers, budget in MiB, and prompts of 16 and of 256 tokens; prints plain data as JSON.
"""

import json
import re
import sys
import tempfile
import time
from pathlib import Path

import torch
from tiny_models import tiny_prompts
from transformer_lens.model_bridge import TransformerBridge
from transformers import GPT2Config, GPT2LMHeadModel

from circuitcheck.engine import (
    CLEAN,
    Condition,
    Intervention,
    KeepOnly,
    MetricReading,
    Plan,
    Replace,
    Request,
    Route,
    Source,
)
from circuitcheck.engines import LensEngine, LensModel, wrap_model
from circuitcheck.nodes import parse_node

LENGTHS = (16, 256)


def model_of(layers: int) -> LensModel:
    config = GPT2Config(n_layer=layers, n_positions=256)
    with tempfile.TemporaryDirectory() as folder:
        config.save_pretrained(folder)
        weights = GPT2LMHeadModel._from_config(config, attn_implementation="eager")
        bridge = TransformerBridge.boot_transformers(
            folder, hf_model=weights, device="cpu", dtype=torch.float32
        )
    return wrap_model(bridge)


def plan_of(layers: int) -> Plan:
    heads = [parse_node(f"L{layer}H{head}@END") for layer in (0, layers - 1) for head in range(2)]
    done: list[Intervention] = [Replace((head,), Source("resample")) for head in heads]
    done += [KeepOnly((heads[0],), Source("mean")), Replace(tuple(heads), Source("corrupt"))]
    done.append(Replace((heads[0],), Source("corrupt"), downstream="frozen"))
    readers = [parse_node(f"L{layers - 1}H{head}.q@END") for head in range(4)]
    done += [Route((heads[0],), (reader,), Source("resample")) for reader in readers]
    conditions = [CLEAN, *(Condition("clean", intervention) for intervention in done)]
    return Plan(tuple(Request(condition, MetricReading("logit_diff")) for condition in conditions))


def status(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None, name
    return int(found[1]) << 10


def main(layers: int, budget: int, *counts: int) -> None:
    engine = LensEngine(model_of(layers), {}, memory=budget << 20)
    Path("/proc/self/clear_refs").write_text("5")
    before, started = status("VmRSS"), time.monotonic()
    peaks = []
    for count, length in zip(counts, LENGTHS, strict=True):
        if count:
            prompts, references = (
                tiny_prompts(n, seed=seed, length=length - 1, templates=1, orders=("ABBA",))
                for n, seed in ((count, 0), (4, 3))
            )
            engine.measure(plan_of(layers), prompts, references)
            # The engine starts its own high-water marks, so each measure's is read before the next begins.
            peaks.append(status("VmHWM"))
    told = {
        "taken": max(peaks) - before,
        "factor": engine._memory.factor,
        "seconds": time.monotonic() - started,
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
