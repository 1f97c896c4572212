"""Loading models: what a good directory gives, and the one sentence for each bad one."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import tiny_gpt2

from circuitcheck.engine import Shape
from circuitcheck.engines import LensModel, load_model, wrap_model
from circuitcheck.errors import ModelError


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tiny_gpt2(tmp_path / "model", layers=1)


def refusal(source: str | Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_model(source, device="cpu")
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    assert str(source) in text
    return text


def test_a_model_says_how_large_it_is_and_how_it_was_loaded(llama: LensModel, gpt2: LensModel) -> None:
    assert llama.shape == Shape(3, 4, 2, 16, 24, 40, 4)
    assert gpt2.shape == Shape(3, 4, 4, 16, 64, 40, 4)
    assert (gpt2.dtype, gpt2.device, gpt2.weights) == ("float32", "cpu", "raw")
    assert not gpt2.bridge.training


def test_the_digest_follows_the_weights_alone(tmp_path: Path, directory: Path) -> None:
    digest = load_model(directory, device="cpu").digest
    same = tiny_gpt2(tmp_path / "same", layers=1)
    assert load_model(str(same), device="cpu").digest == digest
    weights = load_file(same / "model.safetensors")
    weights["transformer.h.0.attn.c_attn.weight"][3, 5] += 1e-3
    save_file(weights, same / "model.safetensors", metadata={"format": "pt"})
    assert load_model(same, device="cpu").digest != digest


def test_a_missing_directory_is_said(tmp_path: Path) -> None:
    assert "there is no model directory" in refusal(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", None, "config.json is missing"),
        ("config.json", b"{", "is not JSON"),
        ("model.safetensors", None, "model.safetensors is missing; pickled weights are not read"),
        ("model.safetensors", b"", "is damaged or cut short"),
        ("model.safetensors", "half", "is damaged or cut short"),
        ("model.safetensors.index.json", b"{}", "is damaged"),
        (
            "model.safetensors.index.json",
            b'{"weight_map": {"a": "model-1-of-1.safetensors"}}',
            "model-1-of-1.safetensors is missing",
        ),
        ("pytorch_model.bin", b"x", "holds the pickle pytorch_model.bin"),
        ("optimizer.pt", b"x", "holds the pickle optimizer.pt"),
    ],
)
def test_damaged_files_are_refused(
    directory: Path, name: str, content: bytes | str | None, message: str
) -> None:
    path = directory / name
    if content is None:
        path.unlink()
    elif isinstance(content, str):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        path.write_bytes(content)
    assert message in refusal(directory)


def test_pickled_weights_alone_are_refused(directory: Path) -> None:
    (directory / "model.safetensors").rename(directory / "pytorch_model.bin")
    assert "can run code when read; save the model as safetensors" in refusal(directory)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_not_finite_are_refused(directory: Path, value: float) -> None:
    weights = load_file(directory / "model.safetensors")
    weights["transformer.ln_f.weight"][2] = value
    save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})
    assert "has 1 NaN or infinite values in transformer.ln_f.weight" in refusal(directory)


def test_a_weight_that_is_not_there_is_not_made_up(directory: Path) -> None:
    weights = load_file(directory / "model.safetensors")
    del weights["transformer.h.0.mlp.c_fc.weight"]
    save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})
    assert "lacks 1 weights that its config.json calls for" in refusal(directory)


def test_a_weight_of_the_wrong_shape_is_refused(directory: Path) -> None:
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, "n_positions": 31}))
    assert "cannot be loaded" in refusal(directory)


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "no_such_type"},
        {"model_type": None},
        {"model_type": "bert", "architectures": ["BertForMaskedLM"]},
    ],
)
def test_an_unknown_architecture_is_refused(directory: Path, change: dict[str, object]) -> None:
    config = json.loads((directory / "config.json").read_text())
    config = {name: value for name, value in {**config, **change}.items() if value is not None}
    (directory / "config.json").write_text(json.dumps(config))
    assert "cannot be loaded" in refusal(directory)


def test_a_hub_name_that_cannot_be_had_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "cannot be looked up: HF_HUB_OFFLINE keeps this machine" in refusal("nobody/nothing-here")


def test_an_unknown_type_is_refused(directory: Path) -> None:
    with pytest.raises(ModelError, match="'float12' is not a floating-point type"):
        load_model(directory, dtype="float12")
    with pytest.raises(ModelError, match="'int64' is not a floating-point type"):
        load_model(directory, dtype="int64")


def test_only_bridges_are_wrapped() -> None:
    with pytest.raises(ModelError, match="is a Linear, not a TransformerBridge"):
        wrap_model(torch.nn.Linear(2, 2))


def test_half_precision_is_loaded_as_asked(directory: Path) -> None:
    assert load_model(directory, device="cpu", dtype="bfloat16").dtype == "bfloat16"
