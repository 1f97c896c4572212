"""`Replace` whose change enters the residual stream late, is taken back, or finds everything behind it frozen."""

from dataclasses import replace as with_changes

import numpy as np
import pytest
import torch
from asking import PROMPTS, ask, changes, frozen, replace
from tiny_models import tiny_gemma2

from circuitcheck.engine import ActivationReading, Intervention, Replace, SourceKind
from circuitcheck.engines import DictionaryFolder, LensEngine, load_model
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import parse_node

NEXT = [
    ("L0H1@S", "L0.resid_mid"),
    ("L1.attn@END", "L1.resid_mid"),
    ("L1.z/23@END", "L1.resid_mid"),
    ("L1.z/error@END", "L1.resid_mid"),
    ("L0.att/20@S", "L0.resid_mid"),
    ("L1.mlp@END", "L2.resid"),
    ("L1.mlp.n4@END", "L2.resid"),
    ("L1.tc/4@END", "L2.resid"),
    ("L1.tc/error@END", "L2.resid"),
    ("embed@S", "L0.resid"),
]
"""Nodes, and the first residual node behind them."""


def detour(kind: SourceKind, names: str, *, error: str = "live", **places: str) -> Replace:
    found = replace(kind, *names.split(), error=error)
    return with_changes(found, **{word: parse_node(name) for word, name in places.items()})


def moved(engine: LensEngine, intervention: Intervention) -> float:
    """The largest difference that it makes."""
    return float(np.abs(ask(engine, intervention) - ask(engine, None)).max())


@pytest.mark.parametrize(("names", "after"), NEXT)
@pytest.mark.parametrize("kind", ["zero", "mean", "resample"])
def test_deleting_at_the_first_residual_hook_behind_the_origin_is_replacing_at_the_origin(
    engine: LensEngine, names: str, after: str, kind: SourceKind
) -> None:
    origin, deleted = replace(kind, names), detour(kind, names, from_hook=after)
    np.testing.assert_allclose(ask(engine, deleted), ask(engine, origin), rtol=1e-4, atol=1e-5)
    assert moved(engine, origin) > 1e-4
    np.testing.assert_allclose(changes(engine, deleted), changes(engine, origin), atol=1e-5)


@pytest.mark.parametrize("error", ["clean", "reference", "drop"])
def test_the_error_goes_along_with_its_features(engine: LensEngine, error: str) -> None:
    names = "L0.tc/12@END L0.tc/14@END"
    origin = replace("corrupt", *names.split(), error=error)
    np.testing.assert_allclose(
        ask(engine, detour("corrupt", names, error=error, from_hook="L1.resid")),
        ask(engine, origin),
        atol=1e-5,
    )


def test_deleting_where_nothing_reads_it_any_more_does_exactly_nothing(
    engine: LensEngine, shelves: dict[str, DictionaryFolder]
) -> None:
    """The last MLP reads it at S, and nothing reads that MLP there."""
    idle = detour("zero", "L1H2@S", from_hook="L2.resid_mid")
    np.testing.assert_array_equal(changes(engine, idle), changes(engine, replace("zero", "L1H2@S")))
    assert moved(engine, idle) < 1e-5, "but for the rounding of a pass in parts"
    assert moved(LensEngine(engine.model, shelves, exact_passes=True), idle) == 0
    assert moved(engine, detour("zero", "L1H2@S", from_hook="L2.resid")) > 1e-3


def test_what_lies_between_reads_the_old_stream(engine: LensEngine) -> None:
    reading = ActivationReading(parse_node("L1.res/13@END"))
    early, late = (
        ask(engine, detour("zero", "L0.attn@END", from_hook=hook), reading=reading)
        for hook in ("L1.resid", "L2.resid")
    )
    before = ask(engine, None, reading=reading)
    np.testing.assert_array_equal(late, before)
    assert np.abs(early - before).max() > 1e-3


@pytest.mark.parametrize(("names", "after"), [*NEXT, ("L0H1@S L0H2@S L0.z/error@S", "L0.resid_mid")])
def test_taking_back_before_anything_has_read_it_undoes_it(
    engine: LensEngine, names: str, after: str
) -> None:
    undone = detour("corrupt", names, until=after)
    np.testing.assert_allclose(ask(engine, undone), ask(engine, None), rtol=1e-4, atol=1e-5)
    assert changes(engine, undone).max() > 1e-4
    assert moved(engine, replace("corrupt", *names.split())) > 1e-4


