"""What repeating a statement tells: how often, how many legs, and the interval of the median. Pure.

One run is too short for any meter, so a leg of many is measured, and several legs tell how much
they scatter. The interval is the percentile bootstrap's (Efron and Tibshirani 1993, chapter 13):
what the median of other such legs would be. A meter's gain is the same in all legs, so it is not
in this interval and is told beside it.

Legs that follow each other may be alike: a chip that warms up, a clock that changes its level.
Then fewer legs tell as much as all of them would if they were independent, by (1 - r) / (1 + r)
for an autocorrelation r (Zwiers and von Storch 1995, doi:10.1175/1520-0442(1995)008<0336:TSCIAI>
2.0.CO;2), and the interval is as much wider. Where they drift, no interval is claimed at all.
"""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from greencell.model import Interval, Provenance

LEAST_LEG_S: Final = 0.2
LONGEST_LEG_S: Final = 2.0
"""A meter that needs longer legs than this leaves too few of them in the time there is."""
PERIODS_PER_LEG: Final = 20.0
"""Update periods of a meter in a leg, so that its two edges weigh little."""
ENOUGH_LEGS: Final = 6
"""With fewer, not even the lowest and the highest leg enclose the median in 95 % of cases."""
USUAL_LEGS: Final = 10
MOST_LEGS: Final = 200
PRECISE: Final = 0.02
"""Half the interval over the median from which on more legs are not worth their energy."""
BUDGET_S: Final = 20.0
LEAST_S: Final = 5.0
"""Legs that last less than this together are too few to be called precise: most of what drifts
has not yet shown itself."""
TOLD: Final = 2.0
"""An effect counts as seen where it exceeds so many standard uncertainties of the idle power."""
_COVERAGE: Final = 0.95
_RESAMPLES: Final = 2_000
_SEED: Final = 20_231_205
_TRUSTED: Final = 0.25
"""A run of this part of a leg tells how many runs make a whole one."""
_MARGIN: Final = 1.1
_SHORT: Final = 0.5
"""A leg below this part of what was aimed at: the statement has become faster since."""
_MOST_RUNS: Final = 10**9
_ALIKE: Final = 0.5
"""Legs with this autocorrelation and more drift: their mean is not that of later ones."""
_FEWEST_INDEPENDENT: Final = 10.0
_CLEAR: Final = 2.5
"""A trend of so many standard uncertainties is one."""
_HINT: Final = 1.5
_SMALL_TREND: Final = 0.005
"""What the legs change by from the first to the last that nobody needs to know of, relative."""
_STEADY: Final = 0.015
"""A trend must be known to be smaller than this before a figure is precise, relative."""
_CHECK_AGAIN: Final = 1.1
_MOST_ALIKE: Final = 0.99
_MANY: Final = 20
_ROUNDING: Final = 1e-6

Stop = Literal["asked", "precise", "time", "legs"]
"""Why there were no more legs: as many as asked for, told well enough, or no more time or legs."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """What a statement costs per run: the median of its legs. Energies in J, times in s.

    Attributes:
        energy_j: the median; ``low_j`` to ``high_j`` is its 95 % interval by the scatter of the
            legs (their range if there are too few). All are below 0 where idle power hides it.
        gross_j: the median before the idle power was subtracted.
        idle_w: idle power that was subtracted; ``None`` if it was not.
        u_idle_j: standard uncertainty from the idle power, the same in all legs.
        gain: about 95 % uncertainty of the meters' gain, relative.
        low_factor, high_factor: of what is estimated, truth over figure lies in between.
        legs_j: each leg's energy per run.
        measured, estimated: what by which sources.
        notes: what else a reader should know, in words.
        drifts: whether the legs still change, so that ``low_j`` to ``high_j`` is but their range.
    """

    energy_j: float
    low_j: float
    high_j: float
    gross_j: float
    duration_s: float
    legs: int
    runs: int
    idle_w: float | None
    u_idle_j: float
    gain: float
    low_factor: float
    high_factor: float
    provenance: Provenance
    measured: tuple[str, ...]
    estimated: tuple[str, ...]
    stop: Stop
    elapsed_s: float
    notes: tuple[str, ...] = ()
    legs_j: tuple[float, ...] = field(default=(), repr=False)
    drifts: bool = False

    @property
    def is_told(self) -> bool:
        """Whether the statement's energy stands out of the scatter and of the idle power."""
        return self.low_j - TOLD * self.u_idle_j > 0.0

    @property
    def most_j(self) -> float:
        """What the energy is below, where no more can be told."""
        return (max(0.0, self.high_j) + TOLD * self.u_idle_j) * (1.0 + self.gain)


def leg_s(periods_s: Sequence[float]) -> float:
    """How long a leg must last for meters with these update periods."""
    slowest_s = PERIODS_PER_LEG * max(periods_s, default=0.0)
    return min(LONGEST_LEG_S, max(LEAST_LEG_S, slowest_s))


def enough_runs(run: Callable[[int], float], target_s: float) -> int:
    """How many runs last ``target_s``, found by doubling; the runs are the warm-up.

    Args:
        run: does so many runs and gives their duration in s.
    """
    __tracebackhide__ = True
    runs = 1
    while True:
        duration_s = run(runs)
        if duration_s >= _TRUSTED * target_s or runs >= _MOST_RUNS:
            return scaled_runs(runs, duration_s, target_s)
        runs *= 2


