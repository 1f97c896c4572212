"""What one engine took from its store and what it made, for the report."""

from __future__ import annotations

from dataclasses import dataclass, field

from circuitcheck.store.folder import Store


@dataclass
class Tally:
    """Names of measurements; each is counted once, however often it is asked for."""

    stored: set[str] = field(default_factory=set)
    measured: set[str] = field(default_factory=set)

    def took(self, name: str) -> None:
        """Count one that was there before."""
        if name not in self.measured:
            self.stored.add(name)

    def made(self, name: str) -> None:
        """Count one that was not."""
        self.measured.add(name)

    def account(self, store: Store) -> dict[str, object]:
        """The counts as plain data, with what was wrong in the store, if anything was."""
        account: dict[str, object] = {
            "folder": str(store.folder),
            "stored": len(self.stored),
            "measured": len(self.measured),
        }
        if store.damaged:
            account["damaged"] = [str(path) for path in store.damaged]
        if store.fault:
            account["fault"] = store.fault
        return account
