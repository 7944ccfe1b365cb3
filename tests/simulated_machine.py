"""A machine whose every joule is known, in virtual time: what draws power, why, and what shows it.

Power is a schedule, a function of time that is constant between steps. A counter shows the exact
integral as of its last tick, times its gain; a gauge the power as of its last update. The truth of
the kernel's part is a schedule too: its share of the idle power, and what its CPU time drew.
"""

from __future__ import annotations

import bisect
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from greencell.errors import ReadFailed, SourceGone
from greencell.model import SourceInfo
from greencell.testing import FakeClock
from greencell.units import NS_PER_S

PROC_STAT_TICK_S = 0.01


class Schedule:
    """A function of time that is constant between steps, and its integral."""

    def __init__(self, begin_s: float, value: float = 0.0) -> None:
        self._times = [begin_s]
        self._values = [value]
        self._sums = [0.0]

    def step(self, t_s: float, value: float) -> None:
        """Another value from ``t_s`` on, which is not before the last step."""
        if value == self._values[-1]:
            return
        if t_s <= self._times[-1]:
            self._values[-1] = value
            return
        self._sums.append(self._sums[-1] + self._values[-1] * (t_s - self._times[-1]))
        self._times.append(t_s)
        self._values.append(value)

    def value(self, t_s: float) -> float:
        return self._values[self._index(t_s)]

    def integral(self, t_s: float) -> float:
        """From the beginning up to ``t_s``; nothing before the beginning."""
        index = self._index(t_s)
        return self._sums[index] + self._values[index] * max(0.0, t_s - self._times[index])

    def _index(self, t_s: float) -> int:
        return max(0, bisect.bisect_right(self._times, t_s) - 1)


def now_s(clock: FakeClock) -> float:
    return clock.monotonic_ns() / NS_PER_S


@dataclass
class Rhythm:
    """When a sensor updates: regularly, give or take a part of the period."""

    period_s: float
    phase_s: float
    jitter: float = 0.0

    def last_before(self, t_s: float) -> float:
        if self.period_s <= 0:
            return t_s
        number = math.floor((t_s - self.phase_s) / self.period_s)
        for candidate in (number + 1, number, number - 1):
            tick_s = self._tick_s(candidate)
            if tick_s <= t_s:
                return tick_s
        return self._tick_s(number - 2)

    def _tick_s(self, number: int) -> float:
        # A sequence without pattern that needs no memory: multiples of the golden ratio.
        wobble = math.modf(abs(number) * 0.6180339887498949 * 37.0)[0] - 0.5
        return self.phase_s + (number + self.jitter * wobble) * self.period_s


@dataclass
class Hardware:
    """One device: what it draws, the kernel's part of it, and how wrong its sensor is.

    Attributes:
        per_cpu_w: what a busy CPU of ours draws in it; ``cost_ratio`` times that for others'.
        gain: what its sensor shows over what is true.
    """

    idle_w: float
    per_cpu_w: float
    cost_ratio: float
    gain: float
    drawn: Schedule
    kernel: Schedule
    extra_w: float = 0.0


class _Sensor:
    """What all sensors share: time, cost of a read, and faults."""

    def __init__(self, info: SourceInfo, hardware: Hardware, rhythm: Rhythm, clock: FakeClock,
                 read_s: float) -> None:  # fmt: skip
        self.info = info
        self.hardware = hardware
        self.rhythm = rhythm
        self.failing = self.gone = False
        self._clock = clock
        self._read_s = read_s

    def _tick_s(self) -> float:
        """When it was last updated, as of a moment in the middle of the read."""
        self._clock.advance(0.5 * self._read_s)
        tick_s = self.rhythm.last_before(now_s(self._clock))
        self._clock.advance(0.5 * self._read_s)
        if self.gone:
            raise SourceGone("simulated")
        if self.failing:
            raise ReadFailed("simulated")
        return tick_s

    def close(self) -> None:
        """Nothing is held."""


