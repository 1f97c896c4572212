"""`circuitcheck prompts`: the prompts of a circuit file or family, with roles marked under their tokens."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from circuitcheck.errors import CircuitCheckError, ModelError

if TYPE_CHECKING:
    from circuitcheck.spec import CircuitSpec, PromptsRef

_NARROWEST = 40


def prompts(
    file: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="A circuit file.", show_default=False)
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many prompts to show.")] = 3,
    family: Annotated[
        str | None, typer.Option(help="A built-in family, instead of a file.", show_default=False)
    ] = None,
    corrupt: Annotated[
        str | None, typer.Option(help="A corruption of the family; its first by default.", show_default=False)
    ] = None,
    model: Annotated[
        str, typer.Option(help="With --family: a bundled model, or a folder with a tokenizer.")
    ] = "ioi-mini",
) -> None:
    """Show clean and corrupt prompts as tokens, with the roles under them."""
    from circuitcheck.prompts.build import build_prompts, describe_prompts
    from circuitcheck.prompts.tokens import Tokenizer
    from circuitcheck.reading import read_spec

    if (file is None) == (family is None):
        msg = "name either a circuit file or a family: circuitcheck prompts --family ioi."
        raise CircuitCheckError(msg)
    if file is not None:
        spec = read_spec(file)
        drawn_from, folder, base = spec.prompts, _model_folder(spec), spec.directory
    else:
        drawn_from, folder, base = _of_family(str(family)), _folder(model), Path.cwd()
    tokenizer = Tokenizer.from_directory(folder)
    # As many as a run would draw: balancing over templates depends on the number.
    drawn = build_prompts(drawn_from, tokenizer, corrupt=corrupt, base=base)
    width = max(shutil.get_terminal_size((100, 24)).columns, _NARROWEST)
    typer.echo(describe_prompts(drawn, tokenizer, count, width=width))


def _of_family(name: str) -> PromptsRef:
    from circuitcheck.prompts.family import load_family
    from circuitcheck.spec import PromptsRef

    return PromptsRef(family=load_family(name))


def _folder(model: str) -> Path:
    from circuitcheck.prompts.wording import did_you_mean
    from circuitcheck.shapes import bundled_model_path, bundled_models

    if model in bundled_models():
        return bundled_model_path(model)
    if not Path(model).is_dir():
        msg = f"no bundled model and no folder {model!r}. {did_you_mean(model, bundled_models())}"
        raise ModelError(msg)
    return Path(model)


def _model_folder(spec: CircuitSpec) -> Path:
    """The folder with the model's tokenizer; of a Hub model only the tokenizer's files are fetched."""
    folder = spec.model.folder(spec.directory)
    if folder is not None:
        return folder
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    name = str(spec.model.name)
    files = ["tokenizer*", "special_tokens_map.json"]
    try:
        return Path(snapshot_download(name, revision=spec.model.revision, allow_patterns=files))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        msg = f"the tokenizer of {name} cannot be fetched from the Hub ({type(error).__name__}). "
        msg += "Check its name and your network, or write model: {path: ..}."
        raise ModelError(msg) from error
