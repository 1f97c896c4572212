"""What more claims cost: 200 over the same 20 interventions, against 20.

In: the bundled model, as it is or in a larger body. Out: `ClaimsRow`. The whole check is timed: reading, measuring,
judging.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.memory import Meter
from benchmarks.rounds import Run, Spread, one_round, ratios
from benchmarks.widened import SMALL, file_model
from circuitcheck import CheckResult, check

NODES = (
    "L0H0@all", "L0.mlp@all", "L2.resid@END", "L1H0@END", "L1H1@END", "L1H3@END",
    *(f"L{layer}H{head}@END" for layer in (2, 3) for head in range(4)),
    *(f"L{layer}.{part}@END" for layer in (1, 2, 3) for part in ("attn", "mlp")),
)  # fmt: skip
"""Twenty interventions; heads that the bundled model does not use are left out, since they cannot be claimed about."""
FEW, MANY = 20, 200
ASKED = 1.2
"""The most times longer that the many may take."""
_HEAD = """\
circuitcheck: 1
circuit: {name}
model: ioi-mini
prompts: {{family: ioi, orders: [ABBA, BABA], corrupt: fresh_names, n: 240, seed: 0}}
metric: logit_diff
claims:
"""
_CLAIM = """\
  - id: claim-{number}
    says: A part of the preference is lost.
    ablate: {node}
    with: resample
    expect: {{drop: ">= {threshold}"}}
"""


@dataclass(frozen=True)
class ClaimsRow:
    """Checks of the few and of the many, by turns."""

    model: str
    raw: dict[int, list[Run[CheckResult]]]

    def seconds(self, claims: int) -> Spread:
        """By round."""
        return Spread(tuple(run.seconds for run in self.raw[claims]))

    @property
    def longer(self) -> Spread:
        """The many over the few, round by round."""
        return ratios(self.seconds(MANY).values, self.seconds(FEW).values)


def claims_file(claims: int) -> str:
    """A circuit file with that many claims, in turn on each of the same interventions."""
    written = [
        _CLAIM.format(number=number, node=NODES[number % len(NODES)], threshold=number // len(NODES) / 100)
        for number in range(claims)
    ]
    return _HEAD.format(name=f"claims-{claims}") + "".join(written)


@contextmanager
def written_files() -> Iterator[dict[int, Path]]:
    """Both files in a folder of their own, by their number of claims."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {claims: Path(folder) / f"claims-{claims}.circuit.yaml" for claims in (FEW, MANY)}
        for claims, path in paths.items():
            path.write_text(claims_file(claims), encoding="utf-8")
        yield paths


def claims_row(rounds: int, meter: Meter, device: str, model: str = SMALL) -> ClaimsRow:
    """Check both files by turns, after one check that loads the model."""
    with written_files() as paths, file_model(model) as ref:
        check(paths[FEW], device=device, model_ref=ref)
        calls = {claims: partial(check, path, device=device, model_ref=ref) for claims, path in paths.items()}
        found = [one_round(calls, meter, device) for _ in range(rounds)]
    for one in found:
        for claims, run in one.items():
            assert len(run.result.verdicts) == claims, "every claim has been judged"
    return ClaimsRow(model, {claims: [one[claims] for one in found] for claims in paths})
