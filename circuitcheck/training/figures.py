"""Every figure of the model card as plain data, kept beside the model: what the card is written from and tests compare."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files

from circuitcheck.training.bars import Bar
from circuitcheck.training.fidelity import Fidelity
from circuitcheck.training.outcomes import SeedOutcome, bars_of, choose, outcome_data, outcome_of

FILE_NAME = "figures.json"

ALONE = 0.1
TOGETHER = 0.15
"""How far the logit difference may move, as a share, when dictionaries stand in for what they reconstruct."""

EXPLAINED = 0.7


@dataclass(frozen=True)
class Figures:
    """What was measured while the package data was made.

    Attributes:
        outcomes: One for each seed that was trained to the end.
        fidelities: One for each dictionary of the chosen seed.
        together: Order to IOI logit difference with all dictionaries spliced in, over the clean one.
    """

    outcomes: tuple[SeedOutcome, ...]
    fidelities: tuple[Fidelity, ...]
    together: Mapping[str, float]

    @property
    def chosen(self) -> SeedOutcome:
        """The seed that is shipped."""
        return choose(self.outcomes)

    @property
    def bars(self) -> tuple[Bar, ...]:
        """Every bar, of the model and of its dictionaries."""
        return (*bars_of(self.chosen), *self._dictionary_bars())

    def _dictionary_bars(self) -> tuple[Bar, ...]:
        explained = {each.site: each.explained_at_end for each in self.fidelities}
        weakest = min(explained, key=lambda site: explained[site])
        alone = {
            f"{each.site}, {order}": kept for each in self.fidelities for order, kept in each.kept.items()
        }
        furthest = max(alone, key=lambda place: abs(alone[place] - 1))
        apart = max(self.together, key=lambda order: abs(self.together[order] - 1))
        return (
            Bar(
                f"variance explained at END, weakest dictionary ({weakest})",
                explained[weakest],
                least=EXPLAINED,
            ),
            _around_one(
                f"logit difference kept, one dictionary spliced ({furthest})", alone[furthest], ALONE
            ),
            _around_one(f"logit difference kept, all spliced ({apart})", self.together[apart], TOGETHER),
        )

    def text(self) -> str:
        """The figures as JSON."""
        data = {
            "outcomes": [outcome_data(outcome) for outcome in self.outcomes],
            "fidelities": [asdict(fidelity) for fidelity in self.fidelities],
            "together": dict(self.together),
        }
        return json.dumps(data, indent=1) + "\n"


def read_figures(text: str | None = None) -> Figures:
    """Figures from their JSON; those of the shipped model by default."""
    shipped = files("circuitcheck").joinpath("bundled/ioi-mini", FILE_NAME)
    data = json.loads(shipped.read_text(encoding="utf-8") if text is None else text)
    return Figures(
        outcomes=tuple(map(outcome_of, data["outcomes"])),
        fidelities=tuple(Fidelity(**fidelity) for fidelity in data["fidelities"]),
        together=data["together"],
    )


def _around_one(name: str, figure: float, tolerance: float) -> Bar:
    return Bar(name, figure, least=1 - tolerance, most=1 + tolerance)
