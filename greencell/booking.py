"""Booking: from snapshots in the order of time to slices with each source's joules. Pure.

``observe`` tells the curves of all readings at once, also of those whose snapshot is booked
later; ``book`` gives the time since the last booked snapshot as a slice. A failed read leaves a
source's place where it was: the next good one covers the time between, so no energy is invented
and none is lost.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from greencell.attribution import (
    NOTHING,
    Baseline,
    CpuUse,
    DeviceUse,
    OthersClock,
    Portion,
    Slice,
    device_portion,
    kernel_portion,
    whole,
)
from greencell.edges import Edge, Power
from greencell.meter import ASLEEP, GONE, LEFT_OUT, Look, Missing, RawValue, Snapshot
from greencell.model import Attribution, Component, SourceInfo
from greencell.sources.base import EnergyCounter, PowerModel, Source
from greencell.units import NS_PER_S

if TYPE_CHECKING:
    from greencell.curve import CounterCurve, Trouble
    from greencell.gauge_curve import GaugeCurve

SUSPENDED_NS: Final = NS_PER_S
"""If the boot clock gains more than this on the monotonic clock, the machine slept."""
_PATIENCE: Final = 3.0
_PATIENCE_S: Final = 0.25
"""So many periods of attempts and a moment: if no tick was seen by then, none is waited for."""
_SILENT_S: Final = 5.0
"""Failures in a row are worth a notice after this time; most are over with the next read."""
_LATE: Final = 0.2
_QUIET_S: Final = 0.5
_QUIET_PERIODS: Final = 20
"""How long idle power is averaged, at least: ticks at both ends then blur it by 2 %."""
_LEARNING_S: Final = 0.6
"""Time after the first reading in which a counter's period is looked for."""


@dataclass(frozen=True, slots=True)
class _Moment:
    """A snapshot with the CPU times that go with it, and the slice's length."""

    snapshot: Snapshot
    elapsed_s: float
    tree_s: float
    others_s: float
    u_others_s: float


