"""What repeating a statement tells: how often, how many legs, and the interval of the median. Pure.

One run is too short for any meter, so a leg of many is measured, and several legs tell how much
they scatter. The interval is the percentile bootstrap's (Efron and Tibshirani 1993, chapter 13):
what the median of other such legs would be. A meter's gain is the same in all legs, so it is not
in this interval and is told beside it.
"""

from __future__ import annotations

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
_CHECK_AGAIN: Final = 1.1

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
    """Whether more legs would tell little: to within 2 %, or what the idle power leaves open."""
    interval = median_interval(values)
    tolerance_j = max(PRECISE * abs(interval.value), u_idle_j)
    return max(interval.high - interval.value, interval.value - interval.low) <= tolerance_j


def next_check(legs: int) -> int:
    """At how many legs to look again whether they tell enough: looking costs time too."""
    return max(legs + 1, math.ceil(legs * _CHECK_AGAIN))


def median_interval(values: Sequence[float]) -> Interval:
    """The median with its 95 % percentile bootstrap interval; the range of fewer than six.

    The same for the same values, in any order.
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
    return Interval(min(medians[tail], middle), middle, max(medians[-1 - tail], middle))
