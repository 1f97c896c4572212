"""What the page says of a claim's controls: matched features, or random circuits, in the place of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

from markupsafe import Markup

from circuitcheck.report.html.strip_plot import strip_plot
from circuitcheck.report.numerals import numeral
from circuitcheck.report.results import ClaimRecord
from circuitcheck.report.wording import overruled
from circuitcheck.verdict import Controls, Outcome

_WORDS = {
    Outcome.SUPPORTED: ("✓", "stands out"),
    Outcome.REFUTED: ("✗", "does not stand out"),
    Outcome.INCONCLUSIVE: ("?", "undecided"),
    Outcome.MEASURED: ("○", "measured only"),
}


@dataclass(frozen=True)
class ControlsView:
    """`key`, `symbol` and `word` make the badge; `done` and `found` are sentences, `facts` small print."""

    key: str
    symbol: str
    word: str
    done: str
    found: str
    plot: Markup
    facts: str


def controls_view(record: ClaimRecord) -> ControlsView | None:
    """What the page shows of a claim's controls; None where it has none."""
    verdict = record.to_verdict()
    controls = verdict.controls if verdict else None
    if verdict is None or controls is None:
        return None
    symbol, word = _WORDS[controls.outcome]
    return ControlsView(
        key=str(controls.outcome),
        symbol=symbol,
        word=word,
        done=_done(controls),
        found=" ".join(filter(None, (_found(controls), "" if overruled(verdict) else _notes(controls)))),
        plot=strip_plot(controls),
        facts=" · ".join([*_pools(controls), f"seed {controls.seed}"]),
    )


def _done(controls: Controls) -> str:
    number = len(controls.effects)
    if not number:
        return "No controls could be made."
    size = len(controls.pools)
    if _are_outsiders(controls):
        return (
            "What each node is worth was compared with what other nodes of its kind at its position, from outside "
            "the circuit, are worth when they are kept beside it."
        )
    if _are_circuits(controls):
        all_there_are = ", which are all that there are" if controls.is_exhaustive else ""
        return (
            f"The same was done with {number} other circuits of exactly the same size{all_there_are}: "
            "as many heads and MLPs at the same positions, in any layer."
        )
    sets = f"sets of {size} features" if size > 1 else "features"
    return (
        f"The same was done with {number} other {sets} of the same dictionaries that fire there about as often "
        "and as strongly."
    )


def _found(controls: Controls) -> str:
    number = len(controls.effects)
    said = []
    if number:
        what = f"matched {'sets' if len(controls.pools) > 1 else 'features'}"
        if _are_circuits(controls) or _are_outsiders(controls):
            what = controls.against
        nearer = "" if controls.target is None else f", being nearer to {controls.target:g}"
        said.append(
            f"On the same {controls.n} prompt pairs, {_whose(controls)} {controls.quantity} of {numeral(controls.effect)} beats "
            f"{round(controls.beaten * number)} of {number} {what}{nearer} ({_required(controls)})"
        )
        finite = [effect for effect in controls.effects if math.isfinite(effect)]
        said.append(f"the median control has {numeral(median(finite) if finite else None)}")
    if controls.error_effect is not None:
        said.append(
            f"{'the' if said else 'The'} dictionaries' errors alone, replaced in the same way, "
            f"give {numeral(controls.error_effect)}"
        )
    return f"{'; '.join(said)}." if said else ""


def _whose(controls: Controls) -> str:
    return "the weakest node's" if _are_outsiders(controls) else "the claim's"


def _are_outsiders(controls: Controls) -> bool:
    return controls.against == "nodes from outside the circuit"


def _are_circuits(controls: Controls) -> bool:
    return controls.against == "random circuits"


def _required(controls: Controls) -> str:
    """How many have to be beaten; of a sample of circuits, what has to be shown of all."""
    if (_are_circuits(controls) or _are_outsiders(controls)) and not controls.is_exhaustive:
        return f"it has to be shown that {100 * controls.required:g}% of all are beaten"
    return f"{math.ceil(controls.required * len(controls.effects) - 1e-9)} are required"


def _notes(controls: Controls) -> str:
    """What the reason says beyond how many controls were beaten, and which the verdict has not said."""
    told = f"its {controls.quantity} beats"
    notes = [note for note in controls.reason.split("; ") if note and not note.startswith(told)]
    text = "; ".join(notes)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _pools(controls: Controls) -> list[str]:
    """How large a choice there was, shortly: the smallest and the largest."""
    sizes = sorted(set(controls.pools.values()))
    if not sizes:
        return []
    span = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    if _are_circuits(controls) or _are_outsiders(controls):
        return [f"stand-ins drawn from {span} nodes for each"]
    return [f"controls drawn from the {span} nearest features of each"]
