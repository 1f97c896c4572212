"""What the dictionaries are trained on: activations of the language model at the hook points they belong to.

A `Site` names a place by its TransformerLens hook name and gets its values from plain hooks on the Hugging Face
module. The input of a transcoder is the normalised residual stream before LayerNorm's weight and bias, because that is
what `ln2.hook_normalized` is.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import torch
from jaxtyping import Float, Int
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import GPT2LMHeadModel

from circuitcheck.training.corpus import documents
from circuitcheck.training.tokenizer import END_OF_TEXT_ID

ReadHook = Callable[[Float[Tensor, "batch pos d_in"]], None]


@dataclass(frozen=True)
class Site:
    """Where a dictionary reads and writes.

    Attributes:
        kind: `z` (heads side by side), `mlp` (a transcoder) or `resid` (before the block).
        layer: Counted from 0.
    """

    kind: str
    layer: int

    @property
    def hook_name(self) -> str:
        """The TransformerLens name of what the dictionary reads."""
        names = {"z": "attn.hook_z", "mlp": "ln2.hook_normalized", "resid": "hook_resid_pre"}
        return f"blocks.{self.layer}.{names[self.kind]}"

    @property
    def hook_name_out(self) -> str:
        """The TransformerLens name of what the dictionary reconstructs."""
        return f"blocks.{self.layer}.hook_mlp_out" if self.kind == "mlp" else self.hook_name


SITES = (
    *(Site("z", layer) for layer in range(4)),
    *(Site("mlp", layer) for layer in range(4)),
    Site("resid", 2),
)


@torch.inference_mode()
def collect(
    model: GPT2LMHeadModel, site: Site, prompts: list[Int[Tensor, "batch pos"]]
) -> tuple[Float[Tensor, "row d_in"], Float[Tensor, "row d_in"]]:
    """Input and target of a site's dictionary at every token but the start token; one tensor twice for an SAE."""
    inputs: list[Float[Tensor, "row d_in"]] = []
    targets: list[Float[Tensor, "row d_in"]] = []
    with reading(model, site, lambda x: inputs.append(_rows(x)), lambda y: targets.append(_rows(y))):
        for tokens in prompts:
            model.transformer(input_ids=tokens)
    source = torch.cat(inputs)
    return source, torch.cat(targets) if targets else source


@contextmanager
def reading(
    model: GPT2LMHeadModel, site: Site, read_input: ReadHook, read_target: ReadHook
) -> Iterator[None]:
    """Calls `read_input` and, for a transcoder, `read_target` on every forward pass."""
    block = model.transformer.h[site.layer]

    def before(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        value = inputs[0]
        read_input(normalized(value, block.ln_2.eps) if site.kind == "mlp" else value)

    def after(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        read_target(output)

    modules: dict[str, nn.Module] = {"z": block.attn.c_proj, "mlp": block.ln_2, "resid": block}
    handles = [modules[site.kind].register_forward_pre_hook(before)]
    if site.kind == "mlp":
        handles.append(block.mlp.register_forward_hook(after))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def normalized(residual: Float[Tensor, "*rows d_model"], epsilon: float) -> Float[Tensor, "*rows d_model"]:
    """LayerNorm without its weight and bias."""
    centred = residual - residual.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + epsilon).sqrt()


def same_length_batches(
    tokenizer: Tokenizer, seed: int, count: int, batch: int = 64
) -> list[Int[Tensor, "batch pos"]]:
    """Documents of the wide corpus with the start token first, batched by length so that nothing is padded."""
    rng = random.Random(f"dictionaries/{seed}")
    texts = [document.text for document in islice(documents(rng), count)]
    by_length: dict[int, list[list[int]]] = {}
    for encoding in tokenizer.encode_batch(texts):
        by_length.setdefault(len(encoding.ids), []).append([END_OF_TEXT_ID, *encoding.ids])
    return [
        torch.tensor(rows[start : start + batch])
        for rows in by_length.values()
        for start in range(0, len(rows), batch)
    ]


def _rows(value: Float[Tensor, "batch pos d_in"]) -> Float[Tensor, "row d_in"]:
    return value[:, 1:].flatten(0, 1).clone()
