"""The meter: reads all sources at one moment, and turns such snapshots into joules per source.

``take`` is what a hook does: a handful of reads, no arithmetic, no lock. ``advance`` is pure
bookkeeping over snapshots in the order of time, done beside the user's code by one caller at a
time. A failed read leaves the source's baseline where it was: the next good read covers the
time between, so no energy is invented and none is lost.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from greencell.arithmetic import CounterScale, Step, counter_step, gauge_step, interpolated_units
from greencell.attribution import (
    Baseline,
    CpuUse,
    OthersClock,
    Portion,
    Slice,
    kernel_portion,
    not_attributable,
    whole,
)
from greencell.clock import Clock
from greencell.errors import ReadFailed, SourceGone
from greencell.model import Attribution, SourceInfo
from greencell.processes import MachineClock, TreeClock
from greencell.sources.base import EnergyCounter, PowerGauge, PowerModel, SharedDevice, Source
from greencell.units import NS_PER_S

SLOW_READ_NS: Final = 1_000_000
"""A source that takes longer than this is left to the background thread: cells do not wait."""
SUSPENDED_NS: Final = NS_PER_S
"""If the boot clock gains more than this on the monotonic clock, the machine slept."""


class Missing:
    """Why a snapshot holds no value of a source."""

    __slots__ = ("flag",)

    def __init__(self, flag: str) -> None:
        self.flag = flag


FAILED: Final = Missing("gap")
GONE: Final = Missing("lost")
LEFT_OUT: Final = Missing("")
"""Not read on purpose, to be filled in between its neighbours."""

RawValue = int | float | Missing


@dataclass(slots=True)
class Snapshot:
    """All readings at one moment. ``busy_s`` is ``None`` where the machine was not asked."""

    begin_ns: int
    end_ns: int
    boot_ns: int
    wall_s: float
    tree_s: float
    busy_s: float | None
    values: list[RawValue]

    @property
    def complete(self) -> bool:
        """Whether no source was left out."""
        return LEFT_OUT not in self.values


_NOTHING_YET: Final = Portion(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Moment:
    """A snapshot with the CPU times that go with it."""

    snapshot: Snapshot
    tree_s: float
    others_s: float
    attribution: Attribution


class _Track:
    """One source: its last good reading and what the CPUs had done by then."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.info: SourceInfo = source.info
        self.baseline = Baseline(source.idle_w if isinstance(source, PowerModel) else None)
        self.scale = (
            CounterScale(source.joules_per_unit, source.range_units, source.max_power_w)
            if isinstance(source, EnergyCounter)
            else None
        )
        self.used_by_others: bool | None = None
        self.failing = False
        self.gone = False
        self.value: int | float | None = None
        self.end_ns = self.boot_ns = 0
        self.tree_s = self.others_s = 0.0

    def since(self, moment: _Moment, logical_cpus: int) -> tuple[CpuUse, float]:
        """CPU use since the last good reading, and the time with sleep, in s."""
        if self.value is None:
            return CpuUse(0.0, 0.0, 0.0, logical_cpus), 0.0
        snapshot = moment.snapshot
        use = CpuUse(
            elapsed_s=max(0, snapshot.end_ns - self.end_ns) / NS_PER_S,
            tree_s=max(0.0, moment.tree_s - self.tree_s),
            others_s=max(0.0, moment.others_s - self.others_s),
            logical_cpus=logical_cpus,
        )
        return use, max(0, snapshot.boot_ns - self.boot_ns) / NS_PER_S

    def step(self, value: float, elapsed_boot_s: float, use: CpuUse) -> Step:
        """The energy from the last good reading to ``value``."""
        if self.scale is not None:
            previous = None if self.value is None else int(self.value)
            return counter_step(previous, int(value), elapsed_boot_s, self.scale)
        if isinstance(self.source, PowerModel):
            return Step("difference", self.source.power_w(use.utilisation) * use.elapsed_s)
        previous_w = None if self.value is None else float(self.value)
        return gauge_step(previous_w, float(value), use.elapsed_s)

    def remember(self, value: float, moment: _Moment) -> None:
        """Make this reading the baseline of the next step."""
        self.value = value
        self.end_ns, self.boot_ns = moment.snapshot.end_ns, moment.snapshot.boot_ns
        self.tree_s, self.others_s = moment.tree_s, moment.others_s


