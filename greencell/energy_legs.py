"""Legs: blocks of many runs of a statement, measured one by one until there are enough."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from greencell import repetition
from greencell.clock import Clock
from greencell.edges import Power
from greencell.model import INCOMPLETE, CellRecord, CellStatus, Component, Interval, SourceInfo
from greencell.repetition import Repetition, Stop
from greencell.report import figures
from greencell.report.repetition_text import figure_line, repetition_text
from greencell.report.terminal import printable
from greencell.running_session import Session
from greencell.uncertainty import COVERAGE_FACTOR

_U_IDLE: Final = 0.05
"""Relative standard uncertainty of the power of one idle leg, as of a baseline; judgement."""
_SHORT: Final = 0.5
_WARM_UPS: Final = 3
_SURE: Final = 1.5 * _U_IDLE
_OTHERS_FROM: Final = 0.05
_UNUSABLE: Final = INCOMPLETE | {"suspended"}


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for; ``None`` means: found out.

    Attributes:
        runs: runs of the statement in a leg.
    """

    runs: int | None = None
    legs: int | None = None
    gross: bool = False
    returns: bool = False


class EnergyResult(Repetition):
    """What ``-o`` returns: all figures, and the printed lines as its text."""

    __slots__ = ()

    def __str__(self) -> str:
        return repetition_text(self)

    def __repr__(self) -> str:
        return printable(f"<energy: {figure_line(self)}>")


class Leg:
    """A measured block: as the loop's timer, it begins at the first look and ends at the second."""

    def __init__(self, session: Session, clock: Clock, outer: str | None) -> None:
        self._session = session
        self._clock = clock
        self._opening = session.open_run(None, outer, is_cell=False)
        self._claim = session.claims.open(self._opening.run)
        self._open = False

    def __call__(self) -> int:
        if self._open:
            now_ns = self._clock.monotonic_ns()
            self.end("ok")
            return now_ns
        self._open = True
        self._session.begin(self._opening)
        return self._clock.monotonic_ns()

    def end(self, status: CellStatus) -> None:
        """The block is over, if it is not yet."""
        if self._open:
            self._open = False
            self._session.end(self._opening.run, self._session.take(), status, None)

    def record(self) -> CellRecord | None:
        """What it cost; waits for slow counters."""
        return self._session.finished(self._claim)


@contextmanager
def ended(leg: Leg) -> Iterator[None]:
    """A leg that ends with what is done in it, however that ends."""
    __tracebackhide__ = True
    status: CellStatus = "interrupted"
    try:
        yield
        status = "ok"
    finally:
        leg.end(status)


@dataclass(slots=True)
class Idle:
    """Idle power by component, with its standard uncertainty."""

    power: dict[Component, Power]

    @property
    def mean_w(self) -> float:
        """Of all components together."""
        return sum(power.mean_w for power in self.power.values())

    @property
    def u_w(self) -> float:
        """Standard uncertainty of the sum."""
        return math.hypot(*(power.u_w for power in self.power.values()))


