"""The sentence parts that the narrow corpus composes.

A sentence is `when + scene + link + clause + recipient + ending`. The family's templates are made of the same parts, but
the corpus never joins the start of one to its end, so that what is evaluated is always a new combination.
"""

from __future__ import annotations

WHEN = (
    "Then", "This morning,", "Last week,", "On Sunday,", "Yesterday", "Today", "At noon", "Last night", "Earlier",
    "In the evening,", "One day", "Once", "On Friday", "Before dinner,", "Every summer", "Two years ago,",
)  # fmt: skip

SCENES = (
    "{first} and {second} walked to the {place}",
    "{first} and {second} took the bus to the {place}",
    "{first} and {second} got lost on the way to the {place}",
    "{first} and {second} cleaned the old {place}",
    "{first} and {second} were waiting outside the {place}",
    "{first} and {second} had lunch at the {place}",
    "{first} and {second} met at the {place}",
    "{first} and {second} spent an hour in the {place}",
    "{first} and {second} came back from the {place}",
    "{first} and {second} had a long talk near the {place}",
    "{first} and {second} opened a new {place}",
    "{first} and {second} went past the {place}",
    "{first} drove with {second} to the {place}",
    "{first} ran into {second} near the {place}",
    "{first} saw {second} at the {place}",
    "{first} waited for {second} behind the {place}",
    "{first} took {second} to the {place}",
    "{first} worked with {second} in the {place}",
    "{first} followed {second} into the {place}",
)

WHOLE_SCENES = (
    "Inside the {place}, {first} and {second} sat by the window",
    "Near the {place}, {first} and {second} found a quiet bench",
    "At the {place}, {first} and {second} stood in line",
    "My neighbors {first} and {second} own a small {place}",
    "The friends {first} and {second} visited the {place}",
    "Both {first} and {second} knew the owner of the {place}",
    "My cousin {first} and her friend {second} stayed at the {place}",
    "In front of the {place}, {first} said hello to {second}",
)

SUBORDINATE_SCENES = (
    "When {first} and {second} arrived at the {place}",
    "After {first} and {second} left the {place}",
    "While {first} and {second} were working at the {place}",
    "As soon as {first} and {second} reached the {place}",
    "Because {first} was a friend of {second} from the {place}",
    "Before {first} and {second} closed the {place}",
    "Although {first} and {second} did not like the {place}",
    "When {first} met {second} at the {place}",
    "While {first} was looking for {second} in the {place}",
    "After {first} and {second} had been to the {place}",
)

MIDDLES = (
    "It was cold outside.", "Nobody else was there.", "The road was very long.", "It started to rain.",
    "The doors were open.", "There was a long line.", "Music was playing.", "It had been a hard day.",
    "The old clock had stopped.", "A dog was sleeping on the floor.", "Everyone was busy.", "The sun was shining.",
    "The street was quiet.", "It was almost dark.", "Dinner was late again.", "All the lights were on.",
)  # fmt: skip

BYSTANDERS = (
    "As always {other} was late.",
    "It was the birthday of {other}.",
    "They had just seen {other}.",
    "The house of {other} was not far.",
    "That day {other} was at home with a book.",
    "Everyone was talking about {other}.",
    "Even {other} was there.",
    "Nobody knew where {other} was.",
    "The brother of {other} was sick.",
    "Only {other} was missing.",
)
"""Sentences that mention someone who takes no part, so that which names are around does not give the answer away."""

LEADS = (
    "After a while,", "Later", "Then", "In the end,", "Soon", "Of course", "A moment later,", "Finally",
    "For some reason,", "Without a word,",
)  # fmt: skip

JOINTS = (", and", ", so", ", but", ", then", ", and later", "; then")

CLAUSES = (
    "gave a {object} to", "gave the {object} to", "handed a {object} to", "handed the {object} to",
    "passed a {object} to", "passed the {object} to", "offered a {object} to", "offered the {object} to",
    "showed a {object} to", "showed the {object} to", "sent a {object} to", "sent the {object} to",
    "threw a {object} to", "threw the {object} to", "lent a {object} to", "lent the {object} to",
    "sold a {object} to", "sold the {object} to", "brought a {object} to", "brought the {object} to",
    "promised a {object} to", "returned the {object} to", "gave the {object} back to", "gave back the {object} to",
    "decided to give a {object} to", "decided to give the {object} to", "wanted to give a {object} to",
    "wanted to give the {object} to", "had to return the {object} to", "tried to sell a {object} to",
    "was happy to lend a {object} to", "bought a {object} and gave it to", "took out a {object} and handed it to",
    "bought a {object} for", "found a {object} for", "made a {object} for",
)  # fmt: skip

ENDINGS = (
    ".",
    ".",
    ".",
    " before lunch.",
    " with a smile.",
    " and left.",
    " and said goodbye.",
    " and went home.",
)

RETURN_LEADS = ("Then", "Later", "After that,", "In return,", "Soon")
