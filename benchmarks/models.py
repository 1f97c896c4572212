"""The models that are timed: three shapes with random weights, and the bundled one, as it is and in a large body.

In: a name. Out: a `LensModel`, booted through TransformerBridge with eager attention as circuit files are.
"""

import tempfile
from collections.abc import Callable, Mapping
from typing import Any

import torch
from tokenizers import Tokenizer, models
from transformer_lens.model_bridge import TransformerBridge
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging as transformers_logging

from benchmarks.widened import NAME as WIDE
from benchmarks.widened import widened_folder
from circuitcheck.engines import LensModel, load_model, wrap_model
from circuitcheck.shapes import bundled_model_path, bundled_models

_BOS = "<|endoftext|>"
_WINDOW = 1024
"""The longest prompt that the models can be timed on, in tokens."""


def gpt2_small() -> GPT2Config:
    """GPT-2 small: 12 blocks of width 768, tied embeddings."""
    return GPT2Config(
        n_layer=12, n_embd=768, n_head=12, n_positions=_WINDOW, vocab_size=50257, bos_token_id=0, eos_token_id=0
    )  # fmt: skip


def pythia_410m() -> GPTNeoXConfig:
    """Pythia 410M: 24 blocks of width 1024, attention and MLP in parallel."""
    return GPTNeoXConfig(
        num_hidden_layers=24, hidden_size=1024, num_attention_heads=16, intermediate_size=4096,
        vocab_size=50304, max_position_embeddings=_WINDOW, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip


def llama_grouped() -> LlamaConfig:
    """A Llama of 16 blocks of width 1024: four query heads to each key-value head, gated MLPs."""
    return LlamaConfig(
        num_hidden_layers=16, hidden_size=1024, num_attention_heads=16, num_key_value_heads=4,
        intermediate_size=2816, vocab_size=32000, max_position_embeddings=_WINDOW, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip


CONFIGS: Mapping[str, Callable[[], Any]] = {
    "gpt2-small": gpt2_small,
    "pythia-410m": pythia_410m,
    "llama-gqa": llama_grouped,
}
NAMES = (*CONFIGS, *bundled_models())


def build_model(name: str, *, device: str, dtype: str, seed: int) -> LensModel:
    """The model of that name; random weights follow from the seed.

    Raises:
        ValueError: for a name that is neither among `NAMES` nor that of the large body.
    """
    if name in bundled_models():
        return load_model(bundled_model_path(name), device=device, dtype=dtype)
    if name == WIDE:
        with widened_folder() as folder:
            return load_model(folder, device=device, dtype=dtype)
    if name not in CONFIGS:
        msg = f"there is no model {name!r} to time; choose one of {', '.join(NAMES)}."
        raise ValueError(msg)
    return boot(CONFIGS[name](), device=device, dtype=dtype, seed=seed)


def boot(config: Any, *, device: str, dtype: str, seed: int) -> LensModel:
    """A model of this configuration with random weights, in the bridge.

    The bridge reads configuration and tokenizer from a folder, but takes the weights from memory.
    """
    torch_dtype = getattr(torch, dtype)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch_dtype)
    draw_weights(model, seed=seed)
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        with tempfile.TemporaryDirectory() as folder:
            model.config.architectures = [type(model).__name__]
            model.config.save_pretrained(folder)
            _tokenizer().save_pretrained(folder)
            bridge = TransformerBridge.boot_transformers(
                folder, hf_model=model.to(device), device=device, dtype=torch_dtype
            )
    finally:
        if shown:
            transformers_logging.enable_progress_bar()
    return wrap_model(bridge)


def draw_weights(model: Any, *, seed: int) -> None:
    """Draw every matrix with standard deviation 1 / sqrt(d_model), which is wider than models are initialised.

    Then an intervention moves the metric by far more than rounding does, so that an engine which left it
    out would be found out.
    """
    generator = torch.Generator().manual_seed(seed)
    deviation = model.config.hidden_size**-0.5
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim == 2:
                weight.normal_(0.0, deviation, generator=generator)


def _tokenizer() -> PreTrainedTokenizerFast:
    """The bridge wants one; prompts are drawn as token ids, so it knows a single word."""
    words = Tokenizer(models.WordLevel({_BOS: 0}, unk_token=_BOS))
    return PreTrainedTokenizerFast(tokenizer_object=words, bos_token=_BOS, eos_token=_BOS, unk_token=_BOS)
