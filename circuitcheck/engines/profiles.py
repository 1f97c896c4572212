"""How every feature of one dictionary behaves at one place: what controls are matched by.

In: an error node, clean prompts. Out: `Profile`.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from circuitcheck.engine import Profile
from circuitcheck.engines.batches import nothing_to_look_up, rows_in_batches
from circuitcheck.engines.library import Library
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.passes import Treatment, run
from circuitcheck.engines.scene import Scene
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import Node, NodeKind
from circuitcheck.prompts.pairs import PromptSet


def profile(library: Library, model: LensModel, place: Node, prompts: PromptSet, batch_size: int) -> Profile:
    """See `Engine.profile`.

    Where the place is several tokens of a prompt (`all`), a feature fires on the prompt when it fires on any
    of them, and its activation there is their mean.

    Raises:
        MeasurementError: when `place` is not an error node, or there are no prompts.
    """
    if place.kind is not NodeKind.ERROR:
        msg = f"{place.name} is not a dictionary's place; name it as L2.z/error@END."
        raise MeasurementError(msg)
    if not len(prompts):
        msg = f"there are no prompts on which features could fire at {place}; draw at least one."
        raise MeasurementError(msg)
    dictionary = library.of(place)
    fired, active = torch.zeros(2, dictionary.d_sae, dtype=torch.float64, device=model.device)
    for group in prompts.groups:
        positions = Scene(model, library, prompts.subset(group)).positions(place.at)
        for rows in rows_in_batches(group.tolist(), batch_size):
            code = dictionary.encode(_read(model, dictionary.reads_from, prompts, rows)[:, positions])
            fired += (code > 0).any(1).sum(0)
            active += code.double().mean(1).sum(0)
    norms = dictionary.decoder_rows(tuple(range(dictionary.d_sae))).norm(dim=-1)
    rate, mean = (np.asarray(total.cpu().numpy() / len(prompts)) for total in (fired, active))
    return Profile(place, rate, mean, np.asarray(norms.double().cpu().numpy()))


def _read(
    model: LensModel, hook: str, prompts: PromptSet, rows: tuple[int, ...]
) -> Float[Tensor, "batch pos width"]:
    """What the dictionary reads on the clean side of some prompts of one group."""
    tokens = [prompts.clean[row] for row in rows]
    seen = run(model, tokens, 0, record={hook}, treatment=Treatment(), lookup=nothing_to_look_up)
    return seen.recorded[hook].flatten(2)
