"""How much of the model runs for which intervention, what shares a pass, and what falls back to whole passes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from asking import LOGIT_DIFF, PROMPTS, REFERENCES, keep, nodes, replace
from tiny_models import LAYERS, tiny_gemma2, tiny_prompts

from circuitcheck.engine import (
    CLEAN,
    AttentionReading,
    Condition,
    Intervention,
    MetricReading,
    Plan,
    Reading,
    Request,
    WriteReading,
)
from circuitcheck.engines import (
    DictionaryFolder,
    LensEngine,
    LensModel,
    caches,
    collecting,
    load_model,
    rounds,
    schedule,
    suffix,
    traces,
)
from circuitcheck.engines.groups import batches_of, groups_of, positions_used
from circuitcheck.engines.kept_circuit import KeptParts
from circuitcheck.engines.library import Library
from circuitcheck.engines.schedule import Schedule
from circuitcheck.engines.stacks import Room, stacks_of
from circuitcheck.engines.windows import WHOLE, Window, narrowed, window_around
from circuitcheck.errors import PromptError
from circuitcheck.nodes import parse_node
from circuitcheck.prompts.pairs import PromptSet

ALIKE = PROMPTS.subset(PROMPTS.groups[0])
"""Twelve prompts of eight tokens: BOS, IO at 2, S at 3, END at 7."""


def window_of(
    model: LensModel, shelves: dict[str, DictionaryFolder], intervention: Intervention, *readings: Reading
) -> Window:
    condition = Condition("clean", intervention)
    asked = {condition: readings or (LOGIT_DIFF,)}
    return Schedule.of(asked, model, Library(model, shelves), ALIKE).windows[condition]


@pytest.mark.parametrize(
    ("names", "window"),
    [
        (["L2H1@END"], Window(2, 7)),
        (["L1.z/3@END"], Window(1, 7)),
        (["L0.tc/3@END", "L2H1@END"], Window(0, 7)),
        (["L2.mlp@S"], Window(2, 3)),
        (["L1H2@END", "L2.resid@IO"], Window(1, 2)),
        (["L2G1.k@2"], Window(2, 3)),
        (["L2H3.k@END"], Window(2, 7)),
        (["L2.attn@all"], Window(2, 1)),
        (["L0.mlp@S"], Window(0, 3)),
        (["L0.mlp@all"], Window(0, 1)),
        (["embed@END"], WHOLE),
    ],
)
def test_a_window_starts_at_the_first_block_and_token_that_is_edited(
    llama: LensModel, shelves: dict[str, DictionaryFolder], names: list[str], window: Window
) -> None:
    assert window_of(llama, shelves, replace("resample", *names)) == window


def test_what_cannot_be_windowed_runs_whole(
    llama: LensModel, gpt2: LensModel, shelves: dict[str, DictionaryFolder]
) -> None:
    assert window_of(gpt2, shelves, replace("corrupt", "embed@END")) == WHOLE, "before every block"
    assert window_of(llama, shelves, keep("mean", "L2H3@END")) == KeptParts(0, 1), "of all but BOS, one head"


def test_a_window_holds_what_is_read_under_the_intervention(
    gpt2: LensModel, shelves: dict[str, DictionaryFolder]
) -> None:
    edit = replace("corrupt", "L2H1@END")
    earlier, before = (AttentionReading(parse_node(head), "IO") for head in ("L1H2@END", "L2H2@S"))
    assert window_of(gpt2, shelves, edit, LOGIT_DIFF, earlier) == Window(1, 7)
    assert window_of(gpt2, shelves, edit, before) == Window(2, 3)
    assert window_of(gpt2, shelves, edit, WriteReading(nodes("embed@END"))) == WHOLE


def test_a_window_that_leaves_out_next_to_nothing_is_the_whole() -> None:
    hooks = ["blocks.2.attn.hook_z"]
    assert window_around(hooks, [5], layers=4, length=10) == Window(2, 5)
    assert window_around(["blocks.0.hook_mlp_out"], [1], layers=4, length=10) == Window(0, 1)
    assert window_around(["blocks.0.hook_mlp_out"], [1], layers=4, length=30) == WHOLE
    assert window_around(["blocks.0.hook_mlp_out"], [0], layers=4, length=10) == WHOLE
    assert window_around([*hooks, "ln_final.hook_scale"], [5], layers=4, length=10) == WHOLE


@pytest.mark.parametrize(
    ("names", "window"),
    [
        (["L0H1@S"], Window(0, 3, until=3, only=7)),
        (["L0.mlp@S", "L1H2@IO"], Window(0, 2, until=3, only=7)),
        (["L0.tc/3@S"], Window(0, 3, until=3, only=7)),
        (["L1H1@S"], Window(1, 3, until=3, only=7)),
        (["L0.mlp@S", "L2H2@END"], Window(0, 3, until=3)),
        (["L0.mlp@S", "L0H1.k@IO"], Window(0, 2, only=7)),
        (["L1.resid@S"], Window(1, 3, only=7)),
        (["L2H1@S"], Window(2, 3)),
        (["L1H1@END"], Window(1, 7, until=7)),
        (["embed@S"], WHOLE),
    ],
)
def test_a_wide_model_runs_first_and_last_block_for_some_tokens_only(
    llama: LensModel,
    shelves: dict[str, DictionaryFolder],
    monkeypatch: pytest.MonkeyPatch,
    names: list[str],
    window: Window,
) -> None:
    monkeypatch.setattr(schedule, "_WIDE", llama.shape.d_model)
    assert LAYERS == 3
    assert window_of(llama, shelves, replace("resample", *names)) == window


def test_what_is_read_in_the_first_or_last_block_is_run_there(
    gpt2: LensModel, shelves: dict[str, DictionaryFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "_WIDE", 1)
    edit = replace("corrupt", "L0H1@S")
    here, last = (AttentionReading(parse_node(head), "IO") for head in ("L0H2@END", "L2H2@END"))
    assert window_of(gpt2, shelves, edit, LOGIT_DIFF, last) == Window(0, 3, until=3)
    assert window_of(gpt2, shelves, edit, LOGIT_DIFF, here) == Window(0, 3, only=7)


def test_tokens_that_nothing_needs_are_not_run(gpt2: LensModel, monkeypatch: pytest.MonkeyPatch) -> None:
    heads, exact = plan_of("L0H1@S", "L0H2@S"), LensEngine(gpt2, {}, exact_passes=True)
    expected = numbers(exact, heads, ALIKE)
    suffix.can_run_suffixes(gpt2)  # tried before counting
    monkeypatch.setattr(schedule, "_WIDE", 1)
    untouched, copies = [len(ALIKE) * 8] * 2, 2 * len(ALIKE)
    with tokens_through(gpt2) as seen:
        found = numbers(LensEngine(gpt2, {}), heads, ALIKE)
    assert seen == [[*untouched, copies], [*untouched, 5 * copies], [*untouched, 4 * copies, copies]]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_a_step_without_places_of_its_own_runs_the_first_block_for_all_tokens() -> None:
    window, mlp = Window(0, 3), "blocks.0.hook_mlp_out"
    assert narrowed(window, [(mlp, [3])], (), layers=3, end=7) == Window(0, 3, until=3, only=7)
    assert narrowed(window, [(mlp, [3]), (mlp, [])], (), layers=3, end=7) == Window(0, 3, only=7)


def test_tokens_are_counted_as_they_are_run() -> None:
    assert Window(2, 3).tokens(5, 10) == 3 * 7
    assert Window(2, 3, until=4).tokens(5, 10) == 2 + 7 + 7
    assert Window(2, 3, until=4, only=9).tokens(5, 10) == 2 + 7 + 1 + 6 // 4


@contextmanager
def tokens_through(model: LensModel) -> Iterator[list[list[int]]]:
    """For each block, the number of tokens (rows times positions) of each of its calls."""
    seen: list[list[int]] = [[] for _ in model.bridge.blocks]

    def counter(layer: int) -> Any:
        def count(block: Any, arguments: tuple[Any, ...]) -> None:
            seen[layer].append(arguments[0].shape[0] * arguments[0].shape[1])

        return count

    handles = [block.register_forward_pre_hook(counter(n)) for n, block in enumerate(model.bridge.blocks)]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def plan_of(*names: str) -> Plan:
    conditions = [Condition("clean", replace("corrupt", name)) for name in names]
    return Plan(tuple(Request(condition, LOGIT_DIFF) for condition in [CLEAN, *conditions]))


def test_interventions_at_the_end_recompute_one_token_each_and_share_a_call(gpt2: LensModel) -> None:
    heads = plan_of(*(f"L2H{head}@END" for head in range(4)), "L2.mlp@END", "L2.attn@END")
    suffix.can_run_suffixes(gpt2)  # tried before counting
    whole = len(PROMPTS) * 8
    with tokens_through(gpt2) as seen:
        LensEngine(gpt2, {}).measure(heads, PROMPTS, REFERENCES)
    assert seen == [[whole] * 2, [whole] * 2, [whole] * 2 + [6 * len(PROMPTS)]]
    with tokens_through(gpt2) as seen:
        LensEngine(gpt2, {}, batch_rows=2 * len(PROMPTS)).measure(heads, PROMPTS, REFERENCES)
    assert seen[2] == [whole] * 2 + [2 * len(PROMPTS)] * 3
    with tokens_through(gpt2) as seen:
        LensEngine(gpt2, {}, exact_passes=True).measure(heads, PROMPTS, REFERENCES)
    assert seen == [[whole] * 8] * LAYERS


def test_whole_passes_are_shared_as_far_as_the_batch_size_goes(gpt2: LensModel) -> None:
    embeddings = plan_of("embed@IO", "embed@S", "embed@all")
    suffix.can_run_suffixes(gpt2)  # tried before counting
    with tokens_through(gpt2) as seen:
        LensEngine(gpt2, {}, batch_size=24).measure(embeddings, ALIKE, REFERENCES)
    assert seen[0] == [12 * 8, 12 * 8, 24 * 8, 12 * 8]


def test_a_node_that_may_not_have_changed_is_decided_by_a_whole_pass(
    gpt2: LensModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined = caches.joined
    assert suffix.can_run_suffixes(gpt2)
    monkeypatch.setattr(caches, "joined", lambda before, fresh: joined(before, fresh) * (1 + 1e-6))
    unchanged = Condition("clean", replace("clean", "L2H1@END", "L2.mlp@END"))
    plan = Plan((Request(CLEAN, LOGIT_DIFF), Request(unchanged, LOGIT_DIFF)))
    with tokens_through(gpt2) as seen:
        found = LensEngine(gpt2, {}).measure(plan, PROMPTS, REFERENCES)
    np.testing.assert_array_equal(found.changes[unchanged], 0)
    assert len(seen[0]) == 2, "one untouched pass, and one to decide"


def test_only_prompts_in_doubt_are_run_whole(gpt2: LensModel, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = Condition("clean", replace("corrupt", "L2H1@END"))
    plan = Plan((Request(changed, LOGIT_DIFF),))
    before = LensEngine(gpt2, {}).measure(plan, ALIKE, REFERENCES).changes[changed]
    monkeypatch.setattr(rounds, "_DOUBTFUL", float(np.sort(before[:, 0])[3]))
    monkeypatch.setattr(rounds, "_ENOUGH", 5 * 8)
    with tokens_through(gpt2) as seen:
        after = LensEngine(gpt2, {}).measure(plan, ALIKE, REFERENCES).changes[changed]
    untouched, decided = len(ALIKE) * 8, 5 * 8
    assert seen[0] == [untouched, untouched, decided, decided], "the corrupt side of five prompts, then they"
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-7)


def test_what_a_whole_pass_decides_is_taken_for_those_prompts(
    gpt2: LensModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = Condition("clean", replace("corrupt", "L2H1@END"))
    plan = Plan((Request(changed, LOGIT_DIFF),))
    before = LensEngine(gpt2, {}).measure(plan, ALIKE, REFERENCES).changes[changed][:, 0]
    monkeypatch.setattr(rounds, "_DOUBTFUL", float(np.sort(before)[3]))
    monkeypatch.setattr(rounds, "_ENOUGH", 1)
    note = collecting.Sheet.correct

    def doubled(sheet: collecting.Sheet, places: list[int], decided: collecting.Sheet) -> None:
        decided._changes = {column: 2 * values for column, values in decided._changes.items()}
        note(sheet, places, decided)

    monkeypatch.setattr(collecting.Sheet, "correct", doubled)
    after = LensEngine(gpt2, {}).measure(plan, ALIKE, REFERENCES).changes[changed][:, 0]
    expected = np.where(before < np.sort(before)[3], 2 * before, before)
    np.testing.assert_allclose(after, expected, rtol=1e-5, atol=1e-7)


def numbers(engine: LensEngine, plan: Plan, prompts: PromptSet = PROMPTS) -> np.ndarray:
    found = engine.measure(plan, prompts, prompts)
    return np.stack([found.values[request] for request in plan.requests])


def test_a_model_that_calls_its_blocks_in_an_unknown_way_is_run_whole(
    gpt2_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "POSITION_AXES", {})
    model, plan = load_model(gpt2_directory, device="cpu"), plan_of("L2H1@END", "L2H2@END")
    assert not suffix.can_run_suffixes(model)
    with tokens_through(model) as seen:
        found = numbers(LensEngine(model, {}), plan)
    assert [sorted(calls) for calls in seen] == [[192, 192, 2 * 192]] * LAYERS, "two share a whole pass"
    np.testing.assert_array_equal(found, numbers(LensEngine(model, {}, exact_passes=True), plan))


def test_a_model_whose_parts_do_not_give_its_logits_is_run_whole(gpt2_directory: Path) -> None:
    model = load_model(gpt2_directory, device="cpu")
    head = model.bridge.original_model.lm_head
    head.register_forward_hook(lambda module, arguments, out: out)
    assert suffix.can_run_suffixes(model)
    twisted = load_model(gpt2_directory, device="cpu")
    twisted.bridge.original_model.register_forward_hook(_double_logits)
    assert not suffix.can_run_suffixes(twisted)


def _double_logits(module: Any, arguments: Any, out: Any) -> Any:
    out.logits = out.logits * 2
    return out


def test_half_precision_is_run_whole(gpt2_directory: Path) -> None:
    assert not suffix.can_run_suffixes(load_model(gpt2_directory, device="cpu", dtype="bfloat16"))


@pytest.mark.parametrize("sliding_window", [5, 9])
def test_prompts_longer_than_a_sliding_window_are_run_whole(tmp_path: Path, sliding_window: int) -> None:
    """The cache has let the first tokens go by then; nine is longer than what the model is tried on."""
    model = load_model(tiny_gemma2(tmp_path, sliding_window=sliding_window), device="cpu")
    prompts = tiny_prompts(8, length=11)
    plan = plan_of("L1.mlp@END", "L2.attn@S", *(f"L2.mlp.n{number}@END" for number in range(20)))
    assert suffix.can_run_suffixes(model) == (sliding_window > 8)
    with tokens_through(model) as seen:
        found = numbers(LensEngine(model, {}), plan, prompts)
    assert seen[0] == seen[2], "every pass ran all blocks"
    assert max(seen[2]) <= 64 * 12, "and held no more prompts than a whole pass may"
    np.testing.assert_allclose(
        found, numbers(LensEngine(model, {}, exact_passes=True), plan, prompts), rtol=1e-5, atol=1e-5
    )


def test_prompts_part_only_at_positions_that_are_used() -> None:
    prompts = tiny_prompts(24, templates=4, length=7, lengths=2)
    assert len(prompts.groups) == 4
    assert [len(group) for group in groups_of(prompts, ["END", "all", "-2"])] == [12, 12]
    assert [len(group) for group in groups_of(prompts, ["END", "S"])] == [6, 6, 6, 6]
    assert sorted(np.concatenate(groups_of(prompts, ["S"]))) == list(range(24))
    with pytest.raises(PromptError, match="no role 'S3'"):
        groups_of(prompts, ["S3"])


def test_the_positions_in_use_are_those_of_nodes_and_readings() -> None:
    edit = Condition("clean", replace("corrupt", "L1H2@S"))
    reading = AttentionReading(parse_node("L2H1@IO+1"), "2")
    requests = [Request(edit, LOGIT_DIFF), Request(CLEAN, reading), Request(CLEAN, MetricReading("kl"))]
    assert positions_used(requests) == {"END", "S", "IO+1", "2"}
    assert positions_used([]) == {"END"}


def test_batches_keep_prompts_together_that_may_lend_to_each_other() -> None:
    prompts = tiny_prompts(24, templates=2)
    (group,) = groups_of(prompts, ["END"])
    assert [len(rows) for rows in batches_of(group, prompts, 13)] == [12, 12]
    assert [len(rows) for rows in batches_of(group, prompts, 24)] == [24]
    assert [len(rows) for rows in batches_of(group, prompts, 5)] == [5, 5, 2, 5, 5, 2]
    first = batches_of(group, prompts, 13)[0]
    assert sorted(first) == sorted(int(row) for row in prompts.groups[0])


def test_a_stack_holds_one_side_and_one_window_and_no_more_rows_than_it_may(
    llama: LensModel, shelves: dict[str, DictionaryFolder]
) -> None:
    names = ("L2H0@END", "L2H1@END", "L2H2@END", "L1H0@END", "L2H3@S", "L2H1.k@S", "L2H2.v@S", "embed@S")
    conditions = [Condition("clean", replace("corrupt", name)) for name in names]
    conditions.append(Condition("corrupt", replace("clean", "L2H0@END")))
    asked = dict.fromkeys([CLEAN, *conditions], (LOGIT_DIFF,))
    schedule = Schedule.of(asked, llama, Library(llama, shelves), ALIKE)

    def sizes(room: Room) -> list[int]:
        stacks = stacks_of(schedule.windows, schedule.treatments, room, prompts=12, length=8)
        return [len(stack.conditions) for stack in stacks]

    assert sizes(Room(64, 1000)) == [3, 1, 1, 2, 1, 1], "key and value are private copies, with a shadow each"
    assert sizes(Room(64, 120)) == [3, 1, 1, 1, 1, 1, 1], "whose rows count too"
    assert sizes(Room(64, 24)) == [2, 1, 1, 1, 1, 1, 1, 1]
    assert sizes(Room(64, 1000, exact=True)) == [1] * 9


def test_a_partial_pass_in_compatibility_mode_agrees_too(gpt2_directory: Path) -> None:
    folded = load_model(gpt2_directory, device="cpu", weights="folded")
    assert suffix.can_run_suffixes(folded)
    plan = plan_of("L2H1@END", "L1.mlp@END", "L2.resid@S")
    np.testing.assert_allclose(
        numbers(LensEngine(folded, {}), plan),
        numbers(LensEngine(folded, {}, exact_passes=True), plan),
        rtol=1e-5,
        atol=1e-5,
    )


def test_a_trial_leaves_no_hooks_behind(gpt2_directory: Path) -> None:
    model = load_model(gpt2_directory, device="cpu")
    tokens = torch.tensor(PROMPTS.clean)
    with torch.inference_mode():
        before = model.bridge(tokens)
        suffix.can_run_suffixes(model)
        assert torch.equal(model.bridge(tokens), before)
    assert not any(block._forward_pre_hooks for block in model.bridge.blocks)
