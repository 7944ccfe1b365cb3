"""The kernel's ``power`` PMU in sysfs: which energy events there are, and on which CPUs.

Layout: Linux ``arch/x86/events/rapl.c`` and ``Documentation/ABI/testing/
sysfs-bus-event_source-devices-events``. One CPU stands for each package; on Intel's processors of
several dies one for each die, which there counts for itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from greencell.errors import SourceUnavailable
from greencell.model import Component

FOLDER: Final = "bus/event_source/devices/power"
NO_DRIVER_REMEDY: Final = "sudo modprobe rapl"
COMPONENTS: Final[Mapping[str, Component]] = {
    "energy-pkg": "cpu", "energy-ram": "dram", "energy-psys": "node",
}  # fmt: skip
"""``energy-cores`` and ``energy-gpu`` lie inside ``energy-pkg``, so they are never read."""
_MAX_CPUS: Final = 8_192
"""``CONFIG_NR_CPUS`` ends there on x86; a longer list is garbage."""
_MAX_DIGITS: Final = 10
_CONFIG: Final = re.compile(r"event=0x([0-9a-fA-F]{1,16})")
_RANGE: Final = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class PowerEvent:
    """An energy event of the PMU.

    Attributes:
        config: its number for ``perf_event_open``.
        joules_per_unit: J in one step of its count.
    """

    name: str
    config: int
    joules_per_unit: float


@dataclass(frozen=True, slots=True)
class Place:
    """A CPU that an event is opened on, and what it stands for.

    Attributes:
        name: of the package, with the die where a socket has several, e.g. ``0-die-1``.
    """

    cpu: int
    socket: str
    name: str


@dataclass(frozen=True, slots=True)
class PowerPmu:
    """The PMU.

    Attributes:
        type: its number for ``perf_event_open``.
        unusable: events that are there but do not tell what they count, with the reason.
    """

    type: int
    places: tuple[Place, ...]
    events: tuple[PowerEvent, ...]
    unusable: Mapping[str, str]


def read_pmu(sysfs_root: Path, *, amd: bool) -> PowerPmu:
    """The PMU under this root of sysfs.

    Raises:
        SourceUnavailable: there is none, or it does not tell its number or its CPUs.
    """
    folder = sysfs_root / FOLDER
    if not folder.is_dir():
        raise SourceUnavailable(f"perf has no power events under {sysfs_root}", NO_DRIVER_REMEDY)
    number = _text(folder / "type")
    cpus = parse_cpus(_text(folder / "cpumask"))
    if not _is_number(number) or not cpus:
        raise SourceUnavailable("perf's power events do not tell their CPUs")
    events: list[PowerEvent] = []
    unusable: dict[str, str] = {}
    for name in COMPONENTS:
        path = folder / "events" / name
        if not path.exists():
            continue
        try:
            events.append(_event(path))
        except SourceUnavailable as error:
            unusable[name] = error.reason
    return PowerPmu(int(number), _places(sysfs_root, cpus, amd=amd), tuple(events), unusable)


def parse_cpus(text: str) -> list[int]:
    """The CPUs of a list like ``0,24`` or ``0-3``; empty if it is something else."""
    cpus: set[int] = set()
    for item in text.split(","):
        match = _RANGE.fullmatch(item.strip())
        if match is None:
            return []
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last >= _MAX_CPUS:
            return []
        cpus.update(range(first, last + 1))
    return sorted(cpus)


def _event(path: Path) -> PowerEvent:
    config = _CONFIG.fullmatch(_text(path))
    scale = _positive(_text(path.with_name(f"{path.name}.scale")))
    unit = _text(path.with_name(f"{path.name}.unit"))
    if config is None or scale is None or unit != "Joules":
        raise SourceUnavailable("it does not tell its number and its unit in joules")
    return PowerEvent(path.name, int(config[1], 16), scale)


def _places(sysfs_root: Path, cpus: list[int], *, amd: bool) -> tuple[Place, ...]:
    """Each package once. AMD's dies mirror the counter of their socket, Intel's do not."""
    by_socket: dict[str, list[int]] = {}
    for index, cpu in enumerate(cpus):
        topology = sysfs_root / f"devices/system/cpu/cpu{cpu}/topology"
        socket = _text(topology / "physical_package_id")
        # Where the topology is hidden, the CPUs of the mask are taken for one a package.
        by_socket.setdefault(socket if _is_number(socket) else str(index), []).append(cpu)
    places: list[Place] = []
    for socket, members in by_socket.items():
        if amd or len(members) == 1:
            places.append(Place(members[0], socket, socket))
            continue
        for index, cpu in enumerate(members):
            places.append(Place(cpu, socket, f"{socket}-die-{index}"))
    return tuple(places)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS


def _positive(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
