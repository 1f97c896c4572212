"""The weights compute what the parts say: without noise, the logit difference in closed form."""

from dataclasses import replace

import numpy as np
import torch
from planted_runs import prompts_of

from circuitcheck.checking.models import GivenModel
from circuitcheck.engines import load_model
from circuitcheck.planted import gate_wiring
from circuitcheck.planted.design import LENGTH
from circuitcheck.planted.planted import Planted
from circuitcheck.planted.words import NAMES


def without_noise(seed, *, suffices):
    rng = np.random.default_rng([seed, 99])
    design = replace(gate_wiring.design(rng, suffices=suffices), noise=0.0)
    return Planted.built(design, seed, rng, n_truth=32, exact_passes=False)


def computed(model, part):
    """Answer minus foil of some prompts: what both heads copy, what the neurons make of it, what is read of that.

    Attention and the length of the stream, by which norms divide, are the model's own.
    """
    design, tokens = model.design, torch.tensor(part.clean)
    logits, cache = model.bridge.run_with_cache(tokens)
    (readout, _), written = design.neurons, 0.0
    is_name = np.array(part.clean)[:, :, None] == np.array(design.lexicon.ids(NAMES))
    strength = np.linalg.norm(design.embeddings @ design.frame["token"].T, axis=1)[np.array(part.clean)]
    for head in (design.head("first"), design.head("second")):
        layer, number = head.seat.layer, head.seat.head
        attention = cache[f"blocks.{layer}.attn.hook_pattern"][:, number, -1].numpy()
        read = attention * strength * LENGTH / length(cache[f"blocks.{layer}.hook_resid_pre"])
        written = written + head.copies[0].strength * np.einsum("bj,bjn->bn", read, is_name)
    middle = cache[f"blocks.{readout.layer}.hook_resid_mid"]
    names = readout.read @ design.frame["signal"].T  # neurons x names
    before = (written * LENGTH / length(middle)[:, -1:]) @ names.T + readout.bias
    answer = np.maximum(before, 0) @ readout.write @ design.answers.T
    final = cache[f"blocks.{design.sizes.n_layers - 1}.hook_resid_post"]
    by_name = answer * LENGTH / length(final)[:, -1:]
    ids = design.lexicon.ids(NAMES)
    rows = np.arange(len(part))
    own = [by_name[rows, [ids.index(token) for token in side]] for side in sides(part)]
    theirs = [logits[rows, -1, torch.tensor(side)].detach().numpy() for side in sides(part)]
    return own[0] - own[1], theirs[0] - theirs[1]


def sides(part):
    return part.answers, tuple(foils[0] for foils in part.foils)


def length(stream):
    return np.linalg.norm(stream.detach().numpy(), axis=-1)


def test_the_logit_difference_of_a_gate_is_that_of_its_closed_form():
    for suffices in (True, False):
        model = without_noise(0, suffices=suffices)
        prompts = prompts_of(model)
        for group in prompts.groups:
            own, theirs = computed(model, prompts.subset(group))
            assert theirs.mean() > 1
            assert np.allclose(own, theirs, rtol=1e-3, atol=1e-3)


def test_a_saved_model_is_the_same_model(tmp_path):
    model = without_noise(1, suffices=True)
    model.save(tmp_path)
    assert load_model(tmp_path, device="cpu").digest == model.model.digest


def test_the_model_is_called_by_its_kind_and_not_by_a_folder():
    model = without_noise(1, suffices=True)
    assert model.model.name == GivenModel(model.bridge).name == "planted-or"
