"""`versus`: what a claim on features has to beat."""

from __future__ import annotations

from typing import Any

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from circuitcheck.prompts.wording import did_you_mean
from circuitcheck.spec.fields import Part, refuse_all

MATCHED = "matched_features"
RANDOM_CIRCUITS = "random_circuits"
LEAST_CONTROLS = 20
"""Fewer controls say nothing of a share such as 0.95."""
LEAST_PROMPTS = 16

_NOT_YET = (
    f"{RANDOM_CIRCUITS} is not in this version: it would draw heads at random, and only features are matched "
    f"so far. Write versus: {MATCHED} in a claim on features, or delete it."
)


class Versus(Part):
    """Controls of a claim: the same claim, with other features in the place of those that it names.

    One control puts, for every feature named, another feature of the same dictionary at the same layer and
    position. It is drawn from the features that are nearest in how often and how strongly they fire there on
    clean prompts, and in the norm of their decoder row; never one that the claim names, nor one that does not
    fire there. Nodes that are no features stay. The claim's first judged quantity is then measured for the
    claim and for each control on the same prompts.
    """

    matched_features: int = Field(
        ge=LEAST_CONTROLS,
        description="How many controls, each with other features of the same dictionary, layer and position "
        "that fire about as often and as strongly; 100 where only the name is written.",
    )
    beats: float = Field(
        default=0.95,
        ge=0.5,
        le=1,
        description="Share of the controls whose effect has to be weaker than the claim's own.",
    )
    n: int = Field(
        default=120,
        ge=LEAST_PROMPTS,
        description="Prompts that claim and controls are measured on, as many of each template and order.",
    )

    @model_validator(mode="before")
    @classmethod
    def _a_bare_name_is_all_there_is_to_say(cls, value: Any) -> Any:
        if isinstance(value, dict) and RANDOM_CIRCUITS in value:
            refuse_all([((RANDOM_CIRCUITS,), _NOT_YET)])
        if not isinstance(value, str):
            return value
        if value != MATCHED:
            near = did_you_mean(value, [MATCHED])
            how = near if near.startswith("Did") else f"Write {MATCHED}."
            msg = _NOT_YET if value == RANDOM_CIRCUITS else f"{value!r} is nothing to compare with. {how}"
            raise ValueError(msg)
        return {MATCHED: 100}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        reference = handler(core)
        schema = handler.resolve_ref_schema(reference)
        mapping = dict(schema)
        schema.clear()
        schema["anyOf"] = [
            {"enum": [MATCHED], "description": "100 controls, of which 0.95 are beaten."},
            mapping,
        ]
        return reference
