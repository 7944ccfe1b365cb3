"""The meter: reads all sources at one moment. No arithmetic, no lock.

``take`` is what a hook does: a handful of quick reads. What is slow to read is left to the
background thread, which takes whole snapshots and, around the edges of cells, looks closely at
counters whose next tick is waited for (``look``).

A driver may hang at any read. The thread's reads are watched: ``give_up`` leaves a source out that
has not answered for ``HANG_S``, with all others of its driver, and the thread that hangs in it ends
when it comes back (``Abandoned``). The source is then tried again, ever more rarely. No hook reads
it any more.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from greencell.attribution import DeviceUse
from greencell.clock import Clock
from greencell.errors import Asleep, ReadFailed, SourceGone
from greencell.guard import Guard
from greencell.processes import MachineClock, TreeClock
from greencell.sources.base import EnergyCounter, PowerGauge, SharedDevice, Source
from greencell.sources.plausible import most_w, read_possible_w
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
SLOW_GAUGE_S: Final = 1.0
"""A power reading with news no more often is read by the thread twice in its period."""
HANG_S: Final = 0.5
"""A read that takes longer than this hangs: nobody waits for it any more."""
_OVERDUE_NS: Final = 20_000_000
"""A hook reads no source that the thread has been reading for so long."""
_BUSY_NS: Final = 5_000_000
"""Hooks read the machine's busy time no more often: it ticks every 10 ms, and costs the most."""
_FIRST_RETRY_S: Final = 1.0
_LONGEST_RETRY_S: Final = 60.0


class Abandoned(Exception):
    """The calling thread hung in a read for so long that another one has taken its place."""


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
R = TypeVar("R")


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


@dataclass(slots=True)
class _Hang:
    """A driver that did not answer in time.

    Attributes:
        stuck: threads that are still in one of its reads.
        retry_ns: when it is tried again, once none is.
    """

    rest_s: float
    stuck: int = 0
    retry_ns: int = 0


