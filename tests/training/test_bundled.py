import json
from hashlib import sha256
from pathlib import Path

import pytest
from safetensors import safe_open
from tokenizers import Tokenizer

import circuitcheck
from circuitcheck.training.activations import SITES
from circuitcheck.training.card import model_card
from circuitcheck.training.end_runs import HeadValue, run_at_end
from circuitcheck.training.evaluation import score_cells
from circuitcheck.training.family import frozen_templates, ioi_family
from circuitcheck.training.fidelity import kept_by_order
from circuitcheck.training.figures import read_figures
from circuitcheck.training.outcomes import EVALUATION_SEED, PROMPTS_PER_CELL
from circuitcheck.training.probes import ioi_cells
from circuitcheck.training.saving import load_dictionary, load_model
from circuitcheck.training.stages import DICTIONARY_SEED, IOI_PER_CELL
from circuitcheck.training.tokenizer import build_tokenizer

BUNDLED = Path(circuitcheck.__file__).parent / "bundled" / "ioi-mini"
UNUSED_SEED = 77


@pytest.fixture(scope="module")
def model():
    return load_model(BUNDLED / "model")


@pytest.fixture(scope="module")
def cells():
    return ioi_cells(build_tokenizer(), ioi_family().templates, per_cell=10, seed=UNUSED_SEED)


def test_every_file_is_the_one_in_the_manifest():
    listed = json.loads((BUNDLED / "manifest.json").read_text())["files"]
    hashes = {name: sha256((BUNDLED / name).read_bytes()).hexdigest() for name in listed}
    assert hashes == {name: entry["sha256"] for name, entry in listed.items()}
    files = {path.relative_to(BUNDLED).as_posix() for path in BUNDLED.rglob("*") if path.is_file()}
    assert files == {*listed, "manifest.json"}


def test_the_package_data_stays_small():
    assert sum(path.stat().st_size for path in BUNDLED.rglob("*") if path.is_file()) < 15_000_000


def test_the_bundled_tokenizer_is_the_one_that_the_grammar_gives():
    assert (
        Tokenizer.from_file(str(BUNDLED / "model/tokenizer.json")).get_vocab()
        == build_tokenizer().get_vocab()
    )


def test_the_card_is_the_one_that_its_figures_give():
    assert (BUNDLED / "README.md").read_text() == model_card(read_figures())


def test_the_cards_figures_for_new_wording_hold(model):
    chosen = read_figures().chosen
    frozen = ioi_cells(build_tokenizer(), frozen_templates(), PROMPTS_PER_CELL, EVALUATION_SEED)
    for found, stated in zip(score_cells(model, frozen), chosen.new_wording, strict=True):
        assert (found.template, found.order) == (stated.template, stated.order)
        assert found.accuracy == pytest.approx(stated.accuracy, abs=0.011)
        assert found.logit_difference == pytest.approx(stated.logit_difference, abs=0.01)


def test_the_cards_figures_for_dictionaries_hold(model):
    figures = read_figures()
    prompts = ioi_cells(build_tokenizer(), ioi_family().templates, IOI_PER_CELL, DICTIONARY_SEED)
    dictionaries = {site: load_dictionary(BUNDLED / site.kind / str(site.layer)) for site in SITES}
    assert kept_by_order(model, dictionaries, prompts) == pytest.approx(figures.together, abs=0.005)
    one = {SITES[1]: dictionaries[SITES[1]]}
    assert kept_by_order(model, one, prompts) == pytest.approx(figures.fidelities[1].kept, abs=0.005)


def test_putting_back_a_heads_own_value_changes_nothing(model, cells):
    cell = cells[0]
    clean = run_at_end(model, cell.clean)
    again = run_at_end(model, cell.clean, HeadValue(layer=2, head=0, z=clean.z[2, :, 0]))
    assert again.logits.equal(clean.logits)


@pytest.mark.parametrize("site", SITES, ids=lambda site: f"{site.kind}{site.layer}")
def test_a_dictionary_names_its_hooks_and_has_the_sizes_it_states(site):
    folder = BUNDLED / site.kind / str(site.layer)
    config = json.loads((folder / "cfg.json").read_text())
    assert config["metadata"]["hook_name"] == site.hook_name
    with safe_open(folder / "sae_weights.safetensors", framework="pt") as tensors:
        shapes = {name: tensors.get_slice(name).get_shape() for name in tensors.keys()}  # noqa: SIM118 (no dict)
    d_in, d_sae = config["d_in"], config["d_sae"]
    d_out = config.get("d_out", d_in)
    assert shapes == {
        "W_enc": [d_in, d_sae],
        "b_enc": [d_sae],
        "W_dec": [d_sae, d_out],
        "b_dec": [d_out],
        "threshold": [d_sae],
    }
