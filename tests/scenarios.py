"""Random sessions on a machine of known truth, to see whether stated intervals hold it.

``simulate(seed)`` runs one session in virtual time and returns what was stated beside what is
true. The background thread is imitated: its beat is called when it asks to be, a little late.
Everything follows from the seed.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from simulated_machine import (
    Counter,
    Gauge,
    Hardware,
    Latency,
    Machine,
    MachineClock,
    Model,
    Rhythm,
    TreeClock,
    now_s,
    thread_latency,
)

from greencell.meter import Meter
from greencell.model import INCOMPLETE, Attribution, CellRecord, Interval, SourceInfo, Totals
from greencell.running_session import Equipment, Session
from greencell.testing import FakeClock
from tests_support import CARBON, HOST, StillThread

Kind = Literal["clean", "neighbours", "faults", "gil", "model"]
KINDS: Final[tuple[Kind, ...]] = ("clean", "neighbours", "faults", "gil", "model")
_WEIGHTS: Final = (30, 25, 20, 15, 10)
_PACKAGE_GAIN, _DRAM_GAIN, _GPU_GAIN = 0.03, 0.10, 0.05
_MODEL_FACTOR: Final = 2.0
"""A model's truth is within this factor with 95 %, log-normal."""
_RANGE_UJ: Final = 262_143_328_850
_RELATIVE: Final = 1e-9
_LONG_S: Final = 1.0


@dataclass(frozen=True)
class Stated:
    """A figure beside the truth.

    Attributes:
        is_bound: it is flagged as lacking something.
        gain_half_width: what its relative half width would be if all but the gain of the sensors
            were known exactly.
    """

    kind: Kind
    duration_s: float
    interval_j: Interval
    true_j: float
    is_bound: bool
    flags: tuple[str, ...] = ()
    measured: bool = True
    gain_half_width: float = 0.0

    @property
    def covered(self) -> bool:
        # The last bit of a sum is not what is tested.
        slack_j = 1e-9 * max(1.0, self.true_j)
        return self.interval_j.low - slack_j <= self.true_j <= self.interval_j.high + slack_j

    @property
    def half_width(self) -> float:
        width_j = self.interval_j.high - self.interval_j.low
        return 0.5 * width_j / self.interval_j.value if self.interval_j.value > 0 else math.inf


@dataclass(frozen=True)
class Outcome:
    """One session. ``violations`` are sums that do not hold."""

    seed: int
    kind: Kind
    cells: tuple[Stated, ...]
    unknown: int
    session: Stated
    violations: tuple[str, ...]


class Driver:
    """Moves the clock and calls the session's beat when it is due."""

    def __init__(self, session: Session, clock: FakeClock, latency_s: Latency) -> None:
        self._session = session
        self._clock = clock
        self._latency_s = latency_s
        self._thread = StillThread()
        session._sampler = self._thread  # type: ignore[assignment]
        self._due_s = now_s(clock)
        self.held = False

    def run_until(self, t_s: float) -> None:
        """Let time pass; where the interpreter is held, the thread does not come to run."""
        while not self.held:
            if self._thread.woken:
                self._thread.woken = False
                self._due_s = min(self._due_s, now_s(self._clock) + self._latency_s())
            if self._due_s >= t_s:
                break
            self._move_to(self._due_s)
            due_s = self._session._beat()
            self._due_s = now_s(self._clock) + due_s + self._latency_s()
        self._move_to(t_s)

    def _move_to(self, t_s: float) -> None:
        if t_s > now_s(self._clock):
            self._clock.advance(t_s - now_s(self._clock))


