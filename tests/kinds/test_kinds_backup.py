"""What hides a part's work: a backup that wakes up, or another part that does the same. Planted, so that it is known."""

import re
from functools import cache

import pytest

from circuitcheck import check, planted
from circuitcheck.report.html.page import report_page
from circuitcheck.report.recording import file_record
from circuitcheck.report.results import RunResults
from circuitcheck.verdict import Outcome

LOST = {"says": "Without it much of the preference is lost.", "expect": {"drop": ">= 0.6"}}
SUPPORTED, REFUTED = Outcome.SUPPORTED, Outcome.REFUTED


def measured(model, claims):
    spec = model.spec(claims)
    ids = [claim["id"] for claim in claims]
    result = check(spec, claims=ids, model=model.bridge, dictionaries=model.dictionaries)
    assert not result.errors
    return result


def outcomes(result):
    return {verdict.claim: verdict.outcome for verdict in result.verdicts}


@cache
def with_a_backup():
    model = planted.chain(0, backup=True)
    mover = {"ablate": [model.design.head("mover").seat.at("END")], "with": "mean", **LOST}
    return measured(model, [{"id": "free", **mover}, {"id": "frozen", **mover, "downstream": "frozen"}])


def test_a_mover_with_a_backup_is_necessary_only_while_the_backup_is_frozen():
    assert outcomes(with_a_backup()) == {"free": REFUTED, "frozen": SUPPORTED}


def test_the_page_shows_both_and_says_what_was_frozen():
    record = file_record(with_a_backup(), "backup.circuit.yaml")
    page = report_page(RunResults(run="r", started="", seconds=1, command=[], files=[record]))
    free, frozen = (re.sub(r"<[^>]*>", "", card) for card in page.split("<article")[1:3])
    assert "So the claim is refuted." in free
    assert "was frozen" not in free
    assert "So the claim is supported." in frozen
    assert "Every other head and MLP was frozen: it kept the value of the untouched run." in frozen


def test_each_necessity_of_an_or_is_refuted_and_the_joint_one_supported():
    model = planted.either(0)
    heads = {name: model.design.head(name).seat.at("END") for name in ("first", "second")}
    claims = [{"id": name, "ablate": [head], "with": "resample", **LOST} for name, head in heads.items()]
    joint = {"id": "both", "ablate": list(heads.values()), "with": "resample", **LOST}
    assert outcomes(measured(model, [*claims, joint])) == {
        "first": REFUTED,
        "second": REFUTED,
        "both": SUPPORTED,
    }


@pytest.mark.parametrize("kind", ["chain", "either", "induction"])
def test_edges_that_were_planted_are_supported(kind):
    model = getattr(planted, kind)(0)
    spec = model.spec([{"id": "x", "says": "y", "measure": "clean", "expect": {"logit_diff": "?"}}])
    # What an enabler writes is the same on every prompt, so that no corrupt twin tells whether it is read.
    edges = [edge.id for edge in spec.edges if edge.edge.source != "enabler"]
    found = check(spec, claims=edges, model=model.bridge, dictionaries=model.dictionaries)
    assert not found.errors
    assert outcomes(found) == dict.fromkeys(edges, SUPPORTED), [verdict.parts for verdict in found.verdicts]
