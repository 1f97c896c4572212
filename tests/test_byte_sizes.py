import pytest

from circuitcheck.byte_sizes import bytes_text, parse_bytes


@pytest.mark.parametrize(
    ("text", "count"),
    [("2GiB", 2 << 30), ("512 MiB", 512 << 20), (" 1.5gb ", 1_500_000_000), ("64 KiB", 64 << 10), ("7B", 7)],
)
def test_an_amount_of_memory_is_a_number_with_a_unit(text, count):
    assert parse_bytes(text) == count


@pytest.mark.parametrize("text", ["2", "GiB", "-1 GiB", "2 GiBs", "0 MiB", "", "0.5 B"])
def test_anything_else_is_refused_with_what_to_write(text):
    with pytest.raises(
        ValueError, match=r"is not an amount of memory\. Write a number with its unit, such as 2GiB"
    ):
        parse_bytes(text)


def test_amounts_are_shown_in_the_largest_unit_that_leaves_a_number():
    assert [bytes_text(count) for count in (12, 1536, 300 << 20, 3 << 29)] == [
        "12 bytes", "1.5 KiB", "300 MiB", "1.5 GiB",
    ]  # fmt: skip
