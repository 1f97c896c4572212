"""What features are about: rates, contexts and tokens, against plain torch on the Hugging Face weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from asking import PROMPTS, nodes
from safetensors.torch import load_file
from tiny_models import tiny_dictionary, tiny_gemma2, tiny_llama, tiny_prompts
from torch import Tensor
from transformers import AutoModelForCausalLM

from circuitcheck.engine import Description
from circuitcheck.engines import DictionaryFolder, LensEngine, load_model
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import Node
from circuitcheck.prompts.pairs import PromptSet

NAMES = ("L1.z/3@END", "L1.zz/5@S", "L2.tc/4@END", "L0.res/7@IO", "L1.out/3@END", "L0.mid/2@END")


def described(engine: LensEngine, *names: str, prompts: PromptSet = PROMPTS) -> tuple[Description, ...]:
    return engine.describe(nodes(*names), prompts)


def activations(engine: LensEngine, node: Node) -> Tensor:
    """Of one feature at every position of the clean prompts, from the bridge's cache."""
    dictionary = engine._library.of(node)
    with torch.inference_mode():
        _, cache = engine.model.bridge.run_with_cache(torch.tensor(PROMPTS.clean))
        code = dictionary.encode(cache[dictionary.reads_from].flatten(2))
    return code[..., node.index or 0].double().clone()