def test_taking_back_leaves_what_was_read_before(engine: LensEngine) -> None:
    """The MLP has read the heads, and says so."""
    assert moved(engine, detour("zero", "L0H1@S L0H2@S", until="L1.resid")) > 1e-3
    frozen_mlp = with_changes(detour("zero", "L0H1@S L0H2@S", until="L1.resid"), downstream="frozen")
    assert moved(engine, frozen_mlp) < 1e-5


def test_what_enters_late_and_is_taken_back_soon_is_read_between_alone(engine: LensEngine) -> None:
    idle = detour("corrupt", "L0H1@S", from_hook="L1.resid", until="L1.resid_mid")
    still = with_changes(idle, downstream="frozen", mlps="live")
    assert moved(engine, idle) > 1e-4, "heads of layer 1 have read it"
    assert moved(engine, still) < 1e-5, "and they alone"


def test_entering_late_and_taking_back_are_edits_of_the_stream(
    gpt2_engine: LensEngine,
) -> None:
    """By hand: the head's output leaves the stream of S at one layer, and comes back at another."""
    bridge = gpt2_engine.model.bridge
    tokens = torch.tensor(PROMPTS.clean)
    places, rows = torch.tensor(PROMPTS.roles["S"]), torch.arange(len(PROMPTS))

    def gone(value: torch.Tensor, hook: object, *, sign: float) -> torch.Tensor:
        value = value.clone()
        value[rows, places] += sign * output
        return value

    with torch.inference_mode():
        _, cache = bridge.run_with_cache(tokens)
        output = cache["blocks.0.attn.hook_z"][rows, places, 1] @ bridge.blocks[0].attn.W_O[1]

        def without(*hooks: tuple[str, float]) -> np.ndarray:
            edits = [
                (hook, lambda value, hook, sign=sign: gone(value, hook, sign=sign)) for hook, sign in hooks
            ]
            logits = bridge.run_with_hooks(tokens, fwd_hooks=edits)[:, -1]
            found = logits[rows, PROMPTS.answers] - logits[rows, [foils[0] for foils in PROMPTS.foils]]
            return found.numpy()

        late, early = (
            without(("blocks.2.hook_resid_pre", -1.0)),
            without(("blocks.1.hook_resid_pre", -1.0), ("blocks.2.hook_resid_pre", 1.0)),
        )
    np.testing.assert_allclose(
        ask(gpt2_engine, detour("zero", "L0H1@S", from_hook="L2.resid")), late, atol=1e-4
    )
    between = detour("zero", "L0H1@S", from_hook="L1.resid", until="L2.resid")
    np.testing.assert_allclose(ask(gpt2_engine, between), early, atol=1e-4)


@pytest.mark.parametrize("name", ["L2H1@END", "L2.attn@END", "L2.z/9@END", "L2H2.q@END", "L2H3.v@S"])
def test_behind_the_last_heads_there_is_nothing_to_freeze_but_an_mlp(engine: LensEngine, name: str) -> None:
    free = ask(engine, replace("corrupt", name))
    np.testing.assert_allclose(ask(engine, frozen("corrupt", name, mlps="live")), free, atol=1e-5)
    assert np.abs(ask(engine, frozen("corrupt", name)) - free).max() > 1e-4


@pytest.mark.parametrize("name", ["L2.mlp@END", "L2.mlp.n5@END", "L2.tc/19@END", "L2.mlp.n5@all"])
def test_behind_the_last_mlp_there_is_nothing_to_freeze(engine: LensEngine, name: str) -> None:
    free = ask(engine, replace("corrupt", name))
    np.testing.assert_allclose(ask(engine, frozen("corrupt", name)), free, atol=1e-5)


