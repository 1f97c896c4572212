"""The baseline on real models: what was done to the weights is found, and what changes nothing is not."""

from pathlib import Path

import pytest
from edited_models import edited, noise_on_inputs, noise_on_values, silence, swap

from circuitcheck import check
from circuitcheck.baseline.comparing import compare_file
from circuitcheck.baseline.saving import baseline_of
from circuitcheck.baseline.wording import since_baseline
from circuitcheck.checking.models import loaded
from circuitcheck.report.recording import file_record
from circuitcheck.report.results import RunResults

FILE = Path(__file__).parents[2] / "circuits" / "ioi-heads.circuit.yaml"
READERS, MOVERS = (
    ["readers-attend-to-the-repeated-name", "readers-are-necessary"],
    ["mover-writes-the-name", "movers-are-necessary"],
)
CLAIMS = ["behaviour", *READERS, *MOVERS]
N = 240


@pytest.fixture(scope="module")
def baseline():
    """The bundled model's numbers."""
    record = file_record(check(FILE, claims=CLAIMS, n=N, to_the_end=True), str(FILE))
    run = RunResults(run="first", started="", seconds=None, command=[], files=[record])
    return baseline_of(run).baseline


@pytest.fixture
def held(baseline, tmp_path):
    """The claims on an edited model, against the baseline."""

    def hold(edit):
        folder = edited(tmp_path / "edited", edit)
        result = check(FILE, claims=CLAIMS, n=N, to_the_end=True, model_ref=str(folder))
        return compare_file(baseline, file_record(result, str(FILE), model="edited"), CLAIMS).pairs

    yield hold
    loaded.cache_clear()


def words(pairs):
    return {claim: pair.word for claim, pair in pairs.items()}


def test_the_same_weights_from_another_folder_are_identical(held):
    assert set(words(held(lambda weights: None)).values()) == {"identical"}


def test_a_claimed_head_that_writes_nothing_is_found(held):
    pairs = held(silence(1, 0))
    behaviour = pairs["behaviour"]
    assert behaviour.word == "worse"
    assert behaviour.changes[0].size < -1.0
    assert pairs["readers-attend-to-the-repeated-name"].word == "identical", "it attends as before"
    assert pairs["readers-are-necessary"].fails, "one reader alone carries all that is left"
    said = since_baseline(behaviour)
    assert "logit_diff moved by -" in said.sentence
    assert "; most in " in said.sentence
    assert said.lines[-1].startswith("model: ioi-mini 9b1facdbbf97 in the baseline, edited ")


def test_a_claimed_head_swapped_with_another_is_found_though_the_model_computes_the_same(held):
    pairs = held(swap(1, 0, 1))
    assert pairs["behaviour"].word == "identical"
    attention = {change.slice: change for change in pairs["readers-attend-to-the-repeated-name"].changes}
    assert attention["L1H0@END"].size < -0.5
    assert attention["L1H3@END"].is_identical
    assert pairs["readers-are-necessary"].fails
    assert not any(pairs[claim].fails for claim in MOVERS)


def test_noise_of_half_their_size_on_the_movers_values_is_said_to_have_moved_what_they_write(
    held, prompt_tokens
):
    pairs = held(noise_on_values(2, (0, 1, 3), 0.5, prompt_tokens))
    written = pairs["mover-writes-the-name"]
    assert written.changes[0].interval.high < 0
    assert since_baseline(written).sentence.startswith("logits moved by -0.")
    assert pairs["behaviour"].fails
    assert pairs["readers-attend-to-the-repeated-name"].word == "identical", "the layer before is as it was"


def test_noise_as_large_as_the_movers_values_moves_the_behaviour_beyond_the_margin(held, prompt_tokens):
    behaviour = held(noise_on_values(2, (0, 1, 3), 1.0, prompt_tokens))["behaviour"]
    assert behaviour.moved[0]
    assert "beyond the margin of 0.32" in since_baseline(behaviour).sentence


def test_a_little_noise_on_a_matrix_beside_the_circuit_moves_nothing_beyond_the_margin(held):
    pairs = held(noise_on_inputs(2, 0.05))
    assert not any(pair.fails for pair in pairs.values())
    assert set(words(pairs).values()) <= {"identical", "unchanged", "within"}
    assert words(pairs) != dict.fromkeys(CLAIMS, "identical"), "something was changed"


@pytest.fixture(scope="module")
def prompt_tokens():
    """Sixteen clean prompts."""
    from circuitcheck.checking.bench import Overrides, open_bench
    from circuitcheck.prompts.build import build_prompts
    from circuitcheck.reading import read_spec

    spec = read_spec(FILE)
    bench = open_bench(spec, Overrides())
    return build_prompts(spec.prompts, bench.tokenizer, base=spec.directory, n=60).clean[:16]
