"""`loss` against plain Hugging Face logits of the bundled model, and what prompts without answers cannot show."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from engines.asking import ask, nodes
from transformers import GPT2LMHeadModel

from circuitcheck.engine import (
    CLEAN,
    Condition,
    MetricName,
    MetricReading,
    Plan,
    Replace,
    Request,
    Side,
    Source,
    Splice,
    WriteReading,
)
from circuitcheck.engines import DictionaryFolder, LensEngine, load_model
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import parse_node
from circuitcheck.prompts.family import load_family
from circuitcheck.prompts.generate import generate
from circuitcheck.prompts.pairs import PromptSet
from circuitcheck.prompts.tokenise import tokenise
from circuitcheck.prompts.tokens import Tokenizer
from circuitcheck.shapes import bundled_model_path, bundled_path

FOLDER = bundled_model_path("ioi-mini")
LOSS = MetricReading("loss")
HEAD = nodes("L1H2@all")


@cache
def plain(*, family: str = "plain", bos: bool | None = None) -> PromptSet:
    pairs = generate(load_family(family), n=32, seed=1, corrupt=load_family(family).corruption_names()[0])
    return tokenise(pairs, Tokenizer.from_directory(FOLDER), bos=bos, seed=1)


@pytest.fixture(scope="module")
def bundled() -> LensEngine:
    shelf = DictionaryFolder(f"{bundled_path('ioi-mini/z')}/{{layer}}")
    return LensEngine(load_model(FOLDER, device="cpu"), {"z": shelf}, batch_size=8)


@pytest.fixture(scope="module")
def hugging_face() -> GPT2LMHeadModel:
    return GPT2LMHeadModel.from_pretrained(FOLDER).eval()


@contextmanager
def without_head(model: GPT2LMHeadModel, layer: int, head: int) -> Iterator[None]:
    """The head's output z set to zero behind BOS, as it enters the projection."""
    width = model.config.n_embd // model.config.n_head

    def drop(module: Any, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        z = inputs[0].clone()
        z[:, 1:, head * width : (head + 1) * width] = 0
        return (z, *inputs[1:])

    handle = model.transformer.h[layer].attn.c_proj.register_forward_pre_hook(drop)
    try:
        yield
    finally:
        handle.remove()


@torch.inference_mode()
def losses(model: GPT2LMHeadModel, prompts: PromptSet, side: Side) -> list[float]:
    """Text by text, -log p of each token given those before it, averaged."""
    found = []
    for tokens in prompts.clean if side == "clean" else prompts.corrupt:
        chances = model(input_ids=torch.tensor([tokens])).logits[0].double().log_softmax(-1)
        steps = [-float(chances[i, following]) for i, following in enumerate(tokens[1:])]
        found.append(sum(steps) / len(steps))
    return found


@pytest.mark.parametrize("side", ["clean", "corrupt"])
@pytest.mark.parametrize("bos", [True, False])
def test_loss_is_that_of_plain_hugging_face_logits(
    bundled: LensEngine, hugging_face: GPT2LMHeadModel, side: Side, *, bos: bool
) -> None:
    prompts = plain(bos=bos)
    assert ask(bundled, None, side=side, reading=LOSS, prompts=prompts) == pytest.approx(
        losses(hugging_face, prompts, side), rel=1e-5
    )


def test_loss_without_a_head_is_that_of_plain_hugging_face_logits(
    bundled: LensEngine, hugging_face: GPT2LMHeadModel
) -> None:
    prompts = plain()
    zeroed = ask(bundled, Replace(HEAD, Source("zero")), reading=LOSS, prompts=prompts)
    with without_head(hugging_face, 1, 2):
        assert zeroed == pytest.approx(losses(hugging_face, prompts, "clean"), rel=1e-5)
    assert np.abs(zeroed - ask(bundled, None, reading=LOSS, prompts=prompts)).max() > 1e-3


def test_loss_of_prompts_with_answers_is_that_of_the_prompt_alone(
    bundled: LensEngine, hugging_face: GPT2LMHeadModel
) -> None:
    prompts = plain(family="agreement")
    assert ask(bundled, None, reading=LOSS, prompts=prompts) == pytest.approx(
        losses(hugging_face, prompts, "clean"), rel=1e-5
    )


@pytest.mark.parametrize("kind", ["mean", "resample", "corrupt"])
def test_every_source_replaces_all_positions_of_plain_texts(bundled: LensEngine, kind: Any) -> None:
    prompts = plain()
    found = ask(bundled, Replace(HEAD, Source(kind)), reading=LOSS, prompts=prompts, references=prompts)
    assert np.isfinite(found).all()
    assert np.abs(found - ask(bundled, None, reading=LOSS, prompts=prompts)).max() > 1e-3


def test_a_reading_of_loss_leaves_the_readings_beside_it_alone(bundled: LensEngine) -> None:
    prompts = plain(family="pronoun")
    condition = Condition("clean", Replace(nodes("L1H2@END"), Source("zero")))
    difference = Request(condition, MetricReading("logit_diff"))
    alone = bundled.measure(Plan((difference,)), prompts, prompts)
    beside = bundled.measure(Plan((difference, Request(condition, LOSS))), prompts, prompts)
    # The loss takes whole passes, and the difference alone a part of one: the same up to rounding.
    np.testing.assert_allclose(alone.values[difference], beside.values[difference], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["logit_diff", "prob_diff", "log_prob", "accuracy", "top1", "rank"])
def test_a_metric_of_answers_is_refused_where_there_are_none(bundled: LensEngine, name: MetricName) -> None:
    with pytest.raises(
        MeasurementError, match=r"^these prompts have no answer to score; measure loss or kl\.$"
    ):
        ask(bundled, None, reading=MetricReading(name), prompts=plain())


def test_a_write_towards_the_answer_is_refused_where_there_is_none(bundled: LensEngine) -> None:
    with pytest.raises(MeasurementError, match="have no answer to score"):
        ask(bundled, None, reading=WriteReading(nodes("L1H2@END")), prompts=plain())


def test_kl_needs_no_answer(bundled: LensEngine) -> None:
    values = ask(bundled, Replace(HEAD, Source("zero")), reading=MetricReading("kl"), prompts=plain())
    assert (values >= 0).all()
    assert values.max() > 0


def test_a_dictionary_is_fitted_on_texts_of_several_lengths_by_what_it_keeps_of_their_probability(
    bundled: LensEngine,
) -> None:
    place = parse_node("L2.z/error@all")
    fit = bundled.fit(place, (3,), plain())
    clean, spliced = Request(CLEAN, LOSS), Request(Condition("clean", Splice((place,))), LOSS)
    values = bundled.measure(Plan((clean, spliced)), plain(), plain()).values
    assert fit.kept == pytest.approx(np.exp(values[clean].mean() - values[spliced].mean()))
    assert 0.5 < fit.kept < 1.5


def test_a_text_of_one_token_without_bos_has_no_loss(bundled: LensEngine) -> None:
    prompts = plain(bos=False)
    cut = replace(
        prompts.subset([0]), clean=((5,),), corrupt=((6,),), roles={"END": np.zeros(1, dtype=np.int64)}
    )
    with pytest.raises(MeasurementError, match="nan"):
        ask(bundled, None, reading=LOSS, prompts=cut)