@pytest.mark.parametrize("name", ["L0H1@END", "L1.mlp@END", "L0.mlp.n4@END", "L1.resid@END", "embed@END"])
def test_with_everything_frozen_the_change_reaches_the_logits_as_it_was_written(
    gpt2_engine: LensEngine, name: str
) -> None:
    bridge, node = gpt2_engine.model.bridge, parse_node(name)
    outputs = {
        "head": lambda seen: seen["blocks.0.attn.hook_z"][:, -1, 1] @ bridge.blocks[0].attn.W_O[1],
        "mlp": lambda seen: seen["blocks.1.hook_mlp_out"][:, -1],
        "neuron": lambda seen: seen["blocks.0.mlp.hook_post"][:, -1, 4, None] * bridge.blocks[0].mlp.W_out[4],
        "resid": lambda seen: seen["blocks.1.hook_resid_pre"][:, -1],
        "embed": lambda seen: seen["hook_embed"][:, -1],
    }
    with torch.inference_mode():
        (_, clean), (_, corrupt) = (
            bridge.run_with_cache(torch.tensor(side)) for side in (PROMPTS.clean, PROMPTS.corrupt)
        )
        output = outputs[node.kind]
        stream = clean["blocks.2.hook_resid_post"][:, -1] + output(corrupt) - output(clean)
        logits = bridge.unembed(bridge.ln_final(stream[:, None]))[:, 0]
    rows = range(len(PROMPTS))
    expected = logits[rows, PROMPTS.answers] - logits[rows, [foils[0] for foils in PROMPTS.foils]]
    np.testing.assert_allclose(ask(gpt2_engine, frozen("corrupt", name)), expected.numpy(), atol=1e-4)


def test_frozen_means_the_run_of_the_side_that_is_run(engine: LensEngine) -> None:
    idle = frozen("corrupt", "L1H2@END")
    untouched = ask(engine, None, side="corrupt")
    np.testing.assert_allclose(ask(engine, idle, side="corrupt"), untouched, atol=1e-5)
    away = frozen("clean", "L0.mlp@S")
    np.testing.assert_allclose(ask(engine, away, side="corrupt"), untouched, atol=1e-5)


def test_what_is_intervened_on_itself_is_not_frozen(engine: LensEngine) -> None:
    both = ask(engine, frozen("corrupt", "L0H1@END", "L1.mlp@END", "L2H0@END"))
    assert np.abs(both - ask(engine, frozen("corrupt", "L0H1@END"))).max() > 1e-3


def test_a_single_part_of_a_normed_output_cannot_enter_elsewhere(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    engine = LensEngine(load_model(tiny_gemma2(tmp_path_factory.mktemp("gemma2")), device="cpu"), {})
    with pytest.raises(MeasurementError, match="name the whole output instead"):
        ask(engine, detour("zero", "L0H1@S", from_hook="L1.resid"))
    whole = ask(engine, detour("zero", "L0.attn@S", from_hook="L0.resid_mid"))
    np.testing.assert_allclose(whole, ask(engine, replace("zero", "L0.attn@S")), atol=1e-5)


@pytest.mark.parametrize(
    ("names", "places", "said"),
    [
        ("L1H2@S", {"from_hook": "L1.resid"}, "from_hook L1.resid does not come after L1H2@S"),
        ("L1.mlp@S", {"until": "L1.resid_mid"}, "until L1.resid_mid does not come after L1.mlp@S"),
        ("L1.resid@S", {"until": "L1.resid"}, "does not come after L1.resid@S"),
        (
            "L0H2@S",
            {"from_hook": "L2.resid", "until": "L1.resid"},
            "until L1.resid does not come after from_hook",
        ),
        ("L0H2@S", {"from_hook": "L1.mlp"}, "from_hook is a place in the residual stream"),
        ("L0H2@S", {"from_hook": "L1.resid@END"}, "write L1.resid@S"),
        ("L0H2.q@S", {"from_hook": "L1.resid"}, "writes nothing to the residual stream; name its head"),
        ("L0H2.q@S", {"until": "L1.resid"}, "writes nothing to the residual stream; name its head"),
    ],
)
def test_places_that_are_no_detour_are_refused_in_a_sentence(
    gpt2_engine: LensEngine, names: str, places: dict[str, str], said: str
) -> None:
    with pytest.raises(MeasurementError) as error:
        ask(gpt2_engine, detour("corrupt", names, **places))
    assert said in str(error.value)


def test_a_place_with_the_position_of_its_node_is_the_place(engine: LensEngine) -> None:
    with_position, without = (
        ask(engine, detour("zero", "L0H2@S", from_hook=hook)) for hook in ("L2.resid@S", "L2.resid")
    )
    np.testing.assert_array_equal(with_position, without)