class Counter(_Sensor):
    """A counter in µJ that shows the energy as of its last tick."""

    joules_per_unit = 1e-6
    max_power_w = 1_500.0

    def __init__(self, info: SourceInfo, hardware: Hardware, rhythm: Rhythm, clock: FakeClock,
                 read_s: float, range_units: int | None, start_units: int) -> None:  # fmt: skip
        super().__init__(info, hardware, rhythm, clock, read_s)
        self.range_units = range_units
        self._start_units = start_units
        self._base_j = 0.0
        self.frozen_s: float | None = None

    def _energy_j(self, tick_s: float) -> float:
        frozen_s = math.inf if self.frozen_s is None else self.frozen_s
        return self.hardware.gain * self.hardware.drawn.integral(min(tick_s, frozen_s))

    def reset(self) -> None:
        """It starts again at 0, as after a driver reload."""
        self._base_j = self._energy_j(self.rhythm.last_before(now_s(self._clock)))
        self._start_units = 0

    def read(self) -> int:
        return self._units(self._tick_s())

    def read_now(self) -> int:
        """What it shows, without a read that takes time or fails."""
        return self._units(self.rhythm.last_before(now_s(self._clock)))

    def _units(self, tick_s: float) -> int:
        energy_j = self._energy_j(tick_s) - self._base_j
        units = self._start_units + round(energy_j * 1e6)
        return units if self.range_units is None else units % self.range_units


class Gauge(_Sensor):
    """A power reading, of a moment or averaged over twice its lag."""

    def read_w(self) -> float:
        tick_s = self._tick_s()
        over_s = 2.0 * self.info.lag_s
        if over_s <= 0:
            return self.hardware.gain * self.hardware.drawn.value(tick_s)
        integral = self.hardware.drawn.integral
        return self.hardware.gain * (integral(tick_s) - integral(tick_s - over_s)) / over_s


class Model:
    """A straight line from idle to full power; ``hardware.gain`` is what it is wrong by."""

    def __init__(self, info: SourceInfo, hardware: Hardware, full_w: float) -> None:
        self.info = info
        self.hardware = hardware
        self.idle_w = hardware.idle_w * hardware.gain
        self._full_w = full_w * hardware.gain

    def power_w(self, utilisation: float) -> float:
        return self.idle_w + (self._full_w - self.idle_w) * min(1.0, max(0.0, utilisation))

    def close(self) -> None:
        """Nothing is held."""


@dataclass
class Machine:
    """Devices under one load. Loads are in busy CPUs."""

    clock: FakeClock
    logical_cpus: int
    reserved: float
    devices: list[Hardware] = field(default_factory=list)

    def __post_init__(self) -> None:
        begin_s = now_s(self.clock)
        self.own, self.others = Schedule(begin_s), Schedule(begin_s)
        self.own_cpus = self.other_cpus = 0.0
        self.intensity = 1.0

    def add(self, idle_w: float, per_cpu_w: float, cost_ratio: float, gain: float) -> Hardware:
        begin_s = now_s(self.clock)
        device = Hardware(idle_w, per_cpu_w, cost_ratio, gain, Schedule(begin_s), Schedule(begin_s))
        self.devices.append(device)
        return device

    def load(self) -> None:
        """What was set draws power from now on."""
        t_s = now_s(self.clock)
        self.own.step(t_s, self.own_cpus)
        self.others.step(t_s, self.other_cpus)
        for device in self.devices:
            per_cpu_w = device.per_cpu_w * self.intensity
            own_w = per_cpu_w * self.own_cpus + device.extra_w
            others_w = per_cpu_w * device.cost_ratio * self.other_cpus
            device.drawn.step(t_s, device.idle_w + own_w + others_w)
            reserved = self.reserved if device.per_cpu_w > 0 else 1.0
            device.kernel.step(t_s, reserved * device.idle_w + own_w)


class TreeClock:
    """CPU time of the kernel's processes, exact."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def read_s(self) -> float:
        return self._machine.own.integral(now_s(self._machine.clock))

    def pids(self) -> frozenset[int]:
        return frozenset({1})


class MachineClock:
    """Busy time of the machine in hundredths of a second, as Linux tells it."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.logical_cpus = machine.logical_cpus

    def read_s(self) -> float:
        t_s = now_s(self._machine.clock)
        busy_s = self._machine.own.integral(t_s) + self._machine.others.integral(t_s)
        return math.floor(busy_s / PROC_STAT_TICK_S) * PROC_STAT_TICK_S

    def close(self) -> None:
        """Nothing is held."""


Latency = Callable[[], float]


def thread_latency(rng: random.Random) -> Latency:
    """How late a background thread wakes: some 0.1 ms, now and then a few ms."""

    def latency_s() -> float:
        late_s = 50e-6 + rng.expovariate(1 / 50e-6)
        return late_s + (rng.uniform(0.5e-3, 6e-3) if rng.random() < 0.05 else 0.0)

    return latency_s
