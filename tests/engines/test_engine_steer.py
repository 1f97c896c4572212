"""`Steer`: activations made stronger or weaker; identities with replacing them."""

import numpy as np
import pytest
import torch
from asking import PROMPTS, ask, changes, replace, steer

from circuitcheck.engine import ActivationReading, SteerHow
from circuitcheck.engines import LensEngine
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import parse_node

EVERY_KIND = ["L1H2@END", "L0.attn@S", "L1.mlp@all", "L1.mlp.n4@S", "L2.resid@END", "L1.resid_mid@S"]
CODED = ["L1.z/23@END", "L0.tc/12@S", "L1.res/13@END", "L1.out/3@all", "L1.z/error@END", "L2.tc/error@END"]


@pytest.mark.parametrize("name", [*EVERY_KIND, *CODED])
def test_times_zero_is_replaced_by_zero_and_times_one_is_left_alone(engine: LensEngine, name: str) -> None:
    gone, zero = steer("scale", 0.0, name), replace("zero", name)
    np.testing.assert_allclose(ask(engine, gone), ask(engine, zero), atol=1e-5)
    assert np.abs(ask(engine, gone) - ask(engine, None)).max() > 1e-4
    np.testing.assert_allclose(changes(engine, gone), changes(engine, zero), atol=1e-6)
    np.testing.assert_allclose(ask(engine, steer("scale", 1.0, name)), ask(engine, None), atol=1e-5)
    assert changes(engine, steer("scale", 1.0, name)).max() < 1e-6


@pytest.mark.parametrize("name", ["L1.z/23@END", "L0.tc/12@S", "L1.mlp.n4@S"])
def test_set_to_zero_is_replaced_by_zero(engine: LensEngine, name: str) -> None:
    np.testing.assert_allclose(
        ask(engine, steer("set", 0.0, name)), ask(engine, replace("zero", name)), atol=1e-5
    )


@pytest.mark.parametrize("name", ["L1.z/23@END", "L2.tc/19@END"])
def test_a_steered_feature_reads_as_what_it_was_made(engine: LensEngine, name: str) -> None:
    reading = ActivationReading(parse_node(name))
    before = ask(engine, None, reading=reading)
    for how, expected in (
        ("add", before + 2.5),
        ("scale", before * 2.5),
        ("set", np.full_like(before, 2.5)),
    ):
        found = ask(engine, steer(how, 2.5, name), reading=reading)  # type: ignore[arg-type]
        np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "hook", "row"),
    [
        ("L1.z/23@END", "blocks.1.attn.hook_z", 23),
        ("L0.tc/12@S", "blocks.0.hook_mlp_out", 12),
        ("L1.res/13@S", "blocks.1.hook_resid_pre", 13),
    ],
)
def test_adding_to_a_feature_adds_its_decoder_row(
    gpt2_engine: LensEngine, name: str, hook: str, row: int
) -> None:
    bridge, node = gpt2_engine.model.bridge, parse_node(name)
    dictionary = gpt2_engine._library.of(node)
    places, rows = torch.tensor(PROMPTS.positions(node.at)[:, 0]), torch.arange(len(PROMPTS))

    def add(value: torch.Tensor, hook: object) -> torch.Tensor:
        value = value.clone()
        value[rows, places] += 3.0 * dictionary.weights["W_dec"][row].reshape(value.shape[2:])
        return value

    with torch.inference_mode():
        logits = bridge.run_with_hooks(torch.tensor(PROMPTS.clean), fwd_hooks=[(hook, add)])[:, -1]
    expected = logits[rows, PROMPTS.answers] - logits[rows, [foils[0] for foils in PROMPTS.foils]]
    found = ask(gpt2_engine, steer("add", 3.0, name))
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-4)
    assert np.abs(found - ask(gpt2_engine, None)).max() > 1e-3


def test_the_error_follows_its_policy(engine: LensEngine) -> None:
    """At a dictionary with nothing changed before it, the clean error is the live one."""
    live, clean, drop = (
        ask(engine, steer("add", 1.0, "L1.z/23@END", error=one)) for one in ("live", "clean", "drop")
    )
    np.testing.assert_allclose(clean, live, atol=1e-5)
    assert np.abs(drop - live).max() > 1e-3


def test_a_feature_is_read_on_the_stream_as_earlier_steering_has_left_it(engine: LensEngine) -> None:
    reading = ActivationReading(parse_node("L2.out/1@END"))
    alone = ask(engine, steer("scale", 2.0, "L2.out/1@END"), reading=reading)
    behind = ask(engine, steer("scale", 2.0, "L2.out/1@END", "L0.attn@END"), reading=reading)
    plain = ask(engine, steer("scale", 2.0, "L0.attn@END"), reading=reading)
    np.testing.assert_allclose(behind, 2 * plain, atol=1e-4)
    assert np.abs(alone - behind).max() > 1e-3


@pytest.mark.parametrize("name", ["L1H2@END", "L1.attn@END", "L1.mlp@END", "L1.resid@END", "L1.z/error@END"])
@pytest.mark.parametrize("how", ["add", "set"])
def test_a_vector_is_only_multiplied(gpt2_engine: LensEngine, name: str, how: SteerHow) -> None:
    with pytest.raises(MeasurementError, match=r"is a vector, not a strength that could be .* write scale:"):
        ask(gpt2_engine, steer(how, 1.0, name))


@pytest.mark.parametrize("name", ["L1H2.q@END", "L1H2.k@S", "embed@S"])
def test_what_is_read_is_not_steered(gpt2_engine: LensEngine, name: str) -> None:
    with pytest.raises(MeasurementError, match="cannot be steered, since it is what is read"):
        ask(gpt2_engine, steer("scale", 2.0, name))


def test_there_is_no_reference_error_in_steering(gpt2_engine: LensEngine) -> None:
    with pytest.raises(MeasurementError, match="write error: live, clean or drop"):
        ask(gpt2_engine, steer("add", 1.0, "L1.z/23@END", error="reference"))
