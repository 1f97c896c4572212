"""How well a dictionary stands in for what it replaces: in the activations, in the loss and in the IOI metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional
from transformers import GPT2LMHeadModel

from circuitcheck.training.activations import Site, collect, normalized
from circuitcheck.training.dictionaries import Dictionary
from circuitcheck.training.probes import Cell


@dataclass(frozen=True)
class Fidelity:
    """A dictionary's figures on text it was not trained on; the start token is left out and left as it is.

    Attributes:
        site: The dictionary's folder, such as `z/2`.
        features: Size of the dictionary.
        variance_explained: One minus squared error over variance of the target, over rows and dimensions.
        active: Mean number of active features per token (L0).
        alive: Features active at least once.
        loss_nats: Next-token loss with the reconstruction spliced in, in nats per token.
        clean_loss_nats: The loss without it.
        explained_at_end: The same within (template, order) at the last token of IOI prompts.
        kept: IOI logit difference with the reconstruction spliced in, over the clean one, for each order.
    """

    site: str
    features: int
    variance_explained: float
    active: float
    alive: int
    loss_nats: float
    clean_loss_nats: float
    explained_at_end: float
    kept: dict[str, float]


@torch.inference_mode()
def measure_fidelity(
    model: GPT2LMHeadModel,
    site: Site,
    dictionary: Dictionary,
    prompts: list[Int[Tensor, "batch pos"]],
    cells: list[Cell],
) -> Fidelity:
    """Measures one dictionary on unseen text and on IOI prompts with held-out name pairs."""
    source, target = collect(model, site, prompts)
    features = dictionary.encode(source)
    error = target - dictionary.decode(features)
    clean_loss = _loss(model, prompts)
    with spliced(model, site, dictionary):
        loss = _loss(model, prompts)
    return Fidelity(
        site=f"{site.kind}/{site.layer}",
        features=features.shape[-1],
        variance_explained=1 - (error.square().sum() / (target - target.mean(0)).square().sum()).item(),
        active=(features > 0).float().sum(-1).mean().item(),
        alive=int((features > 0).any(0).sum()),
        loss_nats=loss,
        clean_loss_nats=clean_loss,
        explained_at_end=_explained_at_end(model, site, dictionary, cells),
        kept=kept_by_order(model, {site: dictionary}, cells),
    )


@torch.inference_mode()
def kept_by_order(
    model: GPT2LMHeadModel, dictionaries: Mapping[Site, Dictionary], cells: list[Cell]
) -> dict[str, float]:
    """IOI logit difference with all these reconstructions spliced in, over the clean one, for each order."""
    with ExitStack() as stack:
        for site, dictionary in dictionaries.items():
            stack.enter_context(spliced(model, site, dictionary))
        intervened = _logit_differences(model, cells)
    clean = _logit_differences(model, cells)
    return {order: intervened[order] / clean[order] for order in clean}


def _explained_at_end(model: GPT2LMHeadModel, site: Site, dictionary: Dictionary, cells: list[Cell]) -> float:
    """One minus variance of the error over variance of the target, both within cells, as setup items have it."""
    unexplained = varied = 0.0
    for cell in cells:
        source, target = collect(model, site, [cell.clean])
        rows = len(cell.clean)
        last_source, last_target = (
            each.reshape(rows, -1, each.shape[-1])[:, -1] for each in (source, target)
        )
        error = last_target - dictionary.decode(dictionary.encode(last_source))
        unexplained += (error - error.mean(0)).square().sum().item()
        varied += (last_target - last_target.mean(0)).square().sum().item()
    return 1 - unexplained / varied


@contextmanager
def spliced(model: GPT2LMHeadModel, site: Site, dictionary: Dictionary) -> Iterator[None]:
    """Replaces what the dictionary reconstructs, at every token but the start token."""
    block = model.transformer.h[site.layer]

    def replace_input(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        rebuilt = dictionary.decode(dictionary.encode(inputs[0]))
        return (_but_start(inputs[0], rebuilt), *inputs[1:])

    seen: list[Float[Tensor, "batch pos d_in"]] = []

    def remember(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen[:] = [normalized(inputs[0], block.ln_2.eps)]

    def replace_output(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return _but_start(output, dictionary.decode(dictionary.encode(seen[0])))

    if site.kind == "mlp":
        handles = [
            block.ln_2.register_forward_pre_hook(remember),
            block.mlp.register_forward_hook(replace_output),
        ]
    else:
        module = block.attn.c_proj if site.kind == "z" else block
        handles = [module.register_forward_pre_hook(replace_input)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _but_start(
    original: Float[Tensor, "batch pos d_in"], rebuilt: Float[Tensor, "batch pos d_in"]
) -> Float[Tensor, "batch pos d_in"]:
    return torch.cat([original[:, :1], rebuilt[:, 1:]], dim=1)


def _loss(model: GPT2LMHeadModel, prompts: list[Int[Tensor, "batch pos"]]) -> float:
    total, count = 0.0, 0
    for tokens in prompts:
        logits = model(input_ids=tokens).logits[:, :-1].flatten(0, 1)
        targets = tokens[:, 1:].flatten()
        total += functional.cross_entropy(logits, targets, reduction="sum").item()
        count += len(targets)
    return total / count


def _logit_differences(model: GPT2LMHeadModel, cells: list[Cell]) -> dict[str, float]:
    """The mean over cells for each order, in logits."""
    found: dict[str, list[float]] = {}
    for cell in cells:
        logits, rows = model(input_ids=cell.clean).logits[:, -1], torch.arange(len(cell.answer))
        difference = logits[rows, cell.answer] - logits[rows, cell.foil]
        found.setdefault(cell.order, []).append(difference.mean().item())
    return {order: sum(values) / len(values) for order, values in found.items()}
