"""Tiny models with dictionaries on every layer, built once per session."""

from pathlib import Path

import pytest
from tiny_models import LAYERS, tiny_dictionary, tiny_gpt2, tiny_llama

from circuitcheck.engines import DictionaryFolder, LensEngine, LensModel, load_model

ALIASES = {
    "z": ("jumprelu", "z"),
    "zz": ("standard", "z"),
    "tc": ("jumprelu_transcoder", ""),
    "skip": ("skip_transcoder", ""),
    "res": ("gated", "resid"),
    "out": ("topk", "mlp_out"),
    "mid": ("standard", "resid_mid"),
    "att": ("standard", "attn_out"),
}


@pytest.fixture(scope="session")
def shelves(tmp_path_factory: pytest.TempPathFactory) -> dict[str, DictionaryFolder]:
    root = tmp_path_factory.mktemp("dictionaries")
    for alias, (kind, site) in ALIASES.items():
        for layer in range(LAYERS):
            tiny_dictionary(root / alias / str(layer), kind, layer=layer, site=site, seed=layer)
    return {alias: DictionaryFolder(f"{root}/{alias}/{{layer}}") for alias in ALIASES}


@pytest.fixture(scope="session")
def gpt2_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gpt2(tmp_path_factory.mktemp("gpt2"))


@pytest.fixture(scope="session")
def gpt2(gpt2_directory: Path) -> LensModel:
    return load_model(gpt2_directory, device="cpu")


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> LensModel:
    return load_model(tiny_llama(tmp_path_factory.mktemp("llama")), device="cpu")


@pytest.fixture(scope="session")
def gpt2_engine(gpt2: LensModel, shelves: dict[str, DictionaryFolder]) -> LensEngine:
    return LensEngine(gpt2, shelves)


@pytest.fixture(scope="session")
def llama_engine(llama: LensModel, shelves: dict[str, DictionaryFolder]) -> LensEngine:
    return LensEngine(llama, shelves)


@pytest.fixture(params=["gpt2_engine", "llama_engine"])
def engine(request: pytest.FixtureRequest) -> LensEngine:
    """Either architecture."""
    found: LensEngine = request.getfixturevalue(request.param)
    return found
