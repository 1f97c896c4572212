from circuitcheck.engine import Forecast
from circuitcheck.report.plan_table import LEGEND, PlanRow, count_text, plan_lines, seconds_text, total_row

IOI = PlanRow("circuits/ioi.circuit.yaml", 704, 20, Forecast(685, 226_000, 1_400_000, 9.5, 123 << 20))
PLAIN = PlanRow("circuits/plain.circuit.yaml", 5, 5)
TOTAL = total_row(709, 25, Forecast(685, 226_000, 1_400_000, 9.5, 123 << 20))


def test_every_file_has_a_line_and_several_have_a_total():
    assert plan_lines([IOI, PLAIN], TOTAL) == [
        "circuits/  wanted  stored  passes  tokens  naive  saved   time   memory",
        "ioi           704      20     685    226k   1.4M   6.2x  9.5 s  123 MiB",
        "plain           5       5       -       -      -      -      -        -",
        "all files     709      25     685    226k   1.4M   6.2x  9.5 s  123 MiB",
        "",
        *LEGEND,
    ]


def test_one_file_needs_no_total():
    assert len(plan_lines([IOI], TOTAL)) == 3 + len(LEGEND)


def test_files_of_several_folders_keep_theirs():
    elsewhere = PlanRow("more/b.circuit.yaml", 1)
    lines = plan_lines([IOI, elsewhere], TOTAL)
    assert [line.split()[0] for line in lines[:3]] == ["file", "circuits/ioi", "more/b"]


def test_a_file_that_cannot_be_planned_says_why():
    assert plan_lines([PlanRow("a.circuit.yaml", error="there is no model.")], TOTAL) == [
        "a.circuit.yaml: there is no model."
    ]


def test_long_names_leave_the_table_of_shipped_files_80_columns():
    named = [
        PlanRow(f"circuits/{name}.circuit.yaml", 1439, 1439, IOI.forecast)
        for name in ("ioi-new-wording", "greater-than")
    ]
    assert max(map(len, plan_lines(named, TOTAL))) <= 80


def test_counts_and_durations_are_short():
    assert [count_text(each) for each in (87, 1200, 340_000, 1.25e6, 2e9)] == [
        "87", "1.2k", "340k", "1.2M", "2.0G",
    ]  # fmt: skip
    assert [seconds_text(each) for each in (0.34, 40, 130, 9000)] == ["0.3 s", "40 s", "2 min", "2.5 h"]