def scaled_runs(runs: int, duration_s: float, target_s: float) -> int:
    """How many runs last ``target_s`` if ``runs`` lasted ``duration_s``; at least as many."""
    if duration_s >= target_s:
        return runs
    wanted = runs * _MARGIN * target_s / max(duration_s, target_s / _MOST_RUNS)
    step = 10.0 ** max(0, math.floor(math.log10(wanted)) - 1)  # two digits read better
    return max(runs, min(_MOST_RUNS, math.ceil(wanted / step) * round(step)))


def is_short(duration_s: float, target_s: float) -> bool:
    """Whether a leg is so short that it was calibrated on slower runs."""
    return duration_s < _SHORT * target_s


def is_precise(values: Sequence[float], u_idle_j: float) -> bool:
    """Whether more legs would tell little: to within 2 %, or what the idle power leaves open.

    A trend must be known to be small, too.
    """
    change = trend(values)
    size, middle_j = abs(change.value), abs(statistics.median(values))
    is_steady = size < max(_HINT * change.u, _SMALL_TREND * middle_j, u_idle_j)
    is_known = size + 2.0 * change.u <= max(_STEADY * middle_j, u_idle_j)
    if not is_steady or not is_known or is_drifting(values):
        return False
    interval = median_interval(values)
    tolerance_j = max(PRECISE * middle_j, u_idle_j)
    return max(interval.high - interval.value, interval.value - interval.low) <= tolerance_j


@dataclass(frozen=True, slots=True)
class Trend:
    """By how much values change from the first to the last, with its standard uncertainty."""

    value: float
    u: float


def trend(values: Sequence[float]) -> Trend:
    """The least squares line's change; what the line leaves may be alike from leg to leg."""
    count = len(values)
    if count < ENOUGH_LEGS:
        return Trend(0.0, math.inf)
    middle, mean = (count - 1) / 2.0, statistics.fmean(values)
    spread = count * (count * count - 1) / 12.0
    slope = sum((i - middle) * (value - mean) for i, value in enumerate(values)) / spread
    rest = [value - mean - slope * (i - middle) for i, value in enumerate(values)]
    scatter = math.sqrt(sum(one * one for one in rest) / (count - 2))
    u_slope = scatter / math.sqrt(spread) * _widening(rest)
    return Trend(slope * (count - 1), u_slope * (count - 1))


def is_drifting(values: Sequence[float]) -> bool:
    """Whether the legs have not settled: they follow a trend, or each is much like the one before.

    Fewer than six tell nothing of that.
    """
    count = len(values)
    if count < ENOUGH_LEGS:
        return False
    alike = autocorrelation(values)
    independent = count * (1.0 - alike) / (1.0 + alike)
    if alike >= _ALIKE or (count >= _MANY and independent < _FEWEST_INDEPENDENT):
        return True
    change = trend(values)
    is_clear = abs(change.value) > _CLEAR * change.u
    return is_clear and abs(change.value) > _SMALL_TREND * abs(statistics.median(values))


def autocorrelation(values: Sequence[float]) -> float:
    """How much a value is like the one before, 0 to 1; what falls to and fro counts as 0.

    From few values it comes out too low, by (1 + 4 r) / n, which is made good (Marriott and Pope
    1954, doi:10.1093/biomet/41.3-4.390) from 20 on, as below that would add more than it mends.
    Fewer than six tell nothing.
    """
    count = len(values)
    mean = statistics.fmean(values)
    apart = [value - mean for value in values]
    square = sum(one * one for one in apart)
    # Beside rounding, values that are all the same have no scatter to be alike in.
    if count < ENOUGH_LEGS or square <= count * (_ROUNDING * mean) ** 2:
        return 0.0
    raw = sum(a * b for a, b in itertools.pairwise(apart)) / square
    unbiased = (count * raw + 1.0) / (count - 4) if count >= _MANY else raw
    return max(0.0, min(_MOST_ALIKE, unbiased))


def _widening(values: Sequence[float]) -> float:
    """How much wider than of independent values an interval is."""
    alike = autocorrelation(values)
    return math.sqrt((1.0 + alike) / (1.0 - alike))


def next_check(legs: int) -> int:
    """At how many legs to look again whether they tell enough: looking costs time too."""
    return max(legs + 1, math.ceil(legs * _CHECK_AGAIN))


def median_interval(values: Sequence[float]) -> Interval:
    """The median with its 95 % percentile bootstrap interval; the range of fewer than six.

    The same for the same values in the same order; wider where each is like the one before, but
    never more than their range.
    """
    ordered = sorted(values)
    middle = statistics.median(ordered)
    if len(ordered) < ENOUGH_LEGS:
        return Interval(ordered[0], middle, ordered[-1])
    generator = random.Random(_SEED)  # noqa: S311  # statistics, no secret
    medians = sorted(
        statistics.median(generator.choices(ordered, k=len(ordered))) for _ in range(_RESAMPLES)
    )
    tail = round((1.0 - _COVERAGE) / 2.0 * _RESAMPLES)
    wider = _widening(values)
    low = middle - wider * max(0.0, middle - medians[tail])
    high = middle + wider * max(0.0, medians[-1 - tail] - middle)
    return Interval(max(ordered[0], low), middle, min(ordered[-1], high))
