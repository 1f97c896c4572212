"""How xdist deals out work: a circuit file stays on one worker, so that it is measured once.

Only for xdist's default, `--dist load`; whoever asks for another way gets it. Runs without circuit
files keep xdist's own scheduler.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]  # xdist has annotations but no py.typed
from xdist.scheduler import LoadScheduling, LoadScopeScheduling  # type: ignore[import-untyped]  # as above
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]  # as above

from pytest_circuitcheck.items import SUFFIX


def is_circuit_node(nodeid: str) -> bool:
    """Whether a node id is that of an item of a circuit file."""
    return nodeid.partition("::")[0].endswith(SUFFIX)


class _FileScheduling(LoadScopeScheduling):  # type: ignore[misc]  # as above
    """Items of one circuit file together, every other test by itself."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0] if is_circuit_node(nodeid) else nodeid


class CircuitScheduling:
    """Becomes one of two schedulers once it is known whether circuit files were collected.

    Scopes cost time that grows with the square of the number of tests, so a large suite without
    circuits should not pay for them.
    """

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        self._candidates: tuple[Any, ...] = (_FileScheduling(config, log), LoadScheduling(config, log))

    def add_node(self, node: WorkerController) -> None:
        """A worker has started."""
        for scheduler in self._candidates:
            scheduler.add_node(node)

    def remove_node(self, node: WorkerController) -> str | None:
        """A worker has gone; gives back the test that it was running."""
        crashed: list[str | None] = [scheduler.remove_node(node) for scheduler in self._candidates]
        return crashed[0]

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        """A worker has collected; all collect the same, so the first decides."""
        by_file, *others = self._candidates
        if others:
            self._candidates = (by_file,) if any(map(is_circuit_node, collection)) else tuple(others)
        self._candidates[0].add_node_collection(node, collection)

    def __getattr__(self, name: str) -> Any:
        # Everything else that xdist asks of a scheduler.
        return getattr(self._candidates[0], name)
