"""Plain words for what circuit files write in short: quantities, thresholds, kinds of nodes."""

from __future__ import annotations

from collections.abc import Sequence

from circuitcheck.report.results import NodeRecord, PartRecord

QUANTITIES = {
    "drop": "share of the clean metric that is lost: (clean - intervened) / clean",
    "lost": "share of the gap between clean and corrupt that is lost: (clean - intervened) / (clean - corrupt)",
    "restored": "share of the gap between corrupt and clean that comes back: "
    "(intervened - corrupt) / (clean - corrupt)",
    "ratio": "intervened metric as a share of the clean one",
    "recovered": "what the kept nodes keep, on a scale from everything ablated (0) to the clean model (1)",
    "effect": "intervened metric minus clean metric",
    "step": "metric at one coefficient minus the metric at the one before, for each pair of neighbours",
    "slope": "by how much the metric changes per unit of the coefficient, by least squares over all coefficients",
    "gap": "circuit minus model, each without the same nodes, as a share of the clean metric",
    "loses": "what a node adds to those that are kept beside it, in either direction, as a share of the clean metric",
    "wins": "share of prompts on which the circuit alone scores above the whole model, ties counting half",
    "dependence": "rank correlation, from -1 to 1, of the clean and the intervened metric over prompts of one "
    "template and order",
    "logit_diff": "logit of the right answer minus logit of the wrong one; above 0 the model prefers the right one",
    "prob_diff": "probability of the right answer minus that of the wrong one",
    "log_prob": "log probability of the right answer",
    "kl": "KL divergence from the clean model's prediction",
    "accuracy": "share of prompts on which the right answer scores above the wrong ones",
    "top1": "share of prompts on which the right answer is the model's first choice",
    "rank": "rank of the right answer among all tokens",
    "loss": "mean cross-entropy of the text's own tokens, in nats; less is better",
    "attention": "share of attention, from 0 to 1",
    "rate": "share of clean prompts on which the feature fires",
    "mean": "mean activation, in the dictionary's units",
    "auroc": "how well the activation tells clean from corrupt prompts: 0.5 is chance, 1 is always",
    "logits": "direct contribution to answer minus foil, in logits",
}
KINDS = {
    "head": "attention head",
    "q": "query input of head",
    "k": "key input of head",
    "v": "value input of head",
    "attn": "attention output",
    "mlp": "MLP",
    "neuron": "neuron",
    "resid": "residual stream",
    "resid_mid": "residual stream after attention",
    "feature": "feature",
    "error": "dictionary error",
    "embed": "embedding",
}
_PLURALS = {
    "q": "query inputs of heads",
    "k": "key inputs of heads",
    "v": "value inputs of heads",
    "resid": "residual streams",
    "resid_mid": "residual streams after attention",
}
_MOST_NAMED = 8


def threshold_words(part: PartRecord) -> str:
    """`at least 0.9` for ">= 0.9"; the file's own words where there are no bounds."""
    if part.below is not None and part.above is not None:
        return f"between {part.below:g} and {part.above:g}"
    if part.below is not None:
        return f"at least {part.below:g}"
    if part.above is not None:
        return f"at most {part.above:g}"
    return "no threshold" if part.expected.strip() in {"?", ""} else part.expected.strip()


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def nodes_in_words(names: Sequence[str], nodes: Sequence[NodeRecord]) -> str:
    """`the attention heads L0H0 and L1H4 at END and the feature L2.tc/174 at S2`, many cut short."""
    kinds = {f"{node.name}@{node.at}": node.kind for node in nodes}
    groups: dict[tuple[str, str], list[str]] = {}
    for name in names:
        short, _, at = name.partition("@")
        groups.setdefault((kinds.get(name, ""), at), []).append(short)
    return listed([_group(kind, at, members) for (kind, at), members in groups.items()])


def _group(kind: str, at: str, members: list[str]) -> str:
    word = KINDS.get(kind, "node")
    if len(members) > 1:
        word = _PLURALS.get(kind, f"{word}s")
    shown = members[:_MOST_NAMED]
    left_out = len(members) - len(shown)
    names = f"{', '.join(shown)} and {left_out} more" if left_out else listed(shown)
    return f"the {word} {names}{_place(at)}"


def _place(at: str) -> str:
    places = {"": "", "all": " at every token", "all+bos": " at every token, BOS included"}
    return places.get(at, f" at {at}")


def quantity_meaning(quantity: str) -> str:
    """What a quantity is, in words; "" for one that this version does not know."""
    return QUANTITIES.get(quantity, "")
