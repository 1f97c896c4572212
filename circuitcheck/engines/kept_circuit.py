"""What has to be computed of a keep-only intervention: the kept parts, at the tokens that END still hears of.

In: the steps of a `KeepOnly`. Out: one `LiveBlock` per block, in places (token positions counted from the
first that is not BOS). Whatever is not named there comes from the reference and is not run at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from circuitcheck.engines.passes import Treatment
from circuitcheck.engines.sites import MLP_OUT, Z, block_hook
from circuitcheck.engines.steps import KeepHook, KeptTerm
from circuitcheck.engines.windows import Window

Places = tuple[int, ...]


@dataclass(frozen=True)
class KeptParts(Window):
    """Every block from the first token after BOS on, but of each only what an intervention keeps.

    Never equal to a plain window, so that stacks do not mix the two.
    """


@dataclass(frozen=True, eq=False)
class LiveBlock:
    """What one intervention needs computed in one block.

    `queries` holds, for each head, the places at which its output is needed (its keys and values are then
    needed there and before), `mixed` those at which kept heads, features or errors change what heads write,
    `mlp` those at which the MLP is read.
    """

    heads: KeepHook
    mlp_hook: KeepHook | None
    """None where MLPs are outside the scope, so that they run everywhere."""
    queries: tuple[Places, ...]
    mixed: Places
    mlp: Places

    @property
    def mlp_by_formula(self) -> bool:
        """Whether features, neurons or errors mix into the MLP's output."""
        return self.mlp_hook is not None and bool(self.mlp_hook.terms)

    @property
    def mlp_runs(self) -> bool:
        """Whether the MLP itself is read, and not only what it reads."""
        hook = self.mlp_hook
        if hook is None or hook.kept.any():
            return True
        return any(not read.rpartition(".ln2.")[1] for term in hook.terms for read in term.live_hooks)

    @property
    def read_from(self) -> range:
        """The places whose streams some head looks back on."""
        return range(max((places[-1] + 1 for places in self.queries if places), default=0))


def live_blocks(treatment: Treatment, *, layers: int, first: int, end: int) -> list[LiveBlock]:
    """The blocks of one intervention, found from the last to the first.

    Behind the last block only the token `end` is read. In front of a block, the places that are read behind
    it and all those that a head looks back on. `first` is the position of place 0.
    """
    hooks = {step.hook: step for step in treatment.steps if isinstance(step, KeepHook)}
    needed: Places = (end - first,)
    blocks: list[LiveBlock] = []
    for layer in reversed(range(layers)):
        heads, mlp = hooks[block_hook(layer, Z)], hooks.get(block_hook(layer, MLP_OUT))
        block = _live_block(heads, mlp, needed, first)
        needed = tuple(sorted({*needed, *block.read_from}))
        blocks.append(block)
    return blocks[::-1]


def can_run_parts(treatment: Treatment) -> bool:
    """Whether it is a keep-only intervention whose features and errors are read from their own hook's block."""
    steps = treatment.steps
    return bool(steps) and all(isinstance(step, KeepHook) and _is_local(step) for step in steps)


def _is_local(step: KeepHook) -> bool:
    block, is_mlp, _ = step.hook.rpartition(f".{MLP_OUT}")
    inside = (f"{block}.ln2.", f"{block}.mlp.") if is_mlp else ()
    return all(hook.startswith(inside) for hook in step.earlier)


def _live_block(heads: KeepHook, mlp: KeepHook | None, needed: Places, first: int) -> LiveBlock:
    whole = _places(heads.terms, first, live=True)
    queries = tuple(
        tuple(place for place in needed if kept[place] or place in whole) for kept in heads.kept.T.tolist()
    )
    changed = {*_places(heads.terms, first), *(place for places in queries for place in places)}
    return LiveBlock(
        heads=heads,
        mlp_hook=mlp,
        queries=queries,
        mixed=tuple(place for place in needed if place in changed),
        mlp=needed if mlp is None else _mlp_places(mlp, needed, first),
    )


def _mlp_places(hook: KeepHook, needed: Places, first: int) -> Places:
    """Where it is kept and needed, and wherever a term reads it: terms are computed as wholes."""
    kept = hook.kept[:, 0].tolist()
    return tuple(sorted({place for place in needed if kept[place]} | _places(hook.terms, first, live=True)))


def _places(terms: Iterable[KeptTerm], first: int, *, live: bool = False) -> set[int]:
    """Those of the terms, or of such as read the run itself and not another one."""
    asked = (term for term in terms if term.live_hooks or not live)
    return {position - first for term in asked for position in term.positions}
