"""What every block of a keep-only run shares: the untouched pass, and the references of what is ablated.

In: a batch's trace and lookup. Out: `KeptScene`. References are looked up once per batch, for all
interventions with the same source.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor

from circuitcheck.engines.kept_circuit import KeptParts
from circuitcheck.engines.kept_heads import HeadWeights
from circuitcheck.engines.models import LensModel
from circuitcheck.engines.passes import Live, Treatment
from circuitcheck.engines.sources import Lookup, Reference
from circuitcheck.engines.steps import KeepHook
from circuitcheck.engines.traces import Trace


@dataclass(eq=False)
class KeptScene:
    """One side of one batch."""

    model: LensModel
    trace: Trace
    window: KeptParts
    lookup: Lookup
    _values: dict[Reference, Tensor] = field(default_factory=dict)
    _written: dict[Reference, Tensor] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Prompts."""
        return len(self.trace.calls[0].stream)

    def begin(self, treatments: Iterable[Treatment]) -> None:
        """Start a run of these; what others asked for is forgotten, so that memory does not grow with sources."""
        asked = {reference for one in treatments for step in one.steps for reference in step.references}
        for table in (self._values, self._written):
            for reference in table.keys() - asked:
                del table[reference]

    def reference(self, hook: KeepHook, width: int) -> Float[Tensor, "batch pos width"]:
        """What comes out at a hook where nothing is kept."""
        if hook.reference not in self._values:
            found = self.lookup(hook.reference, hook.positions)
            self._values[hook.reference] = found.expand(self.rows, len(hook.positions), width)
        return self._values[hook.reference]

    def reference_heads(self, hook: KeepHook, weights: HeadWeights) -> Float[Tensor, "batch pos head d_head"]:
        """The same, head by head."""
        heads, d_head, _ = weights.output.shape
        flat = self.reference(hook, heads * d_head)
        return flat.reshape(*flat.shape[:2], heads, d_head)

    def reference_attention(self, hook: KeepHook, weights: HeadWeights) -> Float[Tensor, "batch pos d_model"]:
        """What the attention of a block writes where no head is kept, its bias included."""
        if hook.reference not in self._written:
            written = self.reference_heads(hook, weights).flatten(2) @ weights.output.flatten(0, 1)
            bias = weights.output_bias
            self._written[hook.reference] = written if bias is None else written + bias
        return self._written[hook.reference]

    def mixed(
        self, hook: KeepHook, value: Float[Tensor, "batch pos *rest"], seen: Mapping[str, Tensor]
    ) -> Float[Tensor, "batch pos *rest"]:
        """What comes out at a hook where kept features, neurons or errors mix in.

        `value` came in, and `seen` was recorded before it; both only matter where something is live.
        """
        live = Live(self.rows, self.lookup, self.window, incoming={hook.hook: value}, recorded=dict(seen))
        return hook.apply(value, live)

    def padded(
        self, value: Float[Tensor, "batch places *rest"], places: tuple[int, ...]
    ) -> Float[Tensor, "batch pos *rest"]:
        """Values of some places on the axis of all; zeros where nothing was computed."""
        length = self.trace.calls[0].stream.shape[1] - self.window.position
        padded = value.new_zeros(len(value), length, *value.shape[2:])
        padded[:, list(places)] = value
        return padded
