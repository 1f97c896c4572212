"""The bundled model in a large body: the size of GPT-2 small, the function of the bundled one."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from benchmarks.widened import NAME, SMALL, file_model, widened
from circuitcheck import check
from circuitcheck.shapes import bundled_model_path


def test_it_says_what_the_small_one_says():
    small = AutoModelForCausalLM.from_pretrained(bundled_model_path(SMALL))
    wide = widened(small)
    config = wide.config
    assert (config.n_embd, config.n_layer, config.n_head) == (768, 12, 12)
    assert wide.transformer.h[0].mlp.c_fc.weight.shape == (768, 3072)
    tokens = torch.randint(1, config.vocab_size, (4, 20), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(wide(tokens).logits, small(tokens).logits, rtol=0, atol=2e-4)


def test_a_circuit_file_about_the_small_one_can_be_checked_on_it():
    with file_model(NAME) as model:
        result = check("circuits/plain.circuit.yaml", model_ref=model, n=48)
    assert result.verdicts, "every claim was measured"
    assert not result.errors


def test_other_models_are_refused():
    with pytest.raises(ValueError, match="circuit files are about ioi-mini"), file_model("gpt2-small"):
        pass
