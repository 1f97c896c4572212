"""`circuitcheck prompts`: the prompts of a circuit file, with roles marked under their tokens."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from circuitcheck.errors import ModelError

if TYPE_CHECKING:
    from circuitcheck.spec import CircuitSpec

_NARROWEST = 40


def prompts(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A circuit file.")],
    count: Annotated[int, typer.Option(min=1, help="How many prompts to show.")] = 3,
) -> None:
    """Show clean and corrupt prompts as tokens, with the roles under them."""
    from circuitcheck.prompts.build import build_prompts, describe_prompts
    from circuitcheck.prompts.tokens import Tokenizer
    from circuitcheck.reading import read_spec

    spec = read_spec(file)
    tokenizer = Tokenizer.from_directory(_model_folder(spec))
    # As many as a run would draw: balancing over templates depends on the number.
    drawn = build_prompts(spec.prompts, tokenizer, base=spec.directory)
    width = max(shutil.get_terminal_size((100, 24)).columns, _NARROWEST)
    typer.echo(describe_prompts(drawn, tokenizer, count, width=width))


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
