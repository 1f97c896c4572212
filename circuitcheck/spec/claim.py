"""Claims: one sentence, one verb, what is done, and what is expected of the numbers.

One flat model for all verbs, so that every fault has the place of its own key. Which keys a verb uses
is a table in `spec.words`, checked in `spec.rules`. A modifier that the file leaves out is None.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Protocol, Self, get_args

from pydantic import Field, PlainSerializer, PlainValidator, PrivateAttr, WithJsonSchema

from circuitcheck.engine import Downstream, ErrorPolicy, MetricName, Mlps, Scope, Side, SteerHow
from circuitcheck.nodes import Node
from circuitcheck.spec.doses import HOWS, Coefficients
from circuitcheck.spec.elsewhere import Elsewhere
from circuitcheck.spec.fields import Expected, Expressions, Part, Position, Sentence, Slug, Tag, listed
from circuitcheck.spec.for_all import ForAll
from circuitcheck.spec.groups import EdgeText, NodeName
from circuitcheck.spec.references import one_of
from circuitcheck.spec.replacements import Replacement, Replacements
from circuitcheck.spec.versus import Versus
from circuitcheck.spec.words import INTERVENTIONS, KEEPING, READINGS, VERBS
from circuitcheck.thresholds import UNJUDGED, Threshold

Slicing = Literal["order", "template"]


class Resolver(Protocol):
    """Knows what the names of nodes stand for; a `CircuitSpec` does."""

    def resolve(self, expression: str | Iterable[str]) -> tuple[Node, ...]:
        """The nodes of a group name, a node expression, or a list of both."""


def _slices(value: Any) -> tuple[Slicing, ...]:
    if value == "none":
        return ()
    found = listed(value)
    if not isinstance(found, list | tuple) or any(name not in get_args(Slicing) for name in found):
        msg = f"{value!r} names no slices. Write order, template, [order, template] or none."
        raise ValueError(msg)
    return tuple(found)


def _limit(value: Any) -> Any:
    if value == "none":
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    msg = f"{value!r} is no limit. Write a number such as 1.5, or none."
    raise ValueError(msg)


_SLICE = {"enum": list(get_args(Slicing))}
Slices = Annotated[
    tuple[Slicing, ...],
    PlainValidator(_slices),
    PlainSerializer(list),
    WithJsonSchema({"anyOf": [{"enum": ["order", "template", "none"]}, {"type": "array", "items": _SLICE}]}),
]
Limit = Annotated[
    float | Literal["none"],
    PlainValidator(_limit),
    PlainSerializer(lambda limit: limit),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": ["none"]}]}),
]


class _Intervening(Part):
    """What claims and their `under` have in common: an intervention, and how it is done."""

    ablate: Expressions | None = Field(default=None, description="Nodes whose value is replaced.")
    patch: Expressions | None = Field(
        default=None,
        description="Nodes that get the other side's value: group names, nodes, or a list of both.",
    )
    keep: Expressions | None = Field(
        default=None, description="Nodes that stay as they are while the rest is replaced."
    )
    with_: Replacements | None = Field(
        default=None,
        alias="with",
        description="What replaces: resample (default of ablate), mean (default of keep), zero or corrupt; "
        "of a list, the claim has to hold with each.",
    )
    over: Side | None = Field(
        default=None, description="The side that mean and resample are read from; corrupt, left out."
    )
    donors: Literal["shared", "independent"] | None = Field(
        default=None,
        description="Whether all nodes of a prompt take one donor (shared, the default) or each its own.",
    )
    error: ErrorPolicy | None = Field(
        default=None,
        description="What becomes of the dictionary's error: live (default), reference (of keep), clean, drop.",
    )
    scope: Scope | None = Field(
        default=None,
        description="What keep replaces besides: heads, or heads+mlps (default where an MLP is kept).",
    )
    from_: Position | None = Field(
        default=None,
        alias="from",
        description="patch: the side read from (clean). attends: the role attending.",
    )
    into: Side | None = Field(default=None, description="patch: the side put into; corrupt, left out.")
    path: EdgeText | None = Field(
        default=None,
        description="patch: change only what the target reads of the patched nodes, as in `reader -> mover (q)`.",
    )
    downstream: Downstream | None = Field(
        default=None,
        description="What comes after: free (it follows, left out), or frozen (heads and MLPs keep their values).",
    )
    mlps: Mlps | None = Field(
        default=None, description="With downstream: frozen: whether MLPs are frozen too (left out), or live."
    )
    from_hook: NodeName | None = Field(
        default=None,
        description="Where the change enters the residual stream, as in L5.resid; before it, nothing sees it.",
    )
    until: NodeName | None = Field(
        default=None,
        description="Where the change is taken out of the residual stream again, as in L5.resid_mid.",
    )

    @property
    def verb(self) -> str:
        """The verb of measurement or intervention; "" where the file names none."""
        return next((verb for verb in VERBS if getattr(self, verb, None) is not None), "")

    @property
    def expressions(self) -> tuple[str, ...]:
        """The names of the verb's nodes, as written; empty for `measure`."""
        named = getattr(self, self.verb, ())
        return named if isinstance(named, tuple) else ()

    def nodes(self, spec: Resolver) -> tuple[Node, ...]:
        """The verb's nodes, each once, all placed; empty for `measure`."""
        return spec.resolve(self.expressions)

    @property
    def replacements(self) -> tuple[Replacement, ...]:
        """What replaces, in the order of the file; what the verb takes by itself where it says nothing."""
        if self.with_ is None:
            return ("mean" if self.verb in KEEPING else "resample",)
        return (self.with_,) if isinstance(self.with_, str) else self.with_

    @property
    def patch_from(self) -> Side:
        """The side that `patch` reads."""
        return "corrupt" if self.from_ == "corrupt" else "clean"

    @property
    def patch_into(self) -> Side:
        """The side that `patch` runs."""
        return self.into or "corrupt"


