"""The tokenizer as prompts need it: ids with their characters, one id back to text, BOS.

In: a model's folder, or a tokenizer of the `tokenizers` library. Out: `Tokenizer`. It never adds
special tokens, pads or truncates; whether BOS comes first is decided in `tokenise`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as Backend

from circuitcheck.errors import PromptError
from circuitcheck.prompts.templates import Span

_GPT2_BOS = "<|endoftext|>"
_HOW = "Give the folder of a model in Hugging Face format, with its tokenizer.json."


@dataclass(frozen=True, eq=False)
class Tokenizer:
    """A tokenizer and the id of its BOS token, None if it has none."""

    backend: Backend
    bos_id: int | None
    _encoded: dict[str, tuple[tuple[int, ...], tuple[Span, ...]]] = field(default_factory=dict, repr=False)
    """What was encoded before: the clean side of a prompt comes again under every corruption."""

    @classmethod
    def from_directory(cls, folder: Path) -> Tokenizer:
        """The tokenizer of a model's folder: tokenizer.json, and BOS from tokenizer_config.json.

        Raises:
            PromptError: when tokenizer.json is missing or damaged, or names a BOS token that it lacks.
        """
        path = folder / "tokenizer.json"
        if not path.is_file():
            msg = f"there is no {path}. {_HOW}"
            raise PromptError(msg)
        try:
            backend = Backend.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            msg = f"{path} cannot be read as a tokenizer ({error}). {_HOW}"
            raise PromptError(msg) from error
        return cls.from_backend(backend, _bos_id(folder, backend))

    @classmethod
    def from_backend(cls, backend: Backend, bos_id: int | None) -> Tokenizer:
        """A copy of `backend` that neither pads nor truncates, whatever its file says."""
        copy = Backend.from_str(backend.to_str())
        copy.no_padding()
        copy.no_truncation()
        return cls(copy, bos_id)

    def encode(self, text: str) -> tuple[tuple[int, ...], tuple[Span, ...]]:
        """Token ids, and the (start, end) characters of each; no special tokens are added."""
        if text not in self._encoded:
            encoding = self.backend.encode(text, add_special_tokens=False)
            self._encoded[text] = tuple(encoding.ids), tuple(encoding.offsets)
        return self._encoded[text]

    def decode(self, token: int) -> str:
        """The text of one token in the middle of a text, its leading space included."""
        # A token at the start may lose its space (SentencePiece), so it is read off behind itself.
        once, twice = (self.backend.decode([token] * k, skip_special_tokens=False) for k in (1, 2))
        return str(twice[len(once) :])

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the tokenizer and its BOS: equal digests make equal tokens."""
        return hashlib.sha256(f"{self.bos_id} {self.backend.to_str()}".encode()).hexdigest()


def _bos_id(folder: Path, backend: Backend) -> int | None:
    """The id of the BOS token that the folder's configuration names."""
    name = _bos_name(folder, backend)
    if name is None:
        return None
    token = backend.token_to_id(name)
    if token is None:
        msg = f"{folder / 'tokenizer_config.json'} names the BOS token {name!r}, which tokenizer.json lacks."
        raise PromptError(msg)
    return int(token)


def _bos_name(folder: Path, backend: Backend) -> str | None:
    for file in ("tokenizer_config.json", "special_tokens_map.json"):
        config = _json_object(folder / file)
        if "bos_token" in config:
            named: str | dict[str, str] | None = config["bos_token"]
            return named["content"] if isinstance(named, dict) else named
    # GPT-2's own folder leaves it to the class: transformers' GPT2Tokenizer has this as its BOS.
    return _GPT2_BOS if backend.token_to_id(_GPT2_BOS) is not None else None


def _json_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty when there is no file."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        msg = f"{path} cannot be read as JSON ({error}). {_HOW}"
        raise PromptError(msg) from error
    if not isinstance(content, dict):
        msg = f"{path} is not a JSON object. {_HOW}"
        raise PromptError(msg)
    return content
