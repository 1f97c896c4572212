"""Peak memory of a stretch of work, in the way that the machine allows.

Linux can set its high-water mark back (`/proc/self/clear_refs`, see proc(5)), so that each stretch has its own.
Elsewhere only the largest since the process began is known, and the table says so.
"""

import contextlib
import ctypes
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

_RESET = "5"
"""What proc(5) says to write so that VmHWM starts again from the present size."""
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Peak:
    """Bytes at most, and bytes at the start of the stretch."""

    most: int
    start: int

    @property
    def grown(self) -> int:
        """What the stretch added to what was held already (weights, the other sides' leavings)."""
        return self.most - self.start


class Meter(Protocol):
    """Measures the peak of the stretch between `start` and `peak`."""

    @property
    def kind(self) -> str:
        """How, in a few words for the table."""

    def start(self) -> None:
        """Begin a stretch."""

    def peak(self) -> Peak:
        """The peak since `start`."""


class ResidentMeter:
    """Resident set by the kernel's own high-water mark."""

    kind = "resident set, high-water mark set back for each run"

    def __init__(self) -> None:
        self._start = 0

    def start(self) -> None:
        """Give freed memory back to the system first, so that it cannot hide what is taken anew."""
        with contextlib.suppress(OSError, AttributeError):  # a C library without malloc_trim
            ctypes.CDLL(None).malloc_trim(0)
        _CLEAR.write_text(_RESET, encoding="ascii")
        self._start = _status_bytes("VmRSS")

    def peak(self) -> Peak:
        """Peak and start."""
        return Peak(_status_bytes("VmHWM"), self._start)


class ProcessMeter:
    """Resident set since the process began, where nothing better can be had."""

    kind = "resident set, largest since the process began"

    def __init__(self) -> None:
        self._start = 0

    def start(self) -> None:
        """Note what was the largest so far."""
        self._start = _largest_so_far()

    def peak(self) -> Peak:
        """The largest so far: a stretch that needs less than an earlier one adds nothing."""
        return Peak(_largest_so_far(), self._start)


class CudaMeter:
    """Memory that torch holds on a CUDA device."""

    kind = "torch's memory on the device"

    def __init__(self, device: str) -> None:
        self._device, self._start = device, 0

    def start(self) -> None:
        """Begin again."""
        torch.cuda.reset_peak_memory_stats(self._device)
        self._start = torch.cuda.memory_allocated(self._device)

    def peak(self) -> Peak:
        """Peak and start."""
        return Peak(torch.cuda.max_memory_allocated(self._device), self._start)


def meter_for(device: str) -> Meter:
    """The best meter that works here."""
    if device.startswith("cuda"):
        return CudaMeter(device)
    try:
        meter = ResidentMeter()
        meter.start()
        meter.peak()
    except (OSError, KeyError):
        return ProcessMeter()
    return meter


def _status_bytes(name: str) -> int:
    """A line of /proc/self/status, which is in kB.

    Raises:
        KeyError: when there is no such line.
    """
    lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return 1024 * int(fields[name].split()[0])


def _largest_so_far() -> int:
    """In bytes; Linux counts kB."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
