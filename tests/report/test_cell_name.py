import pytest

from circuitcheck.report.wording import cell_name


@pytest.mark.parametrize(
    ("template", "order", "name"),
    [("walk", "ABBA", "walk ABBA"), ("lasted", "-", "lasted"), ("-", "-", ""), ("a", "", "a")],
)
def test_a_cell_is_named_by_what_it_has(template, order, name):
    assert cell_name(template, order) == name
