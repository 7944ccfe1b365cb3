"""Power readings against loads that change faster than they come, or in step with them."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from greencell.gauge_curve import GaugeCurve
from greencell.meter import LEFT_OUT, Meter
from greencell.running_session import GAUGE_INTERVAL_S, GAUGE_JITTER
from greencell.testing import FakeClock, FakeGauge, FakeMachineClock, FakeTreeClock

IDLE_W, LOW_W, HIGH_W = 60.0, 60.0, 300.0
STEP_S = 0.001
Load = Callable[[float], float]


def in_step(period_s: float) -> Load:
    """Half of each period busy."""
    return lambda t_s: HIGH_W if t_s % period_s < 0.5 * period_s else LOW_W


def bursts(generator: random.Random) -> Load:
    """Levels that last 20 to 200 ms."""
    ends: list[tuple[float, float]] = [(0.0, LOW_W)]

    def power_w(t_s: float) -> float:
        while ends[-1][0] <= t_s:
            level_w = generator.choice((LOW_W, 150.0, HIGH_W))
            ends.append((ends[-1][0] + generator.uniform(0.02, 0.2), level_w))
        return next(level_w for end_s, level_w in reversed(ends[-3:]) if end_s > t_s)

    return power_w


def cells(
    load: Load, lengths_s: tuple[float, float], count: int, seed: int
) -> Iterator[tuple[float, float, float]]:
    """Truth, figure and standard uncertainty in J of cells with idle time in between.

    The sensor is read at each edge and, at irregular times, as the session reads it.
    """
    generator = random.Random(seed)
    curve = GaugeCurve(0.1, 0.0)
    t_s = used_j = next_s = 0.0
    begun: tuple[float, float] | None = None
    edge_s = generator.uniform(0.5, 2.0)
    ended: list[tuple[float, float, float]] = []
    while count:
        power_w = load(t_s) if begun else IDLE_W
        if t_s >= edge_s:
            curve.observe(t_s, power_w)
            curve.mark(t_s)
            if begun is None:
                begun, edge_s = (t_s, used_j), t_s + generator.uniform(*lengths_s)
            else:
                ended.append((begun[0], t_s, used_j - begun[1]))
                begun, edge_s = None, t_s + generator.uniform(0.5, 1.5)
            power_w = load(t_s) if begun else IDLE_W
        if t_s >= next_s:
            curve.observe(t_s, power_w)
            jitter = GAUGE_JITTER * generator.uniform(-1.0, 1.0)
            next_s = t_s + GAUGE_INTERVAL_S * (1.0 + jitter)
            if ended and t_s > ended[0][1] + 0.5:
                begin_s, end_s, truth_j = ended.pop(0)
                begin, end = curve.edge(begin_s), curve.edge(end_s)
                noise_j2 = curve.noise_j2(end_s) - curve.noise_j2(begin_s)
                u_j = math.sqrt(noise_j2 + begin.u_j**2 + end.u_j**2)
                yield truth_j, end.energy_j - begin.energy_j, u_j
                count -= 1
        used_j += power_w * STEP_S
        t_s += STEP_S


@pytest.mark.parametrize(
    ("load", "lengths_s"),
    [
        *((in_step(period_s), (0.3, 4.0)) for period_s in (0.05, 0.1, 0.2, 0.21, 0.4)),
        (bursts(random.Random(1)), (0.3, 4.0)),
        (in_step(0.2), (0.001, 0.0011)),
        (in_step(0.2), (0.1, 0.1)),
        (bursts(random.Random(2)), (0.02, 0.02)),
        (lambda _: HIGH_W, (0.3, 4.0)),
    ],
    ids=["50 ms", "100 ms", "200 ms", "210 ms", "400 ms", "bursts", "1 ms cells", "100 ms cells",
         "20 ms cells of bursts", "steady"],
)  # fmt: skip
def test_the_interval_holds_whatever_the_load_does_between_readings(
    load: Load, lengths_s: tuple[float, float]
) -> None:
    """Two standard uncertainties hold the truth of nine cells in ten, with room for chance."""
    count = 150
    found = list(cells(load, lengths_s, count, seed=7))

    inside = sum(abs(value_j - truth_j) <= 2.0 * u_j + 1e-9 for truth_j, value_j, u_j in found)
    assert inside >= 0.9 * count
    mean_j = sum(value_j for _, value_j, _ in found) / count
    truth_j = sum(truth_j for truth_j, _, _ in found) / count
    assert mean_j == pytest.approx(truth_j, rel=0.15)  # nothing is in step: no bias


def test_a_steady_load_is_known_well() -> None:
    """What does not change between readings needs no wide interval."""
    found = list(cells(lambda _: HIGH_W, (1.0, 3.0), 60, seed=3))

    widths = sorted(2.0 * u_j / value_j for _, value_j, u_j in itertools.islice(found, 10, None))
    assert widths[len(widths) // 2] < 0.06


def test_a_slow_meter_is_not_asked_as_often_as_a_quick_one() -> None:
    """One with news every 5 s is read twice in that time by the thread; at edges it is always."""
    quick, slow = FakeGauge("fake:quick", power_w=10.0), FakeGauge("fake:slow", power_w=20.0)
    slow.info = replace(slow.info, period_s=5.0)
    tree = FakeTreeClock()
    clock = FakeClock()
    meter = Meter([quick, slow], tree, FakeMachineClock(tree), clock)

    read = []
    for _ in range(100):
        read.append([value is not LEFT_OUT for value in meter.take_all().values])
        clock.advance(0.2)

    assert meter.gauge_period_s == 0.1
    assert [sum(column) for column in zip(*read, strict=True)] == [100, 8]
    assert LEFT_OUT not in meter.take().values
