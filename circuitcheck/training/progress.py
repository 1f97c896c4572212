"""The one place where training says how far it is."""

from __future__ import annotations

import sys


def report(message: str) -> None:
    """Writes one line to standard error at once, so that a log can be followed."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()
