"""One dictionary of a repository: its configuration first, its weights when that was found to fit.

In: `Wanted`, the folder inside the repository. Out: the folder on this disk, in SAELens's layout.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

from circuitcheck.hub.snapshots import Snapshot, snapshot_of
from circuitcheck.hub.wanted import Wanted

_CONFIG, _WEIGHTS = "cfg.json", "sae_weights.safetensors"


def dictionary_folder(wanted: Wanted, inside: str, look: Callable[[Path], None] | None = None) -> Path:
    """The folder `inside` a repository, with cfg.json and the weights.

    `look` is shown the folder with cfg.json alone, and raises what keeps the weights from being fetched.

    Raises:
        DictionaryError: it cannot be had, or is not in this layout; and whatever `look` raises.
    """
    if wanted.repository.count("/") != 1:
        raise wanted.refusal(
            "is no repository of the Hugging Face Hub; write owner/name instead of a release's name in SAELens, "
            "or download it and write path: DIR."
        )
    snapshot = snapshot_of(wanted)
    config, weights = f"{inside}/{_CONFIG}", f"{inside}/{_WEIGHTS}"
    for path in (config, weights):
        if path not in snapshot.files:
            raise wanted.refusal(_lacks(snapshot, inside, path))
    folder = snapshot.fetch([config]) / inside
    if look is not None:
        look(folder)
    snapshot.fetch([weights])
    snapshot.remember(config)
    return folder


def _lacks(snapshot: Snapshot, inside: str, path: str) -> str:
    if snapshot.silence:
        return f"is not whole in the cache (it lacks {path}), and {snapshot.silence}."
    within = [file for file in snapshot.files if file.startswith(f"{inside}/") or not inside]
    if pickles := sorted(file for file in within if file.endswith((".pt", ".pth", ".pkl", ".bin"))):
        return (
            f"has {inside} only as the pickle {pickles[0]}, which can run code when read; "
            f"name a repository with {_CONFIG} and {_WEIGHTS}."
        )
    if within:
        return f"has no {path}; a dictionary in SAELens's layout is {_CONFIG} and {_WEIGHTS}."
    known = sorted(
        file.removesuffix(f"/{_CONFIG}") for file in snapshot.files if file.endswith(f"/{_CONFIG}")
    )
    near = get_close_matches(inside, known, n=1) or known[:1]
    return f"has no dictionary {inside!r}; " + (
        f"the nearest is {near[0]!r}." if near else "it has none at all."
    )