class _Track:
    """One source: its curve, and up to where it was booked."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.info: SourceInfo = source.info
        self.model = source if isinstance(source, PowerModel) else None
        known = Power(source.idle_w, 0.0) if isinstance(source, PowerModel) else None
        self.baseline = Baseline(known, max(_QUIET_S, _QUIET_PERIODS * self.info.period_s))
        self.counter, self.gauge = _curves(source)
        self.curve = self.counter or self.gauge
        self.troubles: list[Trouble] = []
        self.gone = False
        self.failing = False
        self.tried_s = self.answered_s = 0.0
        self.booked: Edge | None = None
        self.booked_noise_j2 = 0.0
        self.booked_s = self.tree_s = self.others_s = 0.0

    def observe(self, begin_s: float, t_s: float, boot_s: float, value: RawValue) -> None:
        """Take in a reading that lasted from ``begin_s`` to ``t_s``."""
        if value is LEFT_OUT:
            return
        self.tried_s = max(self.tried_s, t_s)
        if self.curve is None:
            return
        if not _is_failure(value):
            self.answered_s = self.tried_s
        if value is ASLEEP:
            self.curve.rest(t_s, boot_s)
            return
        if isinstance(value, Missing):
            return
        if self.gauge is not None:
            self.gauge.observe(t_s, float(value))
        if self.counter is not None:
            trouble = self.counter.observe(t_s, boot_s, int(value), begin_s)
            if trouble is not None:
                self.troubles.append(trouble)

    @property
    def is_unread(self) -> bool:
        """Whether it did not answer when it was last asked; a model always does."""
        return self.curve is not None and (self.gone or self.tried_s > self.answered_s)

    @property
    def period_s(self) -> float:
        """The update period as found, or as documented."""
        return self.info.period_s if self.counter is None else self.counter.clock.period_s

    def is_settled(self, t_s: float) -> bool:
        """Whether nothing better will be known of ``t_s``."""
        if self.curve is None or self.gone or self.info.scope == "node":
            return True
        return self.curve.is_settled(t_s) or self._waited_in_vain(t_s)

    def _waited_in_vain(self, t_s: float) -> bool:
        if self.counter is not None and self.counter.is_stale:
            return True
        patience_s = _PATIENCE * self.period_s + self.info.lag_s + _PATIENCE_S
        return self.tried_s - t_s > patience_s

    def stands_still(self, t_s: float) -> bool:
        """Whether a counter was read all the time since ``t_s`` and did not tick."""
        return (
            self.counter is not None
            and self.is_read_at(t_s)
            and not self.counter.is_settled(t_s)
            and self._waited_in_vain(t_s)
        )

    def is_read_at(self, t_s: float) -> bool:
        """Whether there is a reading at ``t_s`` or later, so that a line can be drawn."""
        read_s = self.curve.read_s if self.curve is not None else t_s
        return read_s is not None and read_s >= t_s

    def edge(self, t_s: float, *, exact: bool) -> Edge:
        """The energy at ``t_s``; ``exact`` looks at the ticks around it."""
        if self.gauge is not None:
            return self.gauge.edge(t_s)
        assert self.counter is not None  # for the type checker
        exact = exact and self.info.scope == "component"
        return self.counter.edge(t_s) if exact else self.counter.raw_edge(t_s)

    def use(self, moment: _Moment, logical_cpus: int) -> CpuUse:
        """CPU use since this source was last booked."""
        return CpuUse(
            elapsed_s=max(0.0, moment.snapshot.t_s - self.booked_s),
            tree_s=max(0.0, moment.tree_s - self.tree_s),
            others_s=max(0.0, moment.others_s - self.others_s),
            logical_cpus=logical_cpus,
            u_others_s=moment.u_others_s,
        )

    def troubles_up_to(self, t_s: float) -> list[Trouble]:
        """The troubles of the time up to ``t_s``; told once, in parts if they go on beyond it."""
        told, kept = [], []
        for trouble in self.troubles:
            before_s = t_s - (trouble.t_s - trouble.missing_s)
            if trouble.t_s <= t_s:
                told.append(trouble)
            elif before_s > 0.0:
                told.append(replace(trouble, missing_s=before_s))
                kept.append(replace(trouble, missing_s=trouble.missing_s - before_s))
            else:
                kept.append(trouble)
        self.troubles = kept
        return told

    def fork(self) -> _Track:
        """One that is booked apart from this; the readings are the same."""
        twin = copy.copy(self)
        twin.troubles = list(self.troubles)
        twin.baseline = self.baseline.copy()
        return twin


class Booking:
    """All sources' places in time.

    Args:
        device_use: who uses each source's device; filled by another.
        reserved: share of the machine that is this kernel's, 0 to 1.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        logical_cpus: int,
        reserved: float,
        device_use: Sequence[DeviceUse | None],
    ) -> None:
        self._tracks = [_Track(source) for source in sources]
        self._device_use = device_use
        self._logical_cpus = logical_cpus
        self._reserved = reserved
        self._others = OthersClock()
        self._last: Snapshot | None = None
        self._last_tree_s = 0.0
        self._tree_base_s = 0.0

    def fork(self) -> Booking:
        """A booking that goes on apart from this one, on the same readings."""
        twin = copy.copy(self)
        twin._tracks = [track.fork() for track in self._tracks]  # noqa: SLF001  # of the same class
        twin._others = copy.copy(self._others)  # noqa: SLF001  # of the same class
        return twin

    @property
    def infos(self) -> list[SourceInfo]:
        """What each source is, with its period as found, in the order of all portions."""
        return [
            replace(track.info, period_s=track.counter.clock.period_s)
            if track.counter is not None and track.counter.clock.is_learned
            else track.info
            for track in self._tracks
        ]

    @property
    def baselines_w(self) -> list[float | None]:
        """Each source's idle power as measured; ``None`` if it was not yet, or is a model's."""
        return [
            power.mean_w if track.model is None and (power := track.baseline.power) else None
            for track in self._tracks
        ]

    def idle(self, attribution: Attribution) -> list[tuple[SourceInfo, Power | None]]:
        """The kernel's part of the idle power of each summed source that is still there.

        ``None`` where it was not seen yet. A model knows its own.
        """
        return [
            (info, self._idle_part(track, self._device_use[index], attribution))
            for index, (info, track) in enumerate(zip(self.infos, self._tracks, strict=True))
            if info.scope == "component" and not track.gone
        ]

    def _idle_part(
        self, track: _Track, device_use: DeviceUse | None, attribution: Attribution
    ) -> Power | None:
        power, part = track.baseline.power, 1.0
        if attribution == "kernel" and track.info.component not in _WHOLE:
            part = self._reserved
        if attribution == "kernel" and device_use is not None and device_use.other_processes > 0:
            processes = device_use.own_processes + device_use.other_processes
            part = device_use.own_processes / processes
        return None if power is None else Power(part * power.mean_w, part * power.u_w)

    @property
    def lost(self) -> list[SourceInfo]:
        """The sources that are gone for good."""
        return [track.info for track in self._tracks if track.gone]

    @property
    def silent(self) -> list[SourceInfo]:
        """The sources that have not answered for a while, though they may again."""
        return [
            track.info
            for track in self._tracks
            if track.failing and not track.gone and track.tried_s - track.answered_s > _SILENT_S
        ]

    @property
    def unread(self) -> frozenset[Component]:
        """The components of which a meter did not answer when it was last asked."""
        return frozenset(
            track.info.component
            for track in self._tracks
            if track.info.scope == "component" and track.is_unread
        )

    # -- what was read -------------------------------------------------------------------------

    def observe(self, snapshot: Snapshot) -> None:
        """Tell the curves of a snapshot's readings."""
        boot_s = snapshot.boot_ns / NS_PER_S
        for track, value in zip(self._tracks, snapshot.values, strict=True):
            track.observe(snapshot.begin_ns / NS_PER_S, snapshot.t_s, boot_s, value)

    def observe_looks(self, looks: Sequence[Look]) -> None:
        """Tell the curves of single readings."""
        for look in looks:
            track = self._tracks[look.index]
            begin_s, end_s = look.begin_ns / NS_PER_S, look.end_ns / NS_PER_S
            track.observe(begin_s, end_s, look.boot_ns / NS_PER_S, look.value)

    def mark(self, t_s: float, *, quiet: bool) -> None:
        """A cell's edge is at ``t_s``; ``quiet`` if none runs after it."""
        for track in self._tracks:
            if track.counter is not None:
                track.counter.mark(t_s, quiet=quiet)
            elif track.gauge is not None:
                track.gauge.mark(t_s)

    def unsettled(self, t_s: float) -> dict[int, float]:
        """Sources of which more will be known of ``t_s``, each with its update period in s.

        One that ticks more rarely than it should counts as slower, and is looked at less.
        """
        return {
            index: max(track.period_s, _LATE * (track.tried_s - t_s))
            for index, track in enumerate(self._tracks)
            if not track.is_settled(t_s)
        }

    def unlearned(self, now_s: float) -> dict[int, float]:
        """Counters whose period is still looked for, each with the documented one in s."""
        return {
            index: track.period_s
            for index, track in enumerate(self._tracks)
            if track.counter is not None
            and 0 < track.info.period_s < _LEARNING_S
            and not track.counter.clock.is_sharp
            and track.booked is not None
            and now_s - track.counter.born_s < _LEARNING_S
        }

    # -- what is booked ------------------------------------------------------------------------

    def book(self, snapshot: Snapshot, attribution: Attribution, *, edge: bool) -> Slice:
        """Book the time since the last snapshot, in the order of time.

        Args:
            edge: whether a cell begins or ends here, so that it matters what was drawn since the
                last tick.
        """
        last, self._last = self._last, snapshot
        tree_s = self._monotone_tree_s(snapshot.tree_s)
        if snapshot.busy_s is not None:
            self._others.anchor(snapshot.t_s, snapshot.busy_s, tree_s)
        elapsed_s = 0.0 if last is None else max(0.0, snapshot.t_s - last.t_s)
        others_s = self._others.at(snapshot.t_s)
        moment = _Moment(snapshot, elapsed_s, tree_s, others_s, self._others.u_s)
        flags: set[str] = set()
        if last is not None and _slept(last, snapshot):
            flags.add("suspended")
        portions: list[Portion | None] = []
        for index, (track, value) in enumerate(zip(self._tracks, snapshot.values, strict=True)):
            # A meter beside the sum takes nothing from it, whatever becomes of its readings.
            told = flags if track.info.scope == "component" else set[str]()
            drawn = self._drawn(track, value, moment, told, edge=edge)
            if drawn is not None and drawn.portion.machine_j > 0:
                told.update(track.info.flags)
                portion = self._attribute(track, drawn, attribution, self._device_use[index], told)
                portions.append(portion)
            else:
                portions.append(None if drawn is None else drawn.portion)
        edges_j2 = [0.0 if t.booked is None else t.booked.u_j**2 for t in self._tracks]
        return Slice(elapsed_s, portions, frozenset(flags), edges_j2)

    def learn_quiet(self, t_s: float) -> None:
        """A cell began at ``t_s`` after a time without any: what was drawn in it is a lesson."""
        for track in self._tracks:
            if track.counter is not None:
                track.counter.learn_quiet(t_s)

    def forget(self) -> None:
        """What lies between the last snapshot and the next is nobody's."""
        self._last = None
        for track in self._tracks:
            track.booked = None

    def _drawn(
        self, track: _Track, value: RawValue, moment: _Moment, flags: set[str], *, edge: bool
    ) -> _Drawn | None:
        """What a source's hardware drew since it was last booked; ``None`` if it is not known."""
        t_s = moment.snapshot.t_s
        _note_failure(track, value, flags)
        beside = track.info.scope == "node"
        if (track.gone and not beside) or (value is LEFT_OUT and not edge):
            return None
        use = track.use(moment, self._logical_cpus)
        if track.gone:  # no flag says "at least": what it showed must not pass for the whole
            return _Drawn(replace(NOTHING, missing_s=moment.elapsed_s), use)
        first = track.booked is None
        if track.model is not None:
            at = Edge(track.model.power_w(use.utilisation) * use.elapsed_s, 0.0)
            energy_j = 0.0 if first else at.energy_j
        elif track.is_read_at(t_s):  # then, or soon enough after a read that failed
            at = track.edge(t_s, exact=edge)
            energy_j = 0.0 if track.booked is None else at.energy_j - track.booked.energy_j
        else:
            if track.tried_s >= t_s:  # it was looked for, and nothing came
                flags.add("gap")
            return _Drawn(replace(NOTHING, missing_s=moment.elapsed_s), use)
        if energy_j < 0.0:  # booked as far as was estimated, and no tick has come since
            energy_j, at = 0.0, replace(at, energy_j=at.energy_j - energy_j)
        missing_s, late_j = (moment.elapsed_s, 0.0) if first else (0.0, 0.0)
        for trouble in track.troubles_up_to(t_s):
            flags.add(trouble.flag)
            missing_s += trouble.missing_s
            late_j += trouble.late_j
        if edge and missing_s == 0.0 and track.stands_still(t_s):
            flags.add("stale")
            missing_s = moment.elapsed_s
        if use.elapsed_s > moment.elapsed_s and not first:
            # The time before this slice was somebody else's.
            late_j += energy_j * (1.0 - moment.elapsed_s / use.elapsed_s)
        noise_j2 = self._noise_j2(track, t_s)
        track.booked, track.booked_s = at, t_s
        track.tree_s, track.others_s = moment.tree_s, moment.others_s
        portion = Portion(
            energy_j, energy_j, energy_j, energy_j, 0.0, 0.0, noise_j2, missing_s
        )  # fmt: skip
        return _Drawn(portion, use, late_j)

    @staticmethod
    def _noise_j2(track: _Track, t_s: float) -> float:
        if track.gauge is None:
            return 0.0
        now_j2 = track.gauge.noise_j2(t_s)
        noise_j2, track.booked_noise_j2 = now_j2 - track.booked_noise_j2, now_j2
        return max(0.0, noise_j2)

    def _attribute(
        self,
        track: _Track,
        drawn: _Drawn,
        attribution: Attribution,
        device_use: DeviceUse | None,
        flags: set[str],
    ) -> Portion:
        """The kernel's part: of a CPU by CPU time, of a device by who uses it, else all."""
        machine_j, use = drawn.portion.machine_j, drawn.use
        shared = device_use is not None and device_use.other_processes > 0
        quiet = use.is_quiet if device_use is None else device_use.is_quiet
        track.baseline.learn(machine_j, use.elapsed_s, quiet=quiet)
        if attribution == "machine" or track.info.scope == "node":
            portion = whole(machine_j)
        elif device_use is not None and shared:
            flags.add("shared")
            portion = device_portion(machine_j, use.elapsed_s, device_use, track.baseline.power)
        elif track.info.component in _WHOLE or track.info.is_own:
            portion = whole(machine_j)
        else:
            portion = kernel_portion(machine_j, use, track.baseline.power, self._reserved)
        late_j = drawn.late_j * portion.kernel_j / machine_j
        return Portion(
            portion.machine_j, portion.kernel_j, max(0.0, portion.low_j - late_j), portion.high_j,
            portion.others_j, portion.u_baseline_j,
            drawn.portion.noise_j2, drawn.portion.missing_s,
        )  # fmt: skip

    def _monotone_tree_s(self, tree_s: float) -> float:
        """CPU time that never falls: a descendant that leaves the tree takes its past along."""
        if tree_s > self._last_tree_s:
            self._tree_base_s += tree_s - self._last_tree_s
        self._last_tree_s = tree_s
        return self._tree_base_s


