"""Control groups of Linux: the CPU time of a group, who is in it, and how much it may use.

Limits are the least of a group's own and those of all groups above it.

Version 2 has one hierarchy, version 1 one for each controller; some systems have both. A path
of ``<procfs>/self/cgroup`` counts from the root of the cgroup namespace, which is what a
container finds at ``<sysfs>/fs/cgroup``. Where it is the host's path instead (version 1 without
such a namespace), the group lies at the root of what is mounted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from greencell.errors import ReadFailed
from greencell.units import NS_PER_S

_US_PER_S: Final = 1_000_000
_BYTES_PER_GB: Final = 1e9
_UNIFIED: Final = ""
"""Controller of the line ``0::/path``, version 2's."""
_SMALL_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class CpuGroup:
    """A group whose CPU time is counted, that of the groups below it included."""

    folder: Path
    unified: bool

    def read_s(self) -> float:
        """CPU-seconds of all its processes, those that ended included.

        Raises:
            ReadFailed: the group is not there any more, or counts nothing.
        """
        name = "cpu.stat" if self.unified else "cpuacct.usage"
        text = _read_small(self.folder / name)
        try:
            if text is not None and not self.unified:
                return int(text) / NS_PER_S
            if text is not None:
                fields = text.split()
                return int(fields[fields.index(b"usage_usec") + 1]) / _US_PER_S
        except (ValueError, IndexError):
            pass  # a file of another form says nothing
        raise ReadFailed(f"{self.folder / name}: no CPU time")

    def pids(self) -> Iterator[int]:
        """Its processes and those of the groups below; 0 for one of another PID namespace.

        Raises:
            ReadFailed: they cannot be listed.
        """
        for folder, _, files in os.walk(self.folder):
            if "cgroup.procs" not in files:
                continue
            text = _read_all(Path(folder) / "cgroup.procs")
            try:
                yield from map(int, text.split())
            except ValueError as error:
                raise ReadFailed(f"{folder}: {error}") from error


def cpu_group(sysfs_root: Path, procfs_root: Path) -> CpuGroup | None:
    """The group that this process is in and that counts CPU time; ``None`` if there is none."""
    paths = _paths(procfs_root)
    for controller, unified in (("cpuacct", False), (_UNIFIED, True)):
        if controller in paths:
            for _, folder in _folders(sysfs_root, controller, paths[controller]):
                group = CpuGroup(folder, unified)
                try:
                    group.read_s()
                except ReadFailed:
                    continue
                return group
    return None


def quota_cpus(sysfs_root: Path, procfs_root: Path) -> float | None:
    """How many CPUs this process's group may use: the least of its own and its ancestors' quotas.

    ``None`` if there is no quota. Ancestors beyond the root of a container are not seen.
    """
    return _least(sysfs_root, procfs_root, "cpu", _quota)


def memory_limit_gb(sysfs_root: Path, procfs_root: Path) -> float | None:
    """How much memory this process's group may use, in GB (1e9 bytes); ``None`` if all of it.

    The least of its own and its ancestors' limits, as far as they are seen.
    """
    limit_bytes = _least(sysfs_root, procfs_root, "memory", _memory_limit)
    return None if limit_bytes is None else limit_bytes / _BYTES_PER_GB


def _least(
    sysfs_root: Path, procfs_root: Path, name: str, limit_of: Callable[[Path], float | None]
) -> float | None:
    """The least limit of a controller on the way up."""
    limits: list[float] = []
    paths = _paths(procfs_root)
    if not paths:  # it is not told where we are; what is mounted may be our group
        paths = {_UNIFIED: "/", name: "/"}
    for controller in (name, _UNIFIED):
        if controller not in paths:
            continue
        for top, folder in _folders(sysfs_root, controller, paths[controller]):
            chain = [folder, *(p for p in folder.parents if p == top or top in p.parents)]
            limits.extend(limit for one in chain if (limit := limit_of(one)) is not None)
    return min(limits, default=None)


def _paths(procfs_root: Path) -> dict[str, str]:
    """The path of this process's group by controller, ``""`` being version 2's."""
    paths: dict[str, str] = {}
    for line in (
        (_read_small(procfs_root / "self/cgroup") or b"").decode(errors="replace").split("\n")
    ):
        number, _, rest = line.partition(":")
        controllers, separator, path = rest.partition(":")
        if number.isdigit() and separator and path.startswith("/"):
            paths.update(dict.fromkeys(controllers.split(","), path))
    return paths


def _folders(sysfs_root: Path, controller: str, path: str) -> Iterator[tuple[Path, Path]]:
    """Where a group may be, each as the root of its hierarchy and the group's folder."""
    top = sysfs_root / "fs/cgroup"
    if controller == _UNIFIED:
        roots = [top, top / "unified"]
    else:
        roots = [top / controller, top / "cpu,cpuacct", top / "cpuacct,cpu"]
    parts = [part for part in path.split("/") if part]
    for root in roots:
        # A path with ".." leads out of the namespace: the group lies above what is mounted.
        folder = root.joinpath(*parts)
        if ".." not in parts and folder.is_dir():
            yield root, folder
        elif root.is_dir():
            yield root, root


def _quota(folder: Path) -> float | None:
    """CPUs that one group allows: version 2's file, else version 1's pair."""
    unified = _read_small(folder / "cpu.max")
    if unified is not None:
        words = unified.split()
    else:
        names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        words = [(_read_small(folder / name) or b"").strip() for name in names]
    try:
        allowed_us, period_us = map(int, words)
    except ValueError:
        return None  # "max", or a file of another form
    return allowed_us / period_us if allowed_us > 0 and period_us > 0 else None


def _memory_limit(folder: Path) -> float | None:
    """Bytes that one group allows: version 2's file, else version 1's."""
    text = _read_small(folder / "memory.max")
    if text is None:
        text = _read_small(folder / "memory.limit_in_bytes")
    try:
        limit = int(text or b"")
    except ValueError:
        return None  # "max", or a file of another form
    return float(limit) if limit > 0 else None


def _read_small(path: Path) -> bytes | None:
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        return os.read(fd, _SMALL_BYTES)
    except OSError:
        return None
    finally:
        os.close(fd)


def _read_all(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReadFailed(f"{path}: {error}") from error