class Meter:
    """All sources of one machine, read together.

    Args:
        sources: what discovery found.
        tree, machine: CPU clocks of the kernel's process tree and of the machine.
        reserved: share of the machine that is this kernel's, 0 to 1.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        tree: TreeClock,
        machine: MachineClock,
        clock: Clock,
        reserved: float = 1.0,
    ) -> None:
        self._tracks = [_Track(source) for source in sources]
        self._readers = [_reader(source) for source in sources]
        self._slow: frozenset[int] = frozenset()
        self._tree = tree
        self._machine = machine
        self._clock = clock
        self._reserved = reserved
        self._others = OthersClock()
        self._last: Snapshot | None = None
        self._last_tree_s = 0.0
        self._tree_base_s = 0.0

    @property
    def infos(self) -> list[SourceInfo]:
        """What each source is, in the order of all portions."""
        return [track.info for track in self._tracks]

    @property
    def has_gauges(self) -> bool:
        """Whether some source must be sampled often to be integrated."""
        return any(isinstance(track.source, PowerGauge) for track in self._tracks)

    @property
    def lost(self) -> list[SourceInfo]:
        """The sources that are gone for good."""
        return [track.info for track in self._tracks if track.gone]

    # -- reading -------------------------------------------------------------------------------

    def take(self) -> Snapshot:
        """Read what is quick to read. For the hooks: no lock, no arithmetic."""
        return self._take(self._slow, ask_machine=False)

    def take_all(self) -> Snapshot:
        """Read everything, learn which sources are slow. For the background thread."""
        return self._take(frozenset(), ask_machine=True)

    def _take(self, leave_out: frozenset[int], *, ask_machine: bool) -> Snapshot:
        clock = self._clock
        begin_ns = clock.monotonic_ns()
        boot_ns = clock.boot_ns()
        values: list[RawValue] = []
        slow: set[int] = set()
        before_ns = begin_ns
        for index, read in enumerate(self._readers):
            if index in leave_out:
                values.append(LEFT_OUT)
                continue
            try:
                values.append(read())
            except ReadFailed:
                values.append(FAILED)
            except SourceGone:
                values.append(GONE)
            if ask_machine:
                after_ns = clock.monotonic_ns()
                if after_ns - before_ns > SLOW_READ_NS:
                    slow.add(index)
                before_ns = after_ns
        tree_s = self._tree.read_s()
        busy_s: float | None = None
        if ask_machine:
            self._slow = frozenset(slow)
            # Where it fails, the others' CPU time is taken to go on as before.
            with contextlib.suppress(ReadFailed):
                busy_s = self._machine.read_s()
        end_ns = clock.monotonic_ns()
        return Snapshot(begin_ns, end_ns, boot_ns, clock.wall_s(), tree_s, busy_s, values)

    def notice_sharing(self) -> None:
        """Ask devices whether processes beyond our tree use them. For the background thread."""
        shared = [t for t in self._tracks if isinstance(t.source, SharedDevice) and not t.gone]
        if not shared:
            return
        own_pids = self._tree.pids()
        for track in shared:
            assert isinstance(track.source, SharedDevice)  # for the type checker
            track.used_by_others = track.source.other_processes(own_pids)

    def forget(self) -> None:
        """Drop all baselines: what lies between the last snapshot and the next is nobody's."""
        for track in self._tracks:
            track.value = None

    # -- bookkeeping ---------------------------------------------------------------------------

    def fill(self, waiting: Sequence[Snapshot], complete: Snapshot) -> None:
        """Fill what the waiting snapshots left out, on the line to the ``complete`` one."""
        for index, track in enumerate(self._tracks):
            after = complete.values[index]
            for snapshot in waiting:
                if snapshot.values[index] is not LEFT_OUT:
                    continue
                if isinstance(after, Missing) or track.value is None:
                    snapshot.values[index] = FAILED
                    continue
                between = interpolated_units(
                    (track.end_ns, track.value), (complete.end_ns, after), snapshot.end_ns
                )
                if between is None:
                    snapshot.values[index] = FAILED
                else:
                    whole_units = track.scale is not None
                    snapshot.values[index] = round(between) if whole_units else between

    def advance(self, snapshot: Snapshot, attribution: Attribution) -> Slice:
        """Book the time since the last snapshot. One caller at a time, in the order of time."""
        last, self._last = self._last, snapshot
        tree_s = self._monotone_tree_s(snapshot.tree_s)
        t_s = snapshot.end_ns / NS_PER_S
        if snapshot.busy_s is not None:
            self._others.anchor(t_s, snapshot.busy_s, tree_s)
        moment = _Moment(snapshot, tree_s, self._others.at(t_s), attribution)
        flags: set[str] = set()
        if last is not None and _slept(last, snapshot):
            flags.add("suspended")
        portions = [
            self._book(track, value, moment, flags)
            for track, value in zip(self._tracks, snapshot.values, strict=True)
        ]
        elapsed_s = 0.0 if last is None else max(0, snapshot.end_ns - last.end_ns) / NS_PER_S
        return Slice(elapsed_s, portions, frozenset(flags))

    def _book(
        self, track: _Track, value: RawValue, moment: _Moment, flags: set[str]
    ) -> Portion | None:
        if isinstance(value, Missing):
            track.failing = True
            track.gone = track.gone or value is GONE
            flags.add(value.flag)
            return None
        if self._out_of_order(track, value, moment.snapshot):
            return None
        if track.failing:
            track.failing = False
            flags.add("gap")
        first = track.value is None
        use, elapsed_boot_s = track.since(moment, self._machine.logical_cpus)
        step = track.step(value, elapsed_boot_s, use)
        track.remember(value, moment)
        if first:
            return _NOTHING_YET
        flags.update(track.info.flags)
        if step.energy_j is None:
            flags.add("wrap-ambiguous" if step.kind == "ambiguous" else "gap")
            return None
        track.baseline.learn(step.energy_j, use)
        return self._portion(track, step.energy_j, use, moment.attribution, flags)

    def _portion(
        self,
        track: _Track,
        energy_j: float,
        use: CpuUse,
        attribution: Attribution,
        flags: set[str],
    ) -> Portion:
        """The kernel's part: a GPU is whole or unknown, all else is shared by CPU time."""
        if attribution == "machine":
            return whole(energy_j)
        if track.info.component != "gpu":
            return kernel_portion(energy_j, use, track.baseline.power_w, self._reserved)
        if track.used_by_others:
            flags.add("shared")
            return not_attributable(energy_j)
        return whole(energy_j)

    @staticmethod
    def _out_of_order(track: _Track, value: float, snapshot: Snapshot) -> bool:
        """Two threads may read at once; the one that read first may be booked last."""
        if track.value is None:
            return False
        if snapshot.end_ns < track.end_ns:
            return True
        overlaps = snapshot.begin_ns <= track.end_ns
        return overlaps and track.scale is not None and value < track.value

    def _monotone_tree_s(self, tree_s: float) -> float:
        """CPU time that never falls: a descendant that leaves the tree takes its past along."""
        if tree_s > self._last_tree_s:
            self._tree_base_s += tree_s - self._last_tree_s
        self._last_tree_s = tree_s
        return self._tree_base_s

    def close(self) -> None:
        """Release every source; idempotent."""
        for track in self._tracks:
            track.source.close()
        self._machine.close()


def _slept(last: Snapshot, now: Snapshot) -> bool:
    return (now.boot_ns - last.boot_ns) - (now.begin_ns - last.begin_ns) > SUSPENDED_NS


def _reader(source: Source) -> Callable[[], int | float]:
    if isinstance(source, EnergyCounter):
        return source.read
    if isinstance(source, PowerGauge):
        return source.read_w
    return _nothing_to_read


def _nothing_to_read() -> int:
    """A model lives on CPU time alone."""
    return 0
