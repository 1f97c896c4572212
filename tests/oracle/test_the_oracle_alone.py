"""What must hold of the oracle by itself: identities that follow from the wording, without any engine."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from oracle.cases import GPT2_CASES, LLAMA_CASES
from oracle.prompts import plain
from oracle.readings import Numbers
from oracle.setting import Setting, Settings
from oracle.wording import Case, indices

CONTINUOUS = ("logit_diff", "log_prob", "prob_diff")


def differs(first: Numbers, second: Numbers) -> float:
    return max(float(np.abs(first[name] - second[name]).max()) for name in CONTINUOUS)


def measured(setting: Setting, *nodes: str, **options: str) -> Numbers:
    case = Case("", nodes, readings=("prob_diff",), **options)  # type: ignore[arg-type]  # the options are words
    return setting.expected(case)


def test_the_cases_have_different_names() -> None:
    assert (len(GPT2_CASES), len(LLAMA_CASES)) == (39, 18)
    assert len({case.name for case in GPT2_CASES}) == 39
    assert len({case.name for case in LLAMA_CASES}) == 18


@pytest.mark.parametrize(
    "module",
    [
        "network",
        "dictionary",
        "interventions",
        "steering",
        "paths",
        "keeping",
        "readings",
        "oracle",
        "wording",
        "cases",
    ],
)
def test_the_oracle_imports_nothing_of_circuitcheck_or_transformer_lens(module: str) -> None:
    tree = ast.parse((Path(__file__).parent / f"{module}.py").read_text())
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    allowed = {"torch", "transformers", "safetensors", "numpy", "oracle", *sys.stdlib_module_names}
    assert {name.partition(".")[0] for name in imported} <= allowed


def test_a_run_without_edits_is_the_hugging_face_forward(settings: Settings, model: str) -> None:
    setting = settings[model]
    module = AutoModelForCausalLM.from_pretrained(setting.world.model, dtype=torch.float32).eval()
    for tokens in setting.prompts.clean:
        with torch.no_grad():
            logits = module(torch.tensor([tokens])).logits[0]
        torch.testing.assert_close(
            setting.oracle.plain(list(tokens)).logits.float(), logits, rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize("node", ["L0.resid@all", "embed@all", "embed@all+bos", "L2.resid@all"])
def test_the_corrupt_stream_at_every_position_is_the_corrupt_run(
    settings: Settings, model: str, node: str
) -> None:
    setting = settings[model]
    corrupt = setting.expected(Case("", (), side="corrupt", readings=("prob_diff",)))
    assert differs(measured(setting, node, source="corrupt"), corrupt) < 1e-9
    assert differs(measured(setting, node, source="clean"), corrupt) > 1e-2


def test_the_middle_stream_and_the_mlp_of_the_last_layer_at_end_are_the_corrupt_run(
    settings: Settings, model: str
) -> None:
    setting = settings[model]
    last = setting.oracle.network.n_layers - 1
    corrupt = setting.expected(Case("", (), side="corrupt", readings=("prob_diff",)))
    assert differs(measured(setting, f"L{last}.resid_mid@END", source="corrupt"), corrupt) < 1e-9
    both = (f"L{last}.resid@END", f"L{last}.attn@END", f"L{last}.mlp@END")
    assert differs(measured(setting, *both, source="corrupt"), corrupt) < 1e-9


def test_corrupt_queries_keys_and_values_of_a_layer_are_its_corrupt_heads(
    settings: Settings, model: str
) -> None:
    setting = settings[model]
    inputs = [f"L1H{head}.{letter}@all+bos" for head in range(4) for letter in "qkv"]
    heads = [f"L1H{head}@all" for head in range(4)]
    assert (
        differs(measured(setting, *inputs, source="corrupt"), measured(setting, *heads, source="corrupt"))
        < 1e-5
    )


def test_a_groups_key_is_the_private_copies_of_its_two_heads(settings: Settings) -> None:
    setting = settings["llama"]
    private = measured(setting, "L1H2.k@S2", "L1H3.k@S2", source="corrupt")
    assert differs(measured(setting, "L1G1.k@S2", source="corrupt"), private) < 1e-5
    assert differs(measured(setting, "L1G0.k@S2", source="corrupt"), private) > 1e-2
    assert differs(measured(setting, "L1H2.k@S2", source="corrupt"), private) > 1e-2


def test_attention_by_hand_is_the_modules_attention(settings: Settings, model: str) -> None:
    network = settings[model].oracle.network
    record = settings[model].oracle.plain(list(settings[model].prompts.clean[0]))
    for head in range(network.n_heads):
        columns = network.slice_of(network.group_of(head))
        key, value = record.at["k", 1][:, columns], record.at["v", 1][:, columns]
        output, pattern = network.head_output(1, head, record, key, value)
        torch.testing.assert_close(output, record.at["z", 1][:, network.slice_of(head)], rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(pattern, record.patterns[1][head].double(), rtol=1e-5, atol=1e-6)


def test_zeroing_the_attention_output_also_takes_its_bias(settings: Settings) -> None:
    setting = settings["gpt2"]
    heads = [f"L1H{head}@END" for head in range(4)]
    assert differs(measured(setting, "L1.attn@END"), measured(setting, *heads)) > 1e-2


def test_a_transcoder_reads_the_stream_before_the_weight_and_bias_of_the_norm(
    settings: Settings, model: str
) -> None:
    network = settings[model].oracle.network
    stream = settings[model].oracle.plain(list(settings[model].prompts.clean[0])).at["resid_mid", 1]
    before = network.normalised(stream)
    if network.is_llama:
        after = network.module.model.layers[1].post_attention_layernorm(stream)
        by_hand = before * network.module.model.layers[1].post_attention_layernorm.weight
    else:
        norm = network.module.transformer.h[1].ln_2
        after, by_hand = norm(stream), before * norm.weight + norm.bias
    torch.testing.assert_close(by_hand, after, rtol=1e-5, atol=1e-6)
    assert (before - after).abs().max() > 0.1


@pytest.mark.parametrize("alias", ["z", "tc", "res", "mid"])
def test_about_a_third_of_the_features_fire(settings: Settings, model: str, alias: str) -> None:
    setting = settings[model]
    dictionary = setting.oracle.dictionaries[alias, 1]
    features = [
        dictionary.features(setting.oracle.plain(list(tokens)))[1:] for tokens in setting.prompts.clean
    ]
    assert 0.2 < float((torch.cat(features) > 0).double().mean()) < 0.4


def test_no_activation_lies_so_near_its_threshold_that_rounding_decides(
    settings: Settings, model: str
) -> None:
    setting = settings[model]
    runs = [
        setting.oracle.plain(list(tokens)) for tokens in (*setting.prompts.clean, *setting.prompts.corrupt)
    ]
    for dictionary in setting.oracle.dictionaries.values():
        source = torch.cat([dictionary.source(run)[1:] for run in runs])
        source = source - dictionary.weights["b_dec"] if dictionary.subtracts_bias else source
        before = source @ dictionary.weights["W_enc"] + dictionary.weights["b_enc"]
        assert (before - dictionary.weights.get("threshold", 0.0)).abs().min() > 1e-6


def test_every_feature_and_the_error_corrupted_is_the_corrupt_head_output(
    settings: Settings, model: str
) -> None:
    setting = settings[model]
    features = [f"L1.z/{number}@END" for number in range(24)]
    heads = measured(setting, *(f"L1H{head}@END" for head in range(4)), source="corrupt")
    assert differs(measured(setting, *features, source="corrupt", error="reference"), heads) < 1e-6
    assert differs(measured(setting, *features, "L1.z/error@END", source="corrupt"), heads) < 1e-6
    assert differs(measured(setting, *features, source="corrupt"), heads) > 1e-3


def test_the_policies_for_the_error_agree_where_nothing_upstream_was_changed(
    settings: Settings, model: str
) -> None:
    setting = settings[model]
    first = measured(setting, "L1.tc/2@END", source="corrupt", error="live")
    assert differs(measured(setting, "L1.tc/2@END", source="corrupt", error="clean"), first) < 1e-9
    both = ("L0.tc/2@END", "L0.tc/5@END", "L1.tc/2@END")
    live = measured(setting, *both, source="corrupt", error="live")
    assert differs(measured(setting, *both, source="corrupt", error="clean"), live) > 1e-5


def test_keeping_everything_changes_nothing_and_keeping_nothing_is_ablating_everything(
    settings: Settings, model: str
) -> None:
    setting = settings[model]
    layers = range(setting.oracle.network.n_layers)
    heads = [f"L{layer}H{head}@all" for layer in layers for head in range(4)]
    mlps = [f"L{layer}.mlp@all" for layer in layers]
    clean = setting.expected(Case("", (), readings=("prob_diff",)))
    kept = measured(setting, *heads, *mlps, verb="keep", source="corrupt", scope="heads+mlps")
    nothing = measured(setting, verb="keep", source="corrupt", scope="heads+mlps")
    assert differs(kept, clean) < 1e-9
    assert differs(nothing, measured(setting, *heads, *mlps, source="corrupt")) < 1e-9
    assert differs(measured(setting, *heads, verb="keep", source="corrupt"), clean) < 1e-9


def test_keeping_all_features_and_the_error_is_keeping_the_heads(settings: Settings, model: str) -> None:
    setting = settings[model]
    features = [f"L1.z/{number}@END" for number in range(24)]
    heads = [f"L1H{head}@END" for head in range(4)]
    kept = measured(setting, *heads, verb="keep", source="mean")
    assert differs(measured(setting, *features, "L1.z/error@END", verb="keep", source="mean"), kept) < 1e-9
    assert differs(measured(setting, *features, verb="keep", source="mean"), kept) > 1e-3


def test_all_writes_and_the_embedding_add_up_to_the_logit_difference(settings: Settings) -> None:
    for setting in settings.values():
        network, pairs = setting.oracle.network, plain(setting.prompts)
        parts = [f"L{layer}.{part}@END" for layer in range(network.n_layers) for part in ("attn", "mlp")]
        reading = " ".join(["writes", "L0.resid@END", *parts])
        found = setting.expected(Case("", (), readings=(reading,)))
        norm = network.module.model.norm if network.is_llama else network.module.transformer.ln_f
        unembedding = network.module.lm_head.weight.detach()
        offsets = [
            0.0
            if network.is_llama
            else float(norm.bias.detach() @ (unembedding[answer] - unembedding[foils].mean(0)))
            for answer, foils in zip(pairs.answers, pairs.foils, strict=True)
        ]
        np.testing.assert_allclose(found[reading] + offsets, found["logit_diff"], atol=1e-5)


def test_positions_count_from_the_token_after_bos_and_back_from_end(settings: Settings) -> None:
    pairs = plain(settings["gpt2"].prompts)
    for row, tokens in enumerate(pairs.clean):
        assert indices("0", pairs, row) == [1]
        assert indices("-1", pairs, row) == indices("END", pairs, row) == [len(tokens) - 1]
        assert indices("S1+1", pairs, row) == [pairs.roles["S1"][row] + 1]
        assert indices("all", pairs, row) == list(range(1, len(tokens)))
        assert pairs.clean[row][pairs.roles["S1"][row]] == pairs.clean[row][pairs.roles["S2"][row]]
        assert pairs.clean[row][pairs.roles["IO"][row]] != pairs.clean[row][pairs.roles["S1"][row]]
