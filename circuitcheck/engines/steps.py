"""The steps of interventions: what each does at its hook, and what it asks of other passes.

In: sites, dictionaries, positions, references, all settled beforehand. Out: `Step`s for `passes.run`.
Within one hook features come first, then errors, then named heads, so a head outranks features.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from circuitcheck.engines.dictionaries import Dictionary
from circuitcheck.engines.hooks import add_at, agree, code_delta, keep, relative_change, relative_changes
from circuitcheck.engines.new_values import NewValue
from circuitcheck.engines.passes import BEFORE, EDIT, Live, ReplacedCode, Step
from circuitcheck.engines.quantities import CodeValue, ErrorValue, Quantity
from circuitcheck.engines.sites import MLP_OUT, RESID_MID, RESID_POST, Site, block_hook
from circuitcheck.engines.sources import Reference
from circuitcheck.errors import MeasurementError

Positions = tuple[int, ...]


@dataclass(frozen=True)
class ReplaceSite:
    """Put a new value in at a site: a head, a projection, a neuron, or a whole stream."""

    column: int
    site: Site
    positions: Positions
    value: NewValue
    live_hooks: tuple[str, ...] = ()

    @property
    def hook(self) -> str:
        """The site's hook."""
        return self.site.hook

    @property
    def rank(self) -> int:
        """After features and errors."""
        return EDIT + 2

    @property
    def references(self) -> tuple[Reference, ...]:
        """Of the new value."""
        return self.value.references

    def apply(self, value: Tensor, live: Live) -> Tensor:
        """Write the new value; the change is measured against the stream before any edit here."""
        places = live.window.places(self.positions)
        old = self.site.read(live.incoming[self.hook])[:, places]
        new = self.value.of(old, self.positions, live)
        live.changes[self.column] = relative_change(old, new)
        return self.site.write(value, places, new)


@dataclass(frozen=True)
class CodeEntry:
    """One named feature: its column among the changes, which of the code it is, where, its new activation.

    `value` is of the whole code of the step, so that it is computed exactly as the live one is.
    """

    column: int
    index: int
    positions: Positions
    value: NewValue


@dataclass(frozen=True)
class ReplaceCode:
    """Shift the stream by the difference of activations of the named features of one dictionary."""

    dictionary: Dictionary
    features: tuple[int, ...]
    entries: tuple[CodeEntry, ...]

    @property
    def hook(self) -> str:
        """Where the dictionary writes."""
        return self.dictionary.writes_to

    @property
    def rank(self) -> int:
        """First."""
        return EDIT

    @property
    def positions(self) -> tuple[int, ...]:
        """Those of its features."""
        return tuple(sorted({position for entry in self.entries for position in entry.positions}))

    @property
    def references(self) -> tuple[Reference, ...]:
        """The new activations."""
        return tuple(reference for entry in self.entries for reference in entry.value.references)

    @property
    def live_hooks(self) -> tuple[str, ...]:
        """What a transcoder reads."""
        return _earlier_hooks(self.dictionary)

    @cached_property
    def _alike(self) -> dict[tuple[NewValue, Positions], list[CodeEntry]]:
        """Entries by what they ask and where, since asking once for all is most of what a step costs."""
        found: dict[tuple[NewValue, Positions], list[CodeEntry]] = {}
        for entry in self.entries:
            found.setdefault((entry.value, entry.positions), []).append(entry)
        return found

    def apply(self, value: Tensor, live: Live) -> Tensor:
        """Add the delta; activations are read on the stream before any edit at this hook."""
        code = CodeValue(self.dictionary, self.features).of(live.at(self.hook))
        target = code.clone()
        mask = torch.zeros(code.shape[1:], dtype=torch.bool, device=code.device)
        for (becomes, positions), entries in self._alike.items():
            places, indices = live.window.places(positions), [entry.index for entry in entries]
            rows, columns = torch.tensor(places)[:, None], torch.tensor(indices)
            old = code[:, rows, columns]
            target[:, rows, columns] = becomes.of(code[:, places], positions, live)[..., indices]
            mask[rows, columns] = True
            changes = relative_changes(old, target[:, rows, columns])
            live.changes |= {entry.column: changes[:, at] for at, entry in enumerate(entries)}
        for index, feature in enumerate(self.features):
            live.codes[self.dictionary, feature] = ReplacedCode(target[..., index], mask[:, index])
        delta = code_delta(code, target, self.dictionary.decoder_rows(self.features))
        return add_at(value, tuple(range(value.shape[1])), delta)


@dataclass(frozen=True)
class ReplaceError:
    """Put another error in at some positions: another pass's, none (a reference to zero), or a share of it.

    `column` is None where an error policy does it, not a named node. `fresh` are the positions at which
    no earlier node named this error already: there it is replaced, elsewhere only compared.
    """

    column: int | None
    dictionary: Dictionary
    positions: Positions
    fresh: Positions
    value: NewValue

    @property
    def hook(self) -> str:
        """Where the dictionary writes."""
        return self.dictionary.writes_to

    @property
    def rank(self) -> int:
        """After features."""
        return EDIT + 1

    @property
    def references(self) -> tuple[Reference, ...]:
        """Of the new error."""
        return self.value.references

    @property
    def live_hooks(self) -> tuple[str, ...]:
        """What a transcoder reads."""
        return _earlier_hooks(self.dictionary)

    def apply(self, value: Tensor, live: Live) -> Tensor:
        """Add the difference of errors; the live one is of the stream before any edit at this hook."""
        places = live.window.places(self.positions)
        old = ErrorValue(self.dictionary).of(live.at(self.hook))[:, places]
        new = self.value.of(old, self.positions, live)
        if self.column is not None:
            live.changes[self.column] = relative_change(old, new)
        again = [place for place, position in enumerate(self.positions) if position not in self.fresh]
        delta = new - old
        delta[:, again] = 0
        return add_at(value, places, delta)


