"""CPU seconds of the kernel's process tree.

The tree's time is its own plus its reaped children's plus, for every living descendant, that
one's own and reaped. A child that ends moves from the last term to the second, so the sum
neither loses nor doubles it. Living descendants are looked for only if there is a child at all.

A descendant whose parent ends first is adopted from outside. If a walk has seen it before, it is
followed from then on. A daemon or a double fork that was not seen in time is not found; where the
kernel has a control group of its own, which children inherit, the group's time tells what the
walk misses. Without one, such a process counts among the others.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from greencell.cgroup import CpuGroup, cpu_group, quota_cpus
from greencell.errors import ReadFailed
from greencell.machine_time import MachineClock
from greencell.process_walk import LinuxTreeClock

__all__ = ["MachineClock", "TreeClock", "reserved_share", "tree_clock"]
"""``MachineClock`` is here for those who need both clocks' types."""

_ELSEWHERE: Final = 0
"""How the kernel writes the number of a process that our PID namespace does not hold."""
CHECK_PERIOD_S: Final = 5.0
"""The group's members are looked at again after this long at the latest."""


class TreeClock(Protocol):
    """CPU time of the kernel's process tree, cumulative."""

    def read_s(self) -> float:
        """CPU-seconds so far. May fall when a descendant leaves the tree."""
        ...

    def pids(self) -> frozenset[int]:
        """The processes of the tree."""
        ...


