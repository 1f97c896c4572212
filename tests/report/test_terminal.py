"""What is printed after the tests."""

from dataclasses import replace

from verdict_samples import BEHAVIOUR, KNOWN, REFUTED, REPORTED, UNDECIDED

from circuitcheck.report.results import ClaimRecord, FileRecord
from circuitcheck.report.terminal import count_claims, inconclusive_lines, table_lines
from circuitcheck.report.wording import headline
from circuitcheck.verdict import Controls, Outcome

RECORDS = [ClaimRecord.of(verdict) for verdict in (BEHAVIOUR, REFUTED, UNDECIDED, REPORTED, KNOWN)]
IOI = FileRecord(
    path="circuits/ioi.circuit.yaml",
    circuit="ioi",
    claims=[*RECORDS, ClaimRecord.of_error("gone", "the model has 3 layers, and L9H6 is in layer 9")],
)


def texts(lines):
    return [line.text for line in lines]


def test_every_claim_has_one_line_in_the_table():
    assert texts(table_lines([IOI])) == [
        "behaviour           supported     logit_diff 3.56 [3.41, 3.70] >= 2.5, accuracy 0.985 [0.962, 0.996] >= 0.95",
        "backup-compensates  REFUTED       drop 0.412 [0.371, 0.455], expected 0.0 to 0.3",
        "better-than-chance  inconclusive  drop 0.280 [0.220, 0.340], needed >= 0.3",
        "how-much            MEASURED      drop 0.200 [0.150, 0.250]",
        "backups-are-absent  known         drop 0.412 (#12: not yet understood)",
        "gone                ERROR         the model has 3 layers, and L9H6 is in layer 9",
    ]


def test_colours_follow_what_fails_the_run():
    assert [line.colour for line in table_lines([IOI])] == ["green", "red", "yellow", "", "", "red"]


def test_a_known_failure_that_is_supported_stands_out():
    file = FileRecord(
        path="a", circuit="a", claims=[ClaimRecord.of(replace(KNOWN, outcome=Outcome.SUPPORTED))]
    )
    (line,) = table_lines([file])
    assert line.text.startswith("backups-are-absent  SUPPORTED     ")
    assert line.text.endswith("; known_failure is supported now: remove known_failure")
    assert line.colour == "red"


def test_claims_of_several_files_stand_under_their_file():
    other = FileRecord(path="other.circuit.yaml", circuit="b", claims=[RECORDS[1]])
    from_test = FileRecord(path="test_a.py", circuit="c", test="test_a.py::test_b", claims=[RECORDS[3]])
    empty = FileRecord(path="empty.circuit.yaml", circuit="d")
    assert texts(table_lines([empty, other, from_test])) == [
        "other.circuit.yaml",
        "backup-compensates  REFUTED       drop 0.412 [0.371, 0.455], expected 0.0 to 0.3",
        "test_a.py (in test_a.py::test_b)",
        "how-much  MEASURED      drop 0.200 [0.150, 0.250]",
    ]
    assert count_claims([empty, other, from_test]) == 2


def test_the_least_supported_slice_speaks_for_a_quantity():
    first, second = BEHAVIOUR.parts
    parts = (replace(first, slice="ABBA"), replace(first, slice="BABA", estimate=2.9, p_support=0.01), second)
    file = FileRecord(path="a", circuit="a", claims=[ClaimRecord.of(replace(BEHAVIOUR, parts=parts))])
    (line,) = texts(table_lines([file]))
    assert "logit_diff 2.90 [3.41, 3.70] >= 2.5 for BABA, accuracy 0.985" in line


def test_inconclusive_claims_say_why_and_what_they_need():
    assert texts(inconclusive_lines([IOI])) == [
        "circuits/ioi.circuit.yaml:68  better-than-chance: drop 0.280 [0.220, 0.340], needed >= 0.3",
        "                              the interval holds 0.3, after 480 prompts",
        "                              about 1900 prompts would settle it",
    ]


def test_a_known_failure_is_not_listed_as_inconclusive():
    known = replace(UNDECIDED, known_failure="not yet")
    assert inconclusive_lines([FileRecord(path="a", circuit="a", claims=[ClaimRecord.of(known)])]) == ()


CONTROLS = Controls(
    quantity="drop",
    effect=0.412,
    effects=(*(0.001 * number for number in range(97)), 0.5, 0.6, 0.7),
    beaten=0.97,
    required=0.95,
    n=120,
    seed=3,
    outcome=Outcome.SUPPORTED,
    error_effect=0.05,
)
HELD = replace(
    REFUTED, outcome=Outcome.SUPPORTED, parts=(replace(REFUTED.parts[0], outcome=Outcome.SUPPORTED),)
)


def table(verdict):
    return table_lines([FileRecord(path="a", circuit="a", claims=[ClaimRecord.of(verdict)])])


def test_controls_have_a_line_under_their_claim():
    claim, controls = table(replace(HELD, controls=CONTROLS))
    assert claim.text.startswith("backup-compensates  supported     drop 0.412")
    assert controls.text == (
        "                    controls      beats 97 of 100 matched features (their median 0.050, 95% at 0.094); "
        "dictionary errors 0.050 of 0.412"
    )


def test_where_less_is_stronger_the_required_share_of_controls_is_counted_from_above():
    effects = tuple(1 - effect for effect in CONTROLS.effects)
    line = table(replace(HELD, controls=replace(CONTROLS, effect=0.588, effects=effects)))[1].text
    assert "beats 97 of 100 matched features (their median 0.950, 95% at 0.906)" in line


def test_controls_without_errors_name_none_and_a_loose_match_is_said():
    controls = replace(CONTROLS, error_effect=None, reason="matched only loosely: so")
    line = table(replace(HELD, controls=controls))[1].text
    assert "dictionary errors" not in line
    assert line.endswith("95% at 0.094); matched only loosely: so")


def test_no_controls_at_all_say_why():
    controls = replace(CONTROLS, effects=(), beaten=0.0, outcome=Outcome.INCONCLUSIVE, reason="nobody fires")
    verdict = replace(HELD, outcome=Outcome.INCONCLUSIVE, controls=controls, reason="nobody fires")
    assert table(verdict)[1].text.endswith(
        "controls      none: nobody fires; dictionary errors 0.050 of 0.412"
    )


def test_a_claim_that_only_its_controls_refute_shows_its_expectation_as_held():
    reason = "its drop beats 40 of 100 matched features, 0.95 of them needed"
    controls = replace(CONTROLS, beaten=0.4, outcome=Outcome.REFUTED, reason=reason)
    verdict = replace(HELD, outcome=Outcome.REFUTED, controls=controls, reason=reason)
    assert "REFUTED       drop 0.412 [0.371, 0.455], expected 0.0 to 0.3, not backed by its controls" in (
        table(verdict)[0].text
    )
    assert headline(verdict) == f"refuted: drop = 0.412, but {reason}"
    both = replace(REFUTED, controls=controls)
    assert "not backed" not in table(both)[0].text
    assert headline(both) == "refuted: drop = 0.412, expected between 0.0 and 0.3"


def test_a_claim_that_controls_leave_open_is_listed_with_their_reason():
    controls = replace(CONTROLS, outcome=Outcome.INCONCLUSIVE, reason="7 controls say too little")
    verdict = replace(HELD, outcome=Outcome.INCONCLUSIVE, controls=controls, reason=controls.reason)
    lines = texts(inconclusive_lines([FileRecord(path="a", circuit="a", claims=[ClaimRecord.of(verdict)])]))
    assert lines[0].endswith("not backed by its controls")
    assert lines[1].strip() == "7 controls say too little"
