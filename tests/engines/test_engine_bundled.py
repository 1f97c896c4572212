"""The bundled model with its dictionaries: partial passes against whole ones, in double and single precision."""

from pathlib import Path

import numpy as np
import pytest
from asking import keep, replace

from circuitcheck.engine import (
    CLEAN,
    CORRUPT,
    ActivationReading,
    AttentionReading,
    Condition,
    Measurement,
    MetricReading,
    Plan,
    Reading,
    Request,
    SourceKind,
)
from circuitcheck.engines import DictionaryFolder, LensEngine, LensModel, load_model
from circuitcheck.nodes import parse_node
from circuitcheck.prompts.build import build_prompts
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.prompts.tokens import Tokenizer
from circuitcheck.reading import read_spec
from circuitcheck.shapes import bundled_path

CIRCUIT = Path(__file__).parents[2] / "circuits" / "ioi-features.circuit.yaml"
SOURCES: tuple[SourceKind, ...] = ("mean", "corrupt")
NODES = (
    "L1H0", "L2.attn", "L1.mlp", "L2.mlp.n5", "L1.z/186", "L2.z/967", "L1.z/error", "L2.tc/165", "L1.tc/error", "L2.res/3",
)  # fmt: skip
CONDITIONS = [
    CLEAN,
    CORRUPT,
    *(Condition("clean", replace(kind, f"{node}@END")) for node in NODES for kind in SOURCES),
    *(Condition("clean", replace("resample", f"{node}@{at}")) for node in NODES for at in ("S2", "all")),
    *(Condition("clean", replace("resample", node)) for node in ("L2.resid@END", "L2H0.q@END", "L2H0.k@S2")),
    Condition("corrupt", replace("clean", "L1.z/186@END", "L2.z/967@END", "L2H0@END")),
    Condition("clean", replace("resample", "L1.z/186@END", "L2.tc/165@END", error="reference")),
    Condition("clean", keep("mean", "L1H0@END", "L2H0@all")),
]
READINGS: tuple[Reading, ...] = (
    MetricReading("logit_diff"),
    MetricReading("kl"),
    AttentionReading(parse_node("L2H0@END"), "IO"),
    ActivationReading(parse_node("L2.z/967@END")),
)


@pytest.fixture(scope="module")
def folders() -> dict[str, DictionaryFolder]:
    root = bundled_path("ioi-mini")
    places = {"z": "z", "tc": "mlp", "res": "resid"}
    return {alias: DictionaryFolder(f"{root / place}/{{layer}}") for alias, place in places.items()}


Measured = dict[str, Measurement]
"""By precision, and whether passes were whole: `float32 whole`, `float32 parts`, `float64 whole`, ..."""


@pytest.fixture(scope="module")
def measured(folders: dict[str, DictionaryFolder]) -> Measured:
    found = {}
    for dtype in ("float32", "float64"):
        model = load_model(bundled_path("ioi-mini") / "model", device="cpu", dtype=dtype)
        prompts = prompts_of(model)
        plan = Plan(tuple(Request(condition, reading) for condition in CONDITIONS for reading in READINGS))
        for name, exact in (("whole", True), ("parts", False)):
            engine = LensEngine(model, folders, exact_passes=exact)
            found[f"{dtype} {name}"] = engine.measure(plan, prompts, prompts)
    return found


def prompts_of(model: LensModel) -> PromptSet:
    spec, backend = read_spec(CIRCUIT), model.bridge.tokenizer
    tokenizer = Tokenizer.from_backend(backend.backend_tokenizer, backend.bos_token_id)
    few = spec.prompts.model_copy(update={"templates": ["walk", "arrive", "bus"]})
    return build_prompts(few, tokenizer, n=24, base=CIRCUIT.parent)


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: type(reading).__name__)
def test_partial_passes_give_what_whole_ones_give_on_the_bundled_model(
    measured: Measured, reading: Reading
) -> None:
    whole, found = measured["float64 whole"].values, measured["float64 parts"].values
    for condition in CONDITIONS:
        request = Request(condition, reading)
        np.testing.assert_allclose(
            found[request], whole[request], rtol=1e-9, atol=1e-9, err_msg=str(condition)
        )
    clean = whole[Request(CLEAN, reading)]
    moves = [np.abs(whole[Request(condition, reading)] - clean).max() for condition in CONDITIONS]
    assert max(moves) > 1e-2


def test_in_single_precision_partial_passes_are_as_near_the_exact_number_as_whole_ones(
    measured: Measured,
) -> None:
    exact = measured["float64 whole"].values

    def apart(name: str) -> float:
        return max(float(np.abs(values - exact[one]).max()) for one, values in measured[name].values.items())

    assert 0 < apart("float32 parts") < 3 * apart("float32 whole") < 1e-3


def test_partial_passes_see_the_same_changes_on_the_bundled_model(measured: Measured) -> None:
    for dtype, tolerance in (("float32", 1e-5), ("float64", 1e-9)):
        whole, found = measured[f"{dtype} whole"].changes, measured[f"{dtype} parts"].changes
        for condition, changes in whole.items():
            np.testing.assert_allclose(found[condition], changes, atol=tolerance, err_msg=str(condition))


def test_in_half_precision_means_over_prompts_hold_and_single_prompts_do_not(
    measured: Measured, folders: dict[str, DictionaryFolder]
) -> None:
    """What a claim judges is a mean; the bounds are those that the README states."""
    model = load_model(bundled_path("ioi-mini") / "model", device="cpu", dtype="bfloat16")
    prompts, reading = prompts_of(model), READINGS[0]
    requests = [Request(condition, reading) for condition in CONDITIONS]
    found = LensEngine(model, folders).measure(Plan(tuple(requests)), prompts, prompts).values
    exact = measured["float32 whole"].values
    apart = np.stack([found[request] - exact[request] for request in requests])
    clean = float(exact[Request(CLEAN, reading)].mean())
    assert np.abs(apart.mean(1)).max() < 0.02 * clean
    assert 0.01 * clean < np.abs(apart).max() < 0.5 * clean
