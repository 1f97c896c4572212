"""`Route`: only what receivers read of senders changes; identities with replacing what is read or written."""

import numpy as np
import pytest
import torch
from asking import LOGIT_DIFF, PROMPTS, REFERENCES, ask, changes, replace, route
from tiny_models import HEADS, LAYERS, tiny_neox

from circuitcheck.engine import (
    AttentionReading,
    Condition,
    Intervention,
    Plan,
    Request,
    SourceKind,
)
from circuitcheck.engines import DictionaryFolder, LensEngine, LensModel, load_model
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import parse_node


def moved(engine: LensEngine, intervention: Intervention) -> float:
    """The largest difference that it makes."""
    return float(np.abs(ask(engine, intervention) - ask(engine, None)).max())


@pytest.mark.parametrize(
    ("sender", "receiver"),
    [
        ("L2.resid@END", "L2H1.q@END"),
        ("L2.resid@S", "L2H1.k@S"),
        ("L2.resid@all", "L2H2.v@all"),
        ("L1.resid@S", "L1H3.k@S"),
        ("L1.resid_mid@END", "L1.mlp@END"),
        ("L0.resid_mid@S", "L0.mlp@S"),
    ],
)
@pytest.mark.parametrize("kind", ["corrupt", "resample"])
def test_a_whole_stream_that_one_reader_reads_is_that_readers_input_replaced(
    engine: LensEngine, sender: str, receiver: str, kind: SourceKind
) -> None:
    routed, replaced = (ask(engine, one) for one in (route(sender, receiver, kind), replace(kind, receiver)))
    np.testing.assert_allclose(routed, replaced, atol=1e-5)
    assert np.abs(replaced - ask(engine, None)).max() > 1e-3


def test_a_groups_key_and_all_private_ones_read_the_same(llama_engine: LensEngine) -> None:
    private = ask(llama_engine, route("L0H1@S", "L2H2.k@S L2H3.k@S"))
    np.testing.assert_allclose(private, ask(llama_engine, route("L0H1@S", "L2G1.k@S")), atol=1e-5)
    assert np.abs(private - ask(llama_engine, route("L0H1@S", "L2H2.k@S"))).max() > 1e-3


