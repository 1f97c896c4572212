"""What a device has left, and the most that was taken of it for a while: measured, not reckoned.

In: a device, as torch names it. Out: bytes; None where this system does not tell.
"""

import ctypes
import importlib
import os
import re
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch

_MEMINFO, _STATUS, _CLEAR = (Path(f"/proc/{name}") for name in ("meminfo", "self/status", "self/clear_refs"))
_FORGET_PEAK = "5"
"""What Linux wants to read in clear_refs to begin a new high-water mark (proc_pid_clear_refs(5))."""


@runtime_checkable
class Gauge(Protocol):
    """Memory in use on one device."""

    def free(self) -> int:
        """Bytes that could be taken now."""

    def begin(self) -> None:
        """Start a new high-water mark, and take what is in use now for the ground."""

    def peak(self) -> int | None:
        """The most bytes in use above the ground since `begin`."""


def gauge_of(device: str) -> Gauge:
    """The gauge of a device; of the process's own memory for any but CUDA devices."""
    return CudaGauge(torch.device(device)) if device.startswith("cuda") else ProcessGauge()


class CudaGauge:
    """What torch has allocated on a CUDA device."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._ground = 0

    def free(self) -> int:
        """What the driver has left, and what torch holds without using it."""
        left, _ = torch.cuda.mem_get_info(self._device)
        idle = torch.cuda.memory_reserved(self._device) - torch.cuda.memory_allocated(self._device)
        return left + idle

    def begin(self) -> None:
        """See `Gauge`."""
        torch.cuda.reset_peak_memory_stats(self._device)
        self._ground = torch.cuda.memory_allocated(self._device)

    def peak(self) -> int | None:
        """See `Gauge`."""
        return max(0, torch.cuda.max_memory_allocated(self._device) - self._ground)


class ProcessGauge:
    """What this process has in main memory, on Linux; elsewhere it only knows what is free."""

    def __init__(self) -> None:
        self._ground: int | None = None

    def free(self) -> int:
        """What the system could give without swapping."""
        told = _told(_MEMINFO, "MemAvailable")
        if told is not None:
            return told
        try:
            return int(importlib.import_module("psutil").virtual_memory().available)
        except ImportError:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2

    def begin(self) -> None:
        """See `Gauge`; memory that was freed is first given back, or it would count as the ground."""
        _give_back()
        try:
            _CLEAR.write_text(_FORGET_PEAK, encoding="ascii")
        except OSError:  # not Linux, or a container that does not permit it
            self._ground = None
            return
        self._ground = _told(_STATUS, "VmRSS")

    def peak(self) -> int | None:
        """See `Gauge`."""
        highest = _told(_STATUS, "VmHWM")
        return None if highest is None or self._ground is None else max(0, highest - self._ground)


def _told(path: Path, name: str) -> int | None:
    """A line of kibibytes, in bytes."""
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB", path.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) << 10 if found else None


def _give_back() -> None:
    """Hand freed memory to the system, where the C library knows how (glibc)."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return
    trim(0)
