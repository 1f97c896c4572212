"""What the command line and the ini file say about the baseline."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

DEFAULT_FILE = Path("reports") / "baseline" / "baseline.json"
_USUAL = ""


def add_baseline_options(group: Any, parser: pytest.Parser) -> None:
    """The flags and ini settings of the baseline."""
    group.addoption(
        "--circuit-baseline",
        nargs="?",
        const=_USUAL,
        type=_file_name,
        metavar="FILE",
        help="fail claims whose verdict got worse or whose effect moved since this baseline "
        f"(default: rootdir/{DEFAULT_FILE.as_posix()}); with a file, write --circuit-baseline=FILE",
    )
    group.addoption(
        "--circuit-baseline-margin",
        type=_share,
        metavar="SHARE",
        help="how far effects may move: of ratios and rates this much, of metrics this share of the clean metric "
        "(default: 0.05)",
    )
    parser.addini(
        "circuit_baseline", "the baseline file that --circuit-baseline means, relative to the rootdir"
    )
    parser.addini("circuit_baseline_margin", "how far effects may move since the baseline, such as 0.05")


def baseline_path(config: pytest.Config) -> Path:
    """The file that the run is held against; the usual one need not be there yet.

    Raises:
        pytest.UsageError: there is no file of the name on the command line, which would gate nothing.
    """
    if given := config.getoption("--circuit-baseline"):
        path = config.invocation_params.dir / str(given)
        if not path.is_file():
            msg = f"there is no baseline file {given}. `circuitcheck baseline save --baseline {given}` writes it."
            raise pytest.UsageError(msg)
        return path
    return config.rootpath / (str(config.getini("circuit_baseline")) or DEFAULT_FILE)


def baseline_margin(config: pytest.Config) -> float:
    """How far effects may move, as a share.

    Raises:
        pytest.UsageError: the ini file's is none.
    """
    from circuitcheck.baseline.comparing import MARGIN

    given, said = config.getoption("--circuit-baseline-margin"), str(config.getini("circuit_baseline_margin"))
    if given is not None or not said:
        return MARGIN if given is None else float(given)
    try:
        return _share(said)
    except (ValueError, argparse.ArgumentTypeError):
        msg = f"circuit_baseline_margin is {said!r} in the ini file. Write a share such as 0.05."
        raise pytest.UsageError(msg) from None


def _file_name(text: str) -> str:
    """A file; not what pytest was to run, which argparse hands over where it comes behind the bare flag."""
    if text != _USUAL and (text.endswith(".circuit.yaml") or "::" in text or Path(text).is_dir()):
        msg = f"{text!r} is no baseline file. Write the flag behind it, or --circuit-baseline=FILE"
        raise argparse.ArgumentTypeError(msg)
    return text


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share < 1:
        msg = f"{text} is no share; give a number from 0 to 1 such as 0.05"
        raise argparse.ArgumentTypeError(msg)
    return share
