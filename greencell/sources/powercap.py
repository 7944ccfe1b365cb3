"""The Linux powercap tree: which of its zones hold which joules, each joule once.

Layout: Linux ``Documentation/power/powercap/powercap.rst`` and
``drivers/powercap/intel_rapl_common.c``. A package holds its cores and uncore; it does not hold
``dram``; ``psys`` holds everything and is a scope of its own, so it is never added in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from greencell.errors import ReadFailed, SourceUnavailable
from greencell.model import Component, Skipped
from greencell.sources.sysfs_file import Opener, read_number, text_or_none

TREES: Final = ("class/powercap", "devices/virtual/powercap")
"""Where the tree may lie under the root of sysfs."""
REMEDY: Final = (
    'sudo groupadd -f power && sudo usermod -aG power "$USER" && echo '
    '\'SUBSYSTEM=="powercap", KERNEL=="intel-rapl*", '
    'RUN+="/bin/chgrp power /sys/%p/energy_uj /sys/%p/max_energy_range_uj", '
    'RUN+="/bin/chmod g+r /sys/%p/energy_uj /sys/%p/max_energy_range_uj"\' | '
    "sudo tee /etc/udev/rules.d/70-powercap.rules && sudo udevadm trigger -s powercap"
)
"""Pastes into a shell as it stands, so what there is to say about it stands in the reason."""
MASKED_REMEDY: Final = (
    "start the container with -v /sys/devices/virtual/powercap:/host/devices/virtual/powercap:ro "
    "and set GREENCELL_SYSFS_ROOT=/host"
)
NO_DRIVER_REMEDY: Final = "sudo modprobe -a intel_rapl_common intel_rapl_msr"
"""Intel's and AMD's processors alike, whatever the drivers are called."""
_DENIED: Final = (
    "may not be read by this user, as kernels since 5.10 have it (PLATYPUS, CVE-2020-8694); "
    "the remedy opens it to a group, from the next login on"
)
_PACKAGE: Final = re.compile(r"package-(\d+)(?:-die-(\d+))?")
_ZONE_FOLDERS: Final = (
    "*-rapl*:*", "*-rapl*/*-rapl*:*", "*-rapl*:*/*-rapl*:*", "*-rapl*/*-rapl*:*/*-rapl*:*",
)  # fmt: skip
_SAME_SHARE: Final = 1e-6
_SAME_UJ: Final = 1e6


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone that is to be counted.

    Attributes:
        id: e.g. ``rapl:package-0``, ``rapl:dram-0``; with the die where there is one.
        name: what the tree calls it.
        socket, die: which package it belongs to; ``None`` where the tree does not tell.
    """

    id: str
    name: str
    component: Component
    path: Path
    socket: str | None
    die: str | None


@dataclass(frozen=True, slots=True)
class _Seen:
    zone: Zone
    energy_uj: int


def readable_zones(
    sysfs_roots: Sequence[Path], opener: Opener, *, container: bool
) -> tuple[list[Zone], list[Skipped]]:
    """All zones to be counted in the first of these roots that has some, and those left out.

    Raises:
        SourceUnavailable: no root has a zone that can be read; told of the first root.
    """
    first_refusal: SourceUnavailable | None = None
    for root in sysfs_roots:
        try:
            return _zones_under(root, opener, container=container)
        except SourceUnavailable as refusal:
            first_refusal = first_refusal or refusal
    raise first_refusal or SourceUnavailable("there is no root of sysfs to look under")


