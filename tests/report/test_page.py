"""The page of a claim, compared whole."""

import math
from dataclasses import replace

from verdict_samples import BEHAVIOUR, KNOWN, NECESSARY, REFUTED, UNDECIDED

from circuitcheck.report.page import Origin, claim_page
from circuitcheck.verdict import Outcome, PromptEffect

ORIGIN = Origin("circuits/ioi.circuit.yaml")


def page(verdict, origin=ORIGIN):
    return "\n".join(claim_page(verdict, origin))


def test_the_page_of_a_refuted_claim():
    assert page(REFUTED) == (
        """\
circuits/ioi.circuit.yaml:54  refuted: drop = 0.412, expected between 0.0 and 0.3

  says      Knocking out the name movers costs little, because backups take over.
  measured  drop 0.412   95% CI [0.371, 0.455]   n = 480
            0 |-----------0.3|  [=*=]                          | 1
  clean     3.56   ablated 2.09   with mean   nodes L9H6@END, L9H9@END, L10H0@END
  by cell   0.310 (garden ABBA) to 0.520 (store BABA), over 3 template-order cells
  worst     "When Mary and John went to the garden, John gave a ring to"   3.90 -> 0.200
            "When Tom and Kate went to the store, Kate gave a drink to"    4.40 -> 0.900
  about     prompts of these 15 templates in 2 orders
  again     pytest 'circuits/ioi.circuit.yaml::backup-compensates'
  look      circuitcheck show 'circuits/ioi.circuit.yaml::backup-compensates'"""
    )


def test_the_page_of_a_supported_claim_lists_every_expectation():
    assert page(BEHAVIOUR) == (
        """\
circuits/ioi.circuit.yaml:30  supported: accuracy = 0.985, expected >= 0.95

  says      The model prefers the indirect object to the subject.
  measured  accuracy 0.985   95% CI [0.962, 0.996]   n = 64
            0 |                                             [*]| 1
  clean     3.56
  parts     logit_diff  3.56 [3.41, 3.70]   supported, expected >= 2.5
            accuracy    0.985 [0.962, 0.996]   supported, expected >= 0.95
  about     prompts of these 15 templates in 2 orders
  again     pytest 'circuits/ioi.circuit.yaml::behaviour'
  look      circuitcheck show 'circuits/ioi.circuit.yaml::behaviour'"""
    )


def test_slices_are_named_on_the_page_and_in_its_heading():
    parts = (
        replace(NECESSARY, slice="order ABBA", p_refute=0.2, estimate=0.31, outcome=Outcome.INCONCLUSIVE),
        replace(NECESSARY, slice="order BABA", estimate=0.52),
    )
    lines = page(replace(REFUTED, parts=parts)).splitlines()
    assert lines[0].endswith("refuted: drop = 0.520 for order BABA, expected between 0.0 and 0.3")
    start = next(number for number, line in enumerate(lines) if line.startswith("  by slice"))
    assert lines[start : start + 2] == [
        "  by slice  order ABBA  drop  0.310 [0.371, 0.455]   inconclusive, expected between 0.0 and 0.3",
        "            order BABA  drop  0.520 [0.371, 0.455]   refuted, expected between 0.0 and 0.3",
    ]


def test_many_slices_are_counted_when_they_do_not_all_fit():
    parts = tuple(replace(NECESSARY, slice=f"template {number}") for number in range(15))
    assert "            and 3 more" in page(replace(REFUTED, parts=parts)).splitlines()


def test_an_inconclusive_page_says_why_and_what_would_settle_it():
    lines = page(UNDECIDED).splitlines()
    assert lines[0] == "circuits/ioi.circuit.yaml:68  inconclusive: drop = 0.280, needed >= 0.3"
    assert "  why       the interval holds 0.3, after 480 prompts" in lines
    assert "            about 1900 prompts would settle it" in lines


def test_a_verdict_without_parts_says_its_reason():
    lines = page(replace(UNDECIDED, parts=(), reason="3 prompts are too few")).splitlines()
    assert lines[0] == "circuits/ioi.circuit.yaml:68  inconclusive: 3 prompts are too few"
    assert not any(line.startswith("  measured") for line in lines)


def test_a_known_failure_that_is_supported_says_what_to_do():
    supported = replace(KNOWN, outcome=Outcome.SUPPORTED)
    assert page(supported).splitlines()[0].endswith("known_failure is supported now: remove known_failure")


def test_numbers_that_are_missing_are_not_zero_on_the_page():
    lost = replace(
        REFUTED, parts=(replace(NECESSARY, estimate=None, low=None, high=None),), facts={"clean": math.nan}
    )
    text = page(lost)
    assert "  measured  drop not measured   no interval   n = 480" in text.splitlines()
    assert "  clean     not measured" in text.splitlines()


def test_prompts_without_intervention_show_one_number():
    text = page(replace(REFUTED, worst=(PromptEffect("A and B", "t", "ABBA", 0.3, 0.3),)))
    assert '  worst     "A and B"   0.300' in text.splitlines()


def test_the_command_to_run_again_has_the_flags_of_the_run():
    text = page(REFUTED, Origin("a 'b'.circuit.yaml", ("--circuit-seed 3",)))
    assert "pytest 'a '\"'\"'b'\"'\"'.circuit.yaml::backup-compensates' --circuit-seed 3" in text
