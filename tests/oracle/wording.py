"""The plain data that the oracle is asked with: prompts as lists, nodes as text.

The oracle reads node names with its own few lines, not with `circuitcheck.nodes`, so that a name which both read
wrongly would still show.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

BOS_TOKENS = 1
"""Every prompt here starts with one BOS token; index "0" of a circuit file is the token after it."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of prompts: token ids with BOS first, role indices with BOS counted."""

    clean: list[list[int]]
    corrupt: list[list[int]]
    answers: list[int]
    foils: list[list[int]]
    roles: dict[str, list[int]]
    cells: list[tuple[str, str]]

    def side(self, name: str) -> list[list[int]]:
        """The token ids of the clean or of the corrupt prompts."""
        return {"clean": self.clean, "corrupt": self.corrupt}[name]


@dataclass(frozen=True)
class Case:
    """One fixed intervention, and what is read under it.

    `verb` is "replace", "keep", "splice", "steer" or "route". `source` is "zero", "mean", "resample", "clean" or "corrupt"; `over` the
    side that mean and resample read. A reading is a metric, or "attention L2H1@END S2", "activation L2.tc/5@END",
    "writes L1H0@END L2.mlp@END". `unmoved` are readings that the intervention must leave exactly as they were.

    Of a steer: `how` ("add", "scale", "set") and `amount`. Of a route: its `receivers`; the nodes are its senders.
    `downstream` ("free", "frozen") and `mlps` ("frozen", "live") are of routes and replaces, `from_hook` and `until`
    of replaces.
    """

    name: str
    nodes: tuple[str, ...]
    source: str = "zero"
    verb: str = "replace"
    side: str = "clean"
    over: str = "corrupt"
    error: str = ""
    scope: str = "heads"
    donors: str = "shared"
    readings: tuple[str, ...] = ()
    unmoved: tuple[str, ...] = ()
    how: str = "scale"
    amount: float = 1.0
    receivers: tuple[str, ...] = ()
    downstream: str = "free"
    mlps: str = "frozen"
    from_hook: str = ""
    until: str = ""

    @property
    def every_reading(self) -> tuple[str, ...]:
        """What is compared: always three continuous metrics, and what the case adds."""
        return ("logit_diff", "log_prob", "kl", *self.readings, *self.unmoved)


@dataclass(frozen=True)
class Spot:
    """A node with its position, as the oracle reads it."""

    kind: str
    layer: int
    number: int
    dictionary: str
    at: str


_PATTERNS = {
    "embed": r"(?P<layer>)(?P<number>)embed",
    "head": r"L(?P<layer>\d+)H(?P<number>\d+)",
    "q": r"L(?P<layer>\d+)H(?P<number>\d+)\.q",
    "k": r"L(?P<layer>\d+)H(?P<number>\d+)\.k",
    "v": r"L(?P<layer>\d+)H(?P<number>\d+)\.v",
    "group k": r"L(?P<layer>\d+)G(?P<number>\d+)\.k",
    "group v": r"L(?P<layer>\d+)G(?P<number>\d+)\.v",
    "attn": r"L(?P<layer>\d+)(?P<number>)\.attn",
    "mlp": r"L(?P<layer>\d+)(?P<number>)\.mlp",
    "neuron": r"L(?P<layer>\d+)\.mlp\.n(?P<number>\d+)",
    "resid": r"L(?P<layer>\d+)(?P<number>)\.resid",
    "resid_mid": r"L(?P<layer>\d+)(?P<number>)\.resid_mid",
    "feature": r"L(?P<layer>\d+)\.(?P<dictionary>\w+)/(?P<number>\d+)",
    "error": r"L(?P<layer>\d+)\.(?P<dictionary>\w+)/error(?P<number>)",
}


def read_spot(text: str) -> Spot:
    """`L1H2@END` and the like; every name of the language."""
    name, _, at = text.partition("@")
    for kind, pattern in _PATTERNS.items():
        if match := re.fullmatch(pattern, name):
            found = match.groupdict()
            layer, number = int(found["layer"] or 0), int(found["number"] or 0)
            return Spot(kind, layer, number, found.get("dictionary") or "", at)
    msg = f"the oracle cannot read {text!r}"
    raise ValueError(msg)


def indices(at: str, pairs: Pairs, prompt: int) -> list[int]:
    """The absolute token indices of a position on one prompt."""
    length = len(pairs.clean[prompt])
    if at == "all":
        return list(range(BOS_TOKENS, length))
    if at == "all+bos":
        return list(range(length))
    if re.fullmatch(r"\d+", at):
        return [int(at) + BOS_TOKENS]
    if re.fullmatch(r"-\d+", at):
        return [pairs.roles["END"][prompt] + int(at) + 1]  # -1 is END itself
    role, sign, offset = re.fullmatch(r"(\w+?)(?:([+-])(\d+))?", at).groups()  # type: ignore[union-attr]  # fixed cases
    return [pairs.roles[role][prompt] + (int(f"{sign}{offset}") if sign else 0)]