def _zones_under(
    sysfs_root: Path, opener: Opener, *, container: bool
) -> tuple[list[Zone], list[Skipped]]:
    trees = [tree for tree in (sysfs_root / name for name in TREES) if tree.is_dir()]
    if not trees:
        raise SourceUnavailable(f"no powercap tree under {sysfs_root}", NO_DRIVER_REMEDY)
    folders = [path for tree in trees for path in _zone_folders(tree)]
    named = [(path, name) for path in folders if (name := text_or_none(path / "name")) is not None]
    if not named:
        raise _nothing_there(trees, container=container)
    zones = [zone for path, name in named if (zone := _zone(path, name)) is not None]
    if not zones:
        raise SourceUnavailable("the powercap tree holds no package")
    seen: list[_Seen] = []
    skipped: dict[str, Skipped] = {}
    for zone in zones:
        try:
            seen.append(_Seen(zone, read_number(zone.path / "energy_uj", opener)))
        except PermissionError:
            skipped[zone.id] = Skipped(zone.id, f"it {_DENIED}", REMEDY, "no-permission")
        except (OSError, ReadFailed) as error:
            skipped.setdefault(zone.id, Skipped(zone.id, f"its counter does not answer: {error}"))
    if not seen:
        raise _all_refused(list(skipped.values()))
    kept = _each_once(seen)
    found = {one.zone.id for one in seen}
    # A twin that is closed does not matter where the other one is open.
    return kept, [left_out for left_out in skipped.values() if left_out.id not in found]


def _nothing_there(trees: Sequence[Path], *, container: bool) -> SourceUnavailable:
    """Why a tree has no zone: a container's cover, or a kernel that knows no meter here."""
    # A link that leads nowhere names a zone which somebody covered.
    links = [path for tree in trees for path in tree.glob("*-rapl*:*") if path.is_symlink()]
    if container or any(not path.exists() for path in links):
        return SourceUnavailable(
            "the powercap tree is empty, as in containers that mask it", MASKED_REMEDY, "masked"
        )
    return SourceUnavailable(
        "the powercap tree is empty: the kernel has no power meter here", NO_DRIVER_REMEDY
    )


def _all_refused(skipped: Sequence[Skipped]) -> SourceUnavailable:
    for one in skipped:
        if one.flag == "no-permission":
            return SourceUnavailable(f"its counter {_DENIED}", one.remedy, one.flag)
    return SourceUnavailable(f"{skipped[0].id}: {skipped[0].reason}")


def _zone_folders(tree: Path) -> list[Path]:
    """Folders of zones and sub-zones; class links and nested device folders give the same."""
    folders: dict[str, Path] = {}
    for pattern in _ZONE_FOLDERS:
        for path in tree.glob(pattern):
            folders.setdefault(path.name, path)
    return [folders[name] for name in sorted(folders, key=_place)]


def _place(name: str) -> tuple[str, list[int]]:
    """Sorts ``intel-rapl`` before ``intel-rapl-mmio``, its poorer twin, and 2 before 10."""
    control, *numbers = name.split(":")
    return control, [int(number) if number.isdecimal() else 0 for number in numbers]


def _zone(path: Path, name: str) -> Zone | None:
    """The zone if its joules are to be counted."""
    if package := _PACKAGE.fullmatch(name):
        socket, die = package.groups()
        return Zone(f"rapl:{name}", name, "cpu", path, socket, die)
    if name != "dram":
        return None
    # In the class folder all zones lie side by side, below the device each in its parent.
    parent = path.name.rpartition(":")[0]
    above = text_or_none(path.parent / parent / "name") or text_or_none(path.parent / "name") or ""
    if package := _PACKAGE.fullmatch(above):
        socket, die = package.groups()
        return Zone(f"rapl:dram-{above.removeprefix('package-')}", name, "dram", path, socket, die)
    return Zone(f"rapl:dram-{parent.rpartition(':')[2]}", name, "dram", path, None, None)


def _each_once(seen: Sequence[_Seen]) -> list[Zone]:
    """Drop twins: the memory-mapped copy of a package, and dies that mirror one socket counter.

    Dies are told apart by value, not by name: some processors do count each die for itself.
    """
    kept: list[_Seen] = []
    for one in seen:
        if not any(_same(one, other) for other in kept):
            kept.append(one)
    return [one.zone for one in kept]


def _same(one: _Seen, other: _Seen) -> bool:
    mine, theirs = one.zone, other.zone
    if mine.id == theirs.id:
        return True
    if mine.component != theirs.component or mine.socket is None or mine.socket != theirs.socket:
        return False
    if mine.die is None or theirs.die is None:
        return True
    tolerance_uj = max(_SAME_SHARE * other.energy_uj, _SAME_UJ)
    return abs(one.energy_uj - other.energy_uj) <= tolerance_uj
