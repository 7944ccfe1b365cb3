"""The magics ``%energy`` and ``%%energy``: parse, repeat a statement in measured legs, show.

Each leg is a measured block of the session inside the running cell, so it is in no sum twice. The
statement is compiled as ``%timeit`` does it: once, into a loop in a function over the user's
namespace, with the loop's two looks at the clock as the leg's edges.
"""

from __future__ import annotations

import ast
import gc
import itertools
import math
import re
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from greencell import repetition
from greencell.clock import Clock, SystemClock
from greencell.edges import Power
from greencell.errors import UsageError
from greencell.extension import Extension
from greencell.model import INCOMPLETE, CellRecord, CellStatus, Component, SourceInfo
from greencell.repetition import Repetition, Stop
from greencell.report import figures
from greencell.report.repetition_text import figure_line, repetition_text
from greencell.report.shape import visible
from greencell.session import Session
from greencell.uncertainty import COVERAGE_FACTOR
from greencell.units import seconds_from_ns

USAGE: Final = "%energy [-n RUNS] [-r LEGS] [--gross] [-o] STATEMENT"
_MOST: Final = 10**9
_IDLE_S: Final = 1.1
"""Two samples a second apart leave at least half of it whole, which a baseline needs."""
_U_IDLE: Final = 0.05
"""Relative standard uncertainty of the power of one idle leg, as of a baseline; judgement."""
_SHORT: Final = 0.5
_WARM_UPS: Final = 3
_SURE: Final = 1.5 * _U_IDLE
_OTHERS_FROM: Final = 0.05
_UNUSABLE: Final = INCOMPLETE | {"suspended"}
_OPTION: Final = re.compile(r"\s*(--gross|--|-o|-[nr])(?:(?<=-[nr])\s*=?\s*(\S*)|(?=\s|$))")
_TEMPLATE: Final = """
def inner(_it, _timer):
    setup
    _t0 = _timer()
    for _i in _it:
        stmt
    _t1 = _timer()
    return _t1 - _t0
"""
Namespace = dict[str, Any]
Timer = Callable[[], int]


class EnergyResult(Repetition):
    """What ``-o`` returns: all figures, and the printed lines as its text."""

    __slots__ = ()

    def __str__(self) -> str:
        return repetition_text(self)

    def __repr__(self) -> str:
        return f"<energy: {figure_line(self)}>"


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


def options_of(line: str) -> tuple[Options, str]:
    """The options at the beginning of a line, and the statement that is left.

    Raises:
        UsageError: an option that there is not, or a bad number.
    """
    given: dict[str, int | bool] = {}
    while found := _OPTION.match(line):
        name, value = found.groups()
        line = line[found.end() :]
        if name == "--":
            break
        if name in ("-n", "-r"):
            given["runs" if name == "-n" else "legs"] = _count(name, value)
        else:
            given["gross" if name == "--gross" else "returns"] = True
    else:
        if line.lstrip().startswith("-"):
            unknown = line.split()[0][:40]
            raise UsageError(
                f"Unknown option {unknown!r}; {USAGE}, with -- before a statement that begins so."
            )
    return Options(**given), line.strip()  # type: ignore[arg-type]  # each of its field's type


def _count(name: str, value: str) -> int:
    if not value.isdecimal() or not 0 < int(value) <= _MOST:
        raise UsageError(f"{name} takes a whole number from 1 on, not {value[:40]!r}.")
    return int(value)


class _Statement:
    """The user's code in a loop.

    Raises:
        SyntaxError: as IPython shows it.
    """

    def __init__(self, shell: Any, setup: str, code: str, namespace: Namespace) -> None:
        __tracebackhide__ = True
        parts = []
        for source in (setup, code):
            tree = shell.transform_ast(shell.compile.ast_parse(shell.transform_cell(source)))
            # What is only valid inside a function or a loop is refused here.
            shell.compile(tree, "<energy>", "exec")
            parts.append(tree.body)
        if not parts[1]:
            raise UsageError(f"Nothing to measure: {USAGE}.")
        template = ast.parse(_TEMPLATE)
        function: Any = template.body[0]
        function.body[2].body = parts[1]
        function.body[:1] = parts[0] or [ast.Pass()]
        found: Namespace = {}
        compiled = shell.compile(ast.fix_missing_locations(template), "<energy>", "exec")
        exec(compiled, namespace, found)  # noqa: S102  # the user's own code
        self._inner: Callable[[Any, Timer], int] = found["inner"]

    def run(self, runs: int, timer: Timer) -> float:
        """So many runs without garbage collection; their duration in s."""
        __tracebackhide__ = True
        collecting = gc.isenabled()
        gc.disable()
        try:
            return seconds_from_ns(self._inner(itertools.repeat(None, runs), timer))
        finally:
            if collecting:
                gc.enable()


class _Leg:
    """A measured block: as the loop's timer, it begins at the first look and ends at the second."""

    def __init__(self, session: Session, clock: Clock, outer: str | None) -> None:
        self._session = session
        self._clock = clock
        self._opening = session.open_run(None, outer, is_cell=False)
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
        return self._session.finished(self._opening.run)