class Under(_Intervening):
    """The intervention under which attention or activation is read."""

    model_config = one_of(*INTERVENTIONS)


class KnownFailure(Part):
    """A claim that is known not to hold; that it holds after all is then the failure."""

    reason: Sentence = Field(description="Why the claim does not hold.")
    issue: Annotated[str, PlainValidator(str), WithJsonSchema({"type": ["string", "integer"]})] | None = (
        Field(default=None, description="Where that is tracked: a number or an address.")
    )


class Claim(_Intervening):
    """One sentence about the circuit, measured by one verb, judged by its expectations."""

    model_config = one_of(*VERBS)

    id: Slug = Field(description="Name of the claim in test ids: lower-case words joined by hyphens.")
    says: Sentence = Field(description="The claim in words.")
    measure: Side | None = Field(
        default=None, description="Run the model as it is, on the clean or the corrupt side."
    )
    attends: Expressions | None = Field(default=None, description="Heads whose attention is read.")
    activates: Expressions | None = Field(default=None, description="Features whose activation is read.")
    writes: Expressions | None = Field(
        default=None, description="Nodes whose direct effect on the logits is read."
    )
    complete: Expressions | None = Field(
        default=None,
        description="Nodes without some of which, they alone do as the whole model without the same ones.",
    )
    minimal: Expressions | None = Field(
        default=None, description="Nodes of which each is needed: without it the others do less."
    )
    subsets: int | None = Field(
        default=None,
        ge=0,
        le=100,
        description="complete: how many random parts are taken out, beside each group and nothing; 10, left out.",
    )
    expect: dict[str, Expected] = Field(
        min_length=1,
        description="Quantity to threshold: '>= 0.8', '<= 0.1', 'between 0 and 0.3', 'about 3 +- 0.5', '?'.",
    )
    steer: Expressions | None = Field(
        default=None, description="Nodes whose strength is set by add, scale or set."
    )
    add: Coefficients | None = Field(
        default=None, description="steer: what is added to the activation; several give a dose-response."
    )
    scale: Coefficients | None = Field(
        default=None, description="steer: what the activation, or the output, is multiplied by."
    )
    set_: Coefficients | None = Field(
        default=None, alias="set", description="steer: what the activation is set to."
    )
    corrupt: str | None = Field(default=None, description="Another corruption of the family, for this claim.")
    to: Position | None = Field(default=None, description="attends: the role attended to.")
    minus: Position | None = Field(default=None, description="attends: a role whose attention is subtracted.")
    under: Under | None = Field(
        default=None, description="attends, activates: an intervention that is in force."
    )
    versus: Versus | None = Field(
        default=None,
        description="What features of the claim must beat: the same claim on other features of the same "
        "dictionary, layer and position that fire about as often and as strongly.",
    )
    by: Slices | None = Field(
        default=None,
        description="Slices that must each hold: order (default of keep), template, both, or none.",
    )
    for_all: ForAll | None = Field(
        default=None,
        description="The claim is about every prompt, and so many are searched for one that breaks it.",
    )
    elsewhere: Elsewhere | None = Field(
        default=None, description="The same intervention on other prompts, and what is expected there."
    )
    generalises: Literal["templates"] | None = Field(
        default=None,
        description="Whom the verdict is about: templates like these, six or more; left out, these templates.",
    )
    active_on: float | None = Field(
        default=None, gt=0, le=1, description="Share of prompts that the intervention is meant to change."
    )
    at_most: Limit | None = Field(
        default=None, description="Where over-recovery begins for ratio, recovered, restored (1.2), or none."
    )
    metric: MetricName | None = Field(default=None, description="Metric of this claim; the file's, left out.")
    confidence: float | None = Field(
        default=None, gt=0.5, lt=1, description="Confidence of this claim's verdict; the file's, left out."
    )
    tags: tuple[Tag, ...] = Field(default=(), description="pytest markers, for -m.")
    known_failure: KnownFailure | None = Field(
        default=None, description="The claim is expected not to be supported, and why."
    )
    _line: int = PrivateAttr(default=0)

    @property
    def line(self) -> int:
        """1-based line of the claim in its file; 0 for claims built in code."""
        return self._line

    @property
    def thresholds(self) -> dict[str, Threshold]:
        """Quantity to what is demanded of it, in the order of the file; of `steer`, the effect is always measured."""
        if self.verb == "steer" and "effect" not in self.expect:
            return {**self.expect, "effect": Threshold.parse(UNJUDGED)}
        return self.expect

    @property
    def steered(self) -> SteerHow | None:
        """How `steer` sets the strength: the first key of coefficients that the claim has."""
        return next((how for how in HOWS if self.coefficients_of(how) is not None), None)

    @property
    def coefficients(self) -> tuple[float, ...]:
        """The coefficients of `steer`, rising."""
        return tuple(sorted((self.steered and self.coefficients_of(self.steered)) or ()))

    def coefficients_of(self, how: SteerHow) -> tuple[float, ...] | None:
        """What stands under `add`, `scale` or `set`."""
        return {"add": self.add, "scale": self.scale, "set": self.set_}[how]

    @property
    def leading(self) -> tuple[str, Threshold]:
        """The expectation that controls are compared by: the first that is judged, else the first."""
        return next(((name, wanted) for name, wanted in self.expect.items() if wanted.judged), self._first)

    @property
    def _first(self) -> tuple[str, Threshold]:
        return next(iter(self.expect.items()))

    @property
    def replacing(self) -> Claim | Under | None:
        """The words whose nodes `versus` puts others in the place of: its own, or those of `under`."""
        return self.under if self.verb in READINGS else self

    @property
    def claim_elsewhere(self) -> Self | None:
        """What is claimed of other prompts, as a claim of its own; None where nothing is."""
        if self.elsewhere is None:
            return None
        alone = {"corrupt": None, "versus": None, "elsewhere": None, "generalises": None, "by": ()}
        return self.model_copy(update={"expect": self.elsewhere.expect, **alone})

    @property
    def variants(self) -> tuple[Self, ...]:
        """The claim once for each of several replacements; itself, where there is one."""
        if self.with_ is None or isinstance(self.with_, str):
            return (self,)
        return tuple(self.model_copy(update={"with_": kind}) for kind in self.with_)

    @property
    def slicing(self) -> tuple[Slicing, ...]:
        """The slices that must each hold: `by`, else the orders for `keep`, which pooling flatters."""
        if self.by is not None:
            return self.by
        return ("order",) if self.verb == "keep" else ()
