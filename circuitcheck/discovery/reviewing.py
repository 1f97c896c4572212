"""What a human does to a proposal: drop, rename or change its claims; comments stay where they were.

In: the text of a circuit file. Out: the same text, changed. Nothing is measured here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from circuitcheck.discovery.proposal_text import WIDTH
from circuitcheck.errors import CircuitCheckError


@dataclass(frozen=True)
class Draft:
    """A circuit file under review; `document` is ruamel's, with its comments, and changes as it is edited."""

    document: Any
    yaml: YAML

    @classmethod
    def of(cls, text: str) -> Draft:
        """The file as it stands."""
        yaml = YAML()
        yaml.width = WIDTH
        yaml.indent(mapping=2, sequence=4, offset=2)
        return cls(yaml.load(text), yaml)

    @property
    def claims(self) -> tuple[str, ...]:
        """The ids of the claims that are left, in their order."""
        return tuple(str(claim["id"]) for claim in self.document["claims"])

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the node groups."""
        return tuple(map(str, self.document.get("nodes", {})))

    def claim(self, claim_id: str) -> Any:
        """One claim, as the file has it."""
        return self.document["claims"][self.claims.index(claim_id)]

    def drop(self, claim_id: str) -> None:
        """Take a claim out.

        Raises:
            CircuitCheckError: it is the last one.
        """
        if len(self.claims) == 1:
            msg = f"{claim_id} is the only claim left, and a circuit file has one or more. Leave the review instead."
            raise CircuitCheckError(msg)
        del self.document["claims"][self.claims.index(claim_id)]

    def rename(self, claim_id: str, name: str) -> None:
        """Give a claim another id."""
        self.claim(claim_id)["id"] = name

    def expect(self, claim_id: str, quantity: str, threshold: str) -> None:
        """Change what a claim expects."""
        self.claim(claim_id)["expect"][quantity] = threshold

    def say(self, claim_id: str, sentence: str) -> None:
        """Change what a claim says."""
        self.claim(claim_id)["says"] = sentence

    def rename_group(self, old: str, new: str) -> None:
        """Give a group another name, also in the claims that speak of it.

        Raises:
            CircuitCheckError: another group has that name.
        """
        if new in self.groups:
            msg = f"there is a group {new!r} already. Choose another name."
            raise CircuitCheckError(msg)
        nodes = self.document["nodes"]
        place = self.groups.index(old)
        nodes.insert(place, new, nodes.pop(old))
        for claim in self.document["claims"]:
            for verb in ("ablate", "keep"):
                named = claim.get(verb)
                if named == old:
                    claim[verb] = new
                elif isinstance(named, list) and old in named:
                    named[named.index(old)] = new

    def text(self, origin: Path, destination: Path) -> str:
        """The file as it is now; the folder of its model is found from `destination` as it was from `origin`."""
        model = self.document["model"]
        if isinstance(model, dict) and "path" in model:
            folder = (origin / str(model["path"])).resolve()
            model["path"] = os.path.relpath(folder, destination.resolve())
        written = StringIO()
        self.yaml.dump(self.document, written)
        return written.getvalue()
