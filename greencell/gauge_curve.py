"""The curve of a power reading: its integral over time, as far as its readings tell. Pure."""

from __future__ import annotations

import bisect
import math
from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from greencell.edges import UNIFORM, Edge

_KEPT: Final = 64
"""Readings and edges of cells that are remembered."""
_HOLE: Final = 10.0
"""So many periods without a reading, and power may have done anything in between."""
_RECENT_S: Final = 60.0
_ENOUGH: Final = 3
"""So many readings of a cell tell how much power changes in it; fewer tell next to nothing."""
_FIRST_WEIGHT: Final = 1.5
_FEW: Final = 1.15
_TOO_SOON: Final = 0.2
"""The same power again within less than this part of the period is the same reading."""


@dataclass(frozen=True, slots=True)
class _Sample:
    t_s: float
    power_w: float
    energy_j: float
    noise_j2: float


@dataclass(frozen=True, slots=True)
class _Change:
    """How much a reading differed from the one before."""

    t_s: float
    by_w: float


class GaugeCurve:
    """The energy of a power reading, integrated from sample to sample.

    Between two readings power goes along a line, but at the edge of a cell it steps: what was
    read before holds up to there, and what is read next holds from there on. A reading that
    averages has no steps; there the edges are as uncertain as its average is wide.

    A load may change many times between two readings. Readings at irregular times then differ
    from each other by as much as power does (``_scatter_w``), and each stands for the time up to
    the next one: so uncertain is their sum, however alike two neighbours happen to be.

    Args:
        period_s: its update period.
        lag_s: by how much its reading is late, as one that averages over twice that time.
    """

    def __init__(self, period_s: float, lag_s: float) -> None:
        self._period_s = period_s
        self._lag_s = lag_s
        self._samples: list[_Sample] = []
        self._marks: list[float] = []
        self._lowest_w, self._highest_w = math.inf, -math.inf
        self._changes: deque[_Change] = deque(maxlen=_KEPT)
        self._step_s = -math.inf
        self._readings = 0
        self._read_s: float | None = None

    @property
    def read_s(self) -> float | None:
        """The time of the last reading; ``None`` before the first."""
        return self._read_s

    def mark(self, t_s: float) -> None:
        """An edge of a cell is at ``t_s``: power may step there."""
        self._marks.append(t_s)
        if len(self._marks) > 2 * _KEPT:
            del self._marks[:_KEPT]

    def observe(self, t_s: float, power_w: float) -> None:
        """Take in a reading."""
        self._read_s = t_s
        t_s -= self._lag_s
        self._lowest_w = min(self._lowest_w, power_w)
        self._highest_w = max(self._highest_w, power_w)
        if not self._samples:
            self._samples.append(_Sample(t_s, power_w, 0.0, 0.0))
            return
        last = self._samples[-1]
        since_s = t_s - last.t_s
        if since_s <= 0 or (power_w == last.power_w and since_s <= _TOO_SOON * self._period_s):
            return  # while a tick is waited for, most looks show nothing new
        steps_s = [] if self._lag_s else [m for m in self._marks if last.t_s <= m < t_s]
        for step_s in steps_s:
            self._step_to(step_s, last.power_w)
        if steps_s:
            self._samples.append(replace(self._samples[-1], power_w=power_w))
        elif self._readings > 0:
            self._changes.append(_Change(t_s, power_w - last.power_w))
        self._go_to(t_s, power_w)
        self._readings += 1
        if len(self._samples) > 2 * _KEPT:
            del self._samples[:_KEPT]

    def _step_to(self, step_s: float, power_w: float) -> None:
        """Up to an edge; with few readings since the last one, power may have been any that was."""
        self._go_to(step_s, power_w)
        if self._readings < _ENOUGH and self._step_s > -math.inf:
            last = self._samples[-1]
            unseen_j = 0.5 * self._range_w * (step_s - self._step_s)
            self._samples[-1] = replace(last, noise_j2=last.noise_j2 + unseen_j**2)
        self._step_s, self._readings = step_s, 0

    @property
    def _range_w(self) -> float:
        return self._highest_w - self._lowest_w

    def _scatter_w(self, t_s: float) -> float:
        """Standard deviation of readings that follow each other, half of their mean square change.

        Of those since the last edge or of the last minute, whichever scatter more.
        """
        recent = [c.by_w**2 for c in self._changes if t_s - c.t_s <= _RECENT_S]
        here = [c.by_w**2 for c in self._changes if c.t_s > self._step_s]
        squares = [math.fsum(some) / len(some) for some in (recent, here) if some]
        return _FEW * math.sqrt(0.5 * max(squares, default=0.0))

    def rest(self, t_s: float, boot_s: float) -> None:  # noqa: ARG002  # as a counter's
        """The device sleeps: it draws next to nothing."""
        self.observe(t_s, 0.0)

    def _go_to(self, t_s: float, power_w: float) -> None:
        """Along a line from the last sample. Power may step anywhere between two readings."""
        last = self._samples[-1]
        elapsed_s = t_s - last.t_s
        if elapsed_s <= 0:
            return
        energy_j = last.energy_j + 0.5 * (last.power_w + power_w) * elapsed_s
        step_w = abs(power_w - self._before_w(t_s))
        # In a long hole it may do anything seen; and so soon after a step no reading shows it.
        since_step_s = t_s - max((m for m in self._marks if m < t_s), default=-math.inf)
        if elapsed_s > _HOLE * self._period_s or since_step_s < self._period_s:
            step_w = max(step_w, self._range_w)
        # The first reading after a step stands for the time since then, and for half of the next.
        weight = _FIRST_WEIGHT if self._readings == 0 else 1.0
        u_w = max(UNIFORM * step_w, weight * self._scatter_w(t_s))
        noise_j2 = last.noise_j2 + (u_w * elapsed_s) ** 2
        self._samples.append(_Sample(t_s, power_w, energy_j, noise_j2))

    def _before_w(self, t_s: float) -> float:
        """The last power that was read before a step, or at all."""
        last = self._samples[-1]
        stepped = len(self._samples) > 1 and self._samples[-2].t_s == last.t_s
        return self._samples[-2].power_w if stepped and last.t_s < t_s else last.power_w

    def is_settled(self, t_s: float) -> bool:
        """Whether a reading tells the power at ``t_s``."""
        return bool(self._samples) and self._samples[-1].t_s >= t_s

    def edge(self, t_s: float) -> Edge:
        """The energy at ``t_s``; what was not seen yet is taken to go on."""
        index = max(0, self._index(t_s))
        before = self._samples[index]
        since_s = max(0.0, t_s - before.t_s)
        if index + 1 == len(self._samples):
            return Edge(before.energy_j + before.power_w * since_s, self._blur_j(t_s))
        after = self._samples[index + 1]
        whole_s = after.t_s - before.t_s
        part = since_s / whole_s if whole_s > 0 else 0.0
        power_w = before.power_w + (after.power_w - before.power_w) * part
        energy_j = before.energy_j + 0.5 * (before.power_w + power_w) * since_s
        step_w = abs(after.power_w - before.power_w)
        line_j = UNIFORM * step_w * min(since_s, whole_s - since_s, self._period_s)
        return Edge(energy_j, math.hypot(line_j, self._blur_j(t_s)))

    def _blur_j(self, t_s: float) -> float:
        """What an average carries over the edge: for a short cell, all of it at its two edges."""
        if self._lag_s <= 0:
            return 0.0
        reach_s = 2.0 * self._lag_s + self._period_s
        near_w = [s.power_w for s in self._samples if abs(s.t_s - t_s) <= reach_s]
        return (max(near_w) - min(near_w)) * reach_s / math.sqrt(8.0) if near_w else 0.0

    def noise_j2(self, t_s: float) -> float:
        """Cumulative variance of the integration up to ``t_s``."""
        return self._samples[max(0, self._index(t_s))].noise_j2

    def _index(self, t_s: float) -> int:
        return bisect.bisect_right(self._samples, t_s, key=lambda sample: sample.t_s) - 1
