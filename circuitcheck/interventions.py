"""What can be done to a model while it runs: the words of interventions; no torch here.

In: nodes. Out: frozen `Intervention`s, and `Condition`s, which say on which side of a pair one is done. What each
does to the numbers is defined here and computed in `circuitcheck.engines`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from circuitcheck.nodes import Node

Side = Literal["clean", "corrupt"]
SourceKind = Literal["zero", "mean", "resample", "clean", "corrupt"]
ErrorPolicy = Literal["live", "clean", "reference", "drop"]
Scope = Literal["heads", "heads+mlps"]
Downstream = Literal["free", "frozen"]
"""Whether what comes after an intervention follows it, or stays as on the untouched run of the same side."""
Mlps = Literal["frozen", "live"]
"""Under `downstream="frozen"`: whether MLPs stay too, or are computed from what they read."""
SteerHow = Literal["add", "scale", "set"]


@dataclass(frozen=True)
class Source:
    """Where the replacing value of a node comes from.

    `clean` and `corrupt` read that side of the same pair. `mean` averages the reference set per
    (template, order) and token position; `resample` reads another pair of the same (template, order),
    one donor per prompt shared by all nodes unless `donors` is independent. `over` names the side
    from which mean and resample are read.
    """

    kind: SourceKind
    over: Side = "corrupt"
    donors: Literal["shared", "independent"] = "shared"


@dataclass(frozen=True)
class Replace:
    """Put the source's value in at each node; everything downstream follows, unless told otherwise.

    `error` says what the dictionary's error becomes at the nodes' places (features only).

    With `downstream="frozen"` every head output (z) and MLP output from the first intervened layer on that is
    not itself intervened on has its value of the untouched run of the same side, at every position; LayerNorms
    are recomputed. Only the direct path from the nodes to the logits carries the change. With `mlps="live"`
    MLPs are recomputed, and heads alone are frozen. A feature or neuron is moved on the frozen value of its place; a
    head of which q, k or v is replaced stays live, at every position. Attention patterns are never frozen themselves.

    `from_hook` and `until` are residual nodes (`L5.resid`, `L5.resid_mid`) after the nodes, at their position (or with
    none). What each node's new value, minus its value in this run, is in the residual stream enters it at
    `from_hook` only: components between the nodes and that hook read the old stream. At `until` it is taken back:
    components from there on see the change only through those that read it before. Deleting a node with zero at the
    first residual node after it is the same as replacing it by zero.
    """

    nodes: tuple[Node, ...]
    source: Source
    error: ErrorPolicy = "live"
    downstream: Downstream = "free"
    mlps: Mlps = "frozen"
    from_hook: Node | None = None
    until: Node | None = None


@dataclass(frozen=True)
class KeepOnly:
    """Put the source's value in everywhere in `scope` except at `nodes`, which stay live."""

    nodes: tuple[Node, ...]
    source: Source
    scope: Scope = "heads"
    error: ErrorPolicy = "reference"


@dataclass(frozen=True)
class Splice:
    """Run the model with dictionaries in the place of what they reconstruct, at `places`.

    Each place is an error node (`L2.z/error@END`): the dictionary's error is set to zero there.
    """

    places: tuple[Node, ...]


@dataclass(frozen=True)
class Steer:
    """Set how strong each node is; everything downstream follows.

    A feature's or neuron's activation f becomes f + value (`add`), f * value (`scale`) or value (`set`), read on the
    current stream: for a feature z' = z + (f' - f) W_dec[i], with the dictionary's error as `error` says ("reference"
    is refused, since no other run is read). A head, an attention output, an MLP, the residual stream, a dictionary's
    error: `scale` only, its output times value.
    """

    nodes: tuple[Node, ...]
    how: SteerHow
    value: float
    error: ErrorPolicy = "live"


@dataclass(frozen=True)
class Route:
    """Change only what the receivers read of the senders.

    A receiver is the input of one head's q, k or v (or of a group's k or v), or an MLP. It reads, at its position,
    the live residual stream before LayerNorm plus the sum over the senders before it of (the source's value minus
    the live value) of the sender's output in the residual stream: a head's through W_O, a feature's times its
    decoder row (and through W_O for a dictionary of z), a whole output as it is. LayerNorm, projection, rotary
    and the attention pattern are recomputed; all else reads the stream as it is. `error` is as in `Replace`,
    for senders that are features.

    With `downstream="frozen"` every head output (z) and MLP output has its value of the untouched run of the same
    side, at every position, except those of receivers: a receiving head (its z at every position), a receiving
    MLP at its position. LayerNorms are recomputed, so only senders -> receivers -> logits carries the change. With
    `mlps="live"` MLPs are recomputed, and heads alone are frozen.
    """

    senders: tuple[Node, ...]
    receivers: tuple[Node, ...]
    source: Source
    error: ErrorPolicy = "live"
    downstream: Downstream = "free"
    mlps: Mlps = "frozen"


Intervention = Replace | KeepOnly | Splice | Steer | Route


@dataclass(frozen=True)
class Condition:
    """One way to run the model on every prompt: which side, and what is done to it."""

    side: Side = "clean"
    intervention: Intervention | None = None


CLEAN = Condition("clean")
CORRUPT = Condition("corrupt")
