"""The meter: reads all sources at one moment. No arithmetic, no lock.

``take`` is what a hook does: a handful of quick reads. What is slow to read is left to the
background thread, which takes whole snapshots and, around the edges of cells, looks closely at
counters whose next tick is waited for (``look``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from greencell.attribution import DeviceUse
from greencell.clock import Clock
from greencell.errors import Asleep, ReadFailed, SourceGone
from greencell.processes import MachineClock, TreeClock
from greencell.sources.base import EnergyCounter, PowerGauge, SharedDevice, Source
from greencell.units import NS_PER_S

SLOW_READ_NS: Final = 1_000_000
"""A source that takes longer than this is left to the background thread: cells do not wait."""
CLOSEST_LOOK_S: Final = 100e-6
CLOSE_LOOK_S: Final = 2e-3
LOOKS_PER_PERIOD: Final = 20
"""How closely a tick is looked for: as often as this in a period, of a slow counter no closer
than ``CLOSE_LOOK_S`` and of a quick one no closer than ``CLOSEST_LOOK_S``."""
LOOK_COST: Final = 4
"""Looking takes at most this part of the time: one read, then three times as long nothing."""


class Missing:
    """Why there is no value of a source."""

    __slots__ = ("flag",)

    def __init__(self, flag: str) -> None:
        self.flag = flag


FAILED: Final = Missing("gap")
GONE: Final = Missing("lost")
LEFT_OUT: Final = Missing("")
"""Not read on purpose."""
ASLEEP: Final = Missing("")
"""Not to be woken by a read, and drawing next to nothing: nothing is missing."""

RawValue = int | float | Missing


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All readings at one moment. ``busy_s`` is ``None`` where that failed."""

    begin_ns: int
    end_ns: int
    boot_ns: int
    wall_s: float
    tree_s: float
    busy_s: float | None
    values: tuple[RawValue, ...]

    @property
    def t_s(self) -> float:
        """Monotonic time in s."""
        return self.end_ns / NS_PER_S


@dataclass(frozen=True, slots=True)
class Look:
    """One reading of one source."""

    index: int
    begin_ns: int
    end_ns: int
    boot_ns: int
    value: RawValue


class Meter:
    """All sources of one machine, read together.

    Args:
        sources: what discovery found.
        tree, machine: CPU clocks of the kernel's process tree and of the machine.
        reserved: share of the machine that is this kernel's, 0 to 1.

    Attributes:
        has_gauges: whether some source must be sampled often to be integrated.
        spares_hooks: whether every source is left to the background thread.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        tree: TreeClock,
        machine: MachineClock,
        clock: Clock,
        reserved: float = 1.0,
    ) -> None:
        self.sources = tuple(sources)
        self.reserved = reserved
        self.logical_cpus = machine.logical_cpus
        self.device_use: list[DeviceUse | None] = [None] * len(self.sources)
        # Asked once: a look at a protocol costs as much as a read.
        self.has_gauges = any(isinstance(source, PowerGauge) for source in self.sources)
        self._devices = [
            (index, source)
            for index, source in enumerate(self.sources)
            if isinstance(source, SharedDevice)
        ]
        self._readers = [_reader(source) for source in sources]
        self._cost_s = [0.0] * len(self.sources)
        self._slow: frozenset[int] = frozenset()
        self._all = frozenset(range(len(self.sources)))
        self.spares_hooks = False
        self._tree = tree
        self._machine = machine
        self._clock = clock

    def take(self) -> Snapshot:
        """Read what is quick to read. For the hooks: no lock, no arithmetic."""
        return self._take(self._all if self.spares_hooks else self._slow, learn_cost=False)

    def take_all(self) -> Snapshot:
        """Read everything, learn which sources are slow. For the background thread."""
        return self._take(frozenset(), learn_cost=True)

    def _take(self, leave_out: frozenset[int], *, learn_cost: bool) -> Snapshot:
        clock = self._clock
        begin_ns = clock.monotonic_ns()
        boot_ns = clock.boot_ns()
        values: list[RawValue] = []
        before_ns = begin_ns
        for index, read in enumerate(self._readers):
            if index in leave_out:
                values.append(LEFT_OUT)
                continue
            values.append(_value(read))
            if learn_cost:
                after_ns = clock.monotonic_ns()
                self._cost_s[index] = (after_ns - before_ns) / NS_PER_S
                before_ns = after_ns
        tree_s = self._tree.read_s()
        busy_s: float | None = None
        if learn_cost:
            slow_s = SLOW_READ_NS / NS_PER_S
            self._slow = frozenset(i for i, cost_s in enumerate(self._cost_s) if cost_s > slow_s)
        # Where it fails, the others' CPU time is taken to go on as before.
        with contextlib.suppress(ReadFailed):
            busy_s = self._machine.read_s()
        end_ns = clock.monotonic_ns()
        return Snapshot(begin_ns, end_ns, boot_ns, clock.wall_s(), tree_s, busy_s, tuple(values))

    def look(self, indices: Iterable[int]) -> list[Look]:
        """Read these sources only. For the background thread."""
        looks = []
        for index in indices:
            begin_ns, boot_ns = self._clock.monotonic_ns(), self._clock.boot_ns()
            value = _value(self._readers[index])
            looks.append(Look(index, begin_ns, self._clock.monotonic_ns(), boot_ns, value))
        return looks

    def look_again_s(self, index: int, period_s: float) -> float:
        """How soon to look again at a source that is watched for its tick."""
        closest_s = CLOSEST_LOOK_S if period_s <= CLOSE_LOOK_S else CLOSE_LOOK_S
        close_s = max(closest_s, period_s / LOOKS_PER_PERIOD)
        return max(close_s, LOOK_COST * self._cost_s[index])

    def notice_sharing(self) -> None:
        """Ask who is in the process tree, and which devices it shares. For the thread."""
        own_pids = self._tree.pids()
        for index, device in self._devices:
            self.device_use[index] = device.use(own_pids)

    def close(self) -> None:
        """Release every source; idempotent."""
        for source in self.sources:
            source.close()
        self._machine.close()


def _value(read: Callable[[], int | float]) -> RawValue:
    try:
        return read()
    except Asleep:
        return ASLEEP
    except ReadFailed:
        return FAILED
    except SourceGone:
        return GONE


def _reader(source: Source) -> Callable[[], int | float]:
    if isinstance(source, EnergyCounter):
        return source.read
    if isinstance(source, PowerGauge):
        return source.read_w
    return _nothing_to_read


def _nothing_to_read() -> int:
    """A model lives on CPU time alone."""
    return 0
