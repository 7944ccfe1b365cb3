"""CPU seconds: of the kernel's process tree, and of the whole machine.

The tree's time is its own plus its reaped children's plus, for every living descendant, that
one's own and reaped. A child that ends moves from the last term to the second, so the sum
neither loses nor doubles it. Living descendants are looked for only if there is a child at all.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

from greencell.errors import ReadFailed
from greencell.units import NS_PER_S

_MAX_DESCENDANTS = 2_000
"""Beyond this many the walk stops: a cell must not wait for a fork bomb to be counted."""
_CPUCLOCK_SCHED = 2
"""Linux: the kind bits of another process's CPU clock id (``include/linux/posix-timers.h``)."""


class TreeClock(Protocol):
    """CPU time of the kernel's process tree, cumulative."""

    def read_s(self) -> float:
        """CPU-seconds so far. May fall when a descendant leaves the tree."""
        ...

    def pids(self) -> frozenset[int]:
        """The processes of the tree."""
        ...


class MachineClock(Protocol):
    """Busy CPU time of the machine, cumulative."""

    logical_cpus: int

    def read_s(self) -> float:
        """Busy CPU-seconds so far (steal and waiting for disks not included).

        Raises:
            ReadFailed: the system did not say.
        """
        ...

    def close(self) -> None:
        """Release what was opened; idempotent."""
        ...


class LinuxTreeClock:
    """The tree's CPU time from the scheduler's clocks (ns) and ``/proc`` (10 ms) for reaped ones.

    A read costs a few microseconds without children, about 0.1 ms for a handful.
    """

    def __init__(self, proc: Path = Path("/proc")) -> None:
        import resource  # POSIX only

        self._reaped = partial(resource.getrusage, resource.RUSAGE_CHILDREN)
        self._proc = os.fspath(proc)
        self._pid = os.getpid()
        self._tick_s = 1.0 / os.sysconf("SC_CLK_TCK")

    def read_s(self) -> float:
        reaped = self._reaped()
        total_s = time.process_time_ns() / NS_PER_S + reaped.ru_utime + reaped.ru_stime
        if _has_child():
            for pid in self._descendants():
                total_s += self._process_s(pid)
        return total_s

    def pids(self) -> frozenset[int]:
        return frozenset(self._descendants()) | {self._pid}

    def _descendants(self) -> Iterator[int]:
        waiting = [self._pid]
        found = 0
        while waiting and found < _MAX_DESCENDANTS:
            pid = waiting.pop()
            for child in self._children(pid):
                found += 1
                waiting.append(child)
                yield child

    def _children(self, pid: int) -> Iterator[int]:
        task = f"{self._proc}/{pid}/task"
        try:
            threads = os.listdir(task)
        except OSError:
            return  # it ended while we looked
        for thread in threads:
            text = _read_small(f"{task}/{thread}/children")
            if text:
                yield from map(int, text.split())

    def _process_s(self, pid: int) -> float:
        """Own and reaped CPU time of a descendant; 0 if it just ended (its parent has it)."""
        text = _read_small(f"{self._proc}/{pid}/stat")
        if text is None:
            return 0.0
        # The name stands in brackets and may hold anything; utime is the 12th field after it.
        fields = text[text.rfind(b")") + 2 :].split()
        try:
            reaped_s = (int(fields[13]) + int(fields[14])) * self._tick_s
            own_ticks_s = (int(fields[11]) + int(fields[12])) * self._tick_s
        except (IndexError, ValueError):
            return 0.0
        try:
            own_s = time.clock_gettime_ns((~pid << 3) | _CPUCLOCK_SCHED) / NS_PER_S
        except OSError:
            own_s = own_ticks_s  # a zombie has no clock any more
        return own_s + reaped_s


class PsutilTreeClock:
    """The tree's CPU time through psutil, for systems without ``/proc``."""

    def __init__(self) -> None:
        import psutil

        self._psutil = psutil
        self._process = psutil.Process()

    def read_s(self) -> float:
        total_s = self._of(self._process)
        for child in self._process.children(recursive=True):
            try:
                total_s += self._of(child)
            except self._psutil.Error:
                continue  # it ended while we looked
        return total_s

    def pids(self) -> frozenset[int]:
        return frozenset(p.pid for p in self._process.children(recursive=True)) | {os.getpid()}

    @staticmethod
    def _of(process: object) -> float:
        times = process.cpu_times()  # type: ignore[attr-defined]  # psutil is imported lazily
        reaped_s = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
        return float(times.user + times.system + reaped_s)


class ProcStatClock:
    """Busy time of the machine from the first line of ``<procfs>/stat``."""

    def __init__(self, procfs_root: Path = Path("/proc")) -> None:
        self._tick_s = 1.0 / os.sysconf("SC_CLK_TCK")
        self._path = os.fspath(procfs_root / "stat")
        self._fd: int | None = None
        self.logical_cpus = os.cpu_count() or 1

    def read_s(self) -> float:
        try:
            if self._fd is None:
                self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            line = os.pread(self._fd, 512, 0).split(b"\n", 1)[0].split()
            user, nice, system, _idle, _iowait, irq, softirq = map(int, line[1:8])
        except (OSError, ValueError) as error:
            raise ReadFailed(f"{self._path}: {error}") from error
        return (user + nice + system + irq + softirq) * self._tick_s

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

    def read_s(self) -> float:
        times = self._cpu_times()
        fields = ("user", "nice", "system", "irq", "softirq", "interrupt", "dpc")
        return float(sum(getattr(times, name, 0.0) for name in fields))

    def close(self) -> None:
        """Nothing is held open."""


def tree_clock() -> TreeClock:
    """The best clock of the process tree on this system."""
    return LinuxTreeClock() if sys.platform == "linux" else PsutilTreeClock()


def machine_clock(procfs_root: Path) -> MachineClock:
    """The best clock of the machine on this system."""
    return ProcStatClock(procfs_root) if sys.platform == "linux" else PsutilMachineClock()


def reserved_share(sysfs_root: Path) -> float:
    """Share of the machine's CPUs this process may use: affinity and cgroup v2 quota, 0 to 1."""
    cpus = os.cpu_count() or 1
    usable = float(cpus)
    if hasattr(os, "sched_getaffinity"):
        usable = min(usable, len(os.sched_getaffinity(0)))
    quota = _read_small(os.fspath(sysfs_root / "fs/cgroup/cpu.max"))
    if quota and not quota.startswith(b"max"):
        try:
            allowed_us, period_us = map(int, quota.split())
            usable = min(usable, allowed_us / period_us)
        except (ValueError, ZeroDivisionError):
            pass  # a file of another form says nothing
    return max(0.0, min(1.0, usable / cpus))


def _has_child() -> bool:
    """Whether this process has any child, dead or alive, without reaping it."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    except OSError:
        return True
    return True


def _read_small(path: str) -> bytes | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(fd, 65_536)
    except OSError:
        return None
    finally:
        os.close(fd)