def _is_failure(value: RawValue) -> bool:
    return isinstance(value, Missing) and value is not LEFT_OUT and value is not ASLEEP


def _note_failure(track: _Track, value: RawValue, flags: set[str]) -> None:
    """Flag a failed read, and the first good one after it, which covers the time between."""
    if value is LEFT_OUT:
        return
    if isinstance(value, Missing) and _is_failure(value):
        track.failing = True
        track.gone = track.gone or value is GONE
        flags.add(value.flag)
    elif track.failing:
        track.failing = False
        flags.add("gap")


_WHOLE: Final = ("gpu", "ane")
"""Components that are not shared by CPU time."""


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What one source drew, with the CPU use of the same time."""

    portion: Portion
    use: CpuUse
    late_j: float = 0.0


def _curves(source: Source) -> tuple[CounterCurve | None, GaugeCurve | None]:
    """The curve of a counter, or of a gauge, each imported where there is one; a model has none."""
    if isinstance(source, PowerModel):
        return None, None
    if isinstance(source, EnergyCounter):
        from greencell.arithmetic import CounterScale
        from greencell.curve import CounterCurve

        scale = CounterScale(source.joules_per_unit, source.range_units, source.max_power_w)
        return CounterCurve(scale, source.info.period_s), None
    from greencell.gauge_curve import GaugeCurve

    return None, GaugeCurve(source.info.period_s, source.info.lag_s)


def _slept(last: Snapshot, now: Snapshot) -> bool:
    return (now.boot_ns - last.boot_ns) - (now.begin_ns - last.begin_ns) > SUSPENDED_NS
