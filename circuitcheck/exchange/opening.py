"""A graph file as plain data: JSON, or tensors of a `.pt` file; pickles are refused by name.

In: a path. Out: what JSON holds, or nested lists and dicts of the same shape.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from circuitcheck.exchange.graph import ExchangeError

_PICKLES = (".pkl", ".pickle")
_TENSORS = (".pt", ".pth")
_PICKLE_OPCODE = b"\x80"
"""What every pickle of protocol 2 and later begins with."""


def read_graph_file(path: Path) -> Any:
    """The data of a graph file.

    Raises:
        ExchangeError: in one sentence, for a file that is missing, damaged, a pickle, or of no kind that is read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"the file cannot be read ({error.strerror}). Check the path."
        raise ExchangeError(path, msg) from None
    if path.suffix in _TENSORS:
        return _tensors(path)
    if path.suffix in _PICKLES or content.startswith(_PICKLE_OPCODE):
        msg = "this is a pickle, and reading a pickle can run any program. Save the edges as JSON instead."
        raise ExchangeError(path, msg)
    return _json(path, content)


def _json(path: Path, content: bytes) -> Any:
    if not content.strip():
        msg = "the file is empty. Save the graph again."
        raise ExchangeError(path, msg)
    try:
        return json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        msg = "this is not a text of JSON. Graphs are read from .json, and scores of EAP-IG from .pt."
        raise ExchangeError(path, msg) from None
    except json.JSONDecodeError as error:
        ended = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")
        what = "it ends in the middle" if ended else f"line {error.lineno}, column {error.colno}"
        msg = f"this is damaged JSON ({what}). Save or download the graph again."
        raise ExchangeError(path, msg) from None
    except RecursionError:
        msg = "this JSON is nested too deeply to be a graph. Save the graph again."
        raise ExchangeError(path, msg) from None


def _tensors(path: Path) -> Any:
    # Torch takes a second to import, and only these files need it.
    from circuitcheck.engines.tensor_files import TensorFileError, read_tensor_file

    try:
        return read_tensor_file(path)
    except TensorFileError as error:
        raise ExchangeError(path, str(error)) from None
