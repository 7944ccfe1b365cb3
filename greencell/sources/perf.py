"""RAPL through perf events: a second door to the counters of packages and of memory.

Some clusters close the powercap tree and leave this one open. The kernel extends the 32-bit
registers to 64 bits and counts from the moment an event is opened, so nothing wraps. Which events
there are is told in ``perf_power.py``.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from greencell.errors import ReadFailed, SourceGone
from greencell.model import Component, Skipped, SourceInfo
from greencell.sources.perf_event import LinuxKernel, PerfKernel, count_of, counting_attr
from greencell.sources.perf_power import COMPONENTS, Place, PowerEvent, PowerPmu, read_pmu
from greencell.translation import translatable

UPDATE_PERIOD_S: Final = 0.001
"""Intel SDM volume 3B 14.9: "updated every ~1 msec"; AMD the same."""
UNIT_J: Final = 61.035e-6
"""The commonest step of the register, 2^-14 J; the event's own unit is finer, but empty."""
MAX_PACKAGE_W: Final = 1_000.0
MAX_NODE_W: Final = 5_000.0
"""More than any package, any machine draws; judgement. A step that implies more is a reset."""
GAIN_INTEL: Final = 0.03
GAIN_AMD: Final = 0.05
GAIN_DRAM: Final = 0.10
"""Standard gain errors: judgement after Hackenberg 2015, Khan 2018, Desrochers 2016."""
GAIN_NODE: Final = 0.10
"""What ``psys`` holds differs by vendor; judgement after machines compared with batteries."""
PARANOID_LIMIT: Final = 0
"""Up to this ``kernel.perf_event_paranoid`` any user may count whole CPUs (sysctl/kernel.rst)."""
REMEDY: Final = f"sudo sysctl kernel.perf_event_paranoid={PARANOID_LIMIT}"
CAUTION: Final = (
    "until the next start every user can then count what whole CPUs do, other users' programs "
    "included (PLATYPUS, CVE-2020-8694); CAP_PERFMON for one program opens less"
)
CONTAINER_REMEDY: Final = "start the container with --cap-add PERFMON"
CONTAINER_CAUTION: Final = "the container can then count what the whole machine's CPUs do"
BENEFIT: Final = "cpu measured instead of estimated"
DEAD: Final = translatable(
    "the kernel opens it, and it stands still: this machine does not feed it"
)
_DENIED: Final = (errno.EACCES, errno.EPERM)
_LOOK_S: Final = UPDATE_PERIOD_S
_LOOKS: Final = 50
"""A counter that lives ticks in the first or the second."""


