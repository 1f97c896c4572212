"""Circuit files: YAML in, `CircuitSpec` out, or every problem of the file at once."""

from __future__ import annotations

from pathlib import Path

from circuitcheck.errors import Problem, SpecError
from circuitcheck.locations import Document, read_document
from circuitcheck.spec import CircuitSpec
from circuitcheck.spec.draft import Draft
from circuitcheck.spec.parts import Parts, not_a_circuit_file
from circuitcheck.spec.rules import faults_of


def read_spec(path: Path) -> CircuitSpec:
    """Read a circuit file.

    Raises:
        SpecError: with every problem of the file, each with its line.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        msg = f"the file cannot be read ({error.strerror}). Check the path."
        raise SpecError((Problem(str(path), 0, 0, msg),)) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SpecError(
            (Problem(str(path), line, 1, "this is not UTF-8. Save the file as UTF-8."),)
        ) from None
    return _read(text, str(path), path)


def read_spec_text(text: str, path: str = "<text>") -> CircuitSpec:
    """Read the text of a circuit file; `path` is what messages call it.

    Relative paths in the text start from the working directory.

    Raises:
        SpecError: with every problem of the text, each with its line.
    """
    return _read(text, path, None)


def _read(text: str, name: str, path: Path | None) -> CircuitSpec:
    document = read_document(text, name)
    faults = not_a_circuit_file(document.data)
    if not faults:
        parts = Parts(document.data, path.parent if path else Path.cwd())
        draft = parts.draft()
        faults = [*parts.faults, *faults_of(draft)]
        if not faults:
            return _spec(parts, draft, document, path)
    raise SpecError(
        tuple(document.problem(fault.loc, fault.message, at_key=fault.at_key) for fault in faults)
    )


def _spec(parts: Parts, draft: Draft, document: Document, path: Path | None) -> CircuitSpec:
    """The spec of parts that are all validated, and have passed the rules; so neither is done again."""
    spec = CircuitSpec.model_construct(
        **dict(parts.header or ()) | {"metric": draft.metric},
        model=draft.model,
        dictionaries=dict(draft.dictionaries),
        prompts=draft.prompts,
        nodes=dict(draft.groups),
        edges=tuple(draft.edges.values()),
        written=tuple(draft.claims.values()),
    )
    lines = [document.line(("claims", number)) for number in draft.claims]
    spec.place(path, lines, [document.line(("edges", number)) for number in draft.edges])
    return spec
