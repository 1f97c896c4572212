"""Turns `Replace`, `Splice` and `Steer` into the steps of one group of prompts.

In: the intervention and a `Scene`. Out: a `Treatment`.
"""

from collections.abc import Iterable

from circuitcheck.engine import Replace, Side, Splice, Steer
from circuitcheck.engines.detours import enter_steps, take_back_steps
from circuitcheck.engines.editing import ZERO, FromSource, MadeStronger, Numbered, edit_steps, error_steps
from circuitcheck.engines.freezing import Exempt, freeze_steps, heads_of_inputs
from circuitcheck.engines.passes import Step, Treatment
from circuitcheck.engines.private import ReplacePrivate, shadow_steps, slots_of
from circuitcheck.engines.quantities import SiteValue
from circuitcheck.engines.scene import Scene
from circuitcheck.engines.sites import PATTERN, PROJECTIONS, RESID, Z, is_private, site_of
from circuitcheck.engines.steps import carried
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import Node, NodeKind

_STRENGTHS = frozenset({NodeKind.FEATURE, NodeKind.NEURON})
"""Nodes whose value is a single number, to which something can be added, or which can be set."""


def replace_treatment(replace: Replace, side: Side, scene: Scene) -> Treatment:
    """The steps that put the source's value in at each node, and those that keep what follows from following.

    Raises:
        MeasurementError: for a node that the model lacks, or a value that cannot be put in there.
    """
    _refuse_averaged_projections(replace)
    edit, shadows = FromSource(replace.source, replace.error), 0
    if replace.from_hook is not None:
        steps = enter_steps(replace, edit, side, scene)
    else:
        nodes = tuple(enumerate(replace.nodes))
        private = [(column, node) for column, node in nodes if is_private(node, scene.shape)]
        steps = edit_steps(edit, (one for one in nodes if one not in private), scene)
        private_steps, shadows = _private_steps(edit, private, scene)
        steps += private_steps
    if replace.until is not None:
        steps += take_back_steps(replace, steps, scene)
    if replace.downstream == "frozen" and replace.nodes:
        steps += _frozen_steps(replace, side, scene)
    return Treatment(tuple(carried(steps)), shadows, len(replace.nodes))


def steer_treatment(steer: Steer, scene: Scene) -> Treatment:
    """The steps that make each node stronger or weaker.

    Raises:
        MeasurementError: for a node that the model lacks, or that cannot be steered in this way.
    """
    _refuse_unsteerable(steer)
    edit = MadeStronger(steer.how, steer.value, steer.error)
    steps = edit_steps(edit, enumerate(steer.nodes), scene)
    return Treatment(tuple(carried(steps)), columns=len(steer.nodes))


def splice_treatment(splice: Splice, scene: Scene) -> Treatment:
    """The steps that set a dictionary's error to zero at each place.

    Raises:
        MeasurementError: for a place that is not an error node.
    """
    for place in splice.places:
        if place.kind is not NodeKind.ERROR:
            msg = f"{place.name} cannot be spliced; name a dictionary's error, such as L2.z/error@END."
            raise MeasurementError(msg)
    steps = error_steps(FromSource(ZERO, "live"), enumerate(splice.places), scene)
    return Treatment(tuple(carried(steps)), columns=len(splice.places))


def _refuse_averaged_projections(replace: Replace) -> None:
    kind = replace.source.kind
    for node in replace.nodes:
        if node.kind in PROJECTIONS and kind in {"zero", "mean"}:
            msg = (
                f"{node.name} cannot be replaced by {kind}: what is replaced is the residual stream that the "
                f"projection reads, and no prompt has a residual stream that is {kind}; use resample, or patch "
                "it from the other side."
            )
            raise MeasurementError(msg)


def _refuse_unsteerable(steer: Steer) -> None:
    for node in steer.nodes:
        if node.kind in PROJECTIONS or node.kind is NodeKind.EMBED:
            msg = (
                f"{node.name} cannot be steered, since it is what is read and not what a part of the model writes; "
                "steer a feature, a neuron, a head, an attention output, an MLP or the residual stream."
            )
            raise MeasurementError(msg)
        if steer.how != "scale" and node.kind not in _STRENGTHS:
            done = "added to" if steer.how == "add" else "set"
            msg = (
                f"{node.name} is a vector, not a strength that could be {done}; "
                "write scale: with a factor, or steer a feature or a neuron."
            )
            raise MeasurementError(msg)
    if steer.error == "reference":
        msg = (
            "steer reads no other run, so the error has no reference there; write error: live, clean or drop."
        )
        raise MeasurementError(msg)


def _frozen_steps(replace: Replace, side: Side, scene: Scene) -> list[Step]:
    """Everything from the first node on, but for heads of which an input is replaced."""
    first = min(node.layer or 0 for node in replace.nodes)
    position = min(position for node in replace.nodes for position in scene.positions(node.at))
    neurons = frozenset(node.layer or 0 for node in replace.nodes if node.kind is NodeKind.NEURON)
    exempt = Exempt(heads=heads_of_inputs(replace.nodes, scene), neurons=neurons)
    return freeze_steps(scene, side, replace.mlps, (first, position), exempt)


def _private_steps(edit: FromSource, nodes: Iterable[Numbered], scene: Scene) -> tuple[list[Step], int]:
    nodes = tuple(nodes)
    if not nodes:
        return [], 0
    slots = slots_of({(node.layer or 0, node.head or 0) for _, node in nodes})
    for _, node in nodes:
        check_private(node, scene)
    steps: list[Step] = shadow_steps(slots)
    for column, node in nodes:
        site = site_of(node, scene.model)
        slot = slots[node.layer or 0, node.head or 0]
        reference = edit.reference(SiteValue(site), column)
        steps.append(ReplacePrivate(column, slot, site, scene.positions(node.at), reference))
    return steps, max(slots.values()) + 1


def check_private(node: Node, scene: Scene) -> None:
    """Check that the model shows what a private copy takes over.

    Raises:
        MeasurementError: when it does not.
    """
    for name in (RESID, PATTERN, Z):
        scene.hook(node, node.layer or 0, name)
