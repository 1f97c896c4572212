"""Architectures whose blocks are built otherwise: measured exactly, or refused with the reason."""

import numpy as np
import pytest
from asking import ask, keep, nodes, replace
from tiny_models import HEADS, tiny_gemma2, tiny_neox

from circuitcheck.engine import WriteReading
from circuitcheck.engines import LensEngine, load_model
from circuitcheck.errors import MeasurementError


@pytest.fixture(scope="module")
def gemma2(tmp_path_factory: pytest.TempPathFactory) -> LensEngine:
    return LensEngine(load_model(tiny_gemma2(tmp_path_factory.mktemp("gemma2")), device="cpu"), {})


@pytest.fixture(scope="module")
def neox(tmp_path_factory: pytest.TempPathFactory) -> LensEngine:
    return LensEngine(load_model(tiny_neox(tmp_path_factory.mktemp("neox")), device="cpu"), {})


@pytest.mark.parametrize("name", ["gemma2", "neox"])
def test_parts_all_from_corrupt_are_their_whole(name: str, request: pytest.FixtureRequest) -> None:
    engine: LensEngine = request.getfixturevalue(name)
    heads = [f"L1H{head}@all" for head in range(HEADS)]
    inputs = [f"L1H{head}.{kind}@all" for head in range(HEADS) for kind in "qkv"]
    whole = ask(engine, replace("corrupt", "L1.attn@all"))
    assert np.abs(whole - ask(engine, None)).max() > 0.1
    np.testing.assert_allclose(ask(engine, replace("corrupt", *heads)), whole, atol=1e-4)
    np.testing.assert_allclose(ask(engine, replace("corrupt", *inputs)), whole, atol=1e-4)
    stream = ask(engine, replace("corrupt", "L1.resid@all"))
    np.testing.assert_allclose(stream, ask(engine, None, side="corrupt"), atol=1e-4)


def test_an_edit_in_the_middle_of_a_block_with_norms_behind_its_parts_is_exact(gemma2: LensEngine) -> None:
    middle = ask(gemma2, replace("corrupt", "L1.resid_mid@all"))
    np.testing.assert_allclose(middle, ask(gemma2, None, side="corrupt"), atol=1e-4)


def test_a_parallel_block_has_no_middle(neox: LensEngine) -> None:
    with pytest.raises(
        MeasurementError, match=r"L1.resid_mid cannot be measured on .* has no blocks.1.hook_resid_mid"
    ):
        ask(neox, replace("corrupt", "L1.resid_mid@all"))


def test_what_a_norm_stands_behind_is_not_taken_apart(gemma2: LensEngine) -> None:
    with pytest.raises(
        MeasurementError, match=r"hook_attn_out of layer 1 of .* is not attn.W_O times its parts"
    ):
        ask(gemma2, None, reading=WriteReading(nodes("L1H2@END")))
    with pytest.raises(
        MeasurementError, match=r"hook_mlp_out of layer 1 of .* is not mlp.W_out times its parts"
    ):
        ask(gemma2, keep("corrupt", "L1.mlp.n3@all", scope="heads+mlps"))
    assert np.abs(ask(gemma2, None, reading=WriteReading(nodes("L1.attn@END")))).max() > 1e-3
