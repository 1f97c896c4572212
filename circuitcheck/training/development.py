"""Sentence shapes on which the corpus was developed: kept out of it, but looked at while it was widened.

The honest figures for new wording are those of the frozen family `ioi-new-wording`, which nobody looked at meanwhile.
"""

from __future__ import annotations

DEVELOPMENT_TEMPLATES = {
    "picnic": "During the picnic {first} talked to {second} about the {place}. {S2} poured a {object} for",
    "letters": "We heard that {first} and {second} bought the {place}, which is why {S2} mailed the {object} to",
    "teams": "The winners were {first} and {second} from the {place}. At last {S2} tossed a {object} over to",
    "quarrel": "For years {first} argued with {second} over the {place}, until {S2} left the {object} to",
    "guide": "Nobody believed {first} or {second} when the {place} burned. Still, {S2} described the {object} to",
    "advice": "It was {first} who told {second} about the {place}. Some days later {S2} explained the {object} to",
}
