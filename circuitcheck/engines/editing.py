"""The steps that put a new value in at each node, whatever it comes from.

In: numbered nodes, an `Edit` that knows their new values, and a `Scene`. Out: `Step`s.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from circuitcheck.engine import ErrorPolicy, Source, SteerHow
from circuitcheck.engines.dictionaries import Dictionary
from circuitcheck.engines.new_values import Lent, NewValue, Steered
from circuitcheck.engines.passes import Step
from circuitcheck.engines.quantities import CodeValue, ErrorValue, Quantity, SiteValue
from circuitcheck.engines.scene import Scene
from circuitcheck.engines.sites import DICTIONARY_KINDS, site_of
from circuitcheck.engines.sources import Reference
from circuitcheck.engines.steps import CodeEntry, ReplaceCode, ReplaceError, ReplaceSite
from circuitcheck.nodes import Node, NodeKind

ZERO = Source("zero")
CLEAN_RUN = Source("clean")
Numbered = tuple[int, Node]


@runtime_checkable
class Edit(Protocol):
    """What nodes become, by what they are and by their number among the nodes."""

    def value(self, quantity: Quantity, column: int) -> NewValue:
        """The new value of a node."""

    def error_value(self, dictionary: Dictionary, column: int) -> NewValue | None:
        """What becomes of the dictionary's error where the node is one of its features; None leaves it alone."""


@dataclass(frozen=True)
class FromSource:
    """Every node takes the value that the source has."""

    source: Source
    error: ErrorPolicy

    def value(self, quantity: Quantity, column: int) -> Lent:
        """The source's."""
        return Lent(self.reference(quantity, column))

    def error_value(self, dictionary: Dictionary, column: int) -> Lent | None:
        """As the policy says."""
        found = self.error_reference(dictionary, column)
        return None if found is None else Lent(found)

    def reference(self, quantity: Quantity, column: int) -> Reference:
        """What to look up; nodes share one derangement unless donors are independent."""
        apart = self.source.kind == "resample" and self.source.donors == "independent"
        return Reference(self.source, quantity, column + 1 if apart else 0)

    def error_reference(self, dictionary: Dictionary, column: int) -> Reference | None:
        """The error that goes in beside a feature, as the policy says."""
        if self.error == "reference":
            return self.reference(ErrorValue(dictionary), column)
        return fixed_error(self.error, dictionary)


@dataclass(frozen=True)
class MadeStronger:
    """Every node becomes what steering makes of it."""

    how: SteerHow
    by: float
    error: ErrorPolicy

    def value(self, quantity: Quantity, column: int) -> Steered:
        """Of the value itself."""
        del quantity, column
        return Steered(self.how, self.by)

    def error_value(self, dictionary: Dictionary, column: int) -> Lent | None:
        """As the policy says."""
        del column
        found = fixed_error(self.error, dictionary)
        return None if found is None else Lent(found)


def fixed_error(policy: ErrorPolicy, dictionary: Dictionary) -> Reference | None:
    """The error under a policy that asks for no source: none, or that of the clean run; None where it stays."""
    source = {"clean": CLEAN_RUN, "drop": ZERO}.get(policy)
    return None if source is None else Reference(source, ErrorValue(dictionary))


def edit_steps(edit: Edit, nodes: Iterable[Numbered], scene: Scene) -> list[Step]:
    """Sites, then features, errors, and what the policy does to errors that are not named.

    Raises:
        MeasurementError: for a node that the model lacks.
    """
    nodes = tuple(nodes)
    steps: list[Step] = []
    for column, node in nodes:
        if node.kind not in DICTIONARY_KINDS:
            site = site_of(node, scene.model)
            value = edit.value(SiteValue(site), column)
            steps.append(ReplaceSite(column, site, scene.positions(node.at), value))
    features = by_dictionary(nodes, scene)
    steps += [_code_step(edit, dictionary, members, scene) for dictionary, members in features.items()]
    steps += error_steps(edit, nodes, scene)
    return [*steps, *policy_steps(edit, nodes, scene)]


def by_dictionary(nodes: Iterable[Numbered], scene: Scene) -> dict[Dictionary, list[Numbered]]:
    """The features among the nodes, by their dictionary."""
    features: dict[Dictionary, list[Numbered]] = defaultdict(list)
    for column, node in nodes:
        if node.kind is NodeKind.FEATURE:
            features[scene.library.of(node)].append((column, node))
    return features


def _code_step(edit: Edit, dictionary: Dictionary, members: list[Numbered], scene: Scene) -> ReplaceCode:
    features = tuple(dict.fromkeys(node.index or 0 for _, node in members))
    quantity = CodeValue(dictionary, features)
    entries = tuple(
        CodeEntry(
            column,
            features.index(node.index or 0),
            scene.positions(node.at),
            edit.value(quantity, column),
        )
        for column, node in members
    )
    return ReplaceCode(dictionary, features, entries)


def error_steps(edit: Edit, nodes: Iterable[Numbered], scene: Scene) -> list[Step]:
    """A named error changes at each position once, however often it is named."""
    steps: list[Step] = []
    done: set[tuple[Dictionary, int]] = set()
    for column, node in nodes:
        if node.kind is not NodeKind.ERROR:
            continue
        dictionary = scene.library.of(node)
        positions = scene.positions(node.at)
        fresh = tuple(one for one in positions if (dictionary, one) not in done)
        done.update((dictionary, one) for one in fresh)
        value = edit.value(ErrorValue(dictionary), column)
        steps.append(ReplaceError(column, dictionary, positions, fresh, value))
    return steps


def unnamed_errors(
    nodes: Iterable[Numbered], scene: Scene
) -> dict[Dictionary, tuple[Numbered, tuple[int, ...]]]:
    """Where a policy decides on a dictionary's error: features are named there, and the error is not.

    With the first feature named, since under independent donors the error goes with that one.
    """
    nodes = tuple(nodes)
    named = {
        (scene.library.of(node), position)
        for _, node in nodes
        if node.kind is NodeKind.ERROR
        for position in scene.positions(node.at)
    }
    found = {}
    for dictionary, members in by_dictionary(nodes, scene).items():
        places = {position for _, node in members for position in scene.positions(node.at)}
        free = tuple(sorted(position for position in places if (dictionary, position) not in named))
        if free:
            found[dictionary] = members[0], free
    return found


def policy_steps(edit: Edit, nodes: Iterable[Numbered], scene: Scene) -> list[Step]:
    """What the error policy does where features are named and the error is not."""
    steps: list[Step] = []
    for dictionary, ((column, _), free) in unnamed_errors(nodes, scene).items():
        value = edit.error_value(dictionary, column)
        if value is not None:
            steps.append(ReplaceError(None, dictionary, free, free, value))
    return steps
