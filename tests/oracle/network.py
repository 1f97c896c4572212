"""A Hugging Face module with its insides in reach: plain hooks that edit and record, one prompt at a time.

A run visits, per layer and in this order, the sites `resid` (what the block reads), `q`, `k`, `v` (projections, before
rotary), `z` (heads side by side, before W_O), `attn` (after W_O and b_O), `resid_mid`, `neuron` (what the MLP's last
matrix reads) and `mlp` (after b_out); before them `embed`, after them `final` (what the last norm reads).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

Site = tuple[str, int]


@dataclass
class Record:
    """What one run held at each site, after its edits: (position, width); and its logits and patterns."""

    at: dict[Site, Tensor] = field(default_factory=dict)
    patterns: dict[int, Tensor] = field(default_factory=dict)  # (head, query, key)
    private_patterns: dict[tuple[int, int], Tensor] = field(default_factory=dict)
    set_features: dict[tuple[Site, int, int], Tensor] = field(default_factory=dict)
    """Activations that an edit set, by (site, token index, feature): they are no longer what the encoder says."""
    moved: dict[Site, Tensor] = field(default_factory=dict)
    """By how much edits that were noted changed a site, (position, width)."""
    logits: Tensor = field(default_factory=lambda: torch.empty(0))

    def pattern(self, layer: int, head: int) -> Tensor:
        """The attention of one head, (query, key); its own where it was given a private key."""
        return self.private_patterns.get((layer, head), self.patterns[layer][head])


Edit = Callable[[Tensor, Record], None]
"""Changes the values at one site, (position, width), in place; the record holds the sites before it."""
Edits = dict[Site, list[Edit]]


class Network:
    """GPT2LMHeadModel or LlamaForCausalLM, eager, in double precision."""

    def __init__(self, folder: Path) -> None:
        self.module = AutoModelForCausalLM.from_pretrained(
            folder, attn_implementation="eager", dtype=torch.float32
        )
        self.module = self.module.double().eval()
        config = self.module.config
        self.is_llama = config.model_type == "llama"
        self.n_layers: int = config.num_hidden_layers
        self.n_heads: int = config.num_attention_heads
        self.n_groups: int = config.num_key_value_heads if self.is_llama else self.n_heads
        self.d_head: int = config.hidden_size // self.n_heads
        self.eps: float = config.rms_norm_eps if self.is_llama else config.layer_norm_epsilon

    def group_of(self, head: int) -> int:
        """The key-value head that a query head reads: neighbours share one."""
        return head // (self.n_heads // self.n_groups)

    def slice_of(self, head: int) -> slice:
        """The columns of one head where heads lie side by side."""
        return slice(head * self.d_head, (head + 1) * self.d_head)

    def run(self, tokens: list[int], edits: Edits | None = None) -> Record:
        """One prompt through the module, with edits; at a site the edits come in the order given."""
        record = Record()
        with ExitStack() as stack, torch.no_grad():
            for handle in self._hooks(edits or {}, record):
                stack.callback(handle.remove)
            answer = self.module(input_ids=torch.tensor([tokens]), output_attentions=True, use_cache=False)
        record.logits = answer.logits[0]
        record.patterns = {layer: pattern[0] for layer, pattern in enumerate(answer.attentions)}
        return record

    def _hooks(self, edits: Edits, record: Record) -> Iterator[Any]:
        def visit(site: Site, values: Tensor) -> None:
            for edit in edits.get(site, []):
                edit(values[0], record)
            record.at[site] = values[0].clone()

        for module, when, names, layer in self._places():
            if when == "before":
                yield module.register_forward_pre_hook(_before(visit, (names[0], layer)), with_kwargs=True)
            else:
                yield module.register_forward_hook(_after(visit, names, layer))

    def _places(self) -> Iterator[tuple[nn.Module, str, tuple[str, ...], int]]:
        inner = self.module.model if self.is_llama else self.module.transformer
        yield (inner.embed_tokens if self.is_llama else inner.wte), "after", ("embed",), 0
        for layer, block in enumerate(inner.layers if self.is_llama else inner.h):
            yield block, "before", ("resid",), layer
            yield from self._llama_block(block, layer) if self.is_llama else self._gpt2_block(block, layer)
            yield block.mlp, "after", ("mlp",), layer
        yield (inner.norm if self.is_llama else inner.ln_f), "before", ("final",), 0

    def _gpt2_block(self, block: Any, layer: int) -> Iterator[tuple[nn.Module, str, tuple[str, ...], int]]:
        yield block.attn.c_attn, "after", ("q", "k", "v"), layer
        yield block.attn.c_proj, "before", ("z",), layer
        yield block.attn.c_proj, "after", ("attn",), layer
        yield block.ln_2, "before", ("resid_mid",), layer
        yield block.mlp.c_proj, "before", ("neuron",), layer

    def _llama_block(self, block: Any, layer: int) -> Iterator[tuple[nn.Module, str, tuple[str, ...], int]]:
        yield block.self_attn.q_proj, "after", ("q",), layer
        yield block.self_attn.k_proj, "after", ("k",), layer
        yield block.self_attn.v_proj, "after", ("v",), layer
        yield block.self_attn.o_proj, "before", ("z",), layer
        yield block.self_attn.o_proj, "after", ("attn",), layer
        yield block.post_attention_layernorm, "before", ("resid_mid",), layer
        yield block.mlp.down_proj, "before", ("neuron",), layer

    def head_output(
        self, layer: int, head: int, record: Record, key: Tensor, value: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Attention of one query head recomputed by hand, with its own key and value: (z, pattern).

        `key` and `value` are (position, d_head), the key before rotary; the query is that of the run.
        """
        query = record.at["q", layer][:, self.slice_of(head)]
        if self.is_llama:
            query, key = self._rotated(query), self._rotated(key)
        scores = query @ key.T / self.d_head**0.5
        later = torch.ones_like(scores, dtype=torch.bool).triu(1)
        pattern = scores.masked_fill(later, float("-inf")).softmax(-1)
        return pattern @ value, pattern

    def _rotated(self, vectors: Tensor) -> Tensor:
        """Rotary positions: the pair (i, i + d_head / 2) turned by position / theta^(2 i / d_head)."""
        half = self.d_head // 2
        theta = self.module.config.rope_parameters["rope_theta"]
        speeds = theta ** (-torch.arange(half, dtype=torch.float64) / half)
        angles = torch.arange(len(vectors), dtype=torch.float64)[:, None] * speeds
        first, second = vectors[:, :half], vectors[:, half:]
        turned = first * angles.cos() - second * angles.sin(), second * angles.cos() + first * angles.sin()
        return torch.cat(turned, dim=-1)

    def projected(self, layer: int, kind: str, stream: Tensor) -> Tensor:
        """q, k or v of all heads (or groups) that the block would make of a stream, (width,), before rotary."""
        block = self.blocks[layer]
        if self.is_llama:
            read = self.normalised(stream) * block.input_layernorm.weight.detach()
            return read @ block.self_attn.get_submodule(f"{kind}_proj").weight.detach().T
        read = self.normalised(stream) * block.ln_1.weight.detach() + block.ln_1.bias.detach()
        return (read @ block.attn.c_attn.weight.detach() + block.attn.c_attn.bias.detach()).chunk(3)[
            "qkv".index(kind)
        ]

    def mlp_output(self, layer: int, stream: Tensor) -> Tensor:
        """What the MLP would write, had it read this stream at one position, (d_model,)."""
        block = self.blocks[layer]
        if self.is_llama:
            read = self.normalised(stream) * block.post_attention_layernorm.weight.detach()
            gate, up = (read @ part.weight.detach().T for part in (block.mlp.gate_proj, block.mlp.up_proj))
            return torch.nn.functional.silu(gate) * up @ self.neuron_matrix(layer)
        read = self.normalised(stream) * block.ln_2.weight.detach() + block.ln_2.bias.detach()
        hidden = read @ block.mlp.c_fc.weight.detach() + block.mlp.c_fc.bias.detach()
        # GPT-2 has the tanh form of GELU.
        neurons = torch.nn.functional.gelu(hidden, approximate="tanh")
        return neurons @ self.neuron_matrix(layer) + block.mlp.c_proj.bias.detach()

    @property
    def blocks(self) -> Any:
        """The module's blocks."""
        return self.module.model.layers if self.is_llama else self.module.transformer.h

    def head_matrix(self, layer: int) -> Tensor:
        """W_O of all heads side by side, (n_heads * d_head, d_model)."""
        return self._matrix(layer, "self_attn.o_proj", "attn.c_proj")

    def neuron_matrix(self, layer: int) -> Tensor:
        """The MLP's last matrix, (d_mlp, d_model)."""
        return self._matrix(layer, "mlp.down_proj", "mlp.c_proj")

    def _matrix(self, layer: int, in_llama: str, in_gpt2: str) -> Tensor:
        """One weight as (in, out): GPT-2 stores it so, Llama the other way round."""
        if self.is_llama:
            linear = self.module.model.layers[layer].get_submodule(in_llama)
            return cast("Tensor", linear.weight.detach().T)
        return cast("Tensor", self.module.transformer.h[layer].get_submodule(in_gpt2).weight.detach())

    def normalised(self, residual: Tensor) -> Tensor:
        """What a norm of this model makes of a residual stream before its own weight and bias."""
        centred = residual if self.is_llama else residual - residual.mean(-1, keepdim=True)
        return centred / (centred.square().mean(-1, keepdim=True) + self.eps).sqrt()


def _before(visit: Callable[[Site, Tensor], None], site: Site) -> Callable[..., None]:
    """In place on purpose: the residual branch and the norm beside it read the same tensor."""

    def hook(_module: nn.Module, args: tuple[Tensor, ...], kwargs: dict[str, Tensor]) -> None:
        visit(site, args[0] if args else kwargs["hidden_states"])

    return hook


def _after(visit: Callable[[Site, Tensor], None], names: tuple[str, ...], layer: int) -> Callable[..., None]:
    def hook(_module: nn.Module, _args: tuple[Tensor, ...], output: Tensor) -> None:
        for name, part in zip(names, output.chunk(len(names), dim=-1), strict=True):
            visit((name, layer), part)

    return hook
