"""One dictionary of a repository: its configuration first, its weights when that was found to fit.

In: `Wanted`, the folder inside the repository. Out: the folder on this disk, in SAELens's layout.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

from circuitcheck.hub.snapshots import Snapshot, snapshot_of
from circuitcheck.hub.wanted import Wanted

_CONFIG = "cfg.json"
_WEIGHTS = ("sae_weights.safetensors", "sae_weights.pt")
"""What the weights may be called; the first that is there is read."""


@dataclass(frozen=True)
class DictionaryRepository:
    """A repository with a folder for each dictionary; the Hub is asked once for its list of files."""

    wanted: Wanted

    @cached_property
    def snapshot(self) -> Snapshot:
        """The commit that is read.

        Raises:
            DictionaryError: there is no such repository or revision, or the Hub does not say.
        """
        if self.wanted.repository.count("/") != 1:
            raise self.wanted.refusal(
                "is no repository of the Hugging Face Hub; write owner/name instead of a release's name in SAELens, "
                "or download it and write path: DIR."
            )
        return snapshot_of(self.wanted)

    def folder(self, inside: str, look: Callable[[Path], None]) -> Path:
        """The folder `inside` the repository on this disk, with cfg.json and the weights.

        `look` is shown the folder when cfg.json has arrived, and raises what keeps the weights from being fetched.

        Raises:
            DictionaryError: it cannot be had, or is not in this layout; and whatever `look` raises.
        """
        files = self.snapshot.files
        config = f"{inside}/{_CONFIG}"
        weights = next((path for name in _WEIGHTS if (path := f"{inside}/{name}") in files), None)
        if config not in files or weights is None:
            missing = config if config not in files else f"{inside}/{_WEIGHTS[0]}"
            raise self.wanted.refusal(_lacks(self.snapshot, inside, missing))
        folder = self.snapshot.fetch([config]) / inside
        look(folder)
        self.snapshot.fetch([weights])
        self.snapshot.remember(config)
        return folder


def _lacks(snapshot: Snapshot, inside: str, path: str) -> str:
    if snapshot.silence:
        return f"is not whole in the cache (it lacks {path}), and {snapshot.silence}."
    within = [file for file in snapshot.files if file.startswith(f"{inside}/") or not inside]
    if pickles := sorted(file for file in within if file.endswith((".pt", ".pth", ".pkl", ".bin"))):
        return (
            f"has {inside} only as the pickle {pickles[0]}, which can run code when read; "
            f"name a repository with {_CONFIG} and {_WEIGHTS[0]}."
        )
    if within:
        return f"has no {path}; a dictionary in SAELens's layout is {_CONFIG} and {_WEIGHTS[0]}."
    known = sorted(
        file.removesuffix(f"/{_CONFIG}") for file in snapshot.files if file.endswith(f"/{_CONFIG}")
    )
    near = get_close_matches(inside, known, n=1) or known[:1]
    return f"has no dictionary {inside!r}; " + (
        f"the nearest is {near[0]!r}." if near else "it has none at all."
    )
