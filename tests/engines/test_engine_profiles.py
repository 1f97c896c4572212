"""How all features behave at one place, against the bridge's own cache."""

import numpy as np
import pytest
import torch
from asking import PROMPTS
from tiny_models import tiny_prompts

from circuitcheck.engines import LensEngine
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import parse_node

PLACES = ("L1.z/error@END", "L0.res/error@S", "L2.tc/error@END", "L1.out/error@IO")


def codes(engine: LensEngine, name: str) -> np.ndarray:
    """Activations of every feature on the clean prompts, shape (prompts, positions, features)."""
    dictionary = engine._library.of(parse_node(name))
    with torch.inference_mode():
        _, cache = engine.model.bridge.run_with_cache(torch.tensor(PROMPTS.clean))
        found: np.ndarray = dictionary.encode(cache[dictionary.reads_from].flatten(2)).double().numpy()
    return found


@pytest.mark.parametrize("name", PLACES)
def test_a_profile_is_the_arithmetic_of_the_clean_run(engine: LensEngine, name: str) -> None:
    place = parse_node(name)
    here = codes(engine, name)[range(len(PROMPTS)), PROMPTS.roles[place.at]]
    found = engine.profile(place, PROMPTS)
    assert found.place == place
    assert 0 < (found.rate > 0).sum() < len(found.rate) or name == "L0.res/error@S"
    np.testing.assert_allclose(found.rate, (here > 0).mean(0))
    np.testing.assert_allclose(found.mean, here.mean(0), atol=1e-6)
    rows = engine._library.of(place).decoder_rows(tuple(range(here.shape[1])))
    np.testing.assert_allclose(found.norm, rows.norm(dim=1).numpy(), rtol=1e-6)


def test_at_all_positions_a_feature_fires_where_any_does_and_its_strength_is_their_mean(
    gpt2_engine: LensEngine,
) -> None:
    everywhere = codes(gpt2_engine, "L1.z/error@all")[:, 1:]
    found = gpt2_engine.profile(parse_node("L1.z/error@all"), PROMPTS)
    np.testing.assert_allclose(found.rate, (everywhere > 0).any(1).mean(0))
    np.testing.assert_allclose(found.mean, everywhere.mean((0, 1)), atol=1e-6)


def test_a_profile_does_not_depend_on_the_batches(gpt2_engine: LensEngine) -> None:
    small = LensEngine(gpt2_engine.model, gpt2_engine._library._shelves, batch_size=5)
    one, other = (engine.profile(parse_node("L1.z/error@END"), PROMPTS) for engine in (small, gpt2_engine))
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-5)
    np.testing.assert_array_equal(one.rate, other.rate)


def test_a_profile_is_asked_of_places_and_on_prompts(gpt2_engine: LensEngine) -> None:
    with pytest.raises(MeasurementError, match=r"L1.z/3 is not a dictionary's place"):
        gpt2_engine.profile(parse_node("L1.z/3@END"), PROMPTS)
    with pytest.raises(MeasurementError, match="no prompts on which features could fire"):
        gpt2_engine.profile(parse_node("L1.z/error@END"), tiny_prompts(8).subset([]))
