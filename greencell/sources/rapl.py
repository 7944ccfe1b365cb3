"""RAPL through the Linux powercap tree: energy of CPU packages and of memory.

Layout, units and wraps: Linux ``Documentation/power/powercap/powercap.rst`` and
``drivers/powercap/intel_rapl_common.c``. A package holds its cores and uncore; it does not hold
``dram``; ``psys`` holds everything and is a scope of its own, so it is never added in.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from greencell.errors import ReadFailed, SourceUnavailable
from greencell.model import Component, SourceInfo
from greencell.units import J_PER_UJ

TREES: Final = ("class/powercap", "devices/virtual/powercap")
"""Where the tree may lie under the root of sysfs."""
UPDATE_PERIOD_S: Final = 0.001
"""Intel SDM volume 3B 14.9: "updated every ~1 msec"; AMD the same."""
UNIT_J: Final = 61.035e-6
"""The commonest energy unit, 2^-14 J; the tree does not tell."""
KNOWN_RANGES_UJ: Final = (65_532_610_987, 65_712_999_613, 262_143_328_850)
"""``max_energy_range_uj`` of all common parts, for kernels that keep the file from us."""
MAX_POWER_W: Final = 1_000.0
"""More than any package draws; a step that implies more is a reset."""
GAIN_INTEL: Final = 0.03
GAIN_AMD: Final = 0.05
GAIN_DRAM: Final = 0.10
"""Standard gain errors: judgement after Hackenberg 2015, Khan 2018, Desrochers 2016."""
REMEDY: Final = (
    'sudo groupadd -f power && sudo usermod -aG power "$USER" && echo '
    '\'SUBSYSTEM=="powercap", KERNEL=="intel-rapl*", '
    'RUN+="/bin/chgrp power /sys/%p/energy_uj /sys/%p/max_energy_range_uj", '
    'RUN+="/bin/chmod g+r /sys/%p/energy_uj /sys/%p/max_energy_range_uj"\' | '
    "sudo tee /etc/udev/rules.d/70-powercap.rules && sudo udevadm trigger -s powercap "
    "(then log in again; lets that group read power, see PLATYPUS, CVE-2020-8694)"
)
MASKED_REMEDY: Final = (
    "start the container with -v /sys/devices/virtual/powercap:/host/devices/virtual/powercap:ro "
    "and set GREENCELL_SYSFS_ROOT=/host"
)
_PACKAGE: Final = re.compile(r"package-(\d+)(?:-die-(\d+))?")
_MAX_DIGITS: Final = 20
_ATTEMPTS: Final = 3

Opener = Callable[[str], int]


def open_readonly(path: str) -> int:
    """A file descriptor for reading."""
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


@dataclass(frozen=True, slots=True)
class Zone:
    """One zone of the tree that can be read."""

    id: str
    name: str
    component: Component
    path: Path
    energy_uj: int


class RaplCounter:
    """The energy counter of one zone, over a descriptor that is kept open."""

    joules_per_unit = J_PER_UJ
    max_power_w = MAX_POWER_W

    def __init__(self, zone: Zone, relative_error: float, opener: Opener = open_readonly) -> None:
        self._path = os.fspath(zone.path / "energy_uj")
        self._open = opener
        self._fd: int | None = None
        self._last_uj = -1
        self.range_units: int | None = _range_uj(zone, opener)
        self.info = SourceInfo(
            id=zone.id,
            component=zone.component,
            kind="counter",
            provenance="measured",
            period_s=UPDATE_PERIOD_S,
            resolution_j=UNIT_J,
            relative_error=relative_error,
            detail=f"RAPL {zone.name}",
        )

    def read(self) -> int:
        energy_uj = self._read_patiently()
        if energy_uj == self._last_uj and self._is_dead():
            self.close()
            energy_uj = self._read_patiently()
        self._last_uj = energy_uj
        return energy_uj

    def _is_dead(self) -> bool:
        """Whether the file was removed or replaced behind the descriptor.

        Asking costs as much as a read, so only a counter that stands still is asked.
        """
        return self._fd is not None and os.fstat(self._fd).st_nlink == 0

    def _read_patiently(self) -> int:
        for _ in range(_ATTEMPTS - 1):
            try:
                return _energy_uj(self._text(), self.info.id)
            except ReadFailed:
                continue  # caught between two states of the file
        return _energy_uj(self._text(), self.info.id)

    def _text(self) -> bytes:
        try:
            if self._fd is None:
                self._fd = self._open(self._path)
            return os.pread(self._fd, 64, 0)
        except OSError as error:
            # A stale descriptor stays stale; the next read opens the file again.
            self.close()
            raise ReadFailed(f"{self.info.id}: {error.strerror}") from error

    def close(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def find_counters(
    sysfs_root: Path, *, amd: bool, opener: Opener = open_readonly
) -> list[RaplCounter]:
    """Counters of all packages and memories, each joule once.

    Raises:
        SourceUnavailable: there is no tree, or it may not be read.
    """
    zones = _readable_zones(sysfs_root, opener)
    counters = []
    for zone in _each_once(zones):
        gain = GAIN_AMD if amd else GAIN_INTEL
        if zone.component == "dram":
            gain = GAIN_DRAM
        counters.append(RaplCounter(zone, gain, opener))
    return counters


def _readable_zones(sysfs_root: Path, opener: Opener) -> list[Zone]:
    trees = [tree for tree in (sysfs_root / name for name in TREES) if tree.is_dir()]
    if not trees:
        raise SourceUnavailable("no powercap tree under " + os.fspath(sysfs_root))
    folders = [path for tree in trees for path in _zone_folders(tree)]
    named = [(path, name) for path in folders if (name := _small_text(path / "name")) is not None]
    if not named:
        raise SourceUnavailable(
            "the powercap tree is empty, as in containers that mask it", MASKED_REMEDY, "masked"
        )
    zones, denied = [], False
    for path, name in named:
        try:
            zone = _zone(path, name, opener)
        except PermissionError:
            denied = True
            continue
        if zone is not None:
            zones.append(zone)
    if zones:
        return zones
    if denied:
        reason = "its counters may not be read by this user"
        raise SourceUnavailable(reason, REMEDY, "no-permission")
    raise SourceUnavailable("the powercap tree holds no package that counts")


def _zone(path: Path, name: str, opener: Opener) -> Zone | None:
    """The zone if it is to be counted and counts now."""
    kind = _kind(path, name)
    if kind is None:
        return None
    try:
        fd = opener(os.fspath(path / "energy_uj"))
    except PermissionError:
        raise
    except OSError:
        return None
    try:
        return Zone(kind[0], name, kind[1], path, _energy_uj(os.pread(fd, 64, 0), name))
    except (OSError, ReadFailed):
        return None
    finally:
        os.close(fd)


def _zone_folders(tree: Path) -> list[Path]:
    """Folders of zones and sub-zones; class links and nested device folders give the same."""
    folders: dict[str, Path] = {}
    for pattern in ("*-rapl*:*", "*-rapl*/*-rapl*:*", "*-rapl*:*/*-rapl*:*"):
        for path in sorted(tree.glob(pattern)):
            folders.setdefault(path.name, path)
    for path in sorted(tree.glob("*-rapl*/*-rapl*:*/*-rapl*:*")):
        folders.setdefault(path.name, path)
    return [folders[name] for name in sorted(folders)]


def _kind(path: Path, name: str) -> tuple[str, Component] | None:
    """Id and component of a zone that is to be counted."""
    if _PACKAGE.fullmatch(name):
        return f"rapl:{name}", "cpu"
    if name == "dram":
        parent = path.name.rsplit(":", 1)[0]
        package = _small_text(path.parent / parent / "name") or _small_text(path.parent / "name")
        match = _PACKAGE.fullmatch(package or "")
        return f"rapl:dram-{match.group(1) if match else parent.rsplit(':', 1)[-1]}", "dram"
    return None


def _each_once(zones: Sequence[Zone]) -> list[Zone]:
    """Drop twins: the memory-mapped copy of a package, and dies that mirror one socket counter.

    Dies are told apart by value, not by name: some processors do count each die for itself.
    """
    chosen: dict[str, Zone] = {}
    for zone in zones:
        chosen.setdefault(zone.id, zone)
    kept: list[Zone] = []
    for zone in chosen.values():
        if not any(_mirrors(zone, other) for other in kept):
            kept.append(zone)
    return kept


def _mirrors(zone: Zone, other: Zone) -> bool:
    mine, theirs = _PACKAGE.fullmatch(zone.name), _PACKAGE.fullmatch(other.name)
    if mine is None or theirs is None or mine.group(1) != theirs.group(1):
        return False
    if mine.group(2) is None or theirs.group(2) is None:
        return True
    tolerance_uj = max(1e-6 * other.energy_uj, 1e6)
    return abs(zone.energy_uj - other.energy_uj) <= tolerance_uj


def _range_uj(zone: Zone, opener: Opener) -> int:
    try:
        fd = opener(os.fspath(zone.path / "max_energy_range_uj"))
    except OSError:
        return next((r for r in KNOWN_RANGES_UJ if r > zone.energy_uj), KNOWN_RANGES_UJ[-1])
    try:
        return _energy_uj(os.pread(fd, 64, 0), zone.id) or KNOWN_RANGES_UJ[-1]
    except (OSError, ReadFailed):
        return KNOWN_RANGES_UJ[-1]
    finally:
        os.close(fd)


def _energy_uj(text: bytes, where: str) -> int:
    digits = text.strip()
    if not digits.isdigit() or len(digits) > _MAX_DIGITS:
        raise ReadFailed(f"{where}: not a number of microjoules")
    return int(digits)


def _small_text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
