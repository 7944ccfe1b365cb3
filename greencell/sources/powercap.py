"""The Linux powercap tree: its zones, and which pieces of hardware each holds.

Layout: Linux ``Documentation/power/powercap/powercap.rst`` and
``drivers/powercap/intel_rapl_common.c``. A package holds its cores and uncore, which are not
looked at; it does not hold ``dram``; ``psys`` holds everything and is a scope of its own. Twins
(memory-mapped copies, dies that mirror one counter) are all given; ``selection.py`` counts one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from greencell.errors import ReadFailed, SourceUnavailable
from greencell.model import Component, Skipped
from greencell.sources.host import NO_DRIVER_REMEDY, POWERCAP_TREES
from greencell.sources.sysfs_file import Opener, read_number, text_or_none

REMEDY: Final = (
    'sudo groupadd -f power && sudo usermod -aG power "$USER" && echo '
    '\'SUBSYSTEM=="powercap", KERNEL=="intel-rapl*", '
    'RUN+="/bin/chgrp power /sys/%p/energy_uj /sys/%p/max_energy_range_uj", '
    'RUN+="/bin/chmod g+r /sys/%p/energy_uj /sys/%p/max_energy_range_uj"\' | '
    "sudo tee /etc/udev/rules.d/70-powercap.rules && sudo udevadm trigger -s powercap"
)
"""Pastes into a shell as it stands."""
CAUTION: Final = (
    "members of the group power, from their next login on, can read the processor's energy, from "
    "which secrets of other users' programs can be guessed (PLATYPUS, CVE-2020-8694)"
)
MASKED_REMEDY: Final = (
    "start the container with -v /sys/devices/virtual/powercap:/host/devices/virtual/powercap:ro "
    "and set GREENCELL_SYSFS_ROOT=/host"
)
DENIED: Final = "its counter may not be read by this user, as kernels since 5.10 have it"
_PACKAGE: Final = re.compile(r"package-(\d+)(?:-die-(\d+))?")
_ZONE_FOLDERS: Final = (
    "*-rapl*:*", "*-rapl*/*-rapl*:*", "*-rapl*:*/*-rapl*:*", "*-rapl*/*-rapl*:*/*-rapl*:*",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone that counts something of interest.

    Attributes:
        id: e.g. ``rapl:package-0``, ``rapl:dram-0``; with the die where there is one.
        name: what the tree calls it.
        part: the piece of hardware, e.g. ``cpu:0``, ``cpu:0/1`` for a die, ``node:*``.
        first_uj: what it showed when it was found.
    """

    id: str
    name: str
    component: Component
    path: Path
    part: str
    first_uj: int = 0


def readable_zones(
    sysfs_roots: Sequence[Path], opener: Opener, *, container: bool
) -> tuple[list[Zone], list[Skipped]]:
    """All zones in the first of these roots that has some, and those that cannot be read.

    Raises:
        SourceUnavailable: no root has a zone; told of the first root.
    """
    first_refusal: SourceUnavailable | None = None
    first_closed: list[Skipped] = []
    for root in sysfs_roots:
        try:
            zones, skipped = _zones_under(root, opener, container=container)
        except SourceUnavailable as refusal:
            first_refusal = first_refusal or refusal
        else:
            if zones:
                return zones, skipped
            first_closed = first_closed or skipped
    if first_closed:
        return [], first_closed
    raise first_refusal or SourceUnavailable("there is no root of sysfs to look under")


def _zones_under(
    sysfs_root: Path, opener: Opener, *, container: bool
) -> tuple[list[Zone], list[Skipped]]:
    trees = [tree for tree in (sysfs_root / name for name in POWERCAP_TREES) if tree.is_dir()]
    if not trees:
        raise SourceUnavailable(f"no powercap tree under {sysfs_root}", NO_DRIVER_REMEDY)
    folders = [path for tree in trees for path in _zone_folders(tree)]
    named = [(path, name) for path in folders if (name := text_or_none(path / "name")) is not None]
    if not named:
        raise _nothing_there(trees, container=container)
    zones = [zone for path, name in named if (zone := _zone(path, name)) is not None]
    if not zones:
        raise SourceUnavailable("the powercap tree holds no package")
    found: list[Zone] = []
    skipped: dict[str, Skipped] = {}
    for zone in zones:
        try:
            first_uj = read_number(zone.path / "energy_uj", opener)
        except PermissionError:
            skipped[zone.id] = Skipped(zone.id, DENIED, REMEDY, "no-permission", CAUTION)
        except (OSError, ReadFailed) as error:
            skipped.setdefault(zone.id, Skipped(zone.id, f"its counter does not answer: {error}"))
        else:
            found.append(replace(zone, first_uj=first_uj))
    ids = {zone.id for zone in found}
    # A twin that is closed does not matter where the other one is open.
    left_out = [one for one in skipped.values() if one.id not in ids]
    if not found and all(one.flag == "no-permission" for one in left_out):
        # One refusal for all of them is one thing to say.
        left_out = [replace(left_out[0], id="rapl")]
    return found, left_out


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
    """The zone if its joules are of interest."""
    if name == "psys":
        return Zone("rapl:psys", name, "node", path, "node:*")
    if package := _PACKAGE.fullmatch(name):
        return Zone(f"rapl:{name}", name, "cpu", path, f"cpu:{_which(package)}")
    if name != "dram":
        return None
    # In the class folder all zones lie side by side, below the device each in its parent.
    parent = path.name.rpartition(":")[0]
    above = text_or_none(path.parent / parent / "name") or text_or_none(path.parent / "name") or ""
    if package := _PACKAGE.fullmatch(above):
        which = above.removeprefix("package-")
        return Zone(f"rapl:dram-{which}", name, "dram", path, f"dram:{_which(package)}")
    which = parent.rpartition(":")[2]
    return Zone(f"rapl:dram-{which}", name, "dram", path, f"dram:zone-{which}")


def _which(package: re.Match[str]) -> str:
    socket, die = package.groups()
    return socket if die is None else f"{socket}/{die}"
