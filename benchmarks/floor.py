"""The floor: the multiplications that a work cannot do without, counted by the matrix that they multiply.

In: model sizes, interventions. Out: `Flops`, two for each multiply-add, as `torch.utils.flop_counter` counts.

What is counted. An edit at layer L and tokens P leaves untouched whatever lies before L or before min(P). With
d = d_model, H heads of width h, G key-value heads, m = d_mlp (twice where the MLP is gated), one block costs

    q  2 d H h  per token whose query is computed again     kv   4 d G h  per token whose key and value are
    o  2 H h d  per token that gathers attention again      mlp  4 d m (6 d m gated) per token that has it run again
    attention  4 H h  per pair of a query and a token that it sees

The block behind the edit projects only the tokens P, since no other stream has changed, but every token from
min(P) on attends again. In the last block only END is read: one query, one MLP. The logit difference needs two rows
of the unembedding, 4 d. The clean and the corrupt pass are done once for the whole work. Norms, softmaxes, rotary
tables, activation functions and copies count nothing, and batches are as large as they like: a true lower bound.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.setting import Setting
from circuitcheck.engine import Intervention, KeepOnly, Replace
from circuitcheck.engines import LensModel
from circuitcheck.nodes import Node, NodeKind

Flops = Counter[str]
"""Floating-point operations by matrix: q, kv, out, attention, mlp_in, mlp_out, feature, unembed."""


@dataclass(frozen=True)
class Tokens:
    """How many tokens of one prompt go through each part of one block; `pairs` of (query, seen token)."""

    q: int = 0
    kv: int = 0
    pairs: int = 0
    out: int = 0
    mlp: int = 0


@dataclass(frozen=True)
class Sizes:
    """What decides a model's arithmetic."""

    layers: int
    heads: int
    groups: int
    d_model: int
    d_head: int
    d_mlp: int
    gated: bool
    parallel: bool
    """Whether the MLP reads the stream beside attention, as in GPT-NeoX, and not behind it."""

    @classmethod
    def of(cls, model: LensModel) -> "Sizes":
        """The sizes of a model in memory."""
        shape, config = model.shape, model.bridge.cfg
        return cls(
            layers=shape.n_layers,
            heads=shape.n_heads,
            groups=shape.n_kv_heads,
            d_model=shape.d_model,
            d_head=shape.d_head,
            d_mlp=shape.d_mlp,
            gated=bool(config.gated_mlp),
            parallel=bool(getattr(config, "parallel_attn_mlp", False)),
        )

    def block(self, tokens: Tokens) -> Flops:
        """One block on these tokens of one prompt."""
        d, width, stored = self.d_model, self.heads * self.d_head, self.groups * self.d_head
        return Counter(
            q=2 * tokens.q * d * width,
            kv=4 * tokens.kv * d * stored,
            attention=4 * tokens.pairs * width,
            out=2 * tokens.out * width * d,
            mlp_in=2 * tokens.mlp * d * self.d_mlp * (2 if self.gated else 1),
            mlp_out=2 * tokens.mlp * self.d_mlp * d,
        )


def causal_pairs(first: int, length: int) -> int:
    """Pairs of a query from token `first` on and a token that it sees, itself included."""
    return (length - first) * (length + first + 1) // 2


def suffix_flops(sizes: Sizes, layer: int, places: Sequence[int], length: int) -> Flops:
    """Everything behind an edit of the residual stream in front of block `layer` at `places`, up to END's stream."""
    total: Flops = Counter()
    changed, first = len(places), min(places)
    for block in range(layer, sizes.layers):
        last, reaches = block == sizes.layers - 1, changed == length - first or length - 1 in places
        again = length - first
        total += sizes.block(
            Tokens(
                q=int(reaches) if last else changed,
                kv=changed,
                pairs=length if last else causal_pairs(first, length),
                out=1 if last else again,
                mlp=_mlp_tokens(sizes, changed, again, last=last, reaches=reaches),
            )
        )
        changed = again
    return total


def whole_flops(sizes: Sizes, length: int) -> Flops:
    """A pass over one whole prompt, up to END's stream."""
    return suffix_flops(sizes, 0, range(length), length)