@dataclass(frozen=True, eq=False)
class KeptTerm:
    """What a kept part adds to the reference: ((value - reference) * mask) @ directions.

    `value` is a live quantity, a reference (a frozen error), or None for zero (a dropped error).
    `directions` is None for an error, which is in the stream's own axes.
    """

    value: Quantity | Reference | None
    reference: Reference
    positions: Positions
    mask: Bool[Tensor, "places parts"] | None = None
    directions: Float[Tensor, "parts width"] | None = None

    @property
    def references(self) -> tuple[Reference, ...]:
        """Both, where the value is another pass's too."""
        return (self.reference, self.value) if isinstance(self.value, Reference) else (self.reference,)

    @property
    def live_hooks(self) -> tuple[str, ...]:
        """What it reads of its own pass; nothing where the value is another pass's, or zero."""
        return () if self.value is None or isinstance(self.value, Reference) else self.value.hooks

    def delta(self, hook: str, live: Live) -> Float[Tensor, "batch places width"]:
        """The term at its positions."""
        reference = live.lookup(self.reference, self.positions)
        if isinstance(self.value, Reference):
            difference = live.lookup(self.value, self.positions) - reference
        elif self.value is None:
            difference = -reference
        else:
            places = live.window.places(self.positions)
            difference = self.value.of(live.at(hook))[:, places] - reference
        if self.mask is not None:
            difference = difference * self.mask.to(difference.device)
        return difference if self.directions is None else difference @ self.directions


@dataclass(frozen=True, eq=False)
class KeepHook:
    """Everything at one hook comes from the reference, except the kept parts.

    `kept` has an axis of heads for z, of length 1 for a whole output. `terms` are the kept features,
    neurons and errors.
    """

    hook: str
    positions: Positions
    kept: Bool[Tensor, "places parts"]
    reference: Reference
    terms: tuple[KeptTerm, ...] = ()
    earlier: tuple[str, ...] = ()

    @property
    def rank(self) -> int:
        """Alone at its hook."""
        return EDIT

    @property
    def references(self) -> tuple[Reference, ...]:
        """Of the hook, then of its terms."""
        return (self.reference, *(one for term in self.terms for one in term.references))

    @property
    def live_hooks(self) -> tuple[str, ...]:
        """What transcoders and neurons are read from."""
        return self.earlier

    def apply(self, value: Tensor, live: Live) -> Tensor:
        """Replace; by how much the scope changed is asked of the untouched pass (see `kept_changes`)."""
        site, parts = Site(self.hook), self.kept.shape[1]
        places = live.window.places(self.positions)
        old = site.read(value)[:, places]
        reference = live.lookup(self.reference, self.positions).expand_as(old)
        added = torch.zeros_like(old)
        for term in self.terms:
            where = [self.positions.index(position) for position in term.positions]
            added[:, where] += term.delta(self.hook, live)
        split = [
            rearrange(flat, "batch places (parts width) -> batch places parts width", parts=parts)
            for flat in (old, reference, added)
        ]
        new = keep(split[0], split[1], self.kept.to(old.device), split[2]).flatten(2)
        return site.write(value, places, new)


@dataclass(frozen=True)
class CarryResidMid:
    """Carry an edit of hook_resid_mid past the MLP.

    The bridge (transformer-lens 4.3, in every mode) has that hook on the way into ln2 only: what is
    written there reaches the MLP, but not the residual stream beside it. So the difference is added to
    the block's output, before anything is read or edited there.
    """

    layer: int
    rank: int = BEFORE
    positions: Positions = ()
    references: tuple[Reference, ...] = ()

    @property
    def hook(self) -> str:
        """The block's output."""
        return block_hook(self.layer, RESID_POST)

    @property
    def live_hooks(self) -> tuple[str, ...]:
        """The edited hook, and what the block adds to it."""
        return (block_hook(self.layer, RESID_MID), block_hook(self.layer, MLP_OUT))

    def apply(self, value: Tensor, live: Live) -> Tensor:
        """Add the difference to the real rows.

        Raises:
            MeasurementError: when the block's output is not that stream plus the MLP's output.
        """
        middle, mlp = self.live_hooks
        before, main = live.incoming[middle], value[: live.rows]
        if not agree(main, before + live.recorded[mlp]):
            msg = f"{self.hook} is not {middle} plus {mlp} in this model, so resid_mid cannot be edited."
            raise MeasurementError(msg)
        difference = live.recorded[middle] - before  # exactly 0 where nothing was edited
        return torch.cat([main + difference, value[live.rows :]])


def carried(steps: Iterable[Step]) -> list[Step]:
    """The steps, with what edits of the middle of blocks need beside them."""
    steps = list(steps)
    middle = re.compile(rf"blocks\.(\d+)\.{RESID_MID}")
    layers = {int(match[1]) for step in steps if (match := middle.fullmatch(step.hook))}
    return [*steps, *(CarryResidMid(layer) for layer in sorted(layers))]


def _earlier_hooks(dictionary: Dictionary) -> tuple[str, ...]:
    """What must have been recorded by the time the dictionary writes; nothing for an SAE."""
    return () if dictionary.reads_from == dictionary.writes_to else (dictionary.reads_from,)
