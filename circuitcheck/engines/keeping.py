"""Turns `KeepOnly` into the steps of one group of prompts.

In: the intervention and a `Scene`. Out: a `Treatment` with one `KeepHook` per hook of the scope. BOS,
embeddings, biases and LayerNorms are never touched. A skip transcoder's skip is part of neither its
features nor its error, so it comes from the reference.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from circuitcheck.engine import KeepOnly
from circuitcheck.engines.dictionaries import Dictionary
from circuitcheck.engines.editing import CLEAN_RUN
from circuitcheck.engines.passes import Treatment
from circuitcheck.engines.probing import linear_map
from circuitcheck.engines.quantities import CodeValue, ErrorValue, Quantity, Recorded, SiteValue
from circuitcheck.engines.scene import Scene
from circuitcheck.engines.sites import MLP_OUT, NEURONS, Z, check_range
from circuitcheck.engines.sources import Reference
from circuitcheck.engines.steps import KeepHook, KeptTerm
from circuitcheck.errors import MeasurementError
from circuitcheck.nodes import Node, NodeKind

_KEEPABLE = frozenset(
    {NodeKind.HEAD, NodeKind.ATTN, NodeKind.MLP, NodeKind.NEURON, NodeKind.FEATURE, NodeKind.ERROR}
)


def keep_treatment(intervention: KeepOnly, scene: Scene) -> Treatment:
    """The steps that replace the whole scope except the kept nodes.

    Raises:
        MeasurementError: for a node that cannot be kept, or that the model lacks.
    """
    for node in intervention.nodes:
        _check(node, scene)
    names = [Z] if intervention.scope == "heads" else [Z, MLP_OUT]
    layers = range(scene.shape.n_layers)
    steps = tuple(_Keeping(intervention, scene, layer, name).step() for layer in layers for name in names)
    return Treatment(steps, columns=1)


def _check(node: Node, scene: Scene) -> None:
    if node.kind not in _KEEPABLE:
        msg = f"{node.name} cannot be kept: keep takes heads, L9.attn, MLPs, neurons, features and errors."
        raise MeasurementError(msg)
    check_range(node, scene.shape)
    if node.kind in {NodeKind.FEATURE, NodeKind.ERROR}:
        site = scene.library.of(node).site
        if site not in {"z", "mlp_out", "transcoder"}:
            msg = (
                f"{node.name} cannot be kept: its dictionary is on {site}, which is not in the scope of keep; "
                "use one on z, mlp_out, or a transcoder."
            )
            raise MeasurementError(msg)


@dataclass(frozen=True)
class _Keeping:
    """The part of an intervention that falls on one hook of one layer."""

    intervention: KeepOnly
    scene: Scene
    layer: int
    name: str

    def step(self) -> KeepHook:
        site = self.scene.hook(Node(NodeKind.ATTN, self.layer), self.layer, self.name)
        found = (*self._code_terms(), *self._neuron_terms(), *self._error_terms())
        kept = self._kept()
        terms = tuple(term for term in found if not self._outranked(term, kept))
        return KeepHook(
            hook=site.hook,
            positions=self.scene.everywhere,
            kept=kept,
            reference=self._reference(SiteValue(site)),
            terms=terms,
            earlier=tuple({hook for term in terms for hook in term.live_hooks} - {site.hook}),
        )

    def _reference(self, quantity: Quantity) -> Reference:
        return Reference(self.intervention.source, quantity)

    def _nodes(self, *kinds: NodeKind) -> list[Node]:
        return [node for node in self.intervention.nodes if node.layer == self.layer and node.kind in kinds]

    def _places(self, node: Node) -> list[int]:
        """Positions of the node within the scope, which leaves BOS out."""
        return [one for one in self.scene.positions(node.at) if one in self.scene.everywhere]

    def _kept(self) -> Bool[Tensor, "places parts"]:
        parts = self.scene.shape.n_heads if self.name == Z else 1
        kept = torch.zeros(len(self.scene.everywhere), parts, dtype=torch.bool)
        kinds = (NodeKind.HEAD, NodeKind.ATTN) if self.name == Z else (NodeKind.MLP,)
        for node in self._nodes(*kinds):
            rows = [self.scene.everywhere.index(one) for one in self._places(node)]
            kept[rows, slice(None) if node.head is None else node.head] = True
        return kept

    def _outranked(self, term: KeptTerm, kept: Bool[Tensor, "places parts"]) -> bool:
        """Whether everything that it adds to is kept as a whole anyway, or it is nowhere."""
        return bool(kept[[self.scene.everywhere.index(one) for one in term.positions]].all())

    def _dictionaries(self, *kinds: NodeKind) -> dict[Dictionary, list[Node]]:
        """The dictionaries of the kept features or errors that write to this hook, with their nodes."""
        found: dict[Dictionary, list[Node]] = {}
        for node in self._nodes(*kinds):
            dictionary = self.scene.library.of(node)
            if (dictionary.site == "z") == (self.name == Z):
                found.setdefault(dictionary, []).append(node)
        return found

    def _term(
        self,
        quantity: Quantity,
        nodes: list[Node],
        numbers: tuple[int, ...],
        rows: Float[Tensor, "parts width"],
    ) -> KeptTerm:
        positions = tuple(sorted({one for node in nodes for one in self._places(node)}))
        mask = torch.zeros(len(positions), len(numbers), dtype=torch.bool)
        for node in nodes:
            mask[[positions.index(one) for one in self._places(node)], numbers.index(node.index or 0)] = True
        return KeptTerm(quantity, self._reference(quantity), positions, mask, rows)

    def _code_terms(self) -> list[KeptTerm]:
        terms = []
        for dictionary, nodes in self._dictionaries(NodeKind.FEATURE).items():
            features = tuple(dict.fromkeys(node.index or 0 for node in nodes))
            code = CodeValue(dictionary, features)
            terms.append(self._term(code, nodes, features, dictionary.decoder_rows(features)))
        return terms

    def _neuron_terms(self) -> list[KeptTerm]:
        nodes = self._nodes(NodeKind.NEURON) if self.name == MLP_OUT else []
        if not nodes:
            return []
        neurons = tuple(dict.fromkeys(node.index or 0 for node in nodes))
        hook = self.scene.hook(nodes[0], self.layer, NEURONS)
        rows = linear_map(self.scene.model, self.layer, "mlp.W_out")[list(neurons)]
        return [self._term(NeuronValues(hook.hook, neurons), nodes, neurons, rows)]

    def _error_terms(self) -> list[KeptTerm]:
        """Named errors stay live; elsewhere the policy speaks at the places of kept features."""
        errors = self._dictionaries(NodeKind.ERROR)
        features = self._dictionaries(NodeKind.FEATURE)
        terms = []
        for dictionary in {**errors, **features}:
            named = {one for node in errors.get(dictionary, []) for one in self._places(node)}
            others = {one for node in features.get(dictionary, []) for one in self._places(node)} - named
            error = ErrorValue(dictionary)
            terms.append(KeptTerm(error, self._reference(error), tuple(sorted(named))))
            if self.intervention.error != "reference":
                value = self._policy_value(error)
                terms.append(KeptTerm(value, self._reference(error), tuple(sorted(others))))
        return terms

    def _policy_value(self, error: ErrorValue) -> ErrorValue | Reference | None:
        """What the error is at the places of kept features; None is zero."""
        if self.intervention.error == "clean":
            return Reference(CLEAN_RUN, error)
        return error if self.intervention.error == "live" else None


@dataclass(frozen=True)
class NeuronValues:
    """The activations of some neurons of one MLP, after the activation function."""

    hook: str
    neurons: tuple[int, ...]

    @property
    def hooks(self) -> tuple[str, ...]:
        """Where neurons are."""
        return (self.hook,)

    def of(self, recorded: Recorded) -> Float[Tensor, "batch pos width"]:
        """The activations."""
        return recorded[self.hook][:, :, list(self.neurons)]
