"""Curves: the cumulative energy of a source over time, as far as its readings tell. Pure.

Readings go in with ``observe`` in the order of time; ``edge`` gives the energy at a moment with
its uncertainty. What is between a reset and the reading before it is missing: it is in no energy,
and the trouble that ``observe`` tells of says how long it lasted.
"""

from __future__ import annotations

import bisect
import itertools
import math
from dataclasses import dataclass, replace
from typing import Final, Literal

from greencell.arithmetic import CounterScale, counter_step
from greencell.edges import UNIFORM, Edge, Power, Segment, TickClock, bridge

_KEPT: Final = 64
"""Ticks and readings that are remembered: a few seconds of close watching."""
_KEPT_MARKS: Final = 256
"""Edges of cells that are remembered: as many as fit between two ticks of a slow counter."""
_MEMORY_S: Final = 5.0
"""Power is told from ticks this recent: long enough for a slow sensor, short enough to be now."""
_CLOSE: Final = 0.34
"""Readings closer than this part of the period see each tick."""
_STEADY: Final = 0.03
"""Least relative scatter of power within a segment; judgement."""
_UNSTEADY: Final = 0.15
"""Relative scatter taken where too few ticks show it; judgement."""
_ENOUGH_SLOPES: Final = 3
_ENOUGH_TICKS: Final = 12
_QUIET_AGAIN: Final = 0.30
"""Relative uncertainty of the power after a cell, taken from the gaps before it; judgement."""
_STALE: Final = 10.0
"""So many periods without a tick, and the counter stands still."""
_STALE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong between two readings.

    Attributes:
        t_s: when the second was taken.
        missing_s: time of which nothing is known.
        late_j: energy that may have been drawn long before it showed.
    """

    t_s: float
    flag: Literal["gap", "wrap-ambiguous", "stale"]
    missing_s: float = 0.0
    late_j: float = 0.0


@dataclass(frozen=True, slots=True)
class Tick:
    """The counter moved to ``energy_j`` at some time after ``low_s`` and up to ``high_s``."""

    low_s: float
    high_s: float
    energy_j: float


@dataclass(frozen=True, slots=True)
class Mark:
    """An edge of a cell. ``quiet`` tells whether no cell runs from here to the next mark."""

    t_s: float
    quiet: bool


class CounterCurve:
    """The energy of a counter that ticks.

    Args:
        scale: how to read it.
        period_s: its update period as documented; 0 for a counter that is exact at any time.
    """

    def __init__(self, scale: CounterScale, period_s: float) -> None:
        self.clock = TickClock(period_s)
        self._scale = scale
        self._raw: int | None = None
        self.born_s = self._boot_s = self._read_s = self._watched_s = 0.0
        self._energy_j = 0.0
        self._ticks: list[Tick] = []
        self._marks: list[Mark] = []
        self._bridged: tuple[tuple[object, ...], dict[float, Edge]] | None = None
        self._quiet: Power | None = None
        self._stale_up_to_s: float | None = None

    @property
    def read_s(self) -> float | None:
        """The time of the last reading; ``None`` before the first."""
        return None if self._raw is None else self._read_s

    @property
    def is_stale(self) -> bool:
        """Whether it has stood still for so long that no tick is waited for any more."""
        return self._stale_up_to_s is not None

    def observe(
        self, t_s: float, boot_s: float, raw: int, begin_s: float | None = None
    ) -> Trouble | None:
        """Take in a reading; what went wrong since the last one, if anything.

        Args:
            begin_s: when it began, if that took a while: of two threads that read at once, the
                one that read first may be done last.
        """
        if self._raw is None:
            self.born_s = t_s
            self._start(t_s, boot_s, raw)
            return None
        overlaps = (t_s if begin_s is None else begin_s) <= self._read_s
        if t_s <= self._read_s or (overlaps and raw < self._raw):
            return None  # another thread read later and was sooner done
        step = counter_step(self._raw, raw, boot_s - self._boot_s, self._scale)
        if step.energy_j is None:
            missing_s = boot_s - self._boot_s
            self._start(t_s, boot_s, raw)
            return Trouble(t_s, "wrap-ambiguous" if step.kind == "ambiguous" else "gap", missing_s)
        watched = t_s - self._read_s <= _CLOSE * self.clock.period_s
        if step.energy_j > 0:
            trouble = self._tick(t_s, step.energy_j, watched=watched)
        else:
            trouble = self._stood_still(t_s)
        if not watched:
            self._watched_s = t_s
        self._raw, self._read_s, self._boot_s = raw, t_s, boot_s
        return trouble

    def rest(self, t_s: float, boot_s: float) -> None:
        """The device sleeps: its counter stands still because it draws next to nothing."""
        if self._raw is not None and t_s > self._read_s:
            self._read_s = self._watched_s = t_s
            self._boot_s = boot_s
            # Time asleep is not time without a tick.
            last = self._ticks[-1]
            self._ticks[-1] = replace(last, high_s=max(last.high_s, t_s - self.clock.period_s))

    def _start(self, t_s: float, boot_s: float, raw: int) -> None:
        self._raw, self._boot_s = raw, boot_s
        self._read_s = self._watched_s = t_s
        self._ticks = [Tick(t_s - self.clock.period_s, t_s, self._energy_j)]
        self._stale_up_to_s = None

    def _tick(self, t_s: float, energy_j: float, *, watched: bool) -> Trouble | None:
        last = self._ticks[-1]
        self._energy_j += energy_j
        self._ticks.append(Tick(self._read_s, t_s, self._energy_j))
        if watched and self.clock.period_s > 0:
            mid_s, width_s = 0.5 * (self._read_s + t_s), t_s - self._read_s
            # The tick before was seen closely too, and so was all the time since.
            follows = self._watched_s <= last.low_s
            self.clock.pin(mid_s, UNIFORM * width_s, follows=follows)
        if len(self._ticks) > 2 * _KEPT:
            del self._ticks[:_KEPT]
        if self._stale_up_to_s is None:
            return None
        self._stale_up_to_s = None
        return Trouble(t_s, "stale", late_j=energy_j)

    def _stood_still(self, t_s: float) -> Trouble | None:
        since_s = self._ticks[-1].high_s
        if t_s - since_s <= max(_STALE_S, _STALE * self.clock.period_s):
            return None
        known_s = self._stale_up_to_s or since_s
        self._stale_up_to_s = t_s
        return Trouble(t_s, "stale", missing_s=t_s - known_s)

    def mark(self, t_s: float, *, quiet: bool) -> None:
        """An edge of a cell is at ``t_s``; ``quiet`` if no cell runs after it."""
        bisect.insort(self._marks, Mark(t_s, quiet), key=lambda mark: mark.t_s)
        if len(self._marks) > 2 * _KEPT_MARKS:
            del self._marks[:_KEPT_MARKS]

    def is_settled(self, t_s: float) -> bool:
        """Whether the counter ticked since ``t_s``: nothing better will be known."""
        if self.clock.period_s <= 0:
            return self._read_s >= t_s
        return bool(self._ticks) and self._came_after(self._ticks[-1], t_s)

    def raw_edge(self, t_s: float) -> Edge:
        """What the counter showed at ``t_s``: the energy as of its last tick."""
        index = self._index(t_s)
        power = self._recent(index)
        return Edge(
            self._ticks[index].energy_j, power.mean_w * self.clock.period_s / math.sqrt(3.0)
        )

    def edge(self, t_s: float) -> Edge:
        """The energy at ``t_s``, from the ticks around it and the power on its two sides."""
        index = self._index(t_s)
        if self.clock.period_s > 0:
            # A counter that is too slow for the hooks has no reading at the edge itself.
            while index + 1 < len(self._ticks) and not self._came_after(
                self._ticks[index + 1], t_s
            ):
                index += 1
        before = self._ticks[index]
        after = self._ticks[index + 1] if index + 1 < len(self._ticks) else None
        if self.clock.period_s <= 0:
            return self._line(before, after, t_s)
        from_s, u_from_s = self._when(before, t_s)
        if after is None:
            power = self._power_at(self._segment_begin(t_s), t_s, t_s) or self._recent(index)
            drawn_s = max(0.0, t_s - from_s)
            u_j = math.hypot(power.u_w * drawn_s, power.mean_w * u_from_s)
            return Edge(before.energy_j + power.mean_w * drawn_s, u_j)
        key = (before.high_s, after.high_s, len(self._marks), self._marks[-1:])
        if self._bridged is None or self._bridged[0] != key:
            self._bridged = (key, self._bridge(before, after, from_s, u_from_s, None))
        edges = self._bridged[1]
        if t_s not in edges:
            edges = self._bridge(before, after, from_s, u_from_s, t_s)
        return edges[t_s]

    def _bridge(
        self, before: Tick, after: Tick, from_s: float, u_from_s: float, at_s: float | None
    ) -> dict[float, Edge]:
        """The energies at all marks between two ticks, and at one moment more."""
        to_s, u_to_s = self._when(after, math.inf)
        to_s = to_s if at_s is None else max(to_s, at_s)
        first = bisect.bisect_right(self._marks, from_s, key=lambda mark: mark.t_s)
        stop = bisect.bisect_right(self._marks, to_s, key=lambda mark: mark.t_s)
        marks = self._marks[first:stop]
        if at_s is not None and all(mark.t_s != at_s for mark in marks):
            bisect.insort(marks, Mark(at_s, quiet=False), key=lambda mark: mark.t_s)
        segments = self._segments(from_s, u_from_s, marks, to_s, u_to_s)
        edges = bridge(after.energy_j - before.energy_j, segments, self._scale.max_power_w)
        return {
            mark.t_s: Edge(before.energy_j + edge.energy_j, edge.u_j)
            for mark, edge in zip(marks, edges, strict=True)
        }

    def learn_quiet(self, t_s: float) -> None:
        """A cell begins at ``t_s``: remember the power of the gap before it."""
        power = self._measured(self._segment_begin(t_s), t_s)
        if power is None:
            return
        if self._quiet is None:
            self._quiet = power
            return
        mean_w = 0.5 * (self._quiet.mean_w + power.mean_w)
        scatter_w = abs(self._quiet.mean_w - power.mean_w)
        self._quiet = Power(mean_w, max(power.u_w, scatter_w))

    # -- between two ticks -----------------------------------------------------------------------

    def _index(self, t_s: float) -> int:
        """The last tick that surely came up to ``t_s``."""
        return max(0, bisect.bisect_right(self._ticks, t_s, key=lambda tick: tick.high_s) - 1)

    def _came_after(self, tick: Tick, t_s: float) -> bool:
        """Whether a tick came after a moment, as far as is known."""
        return tick.low_s >= t_s or (tick.high_s > t_s and self._when(tick, math.inf)[0] > t_s)

    def _segments(
        self, from_s: float, u_from_s: float, marks: list[Mark], to_s: float, u_to_s: float
    ) -> list[Segment]:
        borders = [from_s, *(mark.t_s for mark in marks), to_s]
        segments = []
        for number, (begin_s, end_s) in enumerate(itertools.pairwise(borders)):
            first, last = number == 0, number == len(marks)
            if first:
                power = self._power_at(self._segment_begin(end_s), end_s, end_s)
            elif last:
                power = self._power_at(begin_s, self._segment_end(begin_s), begin_s)
            else:
                power = self._quiet_power(begin_s)
            u_s = u_from_s if first else u_to_s if last else 0.0
            segments.append(Segment(max(0.0, end_s - begin_s), power, u_s))
        return segments

    def _power_at(self, begin_s: float, end_s: float, near_s: float) -> Power | None:
        """The power near one end of a segment: from its own ticks, else of gaps before."""
        window = (max(begin_s, near_s - _MEMORY_S), min(end_s, near_s + _MEMORY_S))
        return self._measured(*window) or self._quiet_power(begin_s)

    def _quiet_power(self, begin_s: float) -> Power | None:
        mark = self._mark_at(begin_s)
        if self._quiet is None or (mark is not None and not mark.quiet):
            return None
        return Power(self._quiet.mean_w, max(self._quiet.u_w, _QUIET_AGAIN * self._quiet.mean_w))

    def _mark_at(self, t_s: float) -> Mark | None:
        """The last mark up to ``t_s``; ``None`` before the first: then it is quiet."""
        index = bisect.bisect_right(self._marks, t_s, key=lambda mark: mark.t_s) - 1
        return self._marks[index] if index >= 0 else None

    def _segment_begin(self, t_s: float) -> float:
        index = bisect.bisect_left(self._marks, t_s, key=lambda mark: mark.t_s) - 1
        return self._marks[index].t_s if index >= 0 else -math.inf

    def _segment_end(self, t_s: float) -> float:
        index = bisect.bisect_right(self._marks, t_s, key=lambda mark: mark.t_s)
        return self._marks[index].t_s if index < len(self._marks) else math.inf

    def _measured(self, begin_s: float, end_s: float, *, ask: bool = True) -> Power | None:
        """The mean power between the first and the last tick in a stretch of time."""
        inside = self._inside(begin_s, end_s)
        if len(inside) <= 1:
            return None
        times = [self._when(tick, math.inf, ask=ask) for tick in inside]
        (first_s, u_first_s), (last_s, u_last_s) = times[0], times[-1]
        elapsed_s = last_s - first_s
        if elapsed_s <= 0.5 * self.clock.period_s:
            return None
        mean_w = (inside[-1].energy_j - inside[0].energy_j) / elapsed_s
        timing_w = mean_w * math.hypot(u_first_s, u_last_s) / elapsed_s
        slopes_w = [
            (b.energy_j - a.energy_j) / (tb - ta)
            for (a, (ta, _)), (b, (tb, _)) in itertools.pairwise(zip(inside, times, strict=True))
            if tb - ta > 0.5 * self.clock.period_s
        ]
        if len(slopes_w) >= _ENOUGH_SLOPES:
            scatter_w = max(_STEADY * mean_w, _scatter(slopes_w))
        else:
            scatter_w = _UNSTEADY * mean_w
        return Power(mean_w, math.hypot(timing_w, scatter_w))

    def _inside(self, begin_s: float, end_s: float) -> list[Tick]:
        """The ticks that surely came in a stretch of time, thinned where there are many."""
        first = bisect.bisect_left(self._ticks, begin_s, key=self._low_s)
        stop = bisect.bisect_right(self._ticks, end_s, key=lambda tick: tick.high_s)
        inside = self._ticks[first:stop]
        stride = -(-len(inside) // _ENOUGH_TICKS)
        return inside if stride <= 1 else [*inside[:-1:stride], inside[-1]]

    def _recent(self, index: int) -> Power:
        """The power around a tick without regard to cells; nothing known is 0, surely wrong."""
        power = self._measured(
            self._ticks[index].high_s - _MEMORY_S, self._ticks[index].high_s
        ) or self._measured(-math.inf, math.inf)
        return power or self._quiet or Power(0.0, 0.0)

    def _low_s(self, tick: Tick) -> float:
        return max(tick.low_s, tick.high_s - self.clock.period_s)

    def _when(self, tick: Tick, up_to_s: float, *, ask: bool = True) -> tuple[float, float]:
        """When the counter ticked: in the middle of what is possible, unless its rhythm tells.

        Args:
            ask: whether the energy is asked where the rhythm leaves two ticks possible. Asking
                looks at other ticks, of which it asks no more.
        """
        low_s, high_s = self._low_s(tick), min(tick.high_s, up_to_s)
        width_s = max(0.0, high_s - low_s)
        known = self.clock.last_before(high_s)
        if known is not None:
            t_s, u_s = known
            if low_s - 2 * u_s <= t_s and u_s < UNIFORM * width_s:
                if not self._is_ambiguous(t_s, u_s, low_s, high_s):
                    return max(t_s, low_s), u_s
                due_s = t_s if high_s - t_s < 2 * u_s else t_s + self.clock.period_s
                told = self._told_by_energy(tick, due_s) if ask else None
                if told is not None:
                    return told[0], math.hypot(u_s, told[1])
        return 0.5 * (low_s + high_s), UNIFORM * width_s

    def _told_by_energy(self, tick: Tick, due_s: float) -> tuple[float, float] | None:
        """When the last tick came of those that were read, where one was due at the reading.

        It is in what was read or it is not, and the energy since the tick before tells: the mean
        over both cases, each as likely as its energy is, with the standard deviation of that.
        ``None`` if nothing is known of the power.
        """
        index = bisect.bisect_left(self._ticks, tick.high_s, key=lambda one: one.high_s)
        begin_s = self._segment_begin(tick.high_s)
        if index == 0 or self._ticks[index - 1].high_s < begin_s:
            return None
        before = self._ticks[index - 1]
        power = self._measured(begin_s, before.high_s, ask=False) or self._quiet_power(begin_s)
        if power is None or power.mean_w <= 0:
            return None
        before_s, u_before_s = self._when(before, math.inf, ask=False)
        drawn_s = (tick.energy_j - before.energy_j) / power.mean_w
        u_s = math.hypot(u_before_s, drawn_s * power.u_w / power.mean_w)
        late_s = due_s - before_s - drawn_s
        period_s = self.clock.period_s
        # The ratio of two normal densities, one period apart.
        odds = math.exp(min(50.0, max(-50.0, period_s * (late_s - 0.5 * period_s) / u_s**2)))
        not_in = odds / (1.0 + odds)
        return due_s - not_in * period_s, period_s * math.sqrt(not_in * (1.0 - not_in))

    def _is_ambiguous(self, t_s: float, u_s: float, low_s: float, high_s: float) -> bool:
        """Whether a tick was due right at the reading: it may have come before it or after."""
        if high_s - t_s < 2 * u_s:
            return low_s - 2 * u_s <= t_s - self.clock.period_s
        return t_s + self.clock.period_s < high_s + 2 * u_s

    def _line(self, before: Tick, after: Tick | None, t_s: float) -> Edge:
        """On the line between two readings, for a counter that is exact at each."""
        if after is None or t_s <= before.high_s:
            return Edge(before.energy_j, 0.0)
        if after.low_s >= t_s:
            return Edge(before.energy_j, 0.0)
        total_j, whole_s = after.energy_j - before.energy_j, after.high_s - before.high_s
        return Edge(before.energy_j + total_j * (t_s - before.high_s) / whole_s, UNIFORM * total_j)


def _scatter(values: list[float]) -> float:
    """Standard deviation. The library for it imports more than all of this package."""
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
