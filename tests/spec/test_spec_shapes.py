"""Sizes are read from the config files of each architecture, without loading a model."""

import json
from pathlib import Path
from typing import Any

import pytest

from circuitcheck.shapes import (
    BUNDLED,
    bundled_models,
    bundled_path,
    dictionary_site,
    dictionary_width,
    model_shape,
)

GPT2 = {
    "model_type": "gpt2",
    "n_layer": 12,
    "n_head": 12,
    "n_embd": 768,
    "n_inner": None,
    "vocab_size": 50257,
}
LLAMA = {
    "num_hidden_layers": 16,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "head_dim": 64,
    "vocab_size": 128256,
}
NEOX = {
    "num_hidden_layers": 6,
    "num_attention_heads": 8,
    "hidden_size": 512,
    "intermediate_size": 2048,
    "vocab_size": 50304,
}
GEMMA2 = LLAMA | {
    "num_hidden_layers": 26,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (GPT2, (12, 12, 12, 768, 3072, 64)),
        (LLAMA, (16, 32, 8, 2048, 8192, 64)),
        (NEOX, (6, 8, 8, 512, 2048, 64)),
        (GEMMA2, (26, 8, 4, 2048, 8192, 256)),
    ],
    ids=["gpt2", "llama and qwen2", "gpt_neox", "gemma2"],
)
def test_the_sizes_of_each_architecture_are_read(
    config: dict[str, Any], expected: tuple[int, ...], tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    shape = model_shape(tmp_path)
    assert shape is not None
    assert (
        shape.n_layers,
        shape.n_heads,
        shape.n_kv_heads,
        shape.d_model,
        shape.d_mlp,
        shape.d_head,
    ) == expected


@pytest.mark.parametrize("text", [None, "{", "[]", '{"n_layer": 2}'])
def test_a_folder_without_sizes_has_no_shape(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    assert model_shape(tmp_path) is None


def test_dictionaries_tell_their_width_and_the_hook_that_they_write(tmp_path: Path) -> None:
    old, new, transcoder = (tmp_path / name for name in ("old", "new", "transcoder"))
    configs = {
        old: {"d_sae": 24576, "hook_point": "blocks.8.hook_resid_pre"},
        new: {"d_sae": 512, "metadata": {"hook_name": "blocks.2.attn.hook_z"}},
        transcoder: {
            "metadata": {
                "hook_name": "blocks.2.ln2.hook_normalized",
                "hook_name_out": "blocks.2.hook_mlp_out",
            }
        },
    }
    for folder, config in configs.items():
        folder.mkdir()
        (folder / "cfg.json").write_text(json.dumps(config))
    assert [dictionary_width(folder) for folder in configs] == [24576, 512, None]
    assert [dictionary_site(folder) for folder in configs] == [
        "blocks.8.hook_resid_pre",
        "blocks.2.attn.hook_z",
        "blocks.2.hook_mlp_out",
    ]


def test_bundled_models_are_the_folders_inside_the_package() -> None:
    assert bundled_path("ioi-mini/z") == BUNDLED / "ioi-mini" / "z"
    if BUNDLED.is_dir():
        assert bundled_models() == tuple(sorted(path.name for path in BUNDLED.iterdir() if path.is_dir()))
