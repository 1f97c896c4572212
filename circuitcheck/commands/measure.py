"""`circuitcheck measure`: what a node does, with no file to write first."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from circuitcheck.errors import CircuitCheckError
from circuitcheck.nodes import parse_node

if TYPE_CHECKING:
    from circuitcheck.spec import CircuitSpec

CLAIM = "measured"


class With(StrEnum):
    """What replaces the node's value."""

    RESAMPLE = "resample"
    ZERO = "zero"
    MEAN = "mean"
    CORRUPT = "corrupt"


def measure(
    node: Annotated[str, typer.Argument(metavar="NODE", help="A node such as L2H0, L1.mlp or L2.z/174.")],
    model: Annotated[str, typer.Option(help="A bundled model, or a folder.")] = "ioi-mini",
    prompts: Annotated[str, typer.Option(help="A built-in prompt family.")] = "ioi",
    with_: Annotated[With, typer.Option("--with", help="What replaces the node's value.")] = With.RESAMPLE,
    at: Annotated[str, typer.Option(help="Position: a role, an index or 'all'.")] = "END",
    dictionary: Annotated[
        list[str] | None, typer.Option(metavar="ALIAS=SOURCE", help="Such as z=ioi-mini/z, or a folder.")
    ] = None,
    n: Annotated[int, typer.Option(min=2, help="Prompt pairs.")] = 128,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the prompts.")] = 0,
    device: Annotated[str | None, typer.Option(help="Where to run, such as cpu or cuda:0.")] = None,
) -> None:
    """Ablate a node and print the metric before and after, with the drop (or, of loss, the effect) and its interval."""
    from rich.console import Console

    from circuitcheck.checking import check
    from circuitcheck.prompts.family import load_family

    sources = dict(map(_dictionary, dictionary or []))
    quantity = "drop" if load_family(prompts).has_answers else "effect"
    spec = measuring_spec(
        {
            "model": _model(model),
            "prompts": {"family": prompts, "n": n, "seed": seed},
            "dictionaries": sources,
            "claims": [_claim(_placed(node, at), str(with_), quantity)],
        }
    )
    with Console(stderr=True).status(f"loading {model}") as status:  # shows itself on a terminal only

        def progress(done: int, total: int, what: str) -> None:
            status.update(f"measuring: {done}/{total} {what or 'passes'}")

        result = check(spec, device=device, progress=progress)
    typer.echo("\n".join(_answer(result)))


def measuring_spec(fields: Mapping[str, Any]) -> CircuitSpec:
    """A circuit of one claim that measures and judges nothing.

    Raises:
        CircuitCheckError: with what is wrong, in words.
    """
    from pydantic import ValidationError

    from circuitcheck.spec import CircuitSpec

    try:
        return CircuitSpec.model_validate({"circuitcheck": 1, "circuit": "measure", **fields})
    except ValidationError as error:
        faults = dict.fromkeys(fault["msg"].removeprefix("Value error, ") for fault in error.errors())
        raise CircuitCheckError("\n".join(faults)) from None


def _placed(node: str, at: str) -> str:
    """The node as circuit files write it, at `at` unless it names a position itself."""
    try:
        return str(parse_node(node, at))
    except ValueError as error:
        raise CircuitCheckError(str(error)) from None


def _claim(node: str, source: str, quantity: str) -> dict[str, Any]:
    return {
        "id": CLAIM,
        "says": f"What changes when {node} is replaced ({source}).",
        "ablate": node,
        "with": source,
        "expect": {quantity: "?"},
    }


def _model(text: str) -> str | dict[str, str]:
    return {"path": str(Path(text).resolve())} if Path(text).is_dir() else text


def _dictionary(text: str) -> tuple[str, dict[str, str]]:
    alias, equals, source = text.partition("=")
    if not (alias and equals and source):
        msg = f"{text!r} is not a dictionary. Write an alias and where it is, such as z=ioi-mini/z."
        raise CircuitCheckError(msg)
    kind, where = ("path", str(Path(source).resolve())) if Path(source).is_dir() else ("bundled", source)
    return alias, {kind: where}


def _answer(result: Any) -> list[str]:
    """The claim's numbers, or an error with the reason why there are none."""
    from circuitcheck.report.numerals import numeral
    from circuitcheck.report.wording import deciding, interval_text

    verdict = next(iter(result.verdicts), None)
    if verdict is None:
        raise CircuitCheckError(result.errors.get(CLAIM, "the node could not be measured."))
    part = deciding(verdict)
    if part is None or part.estimate is None:
        raise CircuitCheckError(
            verdict.reason or (part.reason if part else "") or "nothing could be estimated."
        )
    facts = [f"{name:<13}{numeral(v) if isinstance(v, float) else v}" for name, v in verdict.facts.items()]
    drop = f"{part.quantity:<13}{numeral(part.estimate)}   {interval_text(part, verdict.confidence)}   n = {part.n}"
    problems = [f"warning: {setup.message}" for setup in result.setup if not setup.ok]
    return [*facts, drop, *problems]