class Scenario:
    """One random session: its machine, its cells, its mishaps."""

    def __init__(self, seed: int, kind: Kind | None = None) -> None:
        self.seed = seed
        self.rng = rng = random.Random(seed)
        self.kind: Kind = kind or rng.choices(KINDS, _WEIGHTS)[0]
        self.clock = FakeClock()
        self.clock.advance(rng.random())
        reserved = rng.choice((1.0, 1.0, 1.0, 0.5)) if self.kind != "clean" else 1.0
        self.machine = Machine(self.clock, rng.choice((4, 8, 32)), reserved)
        self.counters: list[Counter] = []
        self.gpus: list[Counter | Gauge] = []
        self.models: list[Model] = []
        self._build()
        self.machine.other_cpus = self._os_noise()
        self.machine.load()
        machine = self.machine
        meter = Meter(
            [*self.counters, *self.gpus, *self.models],
            TreeClock(machine), MachineClock(machine), self.clock, machine.reserved,
        )  # fmt: skip
        attribution: Attribution = (
            "machine" if self.kind in ("clean", "gil") and rng.random() < 0.2 else "kernel"
        )
        self.attribution = attribution
        equipment = Equipment(meter, HOST, (), CARBON, attribution, 1.0)
        self.session = Session(equipment, self.clock)
        self.begin_s = now_s(self.clock)
        self._first_raw = [counter.read() for counter in self.counters]
        self.driver = Driver(self.session, self.clock, thread_latency(random.Random(-seed - 1)))
        self._repairs: list[tuple[float, Counter]] = []

    # -- hardware --------------------------------------------------------------------------------

    def _build(self) -> None:
        rng = self.rng
        cost_ratio = 2.0 ** rng.uniform(-1.0, 1.0)
        memory_ratio = 2.0 ** rng.uniform(-1.0, 1.0)
        per_cpu_w = rng.uniform(1.5, 9.0)
        if self.kind == "model":
            self._add_models(per_cpu_w, cost_ratio)
            return
        for socket in range(rng.choice((1, 1, 2))):
            # Where a machine has two, each holds half of the running threads.
            self._add_counter(f"package-{socket}", "cpu", _PACKAGE_GAIN, rng.uniform(5, 60),
                              per_cpu_w, cost_ratio)  # fmt: skip
            if rng.random() < 0.8:
                self._add_counter(f"dram-{socket}", "dram", _DRAM_GAIN, rng.uniform(1, 10),
                                  rng.uniform(0.05, 0.6), memory_ratio)  # fmt: skip
        chance = rng.random()
        if chance < 0.35:
            self._add_gpu_counter()
        elif chance < 0.5:
            self._add_gauge()

    def _rhythm(self, period_s: float) -> Rhythm:
        jitter = self.rng.choice((0.0, 0.0, 0.0, 0.01, 0.05))
        return Rhythm(period_s, self.rng.random() * period_s, jitter)

    def _gain(self, relative_error: float) -> float:
        return max(0.1, self.rng.gauss(1.0, relative_error))

    def _add_counter(self, name: str, component: str, relative_error: float, idle_w: float,
                     per_cpu_w: float, cost_ratio: float) -> None:  # fmt: skip
        rng = self.rng
        device = self.machine.add(idle_w, per_cpu_w, cost_ratio, self._gain(relative_error))
        info = SourceInfo(f"rapl:{name}", component, "counter", "measured", 0.001, 61e-6,
                          relative_error)  # fmt: skip
        start = rng.randrange(_RANGE_UJ // 2, _RANGE_UJ)
        if self.kind == "faults" and rng.random() < 0.5:
            start = _RANGE_UJ - rng.randrange(2_000_000_000)  # it wraps within the session
        rhythm = self._rhythm(rng.gauss(0.001, 10e-6))
        self.counters.append(
            Counter(info, device, rhythm, self.clock, rng.uniform(1e-6, 8e-6), _RANGE_UJ, start)
        )

    def _gpu(self) -> None:
        self.machine.add(self.rng.uniform(8, 90), 0.0, 1.0, self._gain(_GPU_GAIN))

    def _add_gpu_counter(self) -> None:
        self._gpu()
        rng = self.rng
        # The documentation says 0.1 s; by device it is 20 to 100 ms.
        info = SourceInfo("nvml:0", "gpu", "counter", "measured", 0.1, 1e-3, _GPU_GAIN)
        rhythm = self._rhythm(rng.choice((0.02, 0.05, 0.1, rng.uniform(0.02, 0.1))))
        read_s = rng.choice((20e-6, 100e-6, 400e-6, 3e-3))
        self.gpus.append(
            Counter(info, self.machine.devices[-1], rhythm, self.clock, read_s, None, 12_345)
        )

    def _add_gauge(self) -> None:
        self._gpu()
        rng = self.rng
        lag_s = rng.choice((0.0, 0.5))
        info = SourceInfo("nvml:0", "gpu", "gauge", "measured", 0.1, 0.0, _GPU_GAIN, lag_s=lag_s)
        rhythm = self._rhythm(0.1 if lag_s else 0.02)
        self.gpus.append(
            Gauge(info, self.machine.devices[-1], rhythm, self.clock, rng.choice((20e-6, 200e-6)))
        )

    def _add_models(self, per_cpu_w: float, cost_ratio: float) -> None:
        for name, component, idle_w, cpu_w in (
            ("model:tdp", "cpu", self.rng.uniform(3, 20), per_cpu_w),
            ("model:ram", "dram", self.rng.uniform(1, 20), 0.0),
        ):
            wrong = math.exp(self.rng.gauss(0.0, 0.5 * math.log(_MODEL_FACTOR)))
            device = self.machine.add(idle_w, max(cpu_w, 1e-9), cost_ratio, wrong)
            info = SourceInfo(name, component, "model", "estimated", 0.01, 0.0, 0.75,
                              1 / _MODEL_FACTOR, _MODEL_FACTOR)  # fmt: skip
            full_w = idle_w + cpu_w * self.machine.logical_cpus
            self.models.append(Model(info, device, full_w))

    # -- what happens ----------------------------------------------------------------------------

    def _os_noise(self) -> float:
        return self.rng.choice((0.0, 0.005, 0.02))

    def run(self) -> Outcome:
        rng = self.rng
        self._pause(rng.uniform(0.3, 12.0))
        stated: list[tuple[float, float, str]] = []
        for _ in range(rng.randint(3, 8)):
            stated.append(self._cell(math.exp(rng.uniform(math.log(5e-3), math.log(20.0)))))
            gap = rng.choice(((1e-3, 1e-2), (0.05, 1.0), (1.0, 8.0)))
            self._pause(rng.uniform(*gap))
        self._pause(rng.uniform(0.2, 2.0))
        self._mend(math.inf)
        self.session.close()
        return self._outcome(stated)

    def _pause(self, seconds: float) -> None:
        """Time without a cell: the kernel idles, others go on."""
        self.machine.own_cpus = self.rng.choice((0.0, 0.0, 0.01))
        self._neighbours()
        self._let_pass(seconds, cell=False)

    def _cell(self, seconds: float) -> tuple[float, float, str]:
        rng, session = self.rng, self.session
        cpus = self.machine.logical_cpus
        opening = session.open_run("c")
        session.begin(opening)
        begin_s = now_s(self.clock)
        self._base_cpus = rng.choice((0.1, 1.0, 1.0, rng.uniform(1.0, 0.6 * cpus)))
        self._gpu_w = rng.choice((0.0, rng.uniform(20, 500)))
        self.driver.held = self.kind == "gil"
        self._let_pass(seconds, cell=True)
        self.driver.held = False
        end_s = now_s(self.clock)
        self._idle_again()
        session.end(opening.run, session.take(), "ok", 1)
        session.wake()  # as the hook does
        return begin_s, end_s, opening.run

    def _idle_again(self) -> None:
        self.machine.own_cpus, self.machine.intensity = 0.0, 1.0
        for gpu in self.gpus:
            gpu.hardware.extra_w = 0.0
        self.machine.load()

    def _neighbours(self) -> None:
        if self.kind in ("neighbours", "model") and self.rng.random() < 0.6:
            free = self.machine.logical_cpus
            self.machine.other_cpus = self.rng.choice((0.0, self.rng.uniform(0.05, 0.5 * free)))

    def _let_pass(self, seconds: float, *, cell: bool) -> None:
        """Some steps of power, and in bad luck a fault."""
        rng = self.rng
        end_s = now_s(self.clock) + seconds
        steps = rng.choice((0, 0, 1, 3, 8)) if cell else 0
        times = sorted(rng.uniform(now_s(self.clock), end_s) for _ in range(steps))
        for t_s in (now_s(self.clock), *times):
            self._advance(t_s)
            if cell:
                self._draw(vary=bool(times))
            self.machine.load()
            if self.kind == "faults" and rng.random() < 0.15:
                self._mishap()
        self._advance(end_s)

    def _draw(self, *, vary: bool) -> None:
        rng = self.rng
        factor = rng.uniform(0.3, 1.6) if vary else 1.0
        self.machine.own_cpus = min(0.6 * self.machine.logical_cpus, self._base_cpus * factor)
        self.machine.intensity = rng.uniform(0.8, 1.25) if vary else 1.0
        for gpu in self.gpus:
            gpu.hardware.extra_w = self._gpu_w * (rng.uniform(0.3, 1.6) if vary else 1.0)

    def _mishap(self) -> None:
        sensors = [*self.counters, *(gpu for gpu in self.gpus if isinstance(gpu, Counter))]
        counter = self.rng.choice(sensors)
        what = self.rng.choice(("reset", "lost reads", "lost reads", "stale"))
        mended_s = now_s(self.clock) + self.rng.uniform(0.01, 4.0)
        if what == "reset":
            # Just below its range nobody can tell a reset from a wrap; such luck is rare.
            if counter.range_units is None or counter.read_now() < 0.9 * counter.range_units:
                counter.reset()
        elif what == "lost reads":
            counter.failing = True
            self._repairs.append((mended_s, counter))
        elif counter.frozen_s is None:
            counter.frozen_s = now_s(self.clock)
            self._repairs.append((mended_s, counter))

    def _advance(self, t_s: float) -> None:
        for mended_s, _ in sorted(self._repairs, key=lambda item: item[0]):
            if mended_s <= t_s:
                self.driver.run_until(mended_s)
                self._mend(mended_s)
        self.driver.run_until(t_s)

    def _mend(self, t_s: float) -> None:
        for mended_s, counter in self._repairs:
            if mended_s <= t_s:
                counter.failing, counter.frozen_s = False, None
        self._repairs = [item for item in self._repairs if item[0] > t_s]

    # -- what came of it -------------------------------------------------------------------------

    def true_j(self, begin_s: float, end_s: float) -> float:
        return sum(self._true_j(device, begin_s, end_s) for device in self.machine.devices)

    def _true_j(self, device: Hardware, begin_s: float, end_s: float) -> float:
        curve = device.kernel if self.attribution == "kernel" else device.drawn
        return curve.integral(end_s) - curve.integral(begin_s)

    def _outcome(self, cells: list[tuple[float, float, str]]) -> Outcome:
        view = self.session.view(live=False)
        records = {record.run: record for record in view.cells}
        stated, unknown = [], 0
        for begin_s, end_s, run in cells:
            record = records[run]
            if record.energy_j is None:
                unknown += 1
            else:
                stated.append(self._stated(record, begin_s, end_s))
        total = Stated(
            self.kind, view.duration_s, view.totals.energy_j,
            self.true_j(self.begin_s, now_s(self.clock)), bool(view.totals.flags),
            view.totals.flags, view.totals.provenance == "measured",
        )  # fmt: skip
        violations = (*self._sum_violations(view.cells, view.totals), *self._counter_violations())
        return Outcome(self.seed, self.kind, tuple(stated), unknown, total, violations)

    def _stated(self, record: CellRecord, begin_s: float, end_s: float) -> Stated:
        assert record.energy_j is not None
        true_j = self.true_j(begin_s, end_s)
        return Stated(
            self.kind, record.duration_s, record.energy_j, true_j,
            bool(INCOMPLETE & set(record.flags)), record.flags, record.provenance == "measured",
            self._gain_half_width(begin_s, end_s),
        )  # fmt: skip

    def _gain_half_width(self, begin_s: float, end_s: float) -> float:
        sources = [*self.counters, *self.gpus, *self.models]
        parts_j = [self._true_j(source.hardware, begin_s, end_s) for source in sources]
        wrong_j = math.hypot(
            *(s.info.relative_error * j for s, j in zip(sources, parts_j, strict=True))
        )
        return 2.0 * wrong_j / sum(parts_j)

    def _sum_violations(self, cells: tuple[CellRecord, ...], totals: Totals) -> list[str]:
        found = []
        cells_j = math.fsum(c.energy_j.value for c in cells if c.energy_j is not None)
        if not _same(cells_j + totals.between_cells_energy_j, totals.energy_j.value):
            found.append("cells + gaps = session")
        for item in (*cells, totals):
            if item.energy_j is None or item.machine_energy_j is None:
                continue
            parts_j = (
                item.energy_j.value + (item.others_energy_j or 0.0) + (item.idle_energy_j or 0.0)
            )
            if not _same(parts_j, item.machine_energy_j):
                found.append("attributed + others + idle = machine")
        return found

    def _counter_violations(self) -> list[str]:
        """Where all sources are counters without faults: the session is their difference."""
        if self.kind in ("model", "faults") or any(isinstance(g, Gauge) for g in self.gpus):
            return []
        tracks = self.session._books.booking._tracks
        shown_j = 0.0
        for track in tracks:
            curve = track.curve
            assert curve is not None
            shown_j += curve._energy_j  # type: ignore[union-attr]
        machine_j = self.session.view(live=False).totals.machine_energy_j
        return [] if _same(machine_j, shown_j) else ["session = counters' difference"]


def _same(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=_RELATIVE, abs_tol=1e-9)


def simulate(seed: int, kind: Kind | None = None) -> Outcome:
    """One random session and what came of it."""
    return Scenario(seed, kind).run()


def summarise(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Shares of cells and sessions whose interval holds the truth, widths, and broken sums."""
    kinds = {kind: _of_kind([o for o in outcomes if o.kind == kind]) for kind in KINDS}
    cells = [cell for outcome in outcomes for cell in outcome.cells]
    bounds = [cell for cell in cells if cell.is_bound]
    long = [c for c in cells if c.measured and not c.is_bound and c.duration_s >= _LONG_S]
    return {
        "kinds": {**kinds, "all": _of_kind(outcomes)},
        "bounds": {"cells": len(bounds), "covered": _covered(bounds)},
        "gain_half_width": statistics.median(cell.gain_half_width for cell in long),
        "median_half_width": statistics.median(cell.half_width for cell in long),
        "half_widths": {
            kind: statistics.median(widths)
            for kind in KINDS
            if (widths := [cell.half_width for cell in long if cell.kind == kind])
        },
        "unknown_cells": sum(outcome.unknown for outcome in outcomes),
        "violations": sum(len(outcome.violations) for outcome in outcomes),
    }


def _of_kind(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    cells = [c for outcome in outcomes for c in outcome.cells if not c.is_bound]
    return {
        "cells": len(cells),
        "covered": _covered(cells),
        "sessions": len(outcomes),
        "sessions_covered": _covered([outcome.session for outcome in outcomes]),
    }


def _covered(figures: Sequence[Stated]) -> float | None:
    return sum(figure.covered for figure in figures) / len(figures) if figures else None
