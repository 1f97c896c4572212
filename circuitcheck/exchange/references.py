"""What the user names on the command line, as a circuit file writes it: model, prompts, dictionaries.

Paths become relative to the folder of the circuit file, so that both can move together.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from circuitcheck.engine import Shape
from circuitcheck.errors import CircuitCheckError, ModelError, PromptError
from circuitcheck.prompts.family import family_names, load_family
from circuitcheck.prompts.wording import did_you_mean
from circuitcheck.shapes import bundled_model_path, bundled_models, model_shape
from circuitcheck.spec.references import LAYER

_SAELENS = "saelens:"


def model_reference(model: str | None, directory: Path) -> str | dict[str, str]:
    """A bundled model's name, a folder, or else a name of the Hub.

    Raises:
        ModelError: in a sentence, when no model is named; graph files do not name theirs so that it could be loaded.
    """
    if not model:
        msg = "the graph does not say which model to load. Write --model gpt2, a bundled model's name, or a folder."
        raise ModelError(msg)
    if model in bundled_models():
        return model
    return {"path": _relative(Path(model), directory)} if Path(model).is_dir() else {"name": model}


def shape_of(model: str) -> Shape | None:
    """How large the model is, where it lies on this disk."""
    folder = bundled_model_path(model) if model in bundled_models() else Path(model)
    return model_shape(folder) if folder.is_dir() else None


def prompts_reference(prompts: str | None, directory: Path) -> dict[str, str]:
    """A built-in family, or a JSON file of pairs.

    Raises:
        PromptError: in a sentence, when neither is named; no graph file has pairs of prompts.
    """
    known = ", ".join(family_names())
    if not prompts:
        msg = f"the graph has no pairs of prompts to measure on. Write --prompts and a family ({known}) or a JSON file."
        raise PromptError(msg)
    if prompts in family_names():
        return {"family": prompts}
    if Path(prompts).is_file():
        return {"pairs": _relative(Path(prompts), directory)}
    msg = f"there is no prompt family and no file {prompts!r}. {did_you_mean(prompts, family_names())}"
    raise PromptError(msg)


def has_answers(prompts: Mapping[str, str]) -> bool:
    """Whether the prompts have a right and a wrong answer."""
    return load_family(prompts["family"]).has_answers if "family" in prompts else True


def dictionary_reference(text: str, directory: Path) -> tuple[str, dict[str, Any]]:
    """Alias and source of `tc=ioi-mini/mlp`, `tc=folder`, `tc=folder/{layer}` or `tc=saelens:RELEASE:ID`.

    Raises:
        CircuitCheckError: in a sentence, when the text is none of these.
    """
    alias, equals, source = text.partition("=")
    if not (alias and equals and source):
        msg = f"{text!r} is not a dictionary. Write an alias and where it is, such as tc=ioi-mini/mlp."
        raise CircuitCheckError(msg)
    if source.startswith(_SAELENS):
        release, _, identity = source.removeprefix(_SAELENS).partition(":")
        return alias, {"saelens": {"release": release, "id": identity}}
    if Path(source.partition(LAYER)[0]).is_dir():
        return alias, {"path": _relative(Path(source), directory)}
    return alias, {"bundled": source}


def _relative(path: Path, directory: Path) -> str:
    return Path(os.path.relpath(path, directory)).as_posix()
