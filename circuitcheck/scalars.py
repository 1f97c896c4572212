"""Single YAML values as Python values; numbers remember how they were written.

`9.10` and `9.1` are one number, but two heads to a hurried author, so messages quote the file.
"""

from __future__ import annotations


class WrittenFloat(float):
    """A number that prints as the file has it."""

    text: str

    def __new__(cls, value: float, text: str) -> WrittenFloat:
        """A float with the text that it was read from."""
        made = super().__new__(cls, value)
        made.text = text
        return made

    def __str__(self) -> str:
        return self.text

    def __format__(self, how: str) -> str:
        return super().__format__(how) if how else self.text


def plain_value(kind: str, text: str) -> str | int | float | bool | None:
    """The value of a scalar that YAML 1.2 takes for `kind` (str, int, float, bool, null, ...).

    Dates and other kinds stay text: no key of a circuit file wants them.
    """
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind in {"int", "float"}:
        return _number(kind, text)
    return text


def _number(kind: str, text: str) -> str | int | float:
    digits = text.replace("_", "").lower()
    try:
        if kind == "int":
            return int(digits, 0 if digits.lstrip("+-")[:2] in {"0x", "0o", "0b"} else 10)
        return WrittenFloat(float(digits.replace(".inf", "inf").replace(".nan", "nan")), text)
    except ValueError:
        return text  # too long for a number
