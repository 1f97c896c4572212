"""`python -m circuitcheck.training`: makes `ioi-mini` and its dictionaries from nothing but a seed."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from circuitcheck.training.stages import Production, produce

DEFAULT_SEEDS = (1,)


def main() -> None:
    """Reads the command line and makes the package data."""
    parser = argparse.ArgumentParser(prog="python -m circuitcheck.training", description=__doc__)
    bundled = Path(__file__).parent.parent / "bundled" / "ioi-mini"
    work = Path(tempfile.gettempdir()) / "circuitcheck-training"
    parser.add_argument("--out", type=Path, default=bundled, help="folder of the finished files")
    parser.add_argument("--work", type=Path, default=work, help="folder of checkpoints, to go on from")
    parser.add_argument("--seed", type=int, action="append", help="a seed to try; repeat for several")
    parser.add_argument("--processes", type=int, default=2, help="how many are trained at once")
    given = parser.parse_args()
    seeds = tuple(given.seed or DEFAULT_SEEDS)
    produce(Production(given.out, given.work, seeds, given.processes))


if __name__ == "__main__":
    main()
