"""What is read off a run: metrics at END, attention, activations, and what nodes write to the answer."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oracle.interventions import Scene
from oracle.network import Record
from oracle.wording import Pairs, Spot, indices, read_spot

Numbers = dict[str, NDArray[np.float64]]
"""Per reading, one number per prompt."""


def read(reading: str, scene: Scene, record: Record, pairs: Pairs, prompt: int) -> float:
    """One number of one prompt, under whatever was done in the run that `record` holds."""
    verb, *words = reading.split()
    if verb == "attention":
        spot = read_spot(words[0])
        query, key = indices(spot.at, pairs, prompt)[0], indices(words[1], pairs, prompt)[0]
        return float(record.pattern(spot.layer, spot.number)[query, key])
    if verb == "activation":
        spot = read_spot(words[0])
        return float(_activation(spot, scene, record, indices(spot.at, pairs, prompt)[0]))
    end = pairs.roles["END"][prompt]
    if verb == "writes":
        return _writes([read_spot(word) for word in words], scene, record, pairs, prompt)
    return metric(
        verb, record.logits[end], scene.clean.logits[end], pairs.answers[prompt], pairs.foils[prompt]
    )


def _activation(spot: Spot, scene: Scene, record: Record, index: int) -> Tensor:
    """What the feature is in this run: the value it was set to, or what the encoder says."""
    dictionary = scene.dictionaries[spot.dictionary, spot.layer]
    encoded = dictionary.features(record)[index, spot.number]
    return record.set_features.get((dictionary.site, index, spot.number), encoded)


def metric(name: str, logits: Tensor, clean: Tensor, answer: int, foils: list[int]) -> float:
    """One metric from the logits at END; of several foils the logits are averaged and the probabilities added.

    accuracy takes the best foil. kl is KL(clean model || this run), in nats. rank is 1 where the answer has the highest logit.
    """
    shares, clean_shares = logits.log_softmax(-1), clean.log_softmax(-1)
    numbers = {
        "logit_diff": logits[answer] - logits[foils].mean(),
        "prob_diff": shares[answer].exp() - shares[foils].exp().sum(),
        "log_prob": shares[answer],
        "kl": (clean_shares.exp() * (clean_shares - shares)).sum(),
        "accuracy": logits[answer] > logits[foils].max(),
        "top1": logits.argmax() == answer,
        "rank": 1 + (logits > logits[answer]).sum(),
    }
    return float(numbers[name])


def _writes(spots: list[Spot], scene: Scene, record: Record, pairs: Pairs, prompt: int) -> float:
    """The nodes' outputs through the clean run's last norm, dotted with answer minus foils.

    A LayerNorm centres what it reads; an RMS norm does not, and so nothing is centred there.
    """
    end = pairs.roles["END"][prompt]
    network = scene.network
    output = torch.stack([_output(spot, scene, record, end) for spot in spots]).sum(0)
    stream = scene.clean.at["final", 0][end]
    if not network.is_llama:
        output, stream = output - output.mean(), stream - stream.mean()
    scale = (stream.square().mean() + network.eps).sqrt()
    norm = network.module.model.norm if network.is_llama else network.module.transformer.ln_f
    unembedding = network.module.lm_head.weight.detach()
    direction = unembedding[pairs.answers[prompt]] - unembedding[pairs.foils[prompt]].mean(0)
    return float(output / scale * norm.weight.detach() @ direction)


def _output(spot: Spot, scene: Scene, record: Record, index: int) -> Tensor:
    """What one node adds to the residual stream at one position."""
    network = scene.network
    if spot.kind == "head":
        columns = network.slice_of(spot.number)
        return record.at["z", spot.layer][index, columns] @ network.head_matrix(spot.layer)[columns]
    if spot.kind == "neuron":
        return (
            record.at["neuron", spot.layer][index, spot.number]
            * network.neuron_matrix(spot.layer)[spot.number]
        )
    if spot.kind == "feature":
        dictionary = scene.dictionaries[spot.dictionary, spot.layer]
        written = _activation(spot, scene, record, index) * dictionary.directions[spot.number]
        return written @ network.head_matrix(spot.layer) if dictionary.site[0] == "z" else written
    return record.at[spot.kind, spot.layer][index]
