"""`elsewhere`: the same intervention on other prompts, and what is expected of it there."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from circuitcheck.prompts.family import Family
from circuitcheck.spec.fields import Expected, Part
from circuitcheck.spec.prompts import PromptsRef


def _named(value: Any) -> Any:
    """A bare name is that of a family."""
    return {"family": value} if isinstance(value, str) else value


OtherPrompts = Annotated[PromptsRef, BeforeValidator(_named, json_schema_input_type=str | PromptsRef)]


class Elsewhere(Part):
    """Other prompts than the file's, on which the claim's intervention is done too.

    What is meant for one task should leave another alone, or do the same for a related one: either is shown by
    numbers on prompts of that task.
    """

    prompts: OtherPrompts = Field(
        description="A prompt family's name, or a mapping as in the file's prompts."
    )
    expect: dict[str, Expected] = Field(
        min_length=1, description="Quantity to threshold, on these prompts: {drop: 'between -0.05 and 0.05'}."
    )

    @property
    def name(self) -> str:
        """What reports call these prompts."""
        family = self.prompts.family
        if isinstance(family, Family):
            return family.family
        return family or self.prompts.pairs or "a data set"
