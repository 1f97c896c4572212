"""The stages of making `ioi-mini`, each of which keeps its result and is skipped when that is there.

Seeds, and then dictionaries, are independent of one another and run in separate processes of one thread each, so
that how many run at once changes no number.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import torch

from circuitcheck.training.activations import SITES, Site, collect, same_length_batches
from circuitcheck.training.card import model_card
from circuitcheck.training.dictionaries import train_dictionary
from circuitcheck.training.family import ioi_family
from circuitcheck.training.fidelity import Fidelity, kept_by_order, measure_fidelity
from circuitcheck.training.figures import FILE_NAME, Figures
from circuitcheck.training.language_model import train_language_model
from circuitcheck.training.outcomes import (
    SeedOutcome,
    bars_of,
    choose,
    measure_seed,
    outcome_data,
    outcome_of,
)
from circuitcheck.training.probes import Cell, ioi_cells
from circuitcheck.training.progress import report
from circuitcheck.training.saving import (
    load_dictionary,
    load_model,
    save_dictionary,
    save_model,
    write_manifest,
)
from circuitcheck.training.tokenizer import build_tokenizer

DICTIONARY_SEED = 0
TRAINING_DOCUMENTS = 10_000
UNSEEN_DOCUMENTS = 1_000
IOI_PER_CELL = 16

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Production:
    """What is to be made, and where.

    Attributes:
        out: Folder of the finished package data.
        work: Folder of checkpoints and intermediate results.
        seeds: Seeds to train and to choose from.
        processes: How many are trained at once.
    """

    out: Path
    work: Path
    seeds: tuple[int, ...]
    processes: int


def produce(production: Production) -> None:
    """Trains every seed, chooses one, trains its dictionaries and writes the package data."""
    outcomes = _in_processes(_seed_outcome, [(production, seed) for seed in production.seeds], production)
    chosen = choose(outcomes)
    report(f"seed {chosen.seed} is chosen")
    _replace_folder(_model_folder(production.work, chosen.seed), production.out / "model")
    jobs = [(production, chosen.seed, site) for site in SITES]
    fidelities = _in_processes(_dictionary_fidelity, jobs, production)
    for site in SITES:
        saved = _site_folder(production.work, chosen.seed, site)
        _replace_folder(saved, production.out / site.kind / str(site.layer))
    figures = Figures(tuple(outcomes), tuple(fidelities), _kept_together(production, chosen.seed))
    (production.out / FILE_NAME).write_text(figures.text(), encoding="utf-8")
    (production.out / "README.md").write_text(model_card(figures), encoding="utf-8")
    write_manifest(production.out)
    report(f"written to {production.out}")


def _seed_outcome(job: tuple[Production, int]) -> SeedOutcome:
    """Trains and measures one seed; the measured model is the saved one, in the precision it is shipped in."""
    production, seed = job
    work = production.work / f"seed-{seed}"
    kept = work / "outcome.json"
    if kept.exists():
        return outcome_of(json.loads(kept.read_text(encoding="utf-8")))
    trained = train_language_model(seed, work)
    saved = _model_folder(production.work, seed)
    save_model(trained, saved)
    outcome = measure_seed(load_model(saved), seed)
    kept.write_text(json.dumps(outcome_data(outcome), indent=1) + "\n", encoding="utf-8")
    for bar in bars_of(outcome):
        report(f"seed {seed}: {bar.name} {bar.figure:.3f} ({bar.range})")
    return outcome


def _dictionary_fidelity(job: tuple[Production, int, Site]) -> Fidelity:
    """Trains and measures the dictionary of one site."""
    production, seed, site = job
    folder = _site_folder(production.work, seed, site)
    kept = folder.with_suffix(".json")
    if kept.exists():
        return Fidelity(**json.loads(kept.read_text(encoding="utf-8")))
    torch.set_num_threads(1)
    model, tokenizer = load_model(_model_folder(production.work, seed)), build_tokenizer()
    rows = collect(model, site, same_length_batches(tokenizer, DICTIONARY_SEED, TRAINING_DOCUMENTS))
    dictionary = train_dictionary(site.kind, *rows, DICTIONARY_SEED)
    save_dictionary(dictionary, site, folder)
    unseen = same_length_batches(tokenizer, DICTIONARY_SEED + 1, UNSEEN_DOCUMENTS)
    fidelity = measure_fidelity(model, site, dictionary, unseen, _fidelity_cells())
    kept.write_text(json.dumps(asdict(fidelity)) + "\n", encoding="utf-8")
    report(f"{fidelity}")
    return fidelity


def _kept_together(production: Production, seed: int) -> dict[str, float]:
    """What is left of the IOI logit difference when every dictionary stands in for its site, for each order."""
    model = load_model(_model_folder(production.work, seed))
    dictionaries = {site: load_dictionary(_site_folder(production.work, seed, site)) for site in SITES}
    return kept_by_order(model, dictionaries, _fidelity_cells())


def _fidelity_cells() -> list[Cell]:
    return ioi_cells(build_tokenizer(), ioi_family().templates, IOI_PER_CELL, DICTIONARY_SEED)


def _in_processes(
    work: Callable[[Item], Result], jobs: Iterable[Item], production: Production
) -> list[Result]:
    with ProcessPoolExecutor(production.processes, mp_context=get_context("spawn")) as pool:
        return list(pool.map(work, jobs))


def _model_folder(work: Path, seed: int) -> Path:
    return work / f"seed-{seed}" / "model"


def _site_folder(work: Path, seed: int, site: Site) -> Path:
    return work / f"seed-{seed}" / "dictionaries" / f"{site.kind}-{site.layer}"


def _replace_folder(source: Path, target: Path) -> None:
    """Puts a finished folder in place, so that nothing of an older one stays behind."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
