"""Writes the model, the dictionaries and the manifest as files that transformers and SAELens read."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import GPT2LMHeadModel

from circuitcheck.training.activations import Site
from circuitcheck.training.dictionaries import Dictionary
from circuitcheck.training.language_model import model_config
from circuitcheck.training.tokenizer import CONTEXT_SIZE, save_tokenizer

MODEL_NAME = "ioi-mini"
SAELENS_VERSION = "6.54.12"
"""The SAELens whose file format this is; without a version of 6 or later its loader takes a legacy path."""

READABLE = 0o644
"""safetensors creates files that only their owner can read, which would break an installed package."""


def save_model(model: GPT2LMHeadModel, folder: Path) -> None:
    """Writes the Hugging Face folder: weights in float16, to be computed in float32."""
    folder.mkdir(parents=True, exist_ok=True)
    tied = "lm_head.weight"
    weights = {name: value.half() for name, value in model.state_dict().items() if name != tied}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = model_config(model.config.vocab_size, "gelu_new")
    config.architectures = ["GPT2LMHeadModel"]
    # transformers loads a folder in the dtype its config names, whatever the file holds.
    config.dtype = torch.float32
    config.save_pretrained(folder)
    save_tokenizer(folder)
    _make_readable(folder)


def load_model(folder: Path) -> GPT2LMHeadModel:
    """The saved model in evaluation mode, with attention that shows its patterns."""
    model: GPT2LMHeadModel = GPT2LMHeadModel.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    )
    return model.eval()


def save_dictionary(dictionary: Dictionary, site: Site, folder: Path) -> None:
    """Writes a SAELens 6 folder: cfg.json and sae_weights.safetensors, in float32."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.contiguous() for name, value in vars(dictionary).items()}
    save_file(tensors, folder / "sae_weights.safetensors")
    config = dictionary_config(dictionary, site)
    (folder / "cfg.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    _make_readable(folder)


def load_dictionary(folder: Path) -> Dictionary:
    """A saved dictionary."""
    return Dictionary(**load_file(folder / "sae_weights.safetensors"))


def dictionary_config(dictionary: Dictionary, site: Site) -> dict[str, object]:
    """What cfg.json says; `d_out` and `hook_name_out` only for transcoders."""
    transcoder = site.kind == "mlp"
    metadata: dict[str, object] = {
        "model_name": MODEL_NAME,
        "hook_name": site.hook_name,
        "prepend_bos": True,
        "context_size": CONTEXT_SIZE,
        "sae_lens_version": SAELENS_VERSION,
        "weights": "raw",
    }
    config: dict[str, object] = {
        "architecture": "jumprelu_transcoder" if transcoder else "jumprelu",
        "d_in": dictionary.W_enc.shape[0],
        "d_sae": dictionary.W_enc.shape[1],
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": False,
        "normalize_activations": "none",
        "reshape_activations": "hook_z" if site.kind == "z" else "none",
        "metadata": metadata,
    }
    if transcoder:
        config["d_out"] = dictionary.W_dec.shape[1]
        metadata["hook_name_out"] = site.hook_name_out
    return config


def write_manifest(folder: Path) -> None:
    """Writes manifest.json: the SHA-256 and size in bytes of every other file."""
    manifest = folder / "manifest.json"
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != manifest)
    entries = {
        path.relative_to(folder).as_posix(): {
            "sha256": sha256(path.read_bytes()).hexdigest(),
            "bytes": path.stat().st_size,
        }
        for path in files
    }
    manifest.write_text(json.dumps({"files": entries}, indent=2) + "\n", encoding="utf-8")
    _make_readable(folder)


def _make_readable(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_file():
            path.chmod(READABLE)
