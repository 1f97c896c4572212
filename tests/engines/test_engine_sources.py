"""Donors and means, against the same values put in by hand."""

import dataclasses

import numpy as np
import pytest
import torch
from asking import PROMPTS, REFERENCES, ask, nodes, replace
from tiny_models import tiny_prompts

from circuitcheck.engine import Replace, Side, Source, SourceKind
from circuitcheck.engines import DictionaryFolder, LensEngine, resample_donors
from circuitcheck.engines.sources import MeanTable
from circuitcheck.errors import MeasurementError, PromptError

HEAD, HOOK = "L1H2@S", "blocks.1.attn.hook_z"


def recorded(engine: LensEngine, tokens: tuple[tuple[int, ...], ...], hook: str) -> torch.Tensor:
    seen: list[torch.Tensor] = []
    with torch.inference_mode():
        engine.model.bridge.run_with_hooks(
            torch.tensor(tokens), fwd_hooks=[(hook, lambda value, hook: seen.append(value.clone()))]
        )
    return seen[0]


def with_values(engine: LensEngine, values: torch.Tensor) -> np.ndarray:
    """Logit difference with these z (n, d_head) of head 2 of layer 1 at S."""
    places = PROMPTS.roles["S"]

    def put_in(value: torch.Tensor, hook: object) -> torch.Tensor:
        value = value.clone()
        value[range(len(PROMPTS)), places, 2] = values.to(value.dtype)
        return value

    with torch.inference_mode():
        bridge = engine.model.bridge
        logits = bridge.run_with_hooks(torch.tensor(PROMPTS.clean), fwd_hooks=[(HOOK, put_in)])[:, -1].numpy()
    rows = np.arange(len(PROMPTS))
    difference: np.ndarray = (
        logits[rows, PROMPTS.answers] - logits[rows, [foils[0] for foils in PROMPTS.foils]]
    )
    return difference


@pytest.mark.parametrize("over", ["clean", "corrupt"])
def test_resample_reads_the_donors_value(engine: LensEngine, over: Side) -> None:
    z = recorded(engine, getattr(PROMPTS, over), HOOK)
    donors = resample_donors(PROMPTS)
    expected = with_values(engine, z[donors, PROMPTS.roles["S"], 2])
    found = ask(engine, Replace(nodes(HEAD), Source("resample", over)))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_donors_are_another_prompt_of_the_same_cell_and_group_each_lending_once() -> None:
    prompts = tiny_prompts(40, lengths=2)
    donors = resample_donors(prompts)
    assert sorted(donors) == list(range(40))
    assert (donors != np.arange(40)).all()
    assert all(prompts.cells[row] == prompts.cells[donor] for row, donor in enumerate(donors))
    assert all(len(prompts.clean[row]) == len(prompts.clean[donor]) for row, donor in enumerate(donors))


def test_lending_goes_round_the_whole_cell() -> None:
    prompts = tiny_prompts(24)
    donors = resample_donors(prompts)
    for start in range(4):
        row, visited = int(donors[start]), 1
        while row != start:
            row, visited = int(donors[row]), visited + 1
        assert visited == 6
    pairs = tiny_prompts(8)
    np.testing.assert_array_equal(resample_donors(pairs), [4, 5, 6, 7, 0, 1, 2, 3])


def test_a_mean_counts_only_the_prompts_that_reach_the_position() -> None:
    table, cell = MeanTable.empty(), ("t0", "ABBA")
    table.add((cell, cell), torch.tensor([[[1.0], [2.0]], [[3.0], [4.0]]]))
    table.add((cell,), torch.tensor([[[8.0], [9.0], [5.0]]]))
    np.testing.assert_allclose(table.mean(cell, (0, 1, 2))[:, 0], [4, 5, 5])
    table.add((cell,), torch.tensor([[[0.0]]]))
    np.testing.assert_allclose(table.mean(cell, (0, 2))[:, 0], [3, 5])


def test_donors_depend_on_the_seed_and_on_nothing_else() -> None:
    prompts = tiny_prompts(24, seed=3)
    np.testing.assert_array_equal(resample_donors(prompts), resample_donors(tiny_prompts(24, seed=3)))
    other = dataclasses.replace(prompts, seed=4)
    assert (resample_donors(prompts) != resample_donors(other)).any()


def test_a_cell_with_a_single_prompt_has_no_donor(gpt2_engine: LensEngine) -> None:
    prompts = PROMPTS.subset([0, 1, 2, 4])
    with pytest.raises(
        MeasurementError, match=r"resample finds no donor for the prompt 'w.*use more prompts, or mean"
    ):
        ask(gpt2_engine, replace("resample", HEAD), prompts=prompts)