class GroupTreeClock:
    """The tree's CPU time by a walk, and what the kernel's own control group counts besides.

    The group counts every process that was ever started in it, wherever its parent went, but
    only at the scheduler's ticks; the walk is exact to the nanosecond, but misses adopted ones.
    What the group has beyond the walk is theirs.

    The group is the kernel's own if at first it holds the kernel's tree and nobody else.
    Members that appear later are its own too if their parent is, or if they were adopted by an
    ancestor of the kernel; any other is a stranger, and as long as one is there only the walk
    counts. It is looked at whenever ``pids`` is asked for, and at a read that comes
    ``CHECK_PERIOD_S`` after the last look; what a stranger uses until then is taken for ours.

    Args:
        walk: the clock of the tree.
        group: the group that the kernel is in.
        clock_s: monotonic time in s.
    """

    _SLACK_S: Final = 0.01
    """The group lags by a scheduler's tick, 1 to 10 ms (``CONFIG_HZ``); that is nobody's time."""

    def __init__(
        self,
        walk: LinuxTreeClock,
        group: CpuGroup,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._walk = walk
        self._group = group
        self._clock_s = clock_s
        self._unseen_s = 0.0
        self._offset_s: float | None = None
        self._members: frozenset[int] = frozenset()
        self._checked_s = clock_s()
        self.pids()

    @property
    def is_own(self) -> bool:
        """Whether the group is taken for the kernel's own."""
        return self._offset_s is not None

    def read_s(self) -> float:
        if self.is_own and self._clock_s() - self._checked_s >= CHECK_PERIOD_S:
            self.pids()
        group_s = self._group_s()  # before the walk, which is then never behind it
        walk = self._walk.walk()
        offset_s = self._offset_s
        if offset_s is not None and group_s is not None and walk.whole:
            beyond_s = group_s - offset_s - walk.tree_s - self._SLACK_S
            self._unseen_s = max(self._unseen_s, beyond_s)
        return walk.tree_s + self._unseen_s

    def pids(self) -> frozenset[int]:
        self._checked_s = self._clock_s()
        tree = self._walk.pids()
        try:
            members = self._own_members(tree)
        except ReadFailed:
            members = None
        if members is None:
            self._offset_s, self._members = None, frozenset()
            return tree
        self._members = members
        if not self.is_own:
            self._begin()
        return tree | members

    def _begin(self) -> None:
        """From now on the group tells; what it counted before is not the tree's to gain."""
        try:
            group_s = self._group.read_s()
        except ReadFailed:
            return
        self._offset_s = group_s - self._walk.read_s() - self._unseen_s

    def _group_s(self) -> float | None:
        if not self.is_own:
            return None
        try:
            return self._group.read_s()
        except ReadFailed:
            self._offset_s = None
            return None

    def _own_members(self, tree: frozenset[int]) -> frozenset[int] | None:
        """The group's processes if all are ours; ``None`` if there is a stranger."""
        if not self.is_own:
            members: set[int] = set()
            for pid in self._group.pids():
                if pid not in tree:  # on a whole machine's group at the first that is looked at
                    return None
                members.add(pid)
            return frozenset(members) if os.getpid() in members else None
        listed = frozenset(self._group.pids())
        ours = set(tree | self._members)
        newcomers = listed - ours
        adopters = self._walk.ancestors() if newcomers else frozenset()
        for pid in newcomers:
            if not self._descends(pid, ours, listed, adopters):
                return None
        return listed if os.getpid() in listed else None

    def _descends(
        self, pid: int, ours: set[int], listed: frozenset[int], adopters: frozenset[int]
    ) -> bool:
        """Whether a newcomer's line leads to us within the group; so it does if it has ended."""
        line: list[int] = []
        member: int | None = pid
        while member is not None and member not in ours:
            if member == _ELSEWHERE or member not in listed or member in line:
                return False
            line.append(member)
            member = self._walk.parent(member)
            if member in adopters:
                break
        ours.update(line)
        return True


class PsutilTreeClock:
    """The tree's CPU time through psutil, for systems without ``/proc``.

    psutil tells of reaped children on Linux alone. Where POSIX counts them, its count is taken;
    where nobody does, on Windows, a descendant that ended counts as far as it was seen, and one
    that came and went between two looks is not seen at all.
    """

    def __init__(self) -> None:
        import psutil

        self._psutil = psutil
        self._process = psutil.Process()
        self._reaped = _reaped_reader()
        self._seen: dict[tuple[int, float], float] = {}
        self._ended_s = 0.0

    def read_s(self) -> float:
        own = self._process.cpu_times()
        found: dict[tuple[int, float], float] = {}
        for child in self._process.children(recursive=True):
            try:
                found[child.pid, child.create_time()] = self._of(child)
            except self._psutil.Error:
                continue  # it ended while we looked
        if self._reaped is None:
            ended = self._seen.keys() - found.keys()
            self._ended_s += sum(self._seen[one] for one in ended)
            self._seen = found
            reaped_s = self._ended_s
        else:
            reaped_s = self._reaped()
        return float(own.user + own.system) + reaped_s + sum(found.values())

    def pids(self) -> frozenset[int]:
        return frozenset(p.pid for p in self._process.children(recursive=True)) | {os.getpid()}

    @staticmethod
    def _of(process: object) -> float:
        times = process.cpu_times()  # type: ignore[attr-defined]  # psutil is imported lazily
        reaped_s = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
        return float(times.user + times.system + reaped_s)


def _reaped_reader() -> Callable[[], float] | None:
    """Reads the CPU time of our own children that ended, in s; ``None`` where none is counted."""
    try:
        import resource
    except ImportError:  # Windows
        return None

    def read_s() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    return read_s


def tree_clock(sysfs_root: Path = Path("/sys"), procfs_root: Path = Path("/proc")) -> TreeClock:
    """The best clock of the process tree on this system."""
    if sys.platform != "linux":
        return PsutilTreeClock()
    walk = LinuxTreeClock()
    group = cpu_group(sysfs_root, procfs_root)
    return walk if group is None else GroupTreeClock(walk, group)


def reserved_share(sysfs_root: Path, procfs_root: Path = Path("/proc")) -> float:
    """Share of the machine's CPUs this process may use: affinity and cgroup quota, 0 to 1."""
    cpus = os.cpu_count() or 1
    usable = float(cpus)
    if hasattr(os, "sched_getaffinity"):
        usable = min(usable, len(os.sched_getaffinity(0)))
    quota = quota_cpus(sysfs_root, procfs_root)
    if quota is not None:
        usable = min(usable, quota)
    return max(0.0, min(1.0, usable / cpus))