class PerfCounter:
    """The energy counter of one package, one memory or the whole machine."""

    range_units: int | None = None  # the kernel's timer reads the register before it wraps

    def __init__(
        self, kernel: PerfKernel, fd: int, event: PowerEvent, place: Place, *, amd: bool
    ) -> None:
        self._kernel = kernel
        self._fd: int | None = fd
        self.joules_per_unit = event.joules_per_unit
        component = COMPONENTS[event.name]
        node = component == "node"
        self.max_power_w = MAX_NODE_W if node else MAX_PACKAGE_W
        self.info = SourceInfo(
            id=_id(event.name, place),
            component=component,
            kind="counter",
            provenance="measured",
            period_s=UPDATE_PERIOD_S,
            resolution_j=UNIT_J,
            relative_error=_gain(component, amd=amd),
            detail=f"perf power/{event.name}/ on CPU {place.cpu}",
            scope="node" if node else "component",
            parts=("node:*",) if node else (f"{component}:{place.name.replace('-die-', '/')}",),
        )

    def read(self) -> int:
        if self._fd is None:
            raise ReadFailed(f"{self.info.id} is closed")
        try:
            data = self._kernel.read(self._fd)
        except OSError as error:
            # The descriptor is kept: a new one would count from 0 and lose the time between.
            raise ReadFailed(f"{self.info.id}: {error.strerror}") from error
        if not data:
            raise SourceGone(f"{self.info.id}: the kernel has ended the event")
        count = count_of(data)
        if count is None:
            raise ReadFailed(f"{self.info.id}: a read of {len(data)} bytes")
        return count

    def close(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            self._kernel.close(fd)


def find_perf(
    sysfs_root: Path,
    *,
    amd: bool,
    kernel: PerfKernel | None = None,
    procfs_root: Path = Path("/proc"),
) -> tuple[list[PerfCounter], list[Skipped]]:
    """Counters of all packages and memories, and of the machine as a whole if it is counted.

    Args:
        sysfs_root: where the host's ``/sys`` is mounted.
        amd: whether AMD made the processor.
        kernel: stands in for the running one.
        procfs_root: tells what the kernel allows.

    Raises:
        SourceUnavailable: the kernel has no power events.
    """
    pmu = read_pmu(sysfs_root, amd=amd)
    kernel = kernel or LinuxKernel()
    skipped = [Skipped(f"perf:{name}", reason) for name, reason in pmu.unusable.items()]
    counters: list[PerfCounter] = []
    denied: list[str] = []
    for event, place in _pairs(pmu):
        try:
            fd = kernel.open(counting_attr(pmu.type, event.config), place.cpu)
        except OSError as error:
            if error.errno in _DENIED:
                denied.append(_id(event.name, place))
            else:
                reason = f"the kernel does not open it: {error.strerror}"
                skipped.append(Skipped(_id(event.name, place), reason))
            continue
        counters.append(PerfCounter(kernel, fd, event, place, amd=amd))
    # One refusal for all of them is one thing to say.
    names = denied if counters else denied[:1] and ["perf"]
    skipped += [_refused(name, procfs_root) for name in names]
    return counters, skipped


def ticking(
    counters: Sequence[PerfCounter], sleep_s: Callable[[float], None] = time.sleep
) -> tuple[list[PerfCounter], list[Skipped]]:
    """Those that count. In some virtual machines the events open, and stand at 0 for ever.

    Waits for the first tick of all of them: 1 ms where they live, 50 ms where one does not.
    """
    dead = list(counters)
    for _ in range(_LOOKS):
        dead = [counter for counter in dead if _is_at_zero(counter)]
        if not dead:
            break
        sleep_s(_LOOK_S)
    for counter in dead:
        counter.close()
    skipped = [Skipped(counter.info.id, DEAD) for counter in dead]
    return [counter for counter in counters if counter not in dead], skipped


def _is_at_zero(counter: PerfCounter) -> bool:
    try:
        return counter.read() == 0
    except (ReadFailed, SourceGone):
        return False  # that is told when it is used


def _pairs(pmu: PowerPmu) -> list[tuple[PowerEvent, Place]]:
    """Which event is opened where. The machine's counter is one, whichever CPU shows it."""
    return [
        (event, place)
        for event in pmu.events
        for place in (pmu.places[:1] if COMPONENTS[event.name] == "node" else pmu.places)
    ]


def _id(event: str, place: Place) -> str:
    component = COMPONENTS[event]
    if component == "node":
        return "perf:psys"
    return f"perf:{'package' if component == 'cpu' else component}-{place.name}"


def _gain(component: Component, *, amd: bool) -> float:
    gains = {"cpu": GAIN_AMD if amd else GAIN_INTEL, "dram": GAIN_DRAM, "node": GAIN_NODE}
    return gains[component]


def _refused(id: str, procfs_root: Path) -> Skipped:  # noqa: A002  # the field's name
    level = _paranoid(procfs_root)
    if level is not None and level <= PARANOID_LIMIT:
        # The kernel would allow it, so what stands before the kernel does not.
        reason = "this container may not open perf events"
        return Skipped(id, reason, CONTAINER_REMEDY, "masked", CONTAINER_CAUTION, BENEFIT)
    reason = "this user may not count whole CPUs with perf"
    if level is not None:
        reason += f" (kernel.perf_event_paranoid is {level})"
    return Skipped(id, reason, REMEDY, "no-permission", CAUTION, BENEFIT)


def _paranoid(procfs_root: Path) -> int | None:
    try:
        return int((procfs_root / "sys/kernel/perf_event_paranoid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
