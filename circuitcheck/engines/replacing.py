"""Turns `Replace` and `Splice` into the steps of one group of prompts.

In: the intervention and a `Scene`. Out: a `Treatment`.
"""

from collections import defaultdict
from collections.abc import Iterable

from circuitcheck.engine import Replace, Source, Splice
from circuitcheck.engines.dictionaries import Dictionary
from circuitcheck.engines.passes import Step, Treatment
from circuitcheck.engines.private import ReplacePrivate, shadow_steps, slots_of
from circuitcheck.engines.quantities import CodeValue, ErrorValue, SiteValue
from circuitcheck.engines.scene import Scene
from circuitcheck.engines.sites import (
    DICTIONARY_KINDS,
    PATTERN,
    PROJECTIONS,
    RESID,
    Z,
    is_private,
    site_of,
)
from circuitcheck.engines.sources import Reference
from circuitcheck.engines.steps import (
    CodeEntry,
    ReplaceCode,
    ReplaceError,
    ReplaceSite,
    carried,
)
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import Node, NodeKind

ZERO = Source("zero")
CLEAN_RUN = Source("clean")
Numbered = tuple[int, Node]


def replace_treatment(intervention: Replace, scene: Scene) -> Treatment:
    """The steps that put the source's value in at each node.

    Raises:
        MeasurementError: for a node that the model lacks, or a value that cannot be put in there.
    """
    nodes = tuple(enumerate(intervention.nodes))
    _refuse_averaged_projections(intervention)
    private = [(column, node) for column, node in nodes if is_private(node, scene.shape)]
    plain = [
        (column, node)
        for column, node in nodes
        if node.kind not in DICTIONARY_KINDS and not is_private(node, scene.shape)
    ]
    steps: list[Step] = [
        ReplaceSite(
            column,
            site_of(node, scene.model),
            scene.positions(node.at),
            Reference(
                intervention.source,
                SiteValue(site_of(node, scene.model)),
                _donor(column, intervention.source),
            ),
        )
        for column, node in plain
    ]
    steps += _dictionary_steps(intervention, nodes, scene)
    private_steps, shadows = _private_steps(intervention, private, scene)
    return Treatment(tuple(carried([*steps, *private_steps])), shadows, len(nodes))


def splice_treatment(intervention: Splice, scene: Scene) -> Treatment:
    """The steps that set a dictionary's error to zero at each place.

    Raises:
        MeasurementError: for a place that is not an error node.
    """
    for place in intervention.places:
        if place.kind is not NodeKind.ERROR:
            msg = f"{place.name} cannot be spliced; name a dictionary's error, such as L2.z/error@END."
            raise MeasurementError(msg)
    replace = Replace(intervention.places, ZERO)
    steps = _error_steps(replace, enumerate(intervention.places), scene)
    return Treatment(tuple(carried(steps)), columns=len(intervention.places))


def _refuse_averaged_projections(intervention: Replace) -> None:
    kind = intervention.source.kind
    for node in intervention.nodes:
        if node.kind in PROJECTIONS and kind in {"zero", "mean"}:
            msg = (
                f"{node.name} cannot be replaced by {kind}: what is replaced is the residual stream that the "
                f"projection reads, and no prompt has a residual stream that is {kind}; use resample, or patch "
                "it from the other side."
            )
            raise MeasurementError(msg)


def _donor(column: int, source: Source) -> int:
    """Nodes share one derangement unless donors are independent."""
    return column + 1 if source.kind == "resample" and source.donors == "independent" else 0


def _dictionary_steps(intervention: Replace, nodes: tuple[Numbered, ...], scene: Scene) -> list[Step]:
    features: dict[Dictionary, list[Numbered]] = defaultdict(list)
    for column, node in nodes:
        if node.kind is NodeKind.FEATURE:
            features[scene.library.of(node)].append((column, node))
    errors = [(column, node) for column, node in nodes if node.kind is NodeKind.ERROR]
    named = {
        (scene.library.of(node), position) for _, node in errors for position in scene.positions(node.at)
    }
    steps: list[Step] = [_code_step(intervention, one, members, scene) for one, members in features.items()]
    steps += _error_steps(intervention, errors, scene)
    for dictionary, members in features.items():
        places = {position for _, node in members for position in scene.positions(node.at)}
        free = tuple(sorted(position for position in places if (dictionary, position) not in named))
        # Under independent donors the error goes with the first feature named at its dictionary.
        steps += policy_steps(intervention, dictionary, free, _donor(members[0][0], intervention.source))
    return steps


def _code_step(
    intervention: Replace, dictionary: Dictionary, members: list[Numbered], scene: Scene
) -> ReplaceCode:
    features = tuple(dict.fromkeys(node.index or 0 for _, node in members))
    source, quantity = intervention.source, CodeValue(dictionary, features)
    entries = tuple(
        CodeEntry(
            column,
            features.index(node.index or 0),
            scene.positions(node.at),
            Reference(source, quantity, _donor(column, source)),
        )
        for column, node in members
    )
    return ReplaceCode(dictionary, features, entries)


def _error_steps(intervention: Replace, nodes: Iterable[Numbered], scene: Scene) -> list[Step]:
    """A named error changes at each position once, however often it is named."""
    steps: list[Step] = []
    done: set[tuple[Dictionary, int]] = set()
    for column, node in nodes:
        dictionary = scene.library.of(node)
        positions = scene.positions(node.at)
        fresh = tuple(one for one in positions if (dictionary, one) not in done)
        done.update((dictionary, one) for one in fresh)
        reference = Reference(
            intervention.source, ErrorValue(dictionary), _donor(column, intervention.source)
        )
        steps.append(ReplaceError(column, dictionary, positions, fresh, reference))
    return steps


def policy_steps(
    intervention: Replace, dictionary: Dictionary, positions: tuple[int, ...], donor: int
) -> list[Step]:
    """What the error policy does where features are named and the error is not."""
    source = {"live": None, "clean": CLEAN_RUN, "reference": intervention.source, "drop": ZERO}[
        intervention.error
    ]
    if source is None or not positions:
        return []
    return [
        ReplaceError(None, dictionary, positions, positions, Reference(source, ErrorValue(dictionary), donor))
    ]


def _private_steps(intervention: Replace, nodes: list[Numbered], scene: Scene) -> tuple[list[Step], int]:
    if not nodes:
        return [], 0
    slots = slots_of({(node.layer or 0, node.head or 0) for _, node in nodes})
    for _, node in nodes:
        for name in (RESID, PATTERN, Z):
            scene.hook(node, node.layer or 0, name)
    steps: list[Step] = shadow_steps(slots)
    for column, node in nodes:
        site = site_of(node, scene.model)
        reference = Reference(intervention.source, SiteValue(site), _donor(column, intervention.source))
        slot = slots[node.layer or 0, node.head or 0]
        steps.append(ReplacePrivate(column, slot, site, scene.positions(node.at), reference))
    return steps, max(slots.values()) + 1