class Series:
    """The legs so far, and whether there are enough.

    Attributes:
        runs: runs in the next leg.
        stop: why there are no more; ``None`` if there are.
    """

    def __init__(
        self, options: Options, runs: int, target_s: float, idle: Idle, elapsed_s: float
    ) -> None:
        self.runs = runs
        self.stop: Stop | None = None
        self._options = options
        self._target_s = target_s
        self._idle = idle
        self._records: list[CellRecord] = []
        self._tried = self._incomplete = 0
        self._check_at = repetition.USUAL_LEGS
        self._elapsed_s = elapsed_s
        self._warm_ups = 0

    def add(self, record: CellRecord | None, elapsed_s: float) -> None:
        """Take in a leg."""
        leg_s, self._elapsed_s = elapsed_s - self._elapsed_s, elapsed_s
        is_late = elapsed_s + leg_s > repetition.BUDGET_S and self._options.legs is None
        if record is not None and not is_late and self._became_faster(record.duration_s):
            self._tried = self._incomplete = 0
            self._records.clear()
            self.runs = repetition.scaled_runs(self.runs, record.duration_s, self._target_s)
            return
        self._tried += 1
        if record is None or record.energy_j is None or not _UNUSABLE.isdisjoint(record.flags):
            self._incomplete += 1
        else:
            self._records.append(record)
        self.stop = self._reason(is_late=is_late)

    def _became_faster(self, duration_s: float) -> bool:
        """Whether all so far was warm-up: the statement is faster than when it was calibrated."""
        if self._options.runs is not None or self._warm_ups >= _WARM_UPS:
            return False
        is_short = repetition.is_short(duration_s, self._target_s)
        self._warm_ups += is_short
        return is_short

    def _reason(self, *, is_late: bool) -> Stop | None:
        if self._options.legs is not None:
            return "asked" if self._tried >= self._options.legs else None
        legs = len(self._records)
        if is_late:
            return "precise" if self._is_precise() else "time"
        if legs >= self._check_at:
            self._check_at = repetition.next_check(legs)
            if self._is_precise():
                return "precise"
        return "legs" if self._tried >= repetition.MOST_LEGS else None

    def _is_precise(self) -> bool:
        measured_s = sum(record.duration_s for record in self._records)
        if len(self._records) < repetition.USUAL_LEGS or measured_s < repetition.LEAST_S:
            return False
        values = [self._net_j(record) for record in self._records]
        return repetition.is_precise(values, self._idle.u_w * self._records[-1].duration_s)

    def _net_j(self, record: CellRecord) -> float:
        """A leg's energy above idle; below 0 where there is none, which the median needs."""
        assert record.energy_j is not None  # for the type checker
        return record.energy_j.value - self._idle.mean_w * record.duration_s

    def result(self, infos: Sequence[SourceInfo], elapsed_s: float) -> EnergyResult | None:
        """What the legs tell; ``None`` if there is none."""
        records, runs = self._records, self.runs
        if not records or self.stop is None:
            return None
        legs_j = tuple(self._net_j(record) / runs for record in records)
        drifts = repetition.is_drifting(legs_j)
        interval = repetition.median_interval(legs_j)
        if drifts:
            interval = Interval(min(legs_j), interval.value, max(legs_j))
        duration_s = statistics.median(record.duration_s for record in records)
        energies = [record.energy_j for record in records if record.energy_j is not None]
        seen = [info for info in infos if info.component in records[-1].by_component_j]
        return EnergyResult(
            energy_j=interval.value,
            low_j=interval.low,
            high_j=interval.high,
            gross_j=statistics.median(energy.value for energy in energies) / runs,
            duration_s=duration_s / runs,
            legs=len(records),
            runs=runs,
            idle_w=None if self._options.gross else self._idle.mean_w,
            u_idle_j=self._idle.u_w * duration_s / runs,
            gain=_gain(seen, records[-1].by_component_j),
            low_factor=statistics.median(_factor(e.low, e.value) for e in energies),
            high_factor=statistics.median(_factor(e.high, e.value) for e in energies),
            provenance=records[-1].provenance,
            measured=_names(info.id for info in seen if info.provenance == "measured"),
            estimated=_names(info.component for info in seen if info.provenance == "estimated"),
            stop=self.stop,
            elapsed_s=elapsed_s,
            notes=tuple(self._notes(seen, duration_s)),
            legs_j=legs_j,
            drifts=drifts,
        )

    def _notes(self, infos: Sequence[SourceInfo], leg_s: float) -> Iterator[str]:
        slowest_s = max((period_s(i) for i in infos if i.provenance == "measured"), default=0.0)
        if leg_s < _SHORT * repetition.PERIODS_PER_LEG * slowest_s:
            yield (
                f"a leg lasts {figures.duration(leg_s)}, which is short for a meter that updates "
                f"every {figures.duration(slowest_s)}"
            )
        if self._incomplete:
            legs = "leg" if self._incomplete == 1 else "legs"
            yield f"{self._incomplete} {legs} with missing readings left out"
        machine_j = sum(record.machine_energy_j or 0.0 for record in self._records)
        others_j = sum(record.others_energy_j or 0.0 for record in self._records)
        if others_j > _OTHERS_FROM * machine_j:
            percent = round(100 * others_j / machine_j)
            yield (
                f"other processes caused {percent}{figures.NARROW_SPACE}% of the machine's energy "
                "meanwhile, and how it is shared is uncertain"
            )


def idle_power(known: Sequence[tuple[SourceInfo, Power | None]], record: CellRecord | None) -> Idle:
    """Idle power by component: of each source, else what an idle leg was charged with."""
    idle: dict[Component, Power] = {}
    for component in dict.fromkeys(info.component for info, _ in known):
        powers = [power for info, power in known if info.component == component]
        seen = [power for power in powers if power is not None]
        if record is not None and not all(is_sure(power) for power in powers):
            mean_w = record.by_component_j.get(component, 0.0) / (record.duration_s or 1.0)
            idle[component] = Power(mean_w, _U_IDLE * mean_w)
        else:
            mean_w = sum(power.mean_w for power in seen)
            idle[component] = Power(mean_w, math.hypot(*(power.u_w for power in seen)))
    return Idle(idle)


def is_sure(power: Power | None) -> bool:
    """Whether idle power is known well enough to be subtracted."""
    return power is not None and power.u_w <= _SURE * power.mean_w


def period_s(info: SourceInfo) -> float:
    """How long a meter takes to show a change."""
    return max(info.period_s, 2.0 * info.lag_s)


def _gain(infos: Sequence[SourceInfo], by_component_j: Mapping[Component, float]) -> float:
    """About 95 % uncertainty of the sum from the meters' gains, relative."""
    errors: dict[Component, float] = {}
    for info in infos:
        if info.kind != "model":
            errors[info.component] = max(errors.get(info.component, 0.0), info.relative_error)
    total_j = sum(by_component_j.values())
    error_j = math.hypot(*(error * by_component_j[name] for name, error in errors.items()))
    return COVERAGE_FACTOR * error_j / total_j if total_j > 0 else 0.0


def _factor(end_j: float, value_j: float) -> float:
    return end_j / value_j if value_j > 0 else 1.0


def _names(names: Iterable[str]) -> tuple[str, ...]:
    """What comes before the colon, each once."""
    return tuple(dict.fromkeys(name.partition(":")[0] for name in names))
