"""Files of tensors that other tools write with `torch.save`, read as plain data; never by unpickling.

In: a `.pt` or `.pth` file. Out: dicts, lists, tuples, numbers and strings, tensors as nested lists.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor


class TensorFileError(ValueError):
    """The file holds more than tensors and plain data, or is damaged; the text is a sentence without the path."""


def read_tensor_file(path: Path) -> Any:
    """What the file holds, with tensors as nested lists.

    Raises:
        TensorFileError: for a pickle of other objects, and for a file that is damaged.
    """
    try:
        with warnings.catch_warnings():
            # Torch warns of pickles that it goes on to refuse, or to read by its own harmless reader.
            warnings.simplefilter("ignore", UserWarning)
            return _plain(torch.load(path, map_location="cpu", weights_only=True))
    except UnpicklingError:
        msg = "this is a pickle that holds more than tensors, and reading it can run any program. Save it as JSON."
        raise TensorFileError(msg) from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError):
        msg = "this is a damaged file of tensors. Save or download it again."
        raise TensorFileError(msg) from None


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(part) for part in value)
    return value
