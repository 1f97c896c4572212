"""What a run prints, compared whole, however pytest runs it."""

import pytest
from fake_check import KNOWN_FAILURE, circuit_file
from plugin_runs import WAYS, measurements, page, prepare, run

pytest_plugins = ("pytester",)

IOI = circuit_file(
    "behaviour",
    "backup-compensates",
    "better-than-chance",
    "how-much",
    "backups-are-absent",
    "gone",
    extra={"backups-are-absent": KNOWN_FAILURE},
)

PAGE = """\
______________________________ backup-compensates ______________________________
circuits/ioi.circuit.yaml:11  refuted: drop = 0.412, expected between 0.0 and 0.3

  says      Knocking out the name movers costs little, because backups take over.
  measured  drop 0.412   95% CI [0.371, 0.455]   n = 480
            0 |-----------0.3|  [=*=]                          | 1
  clean     3.56   ablated 2.09   with mean   nodes L9H6@END, L9H9@END, L10H0@END
  by cell   0.310 (garden ABBA) to 0.520 (store BABA), over 3 template-order cells
  worst     "When Mary and John went to the garden, John gave a ring to"   3.90 -> 0.200
            "When Tom and Kate went to the store, Kate gave a drink to"    4.40 -> 0.900
  about     prompts of these 15 templates in 2 orders
  again     pytest 'circuits/ioi.circuit.yaml::backup-compensates'
  look      circuitcheck show 'circuits/ioi.circuit.yaml::backup-compensates'
================================= inconclusive =================================
circuits/ioi.circuit.yaml:15  better-than-chance: drop 0.280 [0.220, 0.340], needed >= 0.3
                              the interval holds 0.3, after 480 prompts
                              about 1900 prompts would settle it
============================== circuit claims (6) ==============================
behaviour           supported     logit_diff 3.56 [3.41, 3.70] >= 2.5, accuracy 0.985 [0.962, 0.996] >= 0.95
backup-compensates  REFUTED       drop 0.412 [0.371, 0.455], expected 0.0 to 0.3
better-than-chance  inconclusive  drop 0.280 [0.220, 0.340], needed >= 0.3
how-much            MEASURED      drop 0.200 [0.150, 0.250]
backups-are-absent  known         drop 0.412 (not yet understood)
gone                ERROR         L9H6 is in layer 9, and the model has 3. Name a layer from 0 to 2.
circuitcheck: report in reports/RUN/report.html
=========================== short test summary info ============================
FAILED circuits/ioi.circuit.yaml::backup-compensates - refuted: drop = 0.412,...
ERROR circuits/ioi.circuit.yaml::gone - L9H6 is in layer 9, and the model has...
1 failed, 4 passed, 1 xfailed, 1 error, 1 inconclusive"""


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_the_page_is_the_same_however_pytest_runs(pytester, monkeypatch, way):
    prepare(pytester, monkeypatch, ioi=IOI)
    result = run(pytester, *way)
    assert page(result) == PAGE
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert len(measurements()) == 1, "a file is measured once, on one worker"
    assert "circuitcheck" in result.outlines[2], "the header names the version"


def test_an_error_is_shown_as_a_sentence_without_traceback(pytester, monkeypatch):
    prepare(pytester, monkeypatch, ioi=IOI)
    lines = run(pytester).outlines
    start = next(number for number, line in enumerate(lines) if "ERROR at call of gone" in line)
    assert lines[start + 1] == "L9H6 is in layer 9, and the model has 3. Name a layer from 0 to 2."
    assert "= FAILURES =" in lines[start + 2]


def test_each_outcome_has_its_letter(pytester, monkeypatch):
    prepare(pytester, monkeypatch, ioi=IOI)
    run(pytester).stdout.fnmatch_lines(["circuits/ioi.circuit.yaml ...F?.xE *100%?"])


def test_verbose_words_say_inconclusive(pytester, monkeypatch):
    prepare(pytester, monkeypatch, ioi=IOI)
    run(pytester, "-v").stdout.fnmatch_lines(["circuits/ioi.circuit.yaml::better-than-chance INCONCLUSIVE *"])


def test_quiet_runs_keep_the_table(pytester, monkeypatch):
    prepare(pytester, monkeypatch, ioi=IOI)
    result = run(pytester, "-q")
    result.stdout.fnmatch_lines(
        ["behaviour * supported *", "1 failed, 4 passed, 1 xfailed, 1 error, 1 inconclusive in *"]
    )
    assert "circuitcheck (" not in result.stdout.str()


def test_one_line_tracebacks_point_into_the_yaml(pytester, monkeypatch):
    prepare(pytester, monkeypatch, ioi=IOI)
    run(pytester, "--tb=line").stdout.fnmatch_lines(
        ["circuits/ioi.circuit.yaml:11: refuted: drop = 0.412, expected between 0.0 and 0.3"]
    )


def test_a_ci_log_shows_the_whole_headline_and_not_the_page_twice(pytester, monkeypatch):
    prepare(pytester, monkeypatch, ioi=IOI)
    monkeypatch.setenv("CI", "true")
    result = run(pytester)
    result.stdout.fnmatch_lines(
        ["FAILED *::backup-compensates - refuted: drop = 0.412, expected between 0.0 and 0.3"]
    )
    assert result.stdout.str().count("  says      Knocking out") == 1