def test_in_a_parallel_block_an_mlp_reads_what_its_heads_read(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    model = load_model(tiny_neox(tmp_path_factory.mktemp("neox")), device="cpu")
    engine = LensEngine(model, {})
    routed = ask(engine, route("L1.resid@S", "L1.mlp@S"))
    np.testing.assert_allclose(routed, ask(engine, replace("corrupt", "L1.mlp@S")), atol=1e-5)
    with pytest.raises(MeasurementError, match=r"no path leads between the sender L1\.attn@S and L1\.mlp@S"):
        ask(engine, route("L1.attn@S", "L1.mlp@S"))


def readers_behind(layer: int, at: str, *, mlp_of_the_layer: bool) -> str:
    """Everything that reads the stream of a position behind the attention, or the MLP, of a layer."""
    inputs = [
        f"L{later}H{head}.{letter}@{at}"
        for later in range(layer + 1, LAYERS)
        for head in range(HEADS)
        for letter in "qkv"
    ]
    first = layer if mlp_of_the_layer else layer + 1
    return " ".join([*inputs, *(f"L{later}.mlp@{at}" for later in range(first, LAYERS))])


@pytest.mark.parametrize(
    "sender",
    [
        "L0H1@S",
        "L0.attn@IO",
        "L0.z/13@S",
        "L0.z/error@S",
        "L0.mlp@S",
        "L0.mlp.n4@IO",
        "L0.tc/20@S",
        "L1H0@S",
        "embed@S",
    ],
)
@pytest.mark.parametrize("kind", ["corrupt", "mean"])
def test_a_node_away_from_end_that_every_reader_reads_changed_is_the_node_replaced(
    engine: LensEngine, sender: str, kind: SourceKind
) -> None:
    node = parse_node(sender)
    if node.layer is None:
        heads = [f"L0H{head}.{letter}@{node.at}" for head in range(HEADS) for letter in "qkv"]
        readers = " ".join([*heads, readers_behind(0, node.at, mlp_of_the_layer=True)])
    else:
        of_attention = node.kind in {"head", "attn"} or node.dictionary == "z"
        readers = readers_behind(node.layer, node.at, mlp_of_the_layer=of_attention)
    replaced = ask(engine, replace(kind, sender))
    np.testing.assert_allclose(ask(engine, route(sender, readers, kind)), replaced, atol=2e-5)
    assert np.abs(replaced - ask(engine, None)).max() > 1e-4


def test_senders_add_up_in_what_is_read(engine: LensEngine) -> None:
    heads = " ".join(f"L0H{head}@END" for head in range(HEADS))
    by_heads, by_attention = (ask(engine, route(who, "L2H1.q@END")) for who in (heads, "L0.attn@END"))
    np.testing.assert_allclose(by_heads, by_attention, atol=1e-5)


def test_a_sender_behind_a_receiver_is_read_as_the_path_has_left_it(engine: LensEngine) -> None:
    """The stream that L2H1 reads is the corrupt one and no other, whatever the MLP before has made of it.

    Its query shows in how its attention is shared out among earlier tokens, whose keys stay.
    """
    senders = "L1.resid_mid@END L2.resid@END"

    def preference(intervention: Intervention | None) -> np.ndarray:
        first, second = (
            ask(engine, intervention, reading=AttentionReading(parse_node("L2H1@END"), at))
            for at in ("S", "IO")
        )
        return np.log(first / second)

    behind, alone = (
        preference(route(senders, readers)) for readers in ("L1.mlp@END L2H1.q@END", "L2H1.q@END")
    )
    np.testing.assert_allclose(behind, alone, atol=1e-4)
    assert np.abs(preference(route("L1.resid_mid@END", "L1.mlp@END")) - preference(None)).max() > 1e-2


def test_only_the_receiver_attends_otherwise(engine: LensEngine) -> None:
    routed = route("L0H1@END", "L2H1.q@END")
    for head in range(HEADS):
        reading = AttentionReading(parse_node(f"L2H{head}@END"), "S")
        shift = np.abs(ask(engine, routed, reading=reading) - ask(engine, None, reading=reading)).max()
        assert (shift > 1e-4) == (head == 1), head


def test_frozen_leaves_the_receiver_alone_to_speak(engine: LensEngine) -> None:
    """Behind a head of the last layer lies one MLP, and no head."""
    free = route("L0H1@END", "L2H1.q@END")
    live = route("L0H1@END", "L2H1.q@END", downstream="frozen", mlps="live")
    frozen = route("L0H1@END", "L2H1.q@END", downstream="frozen")
    np.testing.assert_allclose(ask(engine, live), ask(engine, free), atol=1e-5)
    assert np.abs(ask(engine, frozen) - ask(engine, free)).max() > 1e-4
    early = route("L0H1@S", "L1H2.k@S", downstream="frozen", mlps="live")
    assert np.abs(ask(engine, early) - ask(engine, route("L0H1@S", "L1H2.k@S"))).max() > 1e-4


def test_a_frozen_path_that_ends_away_from_end_reaches_no_logit(engine: LensEngine) -> None:
    """What the MLP writes at S reaches END through heads that read it there, and those are frozen."""
    assert moved(engine, route("L0.attn@S", "L1.mlp@S", downstream="frozen", mlps="live")) < 1e-6
    assert moved(engine, route("L0.attn@S", "L1.mlp@S")) > 1e-3
    through = route("L0.attn@S", "L1.mlp@S L2H1.v@S", downstream="frozen", mlps="live")
    apart = route("L0.attn@S", "L2H1.v@S", downstream="frozen", mlps="live")
    assert np.abs(ask(engine, through) - ask(engine, apart)).max() > 1e-4, "a receiver reads other receivers"


def test_a_change_is_that_of_what_the_receiver_reads(gpt2_engine: LensEngine) -> None:
    bridge = gpt2_engine.model.bridge
    with torch.inference_mode():
        (_, clean), (_, corrupt) = (
            bridge.run_with_cache(torch.tensor(side)) for side in (PROMPTS.clean, PROMPTS.corrupt)
        )
        z = "blocks.0.attn.hook_z"
        delta = (corrupt[z] - clean[z])[:, -1, 1] @ bridge.blocks[0].attn.W_O[1]
        stream = clean["blocks.2.hook_resid_pre"][:, -1]
        size = torch.maximum(stream.norm(dim=1), (stream + delta).norm(dim=1))
        expected = delta.norm(dim=1) / size
    found = changes(gpt2_engine, route("L0H1@END", "L2H1.q@END"))
    np.testing.assert_allclose(found[:, 0], expected.numpy(), rtol=1e-4)


def test_the_clean_value_in_the_clean_run_changes_nothing(engine: LensEngine) -> None:
    idle = route("L0H1@END", "L2H1.q@END", "clean")
    assert moved(engine, idle) < 1e-6
    assert changes(engine, idle).max() < 1e-6


def test_routes_share_a_pass_and_say_the_same(llama: LensModel, shelves: dict[str, DictionaryFolder]) -> None:
    asked = [route(f"L0H{head}@S", "L2H1.k@S") for head in range(HEADS)]
    plan = Plan(tuple(Request(Condition("clean", one), LOGIT_DIFF) for one in asked))
    engine = LensEngine(llama, shelves)
    together = engine.measure(plan, PROMPTS, REFERENCES).values
    for request in plan.requests:
        alone = ask(engine, request.condition.intervention)
        np.testing.assert_allclose(together[request], alone, atol=1e-5)


@pytest.mark.parametrize(
    ("senders", "receivers", "said"),
    [
        ("L1H0@END", "L1H2.q@END", "no path leads between the sender L1H0@END and L1H2.q@END"),
        ("L2H0@END", "L1.mlp@END", "what reads it comes later"),
        ("L0H0@S", "L1H2.q@END", "its own position only"),
        ("L0H0@S L0H1@END", "L1H2.q@END", "the sender L0H0@S"),
        ("L0H0@S", "L1H2.k@S L0H1.q@S", "the receiver L0H1.q@S"),
        ("L0H0@S", "L1H2@S", "L1H2 cannot receive: a path ends at an input of a head"),
        ("L0H0@S", "L2.resid@S", "L2.resid cannot receive"),
        ("L0H0.q@S", "L1.mlp@S", "writes nothing to the residual stream; name its head"),
        ("L0H0@S L0.attn@S", "L1.mlp@S", "L0H0@S and L0.attn@S hold one another"),
        ("L0.z/3@all L0.z/3@S", "L1.mlp@S L1.mlp@all", "hold one another"),
        ("L0H1@S L0.z/3@S", "L1.mlp@S", "would count twice"),
        ("L0H9@S", "L1.mlp@S", "L0H9 is not in this model, which has 4 heads"),
    ],
)
def test_what_no_path_joins_is_refused_in_a_sentence(
    gpt2_engine: LensEngine, senders: str, receivers: str, said: str
) -> None:
    with pytest.raises(MeasurementError) as error:
        ask(gpt2_engine, route(senders, receivers))
    assert said in str(error.value)