def test_nodes_share_a_donor_unless_donors_are_independent(gpt2_engine: LensEngine) -> None:
    names = ("L1H2@S", "L2H1@END")
    shared = ask(gpt2_engine, replace("resample", *names))
    independent = ask(gpt2_engine, Replace(nodes(*names), Source("resample", donors="independent")))
    assert np.abs(shared - independent).max() > 1e-3
    assert (resample_donors(PROMPTS, 1) != resample_donors(PROMPTS, 2)).any()


@pytest.mark.parametrize("over", ["clean", "corrupt"])
def test_the_mean_is_over_the_reference_set_per_cell_and_position(engine: LensEngine, over: Side) -> None:
    z = recorded(engine, getattr(REFERENCES, over), HOOK).double()
    means = []
    for row, cell in enumerate(PROMPTS.cells):
        members = [index for index, other in enumerate(REFERENCES.cells) if other == cell]
        means.append(z[members, PROMPTS.roles["S"][row], 2].mean(0))
    expected = with_values(engine, torch.stack(means))
    found = ask(engine, Replace(nodes(HEAD), Source("mean", over)))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_mean_of_a_feature_is_of_its_activation_not_of_the_stream(
    gpt2_engine: LensEngine, shelves: dict[str, DictionaryFolder]
) -> None:
    dictionary = shelves["zz"].layer(1)
    z = recorded(gpt2_engine, REFERENCES.corrupt, HOOK).flatten(2)
    codes = dictionary.encode(z)[..., 0].double()
    assert 0 < (codes > 0).float().mean() < 1
    here = recorded(gpt2_engine, PROMPTS.clean, HOOK).flatten(2)
    values = here.clone()
    for row, cell in enumerate(PROMPTS.cells):
        members = [index for index, other in enumerate(REFERENCES.cells) if other == cell]
        mean = codes[members, -1].mean()
        values[row, -1] += (mean - dictionary.encode(here)[row, -1, 0]) * dictionary.weights["W_dec"][0]
    bridge = gpt2_engine.model.bridge
    with torch.inference_mode():
        put_in = (HOOK, lambda value, hook: values.reshape(value.shape))
        logits = bridge.run_with_hooks(torch.tensor(PROMPTS.clean), fwd_hooks=[put_in])[:, -1].numpy()
    rows = np.arange(len(PROMPTS))
    expected = logits[rows, PROMPTS.answers] - logits[rows, [foils[0] for foils in PROMPTS.foils]]
    np.testing.assert_allclose(ask(gpt2_engine, replace("mean", "L1.zz/0@END")), expected, atol=1e-5)


def test_a_cell_that_the_reference_set_lacks_has_no_mean(gpt2_engine: LensEngine) -> None:
    rows = [row for row, (template, _) in enumerate(REFERENCES.cells) if template == "t0"]
    with pytest.raises(MeasurementError, match="reference set has no prompt of template 't1', order 'ABBA'"):
        ask(gpt2_engine, replace("mean", HEAD), references=REFERENCES.subset(rows))


def test_a_reference_set_of_shorter_prompts_has_no_mean_at_later_positions(gpt2_engine: LensEngine) -> None:
    with pytest.raises(MeasurementError, match="reaches token 7"):
        ask(gpt2_engine, replace("mean", "L1H2@END"), references=tiny_prompts(24, length=5))


def test_prompts_of_several_lengths_are_measured_each_at_its_own_positions(engine: LensEngine) -> None:
    mixed = tiny_prompts(24, lengths=2)
    rows = [row for row, tokens in enumerate(mixed.clean) if len(tokens) == 8]
    kinds: tuple[SourceKind, ...] = ("corrupt", "mean", "resample")
    for kind in kinds:
        together = ask(
            engine, replace(kind, "L1H2@all"), prompts=mixed, references=tiny_prompts(32, seed=7, lengths=2)
        )
        alone = ask(
            engine, replace(kind, "L1H2@all"),
            prompts=mixed.subset(rows), references=tiny_prompts(32, seed=7, lengths=2),
        )  # fmt: skip
        if kind != "resample":
            np.testing.assert_allclose(together[rows], alone, atol=1e-5)
        assert np.isfinite(together).all()


def test_a_role_that_prompts_lack_is_named(gpt2_engine: LensEngine) -> None:
    with pytest.raises(PromptError, match="have no role 'IO2'"):
        ask(gpt2_engine, replace("zero", "L1H2@IO2"))
