"""A walk over the kernel's process tree, on Linux."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from greencell.units import NS_PER_S

_MAX_DESCENDANTS: Final = 2_000
"""Beyond this many the walk stops: a cell must not wait for a fork bomb to be counted."""
_MAX_WALKS: Final = 3
"""So often the walk is tried if processes end in the middle of it."""
_CPUCLOCK_SCHED: Final = 2
"""The kind bits of another process's CPU clock id (``include/linux/posix-timers.h``)."""
_START: Final = 19
_DEAD: Final = (b"Z", b"X")
_FIELDS: Final = 15
"""Of ``/proc/<pid>/stat``, from the state to the reaped children's system time."""


@dataclass(frozen=True, slots=True)
class Walk:
    """CPU time found by a walk, in s; not ``whole`` if a process ended in the middle of it."""

    tree_s: float
    whole: bool


@dataclass(frozen=True, slots=True)
class _Process:
    """A process at one moment.

    Attributes:
        used_s: own and reaped CPU time.
        began: when it started, in ticks since boot: its number may be another's later.
    """

    used_s: float
    parent: int
    began: bytes
    is_dead: bool

    def is_same(self, other: _Process) -> bool:
        """Whether the number is still of the same process."""
        return self.began == other.began


class LinuxTreeClock:
    """The tree's CPU time from the scheduler's clocks (ns) and ``/proc`` (10 ms) for reaped ones.

    A read costs a few microseconds without children, about 0.1 ms for a handful. Who was seen in
    the tree stays in it, though its parent may end and another adopt it.
    """

    def __init__(self, proc: Path = Path("/proc")) -> None:
        import resource  # POSIX only

        self._reaped = partial(resource.getrusage, resource.RUSAGE_CHILDREN)
        self._proc = os.fspath(proc)
        self._pid = os.getpid()
        self._tick_s = 1.0 / os.sysconf("SC_CLK_TCK")
        self._known: dict[int, _Process] = {}
        self._adopted: dict[int, _Process] = {}
        self._left_s = 0.0

    def read_s(self) -> float:
        return self.walk().tree_s

    def walk(self) -> Walk:
        """The tree's CPU time, and whether nothing was missed.

        A process that was reaped between being listed and being read is in neither term; as it
        would be in the next walk, its whole time would seem to be of the moment between.
        """
        best = Walk(0.0, whole=False)
        for _ in range(_MAX_WALKS):
            walk = self._walk_once()
            if walk.whole:
                return walk
            best = max(best, walk, key=lambda one: one.tree_s)
        return best

    def _walk_once(self) -> Walk:
        # Each process's children are listed before its reaped time is read, and read after it:
        # whichever is reaped meanwhile is seen to be missing, or was not listed.
        waiting = list(self._children(self._pid)) if _has_child() else []
        reaped = self._reaped()
        own_s = time.process_time_ns() / NS_PER_S + reaped.ru_utime + reaped.ru_stime
        whole = True
        found: dict[int, _Process] = {}
        waiting += list(self._adopted)
        while waiting and len(found) < _MAX_DESCENDANTS:
            pid = waiting.pop()
            children = list(self._children(pid))
            process = self._process(pid)
            if self._is_over(pid, process):
                continue
            if process is None:
                whole = False
                continue
            found[pid] = process
            waiting.extend(children)
        if whole and (found or self._known):
            self._follow(found)
        return Walk(own_s + sum(one.used_s for one in found.values()) + self._left_s, whole)

    def _is_over(self, pid: int, process: _Process | None) -> bool:
        """Whether an adopted process has ended; what it used stays the tree's."""
        adopted = self._adopted.get(pid)
        if adopted is None or (process is not None and process.is_same(adopted)):
            return False
        if self._adopted.pop(pid, None) is not None:
            self._left_s += adopted.used_s
        return True

    def _follow(self, found: dict[int, _Process]) -> None:
        """Go on with those that live and left the tree when their parent ended.

        Their new parent is none of ours. Those that ended are in somebody's reaped time.
        """
        ours = found.keys() | {self._pid}
        for pid, known in self._known.items():
            if pid in found or pid in self._adopted:
                continue
            now = self._process(pid)
            if (
                now is not None
                and now.is_same(known)
                and not now.is_dead
                and now.parent not in ours
            ):
                self._adopted[pid] = found[pid] = now
        for pid in self._adopted.keys() & found.keys():
            self._adopted[pid] = found[pid]
        self._known = found

    def pids(self) -> frozenset[int]:
        pids = {self._pid, *self._adopted}
        waiting = list(pids)
        while waiting and len(pids) <= _MAX_DESCENDANTS:
            children = [pid for pid in self._children(waiting.pop()) if pid not in pids]
            pids.update(children)
            waiting.extend(children)
        return frozenset(pids)

    def ancestors(self) -> frozenset[int]:
        """Who adopts a descendant whose parent ended: one of these, whichever that may be."""
        found: set[int] = set()
        pid = self.parent(self._pid)
        while pid and pid not in found:
            found.add(pid)
            pid = self.parent(pid)
        return frozenset(found)

    def parent(self, pid: int) -> int | None:
        """A process's parent, 0 if that is outside of our PID namespace; ``None`` if it ended."""
        fields = self._fields(pid)
        return int(fields[1]) if fields else None

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

    def _process(self, pid: int) -> _Process | None:
        """A descendant with its own and reaped CPU time; ``None`` if it ended."""
        fields = self._fields(pid)
        if not fields:
            return None
        own_s = (int(fields[11]) + int(fields[12])) * self._tick_s
        reaped_s = (int(fields[13]) + int(fields[14])) * self._tick_s
        with contextlib.suppress(OSError):  # a zombie has no clock any more
            own_s = time.clock_gettime_ns((~pid << 3) | _CPUCLOCK_SCHED) / NS_PER_S
        began = fields[_START] if len(fields) > _START else b""
        return _Process(own_s + reaped_s, int(fields[1]), began, fields[0] in _DEAD)

    def _fields(self, pid: int) -> list[bytes]:
        """``<proc>/<pid>/stat`` from the state on; empty if the process ended."""
        text = _read_small(f"{self._proc}/{pid}/stat") or b""
        # The name stands in brackets and may hold anything; utime is the 12th field after it.
        fields = text[text.rfind(b")") + 2 :].split()
        return fields if len(fields) >= _FIELDS else []


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
