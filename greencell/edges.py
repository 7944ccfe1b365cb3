"""Where a window's edge lies between two ticks of a counter, in energy. Pure.

A counter shows the energy as of its last tick. The plain difference of two readings is biased
where the power steps, as it does at the edge of a cell: it misses what was drawn since the tick
before the end, and takes in what was drawn between the tick before the start and the start.
``bridge`` splits the energy between two ticks among the segments in between, by what is known of
the power in each; ``TickClock`` learns when ticks come.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

UNIFORM: Final = 1.0 / math.sqrt(12.0)
"""Standard deviation of a uniform distribution over its width."""
_EXPECTED: Final = 2.0
"""A sum within so many standard deviations of what was expected is no surprise."""
_REGULAR: Final = 4.0
"""Ticks that miss the expected time by more than so many standard deviations are irregular."""
_FORGIVEN: Final = 2
"""After so many irregular ticks in a row, the period is learned anew."""
_COUNTABLE: Final = 0.25
"""Ticks can be counted over a time in which the phase is lost by less than this of a period."""
_LEARNED: Final = 0.1
_SHARP: Final = 0.005
"""Relative uncertainties of a period that is known at all, and well."""
_DRIFT: Final = 2e-5
"""Least relative uncertainty of a period: clocks drift; judgement."""
_JITTER: Final = 0.01
"""Least standard deviation of a tick's time, relative to the period: timers jitter; judgement."""


@dataclass(frozen=True, slots=True)
class Power:
    """A mean power in W with its standard uncertainty."""

    mean_w: float
    u_w: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time between two ticks in which the power has one cause.

    Attributes:
        power: what is known of it; ``None`` for nothing.
        u_s: standard uncertainty of the duration, where a tick ends it.
    """

    duration_s: float
    power: Power | None
    u_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Edge:
    """A cumulative energy at one moment, in J, with its standard uncertainty."""

    energy_j: float
    u_j: float


def bridge(total_j: float, segments: Sequence[Segment], most_w: float = math.inf) -> list[Edge]:
    """The energy at the end of each segment but the last, given what all of them drew together.

    Each segment's energy is a normal variable, unknown ones wide; given their exact sum, the
    differences are shared out in proportion to the variances (the conditional distribution of
    independent normal variables given their sum).

    Args:
        most_w: highest plausible power, so that a short segment of which nothing is known does
            not take what a long one drew beyond expectation.
    """
    means, variances = _priors(total_j, segments, most_w)
    variance_j2 = sum(variances)
    excess_j = total_j - sum(means)
    # A sum that is this far from expectation tells that the uncertainties were too small.
    misfit = abs(excess_j) / (_EXPECTED * math.sqrt(variance_j2)) if variance_j2 > 0 else 1.0
    edges = []
    energy_j = known_j = before_j2 = 0.0
    for mean_j, own_j2 in zip(means[:-1], variances[:-1], strict=True):
        part = own_j2 / variance_j2 if variance_j2 > 0 else 0.0
        energy_j += mean_j + part * excess_j
        before_j2 += own_j2
        left_j2 = before_j2 - before_j2**2 / variance_j2 if variance_j2 > 0 else 0.0
        known_j = min(max(energy_j, known_j), total_j)
        edges.append(Edge(known_j, max(1.0, misfit) * math.sqrt(max(0.0, left_j2))))
    return edges


def _priors(
    total_j: float, segments: Sequence[Segment], most_w: float
) -> tuple[list[float], list[float]]:
    known_j = sum(s.power.mean_w * s.duration_s for s in segments if s.power is not None)
    unknown_s = sum(s.duration_s for s in segments if s.power is None)
    unknown_w = max(0.0, total_j - known_j) / unknown_s if unknown_s > 0 else 0.0
    unknown_w = min(unknown_w, most_w)
    mean_w = total_j / max(1e-9, sum(s.duration_s for s in segments))
    means, variances = [], []
    for segment in segments:
        # Of an unknown power: anything from nothing to twice the mean, at least.
        power = segment.power or Power(unknown_w, max(unknown_w, mean_w))
        means.append(power.mean_w * segment.duration_s)
        variances.append((power.u_w * segment.duration_s) ** 2 + (power.mean_w * segment.u_s) ** 2)
    return means, variances


class TickClock:
    """When a counter ticks, learned from ticks whose time was seen closely.

    As long as the ticks since an anchor can be counted, the period is the time since then over
    their number, and grows ever sharper.

    Args:
        period_s: the update period as documented.
    """

    def __init__(self, period_s: float) -> None:
        self.period_s = period_s
        self._u_period_s = period_s
        self._anchor: _Pin | None = None
        self._last: _Pin | None = None
        self._count = 0
        self._missed = 0

    @property
    def is_learned(self) -> bool:
        """Whether the period was seen, and not only read about."""
        return self._u_period_s < _LEARNED * self.period_s

    @property
    def is_sharp(self) -> bool:
        """Whether ticks can be counted over hundreds of periods that nobody watches."""
        return self._u_period_s < _SHARP * self.period_s

    def pin(self, t_s: float, u_s: float, *, follows: bool) -> None:
        """A tick came at ``t_s``, give or take ``u_s``.

        Args:
            follows: whether it is surely the next one after the tick that was pinned last.
        """
        last, pin = self._last, _Pin(t_s, max(u_s, _JITTER * self.period_s))
        self._last = pin
        if last is None or t_s <= last.t_s:
            self._start(pin)
            return
        if not self.is_learned:
            self._start(last)
            if follows:
                self._stretch(pin, 1)
            return
        elapsed_s = t_s - last.t_s
        ticks = max(1, round(elapsed_s / self.period_s))
        u_expected_s = ticks * self._u_period_s
        if u_expected_s > _COUNTABLE * self.period_s:
            self._start(pin)
        elif abs(elapsed_s - ticks * self.period_s) > _REGULAR * math.hypot(
            last.u_s, pin.u_s, u_expected_s
        ):
            self._miss(pin)
        else:
            self._stretch(pin, ticks)

    def last_before(self, t_s: float) -> tuple[float, float] | None:
        """The time of the last tick up to ``t_s`` and its standard uncertainty, if it is known."""
        if self._last is None or not self.is_learned:
            return None
        ticks = math.floor((t_s - self._last.t_s) / self.period_s)
        u_s = math.hypot(self._last.u_s, ticks * self._u_period_s)
        if u_s > 0.5 * UNIFORM * self.period_s:
            return None
        return self._last.t_s + ticks * self.period_s, u_s

    def _start(self, pin: _Pin) -> None:
        """Count from here on; what was learned of the period stays."""
        self._anchor, self._count = pin, 0

    def _stretch(self, pin: _Pin, ticks: int) -> None:
        """So many ticks after the last one came this one."""
        assert self._anchor is not None  # for the type checker
        self._missed = 0
        self._count += ticks
        u_s = math.hypot(self._anchor.u_s, pin.u_s) / self._count
        if u_s < self._u_period_s:
            self.period_s = (pin.t_s - self._anchor.t_s) / self._count
            self._u_period_s = max(u_s, _DRIFT * self.period_s)

    def _miss(self, pin: _Pin) -> None:
        self._missed += 1
        self._start(pin)
        if self._missed > _FORGIVEN:  # another rhythm than the one that was learned
            self._u_period_s, self._missed = self.period_s, 0


@dataclass(frozen=True, slots=True)
class _Pin:
    """A tick whose time is known, with its standard uncertainty."""

    t_s: float
    u_s: float
