"""`circuitcheck import` and `circuitcheck export`: circuits in the formats of other tools."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from circuitcheck.commands.validate import SUFFIX
from circuitcheck.errors import CircuitCheckError


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A graph file: .json, or .pt of EAP-IG.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="OUT.circuit.yaml", help="The printed text, left out."),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option("--format", help="neuronpedia, mib, acdc or auto-circuit; seen by itself, left out."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="A bundled model, a folder, or a name of the Hub.", show_default=False)
    ] = None,
    prompts: Annotated[
        str | None,
        typer.Option(help="A built-in prompt family, or a JSON file of pairs.", show_default=False),
    ] = None,
    dictionary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ALIAS=SOURCE", help="Such as tc=ioi-mini/mlp, a folder, or saelens:RELEASE:ID."
        ),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, help="Take edges whose score is of this size or more.")
    ] = None,
    top: Annotated[
        int | None, typer.Option(min=1, help="Take this many edges, by the size of their score.")
    ] = None,
) -> None:
    """Write a circuit file from a graph of Neuronpedia, EAP-IG, MIB, ACDC or auto-circuit; its claims measure only."""
    from circuitcheck.exchange import ImportRequest, import_circuit
    from circuitcheck.exchange.choosing import Choice
    from circuitcheck.exchange.saving import check_circuit, save_circuit

    _check(output, threshold, top)
    directory = output.parent if output else Path()
    choice = Choice(threshold, top)
    request = ImportRequest(file, model, prompts, format_, choice, tuple(dictionary or ()), directory)
    found = import_circuit(request)
    if output is None:
        check_circuit(found.text, file)
        typer.echo(found.text, nl=False)
    else:
        save_circuit(output, found.text, file)
        typer.echo(
            f"wrote {output}: {found.nodes} nodes, {found.edges} edges\nnow try: circuitcheck run {output}"
        )
    _list_unsaid(found.unsaid)


def export(
    file: Annotated[Path, typer.Argument(metavar="CIRCUIT", help="A circuit file.")],
    to: Annotated[str, typer.Option(help="neuronpedia, mib or dot.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="OUT", help="The printed text, left out.")
    ] = None,
    group: Annotated[list[str] | None, typer.Option(help="Only this node group; may be said again.")] = None,
) -> None:
    """Write the nodes and edges of a circuit file as a Neuronpedia graph, a MIB circuit or a DOT drawing."""
    from circuitcheck.exchange import export_circuit
    from circuitcheck.exchange.saving import save_text
    from circuitcheck.reading import read_spec

    made = export_circuit(read_spec(file), to, group or ())
    if output is None:
        typer.echo(made.text, nl=False)
    else:
        save_text(output, made.text)
        typer.echo(f"wrote {output}")
    _list_unsaid(made.unsaid)


def _check(output: Path | None, threshold: float | None, top: int | None) -> None:
    if threshold is not None and top is not None:
        msg = "--threshold and --top both say what to take. Write one of them."
        raise CircuitCheckError(msg)
    if output is not None and not output.name.endswith(SUFFIX):
        msg = f"circuit files end in {SUFFIX}, and {output} does not. Write -o {output.with_suffix('')}{SUFFIX}."
        raise CircuitCheckError(msg)


def _list_unsaid(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        typer.echo(f"not said there: {sentence}", err=True)
