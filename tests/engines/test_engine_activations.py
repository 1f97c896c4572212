"""GPT-2's activation in one step: the same numbers, and the model as it was."""

import pytest
import torch
from transformers.activations import NewGELUActivation

from circuitcheck.engines import LensModel
from circuitcheck.engines.activations import in_one_step


def activations(model: LensModel) -> list[torch.nn.Module]:
    return [one for one in model.bridge.original_model.modules() if isinstance(one, NewGELUActivation)]


def test_the_same_numbers_come_out(gpt2: LensModel) -> None:
    values, found = torch.linspace(-9, 9, 4001), activations(gpt2)
    assert found, "this model has them"
    before = [one(values) for one in found]
    with in_one_step(gpt2):
        after = [one(values) for one in found]
    for old, new in zip(before, after, strict=True):
        torch.testing.assert_close(new, old, rtol=0, atol=1e-6)
        assert not torch.equal(new, old), "by another kernel"


def test_the_model_is_left_as_it_was(gpt2: LensModel) -> None:
    with in_one_step(gpt2), in_one_step(gpt2):
        assert all("forward" in vars(one) for one in activations(gpt2))
    assert not any("forward" in vars(one) for one in activations(gpt2))
    with pytest.raises(KeyboardInterrupt), in_one_step(gpt2):
        raise KeyboardInterrupt
    assert not any("forward" in vars(one) for one in activations(gpt2))


def test_other_activations_are_left_alone(llama: LensModel) -> None:
    assert not activations(llama)
    with in_one_step(llama):
        assert not any("forward" in vars(one) for one in llama.bridge.original_model.modules())
