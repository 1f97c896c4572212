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
from circuitcheck.training.fidelity import Fidelity, measure_fidelity
from circuitcheck.training.language_model import TrainingPlan, train_language_model
from circuitcheck.training.outcomes import SeedOutcome, choose, measure_seed, read_outcome, write_outcome
from circuitcheck.training.probes import ioi_cells
from circuitcheck.training.progress import report
from circuitcheck.training.saving import load_model, save_dictionary, save_model, write_manifest
from circuitcheck.training.tokenizer import build_tokenizer

DICTIONARY_SEED = 0
TRAINING_DOCUMENTS = 20_000
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
        steps: Optimizer steps of each.
        processes: How many are trained at once.
    """

    out: Path
    work: Path
    seeds: tuple[int, ...]
    steps: int
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
    card = model_card(outcomes, chosen, fidelities)
    (production.out / "README.md").write_text(card, encoding="utf-8")
    write_manifest(production.out)
    report(f"written to {production.out}")


def _seed_outcome(job: tuple[Production, int]) -> SeedOutcome:
    """Trains and measures one seed; the measured model is the saved one, in the precision it is shipped in."""
    production, seed = job
    work = production.work / f"seed-{seed}"
    kept = work / "outcome.json"
    if kept.exists():
        return read_outcome(kept)
    trained = train_language_model(TrainingPlan(seed=seed, steps=production.steps), work)
    saved = _model_folder(production.work, seed)
    save_model(trained.model, saved)
    outcome = measure_seed(load_model(saved), seed, production.steps, trained.minutes)
    write_outcome(outcome, kept)
    report(f"seed {seed}: accuracy {outcome.accuracy}, clearest {outcome.stages[0]}")
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
    cells = ioi_cells(tokenizer, ioi_family().templates, IOI_PER_CELL, DICTIONARY_SEED)
    fidelity = measure_fidelity(model, site, dictionary, unseen, cells)
    kept.write_text(json.dumps(asdict(fidelity)) + "\n", encoding="utf-8")
    report(f"{fidelity}")
    return fidelity


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
