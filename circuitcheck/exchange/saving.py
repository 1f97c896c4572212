"""Files written whole or not at all; a circuit file only when it validates."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

from circuitcheck.errors import CircuitCheckError, SpecError
from circuitcheck.exchange.graph import ExchangeError
from circuitcheck.reading import read_spec, read_spec_text
from circuitcheck.spec import CircuitSpec


def save_circuit(path: Path, text: str, source: Path) -> None:
    """Write a circuit file imported from `source`.

    Raises:
        ExchangeError: with the first problem of the file, when it does not validate; nothing is written then.
        CircuitCheckError: when the file is there already, or cannot be written.
    """
    _save(path, text, source)


def check_circuit(text: str, source: Path) -> None:
    """Refuse the text of a circuit file imported from `source` that is to be printed, as it would be when saved.

    Raises:
        ExchangeError: with the first problem of the text, when it does not validate.
    """
    _validate(lambda: read_spec_text(text), source)


def save_text(path: Path, text: str) -> None:
    """Write a file that was not there.

    Raises:
        CircuitCheckError: when it is there already, or cannot be written.
    """
    _save(path, text, None)


def _save(path: Path, text: str, source: Path | None) -> None:
    if path.exists():
        msg = f"{path} is there already and is left as it is. Give another name, or move the file away."
        raise CircuitCheckError(msg)
    # Beside the final place, since paths in circuit files start from their folder.
    unfinished = path.with_name(f".{secrets.token_hex(6)}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text, encoding="utf-8")
        if source is not None:
            _validate(lambda: read_spec(unfinished), source)
        unfinished.replace(path)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}. Choose a folder that can be written."
        raise CircuitCheckError(msg) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _validate(read: Callable[[], CircuitSpec], source: Path) -> None:
    try:
        read()
    except SpecError as error:
        others = f" ({len(error.problems)} problems in all)" if len(error.problems) > 1 else ""
        msg = f"no circuit file can be made of it: {error.problems[0].message}{others}"
        raise ExchangeError(source, msg) from None
