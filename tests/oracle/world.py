"""What the oracle and the engines both read from disk: two random models and their dictionaries.

Nothing here is trained. Weights are large enough that interventions matter, norms have weights and biases that are
neither one nor zero, and every dictionary feature fires on about 30% of the tokens that it was calibrated on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from oracle.network import Network, Record

D_MODEL = 32
N_HEADS = 4
N_FEATURES = 24
FIRING = 0.3


@dataclass(frozen=True)
class World:
    """One model folder, and the pattern of the dictionary folders of each alias."""

    model: Path
    patterns: dict[str, str]


def build_gpt2(folder: Path, words: list[str], prompts: list[list[int]]) -> World:
    """Four layers with z SAEs, transcoders and residual SAEs."""
    config = GPT2Config(
        vocab_size=len(words),
        n_positions=32,
        n_embd=D_MODEL,
        n_layer=4,
        n_head=N_HEADS,
        bos_token_id=0,
        eos_token_id=0,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )
    return _build(folder, GPT2LMHeadModel(config), words, prompts, seed=11)


def build_llama(folder: Path, words: list[str], prompts: list[list[int]]) -> World:
    """Three layers, four query heads that share two key-value heads, rotary positions, RMS norms."""
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=D_MODEL,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=N_HEADS,
        num_key_value_heads=2,
        max_position_embeddings=32,
        tie_word_embeddings=False,
        bos_token_id=0,
        eos_token_id=0,
    )
    return _build(folder, LlamaForCausalLM(config), words, prompts, seed=12)


def _build(
    folder: Path,
    module: GPT2LMHeadModel | LlamaForCausalLM,
    words: list[str],
    prompts: list[list[int]],
    *,
    seed: int,
) -> World:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in module.named_parameters():
            weight.copy_(_random_weight(name, weight, generator))
    module.save_pretrained(folder / "model")
    _save_tokenizer(folder / "model", words)
    network = Network(folder / "model")
    runs = [network.run(tokens) for tokens in prompts]
    for layer in range(network.n_layers):
        _save_z(folder, layer, runs, generator)
        _save_transcoder(folder, layer, network, runs, generator)
        _save_residual(folder / "res", layer, "resid", runs, generator)
        _save_residual(folder / "mid", layer, "resid_mid", runs, generator)
    aliases = ("z", "tc", "res", "mid")
    return World(folder / "model", {alias: f"{folder}/{alias}/{{layer}}" for alias in aliases})


def _random_weight(name: str, weight: Tensor, generator: torch.Generator) -> Tensor:
    noise = torch.randn(weight.shape, generator=generator)
    if weight.ndim == 1:
        return 1 + 0.3 * noise if "weight" in name else 0.3 * noise
    if any(part in name for part in ("wte", "wpe", "embed_tokens", "lm_head")):
        return 0.3 * noise
    return noise.mul(D_MODEL**-0.5)


def _save_tokenizer(folder: Path, words: list[str]) -> None:
    tokenizer = Tokenizer(
        models.WordLevel({word: number for number, word in enumerate(words)}, unk_token=words[0])
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens([words[0]])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=words[0], eos_token=words[0], pad_token=words[0]
    ).save_pretrained(folder)


def _save_z(folder: Path, layer: int, runs: list[Record], generator: torch.Generator) -> None:
    reads = torch.cat([run.at["z", layer][1:] for run in runs])
    weights = _random_dictionary(reads, D_MODEL, generator, jumps=True)
    config = {
        "architecture": "jumprelu",
        "apply_b_dec_to_input": False,
        "reshape_activations": "hook_z",
        "metadata": {"hook_name": f"blocks.{layer}.attn.hook_z"},
    }
    _save(folder / "z" / str(layer), config, weights)


def _save_transcoder(
    folder: Path, layer: int, network: Network, runs: list[Record], generator: torch.Generator
) -> None:
    reads = torch.cat([network.normalised(run.at["resid_mid", layer])[1:] for run in runs])
    weights = _random_dictionary(reads, D_MODEL, generator, jumps=True)
    config = {
        "architecture": "jumprelu_transcoder",
        "apply_b_dec_to_input": False,
        "reshape_activations": "none",
        "d_out": D_MODEL,
        "metadata": {
            "hook_name": f"blocks.{layer}.ln2.hook_normalized",
            "hook_name_out": f"blocks.{layer}.hook_mlp_out",
        },
    }
    _save(folder / "tc" / str(layer), config, weights)


def _save_residual(
    folder: Path, layer: int, site: str, runs: list[Record], generator: torch.Generator
) -> None:
    reads = torch.cat([run.at[site, layer][1:] for run in runs])
    weights = _random_dictionary(reads, D_MODEL, generator, jumps=False)
    hook = {"resid": "hook_resid_pre", "resid_mid": "hook_resid_mid"}[site]
    config = {
        "architecture": "standard",
        "apply_b_dec_to_input": True,
        "reshape_activations": "none",
        "metadata": {"hook_name": f"blocks.{layer}.{hook}"},
    }
    _save(folder / str(layer), config, weights)


def _random_dictionary(
    reads: Tensor, width: int, generator: torch.Generator, *, jumps: bool
) -> dict[str, Tensor]:
    """Random directions; the encoder bias is what makes a feature fire on about `FIRING` of `reads`."""
    encoder = torch.randn(D_MODEL, N_FEATURES, generator=generator) / D_MODEL**0.5
    decoder = torch.randn(N_FEATURES, width, generator=generator) / width**0.5
    decoder_bias = 0.2 * torch.randn(width, generator=generator)
    threshold = 0.1 + 0.3 * torch.rand(N_FEATURES, generator=generator)
    source = reads.float() if jumps else reads.float() - decoder_bias
    level = torch.stack([_level(column) for column in (source @ encoder).T])
    weights = {"W_enc": encoder, "W_dec": decoder, "b_dec": decoder_bias, "b_enc": -level}
    return {**weights, "b_enc": threshold - level, "threshold": threshold} if jumps else weights


def _level(before: Tensor) -> Tensor:
    """Passed by about `FIRING` of the values, in the widest gap near there, so that rounding never decides."""
    ordered = before.sort().values
    near = ordered[int((0.95 - FIRING) * len(ordered)) : int((1.05 - FIRING) * len(ordered))]
    gap = (near[1:] - near[:-1]).argmax()
    return (near[gap] + near[gap + 1]) / 2


def _save(folder: Path, config: dict[str, object], weights: dict[str, Tensor]) -> None:
    folder.mkdir(parents=True)
    metadata = {
        "model_name": "tiny",
        "prepend_bos": True,
        "context_size": 32,
        "sae_lens_version": "6.54.12",
        **config["metadata"],  # type: ignore[dict-item]  # written a few lines above
    }
    sizes = {"d_in": D_MODEL, "d_sae": N_FEATURES, "dtype": "float32", "device": "cpu"}
    everything = {**sizes, "normalize_activations": "none", **config, "metadata": metadata}
    (folder / "cfg.json").write_text(json.dumps(everything))
    save_file(weights, folder / "sae_weights.safetensors")