@dataclass(slots=True)
class _Idle:
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


class EnergyMagic:
    """``%energy`` over one extension.

    Args:
        sleep: lets so many seconds pass.
    """

    def __init__(
        self,
        extension: Extension,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._extension = extension
        self._session = extension.session
        self._clock = clock or SystemClock()
        self._sleep = sleep

    def run(self, line: str, cell: str | None, local_ns: Namespace | None) -> EnergyResult | None:
        """Measure and print; the result only if asked for. A user's mistake prints one line."""
        __tracebackhide__ = True
        try:
            options, code = options_of(line)
            if self._session.paused:
                raise UsageError(
                    "Nothing is measured while paused; %greencell resume counts again."
                )
            setup, code = ("pass", code) if cell is None else (code or "pass", cell)
            shell = self._extension.shell
            namespace = _namespace(shell.user_ns, local_ns if cell is None else None)
            statement = _Statement(shell, setup, code, namespace)
        except UsageError as error:
            print(f"greencell: {visible(str(error))}")
            return None
        result = self._repeat(statement, options)
        print(result or "greencell: no leg without missing readings; %greencell status tells more")
        return result if options.returns else None

    def _repeat(self, statement: _Statement, options: Options) -> EnergyResult | None:
        """The result; ``None`` if no leg was read as a whole."""
        __tracebackhide__ = True
        begin_ns = self._clock.monotonic_ns()
        statement.run(1, self._clock.monotonic_ns)  # imports, compiles, fills caches
        idle = _Idle({}) if options.gross else self._idle()
        infos = [info for info, _ in self._session.idle()]
        target_s = repetition.leg_s([_period_s(i) for i in infos if i.provenance == "measured"])
        runs = options.runs or repetition.enough_runs(
            lambda count: statement.run(count, self._clock.monotonic_ns), target_s
        )
        series = _Series(options, runs, target_s, idle, self._since_s(begin_ns))
        while series.stop is None:
            leg = self._new_leg()
            with _ended(leg):
                statement.run(series.runs, leg)
            series.add(leg.record(), self._since_s(begin_ns))
        return series.result(infos, self._since_s(begin_ns))

    def _idle(self) -> _Idle:
        """Idle power as measured before, else over a second in which nothing is done.

        Seconds that a slow counter cuts at its ticks scatter; a leg knows its edges better.
        """
        __tracebackhide__ = True
        known, record = self._session.idle(), None
        if not all(_is_sure(power) for _, power in known):
            leg = self._new_leg()
            with _ended(leg):
                leg()
                self._sleep(_IDLE_S)
                leg()
            record, known = leg.record(), self._session.idle()
        return _idle(known, record)

    def _new_leg(self) -> _Leg:
        return _Leg(self._session, self._clock, self._extension.hooks.outermost_run)

    def _since_s(self, begin_ns: int) -> float:
        return seconds_from_ns(self._clock.monotonic_ns() - begin_ns)


class _Series:
    """The legs so far, and whether there are enough.

    Attributes:
        runs: runs in the next leg.
        stop: why there are no more; ``None`` if there are.
    """

    def __init__(
        self, options: Options, runs: int, target_s: float, idle: _Idle, elapsed_s: float
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
        if len(self._records) < repetition.ENOUGH_LEGS:
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
        interval = repetition.median_interval(legs_j)
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
        )

    def _notes(self, infos: Sequence[SourceInfo], leg_s: float) -> Iterator[str]:
        slowest_s = max((_period_s(i) for i in infos if i.provenance == "measured"), default=0.0)
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


@contextmanager
def _ended(leg: _Leg) -> Iterator[None]:
    """A leg that ends with what is done in it, however that ends."""
    __tracebackhide__ = True
    status: CellStatus = "interrupted"
    try:
        yield
        status = "ok"
    finally:
        leg.end(status)


def _namespace(user_ns: Namespace, local_ns: Namespace | None) -> Namespace:
    """The user's own namespace; of a function that calls the magic, with its variables."""
    if local_ns is None or local_ns is user_ns:
        return user_ns
    return {**user_ns, **local_ns}


def _idle(known: Sequence[tuple[SourceInfo, Power | None]], record: CellRecord | None) -> _Idle:
    """Idle power by component: of each source, else what an idle leg was charged with."""
    idle: dict[Component, Power] = {}
    for component in dict.fromkeys(info.component for info, _ in known):
        powers = [power for info, power in known if info.component == component]
        seen = [power for power in powers if power is not None]
        if record is not None and not all(_is_sure(power) for power in powers):
            mean_w = record.by_component_j.get(component, 0.0) / (record.duration_s or 1.0)
            idle[component] = Power(mean_w, _U_IDLE * mean_w)
        else:
            mean_w = sum(power.mean_w for power in seen)
            idle[component] = Power(mean_w, math.hypot(*(power.u_w for power in seen)))
    return _Idle(idle)


def _is_sure(power: Power | None) -> bool:
    return power is not None and power.u_w <= _SURE * power.mean_w


def _period_s(info: SourceInfo) -> float:
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