class Meter:
    """All sources of one machine, read together.

    Args:
        sources: what discovery found.
        tree, machine: CPU clocks of the kernel's process tree and of the machine.
        reserved: share of the machine that is this kernel's, 0 to 1.

    Attributes:
        gauge_period_s: how often a power reading has news, of the one that has the most; ``None``
            where there is none to be integrated.
        has_quick_counters: whether some counter ticks within a thread's beat.
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
        periods_s = [s.info.period_s for s in self.sources if isinstance(s, PowerGauge)]
        self.gauge_period_s = min(periods_s, default=None)
        self.has_quick_counters = any(
            isinstance(source, EnergyCounter) and 0 < source.info.period_s <= CLOSE_LOOK_S
            for source in self.sources
        )
        self._devices = [
            (index, source)
            for index, source in enumerate(self.sources)
            if isinstance(source, SharedDevice)
        ]
        self._readers = [_reader(source) for source in sources]
        self._cost_s = [0.0] * len(self.sources)
        self._slow: frozenset[int] = frozenset()
        self._all = frozenset(range(len(self.sources)))
        self._drivers = [source.info.id.partition(":")[0] for source in self.sources]
        self._kin = [self._of_driver(driver) for driver in self._drivers]
        self._hangs: dict[str, _Hang] = {}
        self._never_in_hooks: frozenset[int] = frozenset()
        self._reading: tuple[int, int] | None = None
        self._epoch = 0
        self._busy_ns = -_BUSY_NS
        self._next_news_ns = [0] * len(self.sources)
        self._news_ns = [_news_ns(source) for source in self.sources]
        self._guard = Guard("meter", clock.monotonic_ns)
        self.spares_hooks = False
        self._tree = tree
        self._machine = machine
        self._clock = clock

    def _of_driver(self, driver: str) -> frozenset[int]:
        return frozenset(i for i, other in enumerate(self._drivers) if other == driver)

    # -- reading -------------------------------------------------------------------------------

    def take(self) -> Snapshot:
        """Read what is quick to read. For the hooks: no lock, no arithmetic."""
        leave_out = self._all if self.spares_hooks else self._slow | self._never_in_hooks
        clock = self._clock
        begin_ns, boot_ns = clock.monotonic_ns(), clock.boot_ns()
        reading = self._reading
        if reading is not None and begin_ns - reading[1] > _OVERDUE_NS:
            leave_out |= self._kin[reading[0]]
        values: list[RawValue] = []
        before_ns = begin_ns
        for index, read in enumerate(self._readers):
            if index in leave_out:
                values.append(LEFT_OUT)
                continue
            values.append(_value(read))
            after_ns = clock.monotonic_ns()
            if after_ns - before_ns > HANG_S * NS_PER_S:
                # Once nobody could escape it; a second time nobody meets it.
                self._never_in_hooks |= self._kin[index]
            before_ns = after_ns
        return self._snapshot(begin_ns, boot_ns, values, sparing=True)

    def take_all(self) -> Snapshot:
        """Read everything but what hangs, learn which sources are slow. For the thread.

        Raises:
            Abandoned: this thread hung; another one goes on.
        """
        clock = self._clock
        begin_ns, boot_ns = clock.monotonic_ns(), clock.boot_ns()
        values: list[RawValue] = []
        for index, read in enumerate(self._readers):
            if self._is_left_out(index):
                values.append(FAILED)
                continue
            before_ns = clock.monotonic_ns()
            if before_ns < self._next_news_ns[index]:
                values.append(LEFT_OUT)
                continue
            values.append(self._read_watched(index, read, before_ns))
            self._next_news_ns[index] = before_ns + self._news_ns[index]
            self._cost_s[index] = (clock.monotonic_ns() - before_ns) / NS_PER_S
        slow_s = SLOW_READ_NS / NS_PER_S
        self._slow = frozenset(i for i, cost_s in enumerate(self._cost_s) if cost_s > slow_s)
        return self._snapshot(begin_ns, boot_ns, values)

    def take_clocks(self) -> Snapshot:
        """The clocks alone, where no source answers."""
        begin_ns, boot_ns = self._clock.monotonic_ns(), self._clock.boot_ns()
        return self._snapshot(begin_ns, boot_ns, [FAILED] * len(self.sources))

    def _snapshot(
        self, begin_ns: int, boot_ns: int, values: list[RawValue], *, sparing: bool = False
    ) -> Snapshot:
        tree_s = self._tree.read_s()
        busy_s: float | None = None
        # Where it is not read, or fails, the others' CPU time is taken to go on as before.
        if not sparing or begin_ns - self._busy_ns >= _BUSY_NS:
            self._busy_ns = begin_ns
            with contextlib.suppress(ReadFailed):
                busy_s = self._machine.read_s()
        end_ns = self._clock.monotonic_ns()
        return Snapshot(
            begin_ns, end_ns, boot_ns, self._clock.wall_s(), tree_s, busy_s, tuple(values)
        )

    def look(self, indices: Iterable[int]) -> list[Look]:
        """Read these sources only. For the background thread.

        Raises:
            Abandoned: this thread hung; another one goes on.
        """
        looks = []
        for index in indices:
            begin_ns, boot_ns = self._clock.monotonic_ns(), self._clock.boot_ns()
            value: RawValue = FAILED
            if not self._is_left_out(index):
                value = self._read_watched(index, self._readers[index], begin_ns)
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
            if not self._is_left_out(index):
                use = partial(device.use, own_pids)
                self.device_use[index] = self._watched(index, use, self._clock.monotonic_ns())

    # -- what hangs ----------------------------------------------------------------------------

    @property
    def reading(self) -> tuple[int, int] | None:
        """The source that the thread is reading, and since when in ns; ``None`` if none."""
        return self._reading

    @property
    def hanging(self) -> tuple[str, ...]:
        """The drivers that are left out, because they did not answer in time."""
        return tuple(sorted(self._hangs))

    def give_up(self, after_s: float = HANG_S) -> bool:
        """Leave out what the thread has been reading for so long; whether there was such a source.

        The thread that reads it is to be replaced then.
        """
        reading = self._reading
        if reading is None or self._clock.monotonic_ns() - reading[1] < after_s * NS_PER_S:
            return False
        self._epoch += 1
        self._reading = None
        driver = self._drivers[reading[0]]
        known = self._hangs.get(driver)
        rest_s = _FIRST_RETRY_S if known is None else min(_LONGEST_RETRY_S, 2.0 * known.rest_s)
        self._hangs[driver] = _Hang(rest_s, 1 if known is None else known.stuck + 1)
        self._never_in_hooks |= self._kin[reading[0]]
        return True

    def _is_left_out(self, index: int) -> bool:
        hang = self._hangs.get(self._drivers[index]) if self._hangs else None
        if hang is None:
            return False
        return hang.stuck > 0 or self._clock.monotonic_ns() < hang.retry_ns

    def _read_watched(self, index: int, read: Callable[[], int | float], now_ns: int) -> RawValue:
        # A source that fails as nobody foresaw must not take the others with it.
        value = self._watched(index, partial(self._guard.run, _value, read), now_ns)
        return FAILED if value is None else value

    def _watched(self, index: int, ask: Callable[[], R], now_ns: int) -> R:
        """Ask a source something, so that ``give_up`` sees for how long it has been asked."""
        epoch = self._epoch
        self._reading = (index, now_ns)
        try:
            answer = ask()
        finally:
            if epoch == self._epoch:
                self._reading = None
            else:
                self._came_back(index)
        if epoch != self._epoch:
            raise Abandoned(self.sources[index].info.id)
        if self._hangs:
            self._hangs.pop(self._drivers[index], None)
        return answer

    def _came_back(self, index: int) -> None:
        """The thread that hung in this source is free; the source is tried again some time on."""
        hang = self._hangs.get(self._drivers[index])
        if hang is not None:
            hang.stuck -= 1
            hang.retry_ns = self._clock.monotonic_ns() + int(hang.rest_s * NS_PER_S)

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
        return partial(read_possible_w, source, most_w(source))
    return _nothing_to_read


def _news_ns(source: Source) -> int:
    """For how long after a reading there is nothing new to integrate, in ns."""
    if not isinstance(source, PowerGauge) or source.info.period_s < SLOW_GAUGE_S:
        return 0
    return int(0.5 * source.info.period_s * NS_PER_S)


def _nothing_to_read() -> int:
    """A model lives on CPU time alone."""
    return 0
