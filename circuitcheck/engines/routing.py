"""Turns `Route` into the steps of one group of prompts: senders, what receivers read of them, what stays frozen.

In: the intervention and a `Scene`. Out: a `Treatment`.
"""

from collections import defaultdict
from collections.abc import Iterable

from circuitcheck.engine import Route, Side
from circuitcheck.engines.editing import FromSource
from circuitcheck.engines.freezing import Exempt, freeze_steps, heads_of_inputs
from circuitcheck.engines.order import input_hook, moment_of
from circuitcheck.engines.outflows import Outflow, outflows_of, written_hook
from circuitcheck.engines.passes import Step, Treatment
from circuitcheck.engines.private import TakeFromShadow, slots_of
from circuitcheck.engines.readers import READ, FillPrivate, ReadChanged, TakeRead
from circuitcheck.engines.replacing import check_private
from circuitcheck.engines.scene import Scene
from circuitcheck.engines.sites import PATTERN, PROJECTIONS, RESID, Z, block_hook, is_private, site_of
from circuitcheck.engines.writes import written_quantity
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import Node, NodeKind

_FILLED = (RESID, "attn.hook_q", "attn.hook_k", "attn.hook_v")
"""Hooks at which a private copy's shadow takes what the real rows have."""


def route_treatment(route: Route, side: Side, scene: Scene) -> Treatment:
    """The steps that change what the receivers read of the senders.

    Raises:
        MeasurementError: for a node that the model lacks, or a pair that no path of the residual stream joins.
    """
    inputs = {node: _input_of(node, scene) for node in route.receivers}
    _refuse_disjoint(route, inputs, scene)
    first = min(inputs.values(), key=moment_of)
    edit = FromSource(route.source, route.error)
    outflows = outflows_of(route.senders, edit, side, first, scene)
    steps: list[Step] = []
    for hook in dict.fromkeys(inputs.values()):
        readers = [node for node in route.receivers if inputs[node] == hook]
        steps.append(ReadChanged(hook, _read_at(hook, outflows, readers, route, scene)))
    private_steps, shadows = _private_steps(route.receivers, scene)
    steps += [*private_steps, *_taking_steps(route.receivers, scene)]
    if route.downstream == "frozen":
        steps += _frozen_steps(route, side, moment_of(first)[0], scene)
    return Treatment(tuple(steps), 1 + shadows, len(route.senders))


def _input_of(receiver: Node, scene: Scene) -> str:
    """The hook of the stream that a receiver reads.

    Raises:
        MeasurementError: for what is not an input, or not in the model.
    """
    if receiver.kind not in PROJECTIONS and receiver.kind is not NodeKind.MLP:
        msg = (
            f"{receiver.name} cannot receive: a path ends at an input of a head, such as L9H6.q, .k or .v, "
            "or at an MLP, such as L9.mlp."
        )
        raise MeasurementError(msg)
    site_of(receiver, scene.model)
    scene.hook(receiver, receiver.layer or 0, RESID)
    return input_hook(receiver, scene.model)


def _refuse_disjoint(route: Route, inputs: dict[Node, str], scene: Scene) -> None:
    """Every sender has to be read by some receiver, and every receiver to read some sender."""
    joined = [
        (sender, receiver)
        for sender in route.senders
        for receiver in route.receivers
        if _reads(receiver, sender, inputs[receiver], scene)
    ]
    for what, others, nodes in (
        ("sender", route.receivers, set(route.senders) - {sender for sender, _ in joined}),
        ("receiver", route.senders, set(route.receivers) - {receiver for _, receiver in joined}),
    ):
        if nodes:
            names = ", ".join(str(node) for node in others) or "nothing"
            msg = (
                f"no path leads between the {what} {min(nodes, key=str)} and {names}: a node writes to the residual "
                "stream of its own position only, and what reads it comes later; choose a later reader at that position."
            )
            raise MeasurementError(msg)


def _reads(receiver: Node, sender: Node, hook: str, scene: Scene) -> bool:
    written_quantity(sender, scene)  # refuses what writes nothing of its own
    before = moment_of(written_hook(sender, scene)) <= moment_of(hook)
    return before and scene.positions(sender.at) == scene.positions(receiver.at)


def _read_at(
    hook: str, outflows: Iterable[Outflow], readers: Iterable[Node], route: Route, scene: Scene
) -> tuple[Outflow, ...]:
    """The outflows that have reached this place of the stream, where some receiver reads it."""
    places = {position for node in readers for position in scene.positions(node.at)}
    return tuple(
        one for one in outflows if moment_of(one.hook) <= moment_of(hook) and places & {*one.positions}
    )


def _taking_steps(receivers: Iterable[Node], scene: Scene) -> list[Step]:
    """What receivers make of what they read goes into the real rows."""
    return [
        TakeRead(site_of(node, scene.model), scene.positions(node.at))
        for node in receivers
        if not is_private(node, scene.shape)
    ]


def _private_steps(receivers: Iterable[Node], scene: Scene) -> tuple[list[Step], int]:
    """Query heads with their own copy of a shared key or value, in shadows behind the reading one."""
    nodes = [node for node in receivers if is_private(node, scene.shape)]
    slots = slots_of({(node.layer or 0, node.head or 0) for node in nodes})
    slots = {place: slot + READ + 1 for place, slot in slots.items()}
    steps: list[Step] = []
    for (layer, head), slot in slots.items():
        steps += [FillPrivate(block_hook(layer, name), slot) for name in _FILLED]
        steps.append(TakeFromShadow(block_hook(layer, PATTERN), axis=1, head=head, slot=slot))
        steps.append(TakeFromShadow(block_hook(layer, Z), axis=2, head=head, slot=slot))
    for node in nodes:
        check_private(node, scene)
        slot = slots[node.layer or 0, node.head or 0]
        steps.append(TakeRead(site_of(node, scene.model), scene.positions(node.at), slot))
    return steps, len(set(slots.values()))


def _frozen_steps(route: Route, side: Side, first: int, scene: Scene) -> list[Step]:
    """Everything from the first receiver on, but for the receivers."""
    mlps: dict[int, frozenset[int]] = defaultdict(frozenset)
    for node in route.receivers:
        if node.kind is NodeKind.MLP:
            mlps[node.layer or 0] |= {*scene.positions(node.at)}
    position = min(position for node in route.receivers for position in scene.positions(node.at))
    exempt = Exempt(heads_of_inputs(route.receivers, scene), mlps)
    return freeze_steps(scene, side, route.mlps, (first, position), exempt)