def head_flops(sizes: Sizes, layer: int, places: Sequence[int], length: int) -> Flops:
    """One head's output edited: its own rows of the output matrix, the MLP beside, and the blocks behind.

    Nothing at all where it cannot reach END: in the last block, at other tokens.
    """
    last = layer == sizes.layers - 1
    reached = int(length - 1 in places) if last else len(places)
    own: Flops = Counter(out=2 * reached * sizes.d_head * sizes.d_model)
    own += sizes.block(Tokens(mlp=0 if sizes.parallel else reached))
    return own if last else own + suffix_flops(sizes, layer + 1, places, length)


def feature_flops(sizes: Sizes, layer: int, places: Sequence[int], length: int) -> Flops:
    """One feature of the stream in front of a block moved: two readings of its encoder, one decoder row."""
    own: Flops = Counter(feature=6 * len(places) * sizes.d_model)
    return own + suffix_flops(sizes, layer, places, length)


def keep_flops(sizes: Sizes, kept: Sequence[Node], length: int) -> Flops:
    """Only kept heads and MLPs, at every token but BOS; what is ablated is known from the corrupt pass.

    Parts in front of the first ablated one read what nothing changed, so that their outputs are known too, as is
    the whole of BOS. From the last block on that has a kept head to compute, nobody reads any token but END.
    Keys and values are computed once for each group that has a kept head.
    """
    parts = [_kept_in(layer, kept) for layer in range(sizes.layers)]
    total: Flops = Counter()
    touched = False
    for layer, (heads, mlp) in enumerate(parts):
        tokens = length - 1 if any(later for later, _ in parts[layer + 1 :]) else 1
        beside = touched
        if touched:
            total += _kept_heads_flops(sizes, heads, tokens, length)
        touched = touched or len(heads) < sizes.heads
        if mlp and (beside if sizes.parallel else touched):
            total += sizes.block(Tokens(mlp=tokens))
        touched = touched or not mlp
    return total


def _kept_in(layer: int, kept: Sequence[Node]) -> tuple[list[int], bool]:
    """The kept heads of a block, and whether its MLP is kept."""
    here = [node for node in kept if node.layer == layer]
    heads = [node.head or 0 for node in here if node.kind is NodeKind.HEAD]
    return heads, any(node.kind is NodeKind.MLP for node in here)


def _kept_heads_flops(sizes: Sizes, heads: Sequence[int], asking: int, length: int) -> Flops:
    """Some heads of one block: END alone asks, or every token but BOS; all tokens but BOS are seen anew."""
    groups = {head * sizes.groups // sizes.heads for head in heads}
    pairs = length if asking == 1 else causal_pairs(1, length)
    projection = 2 * sizes.d_model * sizes.d_head
    return Counter(
        q=len(heads) * asking * projection,
        kv=len(groups) * 2 * (length - 1) * projection,
        attention=len(heads) * 4 * pairs * sizes.d_head,
        out=len(heads) * asking * projection,
    )


def intervention_flops(intervention: Intervention, sizes: Sizes, setting: Setting) -> Flops:
    """One intervention on one prompt, its two logits included.

    Raises:
        ValueError: for one that no work asks for.
    """
    logits: Flops = Counter(unembed=4 * sizes.d_model)
    if isinstance(intervention, KeepOnly):
        return logits + keep_flops(sizes, intervention.nodes, setting.length)
    if not isinstance(intervention, Replace) or len(intervention.nodes) != 1:
        msg = f"the arithmetic of {intervention} is not known"
        raise ValueError(msg)
    (node,) = intervention.nodes
    count: Callable[..., Flops] = head_flops if node.kind is NodeKind.HEAD else feature_flops
    return logits + count(sizes, node.layer or 0, setting.places(node.at), setting.length)


def work_flops(interventions: Sequence[Intervention], setting: Setting) -> Flops:
    """All interventions on all prompts, and the clean and the corrupt pass."""
    sizes = Sizes.of(setting.model)
    total: Flops = Counter()
    for intervention in interventions:
        total += intervention_flops(intervention, sizes, setting)
    passes = whole_flops(sizes, setting.length)
    total += passes + passes
    return Counter({part: count * len(setting.prompts) for part, count in total.items()})


def _mlp_tokens(sizes: Sizes, changed: int, again: int, *, last: bool, reaches: bool) -> int:
    """Tokens whose MLP has a new input: beside attention that is the block's own, behind it all that attend."""
    if sizes.parallel:
        return int(reaches) if last else changed
    return 1 if last else again
