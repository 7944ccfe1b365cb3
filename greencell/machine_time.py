"""CPU seconds of the whole machine: what ran, and what a hypervisor gave to other machines.

Stolen time is neither: a virtual CPU was ready to run, but its host ran somebody else. It is no
work of this machine, so no utilisation holds it; the capacity stays all virtual CPUs, which are
what the machine is charged for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from greencell.errors import ReadFailed

_LINE_BYTES = 512
"""More than the first line of ``/proc/stat``: ten numbers of 64 bits."""


class MachineClock(Protocol):
    """Busy CPU time of the machine, cumulative.

    Attributes:
        logical_cpus: how many CPUs could run.
        steal_s: CPU-seconds that a hypervisor gave to other machines, as of the last read; 0
            where that is not told.
    """

    logical_cpus: int
    steal_s: float

    def read_s(self) -> float:
        """Busy CPU-seconds so far (steal and waiting for disks not included).

        Raises:
            ReadFailed: the system did not say.
        """
        ...

    def close(self) -> None:
        """Release what was opened; idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class MachineTime:
    """CPU-seconds since the machine started."""

    busy_s: float
    steal_s: float

    @property
    def steal_share(self) -> float:
        """Share of the time that was asked for and not given, 0 to 1."""
        asked_s = self.busy_s + self.steal_s
        return self.steal_s / asked_s if asked_s > 0 else 0.0


class ProcStatClock:
    """Busy time of the machine from the first line of ``<procfs>/stat``."""

    def __init__(self, procfs_root: Path = Path("/proc")) -> None:
        self._path = os.fspath(procfs_root / "stat")
        self._fd: int | None = None
        self.logical_cpus = os.cpu_count() or 1
        self.steal_s = 0.0

    def read_s(self) -> float:
        try:
            if self._fd is None:
                self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            time = _parse(os.pread(self._fd, _LINE_BYTES, 0))
        except (OSError, ValueError) as error:
            raise ReadFailed(f"{self._path}: {error}") from error
        self.steal_s = time.steal_s
        return time.busy_s

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class PsutilMachineClock:
    """Busy time of the machine through psutil, for systems without ``/proc``."""

    def __init__(self) -> None:
        import psutil

        self._cpu_times: Callable[[], object] = psutil.cpu_times
        self.logical_cpus = os.cpu_count() or 1
        self.steal_s = 0.0

    def read_s(self) -> float:
        times = self._cpu_times()
        self.steal_s = float(getattr(times, "steal", 0.0))
        fields = ("user", "nice", "system", "irq", "softirq", "interrupt", "dpc")
        return float(sum(getattr(times, name, 0.0) for name in fields))

    def close(self) -> None:
        """Nothing is held open."""


def machine_clock(procfs_root: Path) -> MachineClock:
    """The best clock of the machine on this system."""
    return ProcStatClock(procfs_root) if sys.platform == "linux" else PsutilMachineClock()


def steal_share(procfs_root: Path) -> float:
    """Share of the CPU time asked for since boot that other machines got; 0 if not told."""
    try:
        with (procfs_root / "stat").open("rb") as file:
            return _parse(file.read(_LINE_BYTES)).steal_share
    except (OSError, ValueError):
        return 0.0


def _parse(stat: bytes) -> MachineTime:
    """The first line: ``cpu``, then ticks by what was done in them (``proc_stat(5)``)."""
    fields = list(map(int, stat.split(b"\n", 1)[0].split()[1:]))
    user, nice, system, _idle, _iowait, irq, softirq = fields[:7]
    (steal,) = fields[7:8] or (0,)  # kernels before 2.6.11 do not tell
    tick_s = 1.0 / os.sysconf("SC_CLK_TCK")
    return MachineTime((user + nice + system + irq + softirq) * tick_s, steal * tick_s)