@pytest.mark.parametrize("name", NAMES)
def test_rate_and_mean_are_those_at_the_feature_s_position(engine: LensEngine, name: str) -> None:
    (node,) = nodes(name)
    (found,) = described(engine, name)
    here = activations(engine, node)[range(24), PROMPTS.roles[node.at]]
    assert found.feature == node
    assert found.rate == pytest.approx(float((here > 0).double().mean()))
    assert found.mean == pytest.approx(float(here.mean()), abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_contexts_are_the_strongest_anywhere_but_bos_and_one_per_prompt(
    engine: LensEngine, name: str
) -> None:
    (node,) = nodes(name)
    (found,) = described(engine, name)
    values = activations(engine, node)
    values[:, 0] = 0
    peak = values.max(1).values
    best = peak[peak > 0].sort(descending=True).values[:6]
    assert len(best)
    # Single precision: the engine and plain hooks do not run the same kernels.
    np.testing.assert_allclose(
        [context.activation for context in found.strongest], best.numpy(), rtol=2e-6, atol=1e-5
    )
    assert len({context.row for context in found.strongest}) == len(best)
    for context in found.strongest:
        assert context.activation == pytest.approx(
            float(values[context.row, context.position]), rel=2e-6, abs=1e-5
        )


def test_a_feature_that_fires_most_at_bos_is_not_shown_there(gpt2_engine: LensEngine) -> None:
    at_bos = [
        name
        for name in (f"L0.z/{index}@END" for index in range(24))
        if (activations(gpt2_engine, nodes(name)[0]).argmax(1) == 0).any()
    ]
    assert at_bos
    for found in described(gpt2_engine, *at_bos):
        assert all(context.position > 0 for context in found.strongest)


def test_a_feature_everywhere_fires_on_a_prompt_where_it_fires_at_one_token(gpt2_engine: LensEngine) -> None:
    (node,) = nodes("L1.z/3@all")
    (found,) = described(gpt2_engine, "L1.z/3@all")
    everywhere = activations(gpt2_engine, node)[:, 1:]
    assert found.rate == pytest.approx(float((everywhere > 0).any(1).double().mean()))
    assert found.mean == pytest.approx(float(everywhere.mean()), abs=1e-6)
    assert found.rate != pytest.approx(float((everywhere > 0).double().mean()))


def test_prompts_of_several_lengths_keep_their_rows(gpt2_engine: LensEngine) -> None:
    prompts = tiny_prompts(24, lengths=2)
    (found,) = described(gpt2_engine, "L1.z/3@END", prompts=prompts)
    for context in found.strongest:
        (alone,) = described(gpt2_engine, "L1.z/3@END", prompts=prompts.subset([context.row]))
        (first,) = alone.strongest
        assert first.position == context.position
        assert first.activation == pytest.approx(context.activation, abs=1e-5)


def test_a_prompt_that_was_drawn_twice_is_shown_once(gpt2_engine: LensEngine) -> None:
    (once,) = described(gpt2_engine, "L1.z/3@END")
    row = once.strongest[0].row
    twice = PROMPTS.subset([row, row, row, *range(24)])
    (found,) = described(gpt2_engine, "L1.z/3@END", prompts=twice)
    shown = [twice.clean[context.row] for context in found.strongest]
    assert len(shown) == len(set(shown)) == len(once.strongest)


def speaks_for(row: Tensor, norm: Tensor, unembedding: Tensor, *, centre: bool) -> Tensor:
    row = row - row.mean() if centre else row
    logits = (row * norm) @ unembedding.T
    return logits - logits.mean()


def check_tokens(found: Description, logits: Tensor) -> None:
    order = logits.argsort(descending=True)
    for pairs, expected in ((found.promotes, order[:8]), (found.suppresses, order.flip(0)[:8])):
        assert [token for token, _ in pairs] == expected.tolist()
        np.testing.assert_allclose(
            [logit for _, logit in pairs], logits[expected].numpy(), rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize("alias", ["z", "tc", "res"])
def test_tokens_of_a_gpt2_are_what_its_own_weights_make_of_the_decoder_row(
    gpt2_engine: LensEngine, gpt2_directory: Path, shelves: dict[str, DictionaryFolder], alias: str
) -> None:
    model = AutoModelForCausalLM.from_pretrained(gpt2_directory).double()
    weights = {name: value.detach() for name, value in model.named_parameters()}
    folder = shelves[alias].pattern.replace("{layer}", "1")
    row = load_file(Path(folder) / "sae_weights.safetensors")["W_dec"][4].double()
    if alias == "z":
        row = row @ weights["transformer.h.1.attn.c_proj.weight"]
    logits = speaks_for(
        row, weights["transformer.ln_f.weight"], weights["transformer.wte.weight"], centre=True
    )
    (found,) = described(gpt2_engine, f"L1.{alias}/4@END")
    check_tokens(found, logits)


@pytest.mark.parametrize("alias", ["z", "tc"])
def test_the_stream_of_an_rms_norm_model_is_not_centred(
    tmp_path: Path, shelves: dict[str, DictionaryFolder], alias: str
) -> None:
    directory = tiny_llama(tmp_path / "llama")
    weights = {
        name: value.detach()
        for name, value in AutoModelForCausalLM.from_pretrained(directory).double().named_parameters()
    }
    folder = shelves[alias].pattern.replace("{layer}", "1")
    row = load_file(Path(folder) / "sae_weights.safetensors")["W_dec"][4].double()
    if alias == "z":
        row = weights["model.layers.1.self_attn.o_proj.weight"] @ row
    norm, unembedding = weights["model.norm.weight"], weights["lm_head.weight"]
    logits = speaks_for(row, norm, unembedding, centre=False)
    assert not torch.allclose(logits, speaks_for(row, norm, unembedding, centre=True), atol=1e-2)
    engine = LensEngine(load_model(directory, device="cpu"), shelves)
    check_tokens(described(engine, f"L1.{alias}/4@END")[0], logits)


def test_folded_weights_speak_for_the_same_tokens(
    gpt2_engine: LensEngine, gpt2_directory: Path, shelves: dict[str, DictionaryFolder]
) -> None:
    folded = LensEngine(load_model(gpt2_directory, device="cpu", weights="folded"), shelves)
    for name in ("L1.z/4@END", "L1.tc/4@END"):
        (raw,), (same,) = described(gpt2_engine, name), described(folded, name)
        for one, other in ((raw.promotes, same.promotes), (raw.suppresses, same.suppresses)):
            assert [token for token, _ in one] == [token for token, _ in other]
            np.testing.assert_allclose([logit for _, logit in one], [logit for _, logit in other], atol=1e-4)


def test_the_logits_follow_the_direction_that_is_shown(gpt2_engine: LensEngine) -> None:
    """Adding a bit of a decoder row to the final stream moves the logits in proportion."""
    (node,) = nodes("L2.tc/4@END")
    row = gpt2_engine._library.of(node).decoder_rows((4,))[0]
    bridge = gpt2_engine.model.bridge

    def logits(size: float) -> Tensor:
        hooks = [("ln_final.hook_in", lambda value, hook: value + size * row)]
        with torch.inference_mode():
            found: Tensor = bridge.run_with_hooks(torch.tensor(PROMPTS.clean[:1]), fwd_hooks=hooks)
        return found[0, -1].double()

    with torch.inference_mode():
        _, cache = bridge.run_with_cache(torch.tensor(PROMPTS.clean[:1]))
    stream, scale = cache["ln_final.hook_in"][0, -1].double(), cache["ln_final.hook_scale"][0, -1].double()
    centred, direction = stream - stream.mean(), row.double() - row.double().mean()
    # The scale moves too, along the stream itself; that share is not the feature's direct path.
    through_scale = (centred @ direction) / (centred @ centred)
    change = (logits(1e-2) - logits(-1e-2)) / 2e-2 * scale
    base = bridge.ln_final.weight.detach().double() * centred @ bridge.W_U.detach().double()
    direct = change + through_scale * base
    direct = direct - direct.mean()
    (found,) = described(gpt2_engine, "L2.tc/4@END")
    for token, logit in (*found.promotes, *found.suppresses):
        assert float(direct[token]) == pytest.approx(logit, abs=2e-2)


def test_where_a_norm_hides_what_parts_write_no_token_is_named(tmp_path: Path) -> None:
    tiny_dictionary(tmp_path / "z" / "1", "standard", layer=1, d_model=32)  # four heads of eight
    engine = LensEngine(
        load_model(tiny_gemma2(tmp_path / "gemma"), device="cpu"),
        {"z": DictionaryFolder(f"{tmp_path}/z/{{layer}}")},
    )
    (found,) = described(engine, "L1.z/4@END")
    assert (found.promotes, found.suppresses) == ((), ())
    assert found.strongest


def test_a_norm_that_counts_its_weight_from_one_is_read_so(
    tmp_path: Path, shelves: dict[str, DictionaryFolder]
) -> None:
    directory = tiny_gemma2(tmp_path / "gemma")
    weights = dict(AutoModelForCausalLM.from_pretrained(directory).double().named_parameters())
    folder = shelves["tc"].pattern.replace("{layer}", "1")
    row = load_file(Path(folder) / "sae_weights.safetensors")["W_dec"][4].double()
    norm, unembedding = (
        weights["model.norm.weight"].detach() + 1,
        weights["model.embed_tokens.weight"].detach(),
    )
    engine = LensEngine(load_model(directory, device="cpu"), {"tc": shelves["tc"]})
    check_tokens(described(engine, "L1.tc/4@END")[0], speaks_for(row, norm, unembedding, centre=False))


def test_every_prompt_passes_through_the_model_once(
    gpt2_engine: LensEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: list[int] = []
    bridge = gpt2_engine.model.bridge
    passes = bridge.run_with_hooks

    def counting(tokens: Tensor, **options: object) -> Tensor:
        passed.append(len(tokens))
        logits: Tensor = passes(tokens, **options)
        return logits

    described(gpt2_engine, *NAMES)  # probes of how blocks write run once per model
    monkeypatch.setattr(bridge, "run_with_hooks", counting)
    described(gpt2_engine, *NAMES)
    assert sum(passed) == 24 + 1  # one more finds out whether the way to the logits is clear


def test_descriptions_come_in_the_order_asked_and_of_nothing_there_is_none(gpt2_engine: LensEngine) -> None:
    assert [str(found.feature) for found in described(gpt2_engine, *NAMES)] == list(NAMES)
    assert described(gpt2_engine) == ()


@pytest.mark.parametrize(
    ("name", "prompts", "message"),
    [
        ("L1H2@END", PROMPTS, "L1H2 cannot be described: name a feature"),
        ("L1.z/99@END", PROMPTS, "L1.z/99 is not in its dictionary, which has 24 features"),
        ("L1.z/3@END", PROMPTS.subset([]), "there are no prompts"),
    ],
)
def test_what_cannot_be_described_is_refused_in_one_sentence(
    gpt2_engine: LensEngine, name: str, prompts: PromptSet, message: str
) -> None:
    with pytest.raises(MeasurementError, match=message):
        described(gpt2_engine, name, prompts=prompts)


def test_a_feature_that_never_fires_has_no_contexts(gpt2_engine: LensEngine) -> None:
    (found,) = described(gpt2_engine, "L1.z/5@S")
    assert (found.rate, found.mean, found.strongest) == (0.0, 0.0, ())
