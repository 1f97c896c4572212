"""Which prompts run together: those of one length, with the positions that a plan looks at in one place.

In: a prompt set, the positions in use. Out: rows, by group and by batch. Roles that nobody asks about do not
part prompts: in one family, most sentences of one length differ only there.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from circuitcheck.engine import (
    ActivationReading,
    AttentionReading,
    Condition,
    Reading,
    Replace,
    Request,
    Route,
    Splice,
    WriteReading,
)
from circuitcheck.nodes import ALL, ALL_WITH_BOS, END, Node
from circuitcheck.prompts.pairs import Indices, PromptSet


def positions_used(requests: Iterable[Request]) -> frozenset[str]:
    """The positions, as nodes and readings write them, that some requests are about; END included."""
    used = {END}
    for request in requests:
        used.update(node.at for node in (*_edited(request.condition), *_read(request.reading)))
        if isinstance(request.reading, AttentionReading):
            used.add(request.reading.to)
    return frozenset(used)


def groups_of(prompts: PromptSet, used: Iterable[str]) -> tuple[Indices, ...]:
    """Rows of prompts of one length that have each of these positions at one place, in first-come order.

    Raises:
        PromptError: when a position is not on the prompts.
    """
    places = [prompts.positions(at)[:, 0] for at in sorted({*used} - {ALL, ALL_WITH_BOS})]
    keys: dict[tuple[int, ...], list[int]] = {}
    for row, tokens in enumerate(prompts.clean):
        keys.setdefault((len(tokens), *(int(place[row]) for place in places)), []).append(row)
    return tuple(np.array(rows, dtype=np.int64) for rows in keys.values())


def batches_of(group: Indices, prompts: PromptSet, size: int) -> list[tuple[int, ...]]:
    """A group's rows, at most `size` at a time.

    Prompts that have all roles in one place are kept together where they fit: donors are among them.
    """
    batches: list[tuple[int, ...]] = []
    for alike in prompts.groups:
        members = [int(row) for row in np.intersect1d(alike, group)]
        for start in range(0, len(members), size):
            rows = tuple(members[start : start + size])
            if batches and len(batches[-1]) + len(rows) <= size:
                batches[-1] += rows
            else:
                batches.append(rows)
    return batches


def _edited(condition: Condition) -> Iterator[Node]:
    done = condition.intervention
    if isinstance(done, Splice):
        yield from done.places
    elif isinstance(done, Route):
        yield from (*done.senders, *done.receivers)
    elif done is not None:
        yield from done.nodes
    if isinstance(done, Replace):
        yield from (place for place in (done.from_hook, done.until) if place is not None and place.at)


def _read(reading: Reading) -> tuple[Node, ...]:
    if isinstance(reading, WriteReading):
        return reading.nodes
    if isinstance(reading, AttentionReading):
        return (reading.head,)
    return (reading.feature,) if isinstance(reading, ActivationReading) else ()
