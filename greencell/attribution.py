"""How much of the machine's energy this kernel caused. Pure.

The idle part (a measured baseline) belongs to the kernel as far as the machine is reserved for
it; the dynamic part is shared by CPU time between the kernel's process tree and everybody else.
CPU time is not energy: a CPU-second of one process can cost up to ``COST_RATIO`` times that of
another, which gives the interval.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from greencell.model import Component

COST_RATIO = 2.0
"""Bound on how much dearer one process's CPU-second is than another's at equal clock (compute-
against memory-bound code differs two- to threefold; Kepler's developer guide; judgement)."""

QUIET_UTILISATION = 0.05
"""Below this share of the machine's CPU capacity a second counts as idle."""

IDLE_SHARE_OF_FULL = 0.12
DYNAMIC_SHARE_OF_FULL = 0.63
DYNAMIC_EXPONENT = 0.6
"""Power over thermal design power ``0.12 + 0.63 u^0.6``: fitted to RAPL against load of four
CPUs that codecarbon's repository holds (median 1.01 of the measured power)."""


@dataclass(frozen=True, slots=True)
class CpuUse:
    """CPU time over one slice of time.

    Attributes:
        elapsed_s: length of the slice.
        tree_s: CPU-seconds of the kernel's process tree.
        others_s: CPU-seconds of everybody else on the machine.
        logical_cpus: how many CPUs could have run.
    """

    elapsed_s: float
    tree_s: float
    others_s: float
    logical_cpus: int

    @property
    def utilisation(self) -> float:
        """Mean utilisation of the machine, between 0 and 1."""
        capacity_s = self.elapsed_s * self.logical_cpus
        if capacity_s <= 0:
            return 0.0
        return min(1.0, (self.tree_s + self.others_s) / capacity_s)

    @property
    def share(self) -> float:
        """The tree's share of the busy CPU time; 0 if nobody ran."""
        busy_s = self.tree_s + self.others_s
        return self.tree_s / busy_s if busy_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Portion:
    """Energy of one source over one slice: the machine's, and the kernel's with its interval."""

    machine_j: float
    kernel_j: float
    low_j: float
    high_j: float


@dataclass(frozen=True, slots=True)
class Slice:
    """What happened between two snapshots, source by source; ``None`` where nothing is known."""

    elapsed_s: float
    portions: Sequence[Portion | None]
    flags: frozenset[str]

    @property
    def kernel_power_w(self) -> float | None:
        """Mean power attributed to the kernel; ``None`` if unknown or too short to say."""
        known = [p.kernel_j for p in self.portions if p is not None]
        return sum(known) / self.elapsed_s if known and self.elapsed_s > 0 else None

    def power_w(self, components: Sequence[Component]) -> dict[Component, float] | None:
        """The same by component, for sources that lie in ``components``, in order."""
        if self.kernel_power_w is None:
            return None
        power_w: dict[Component, float] = {}
        for component, portion in zip(components, self.portions, strict=True):
            if portion is not None:
                watts = portion.kernel_j / self.elapsed_s
                power_w[component] = power_w.get(component, 0.0) + watts
        return power_w


def whole(machine_j: float) -> Portion:
    """The portion where everything is the kernel's."""
    return Portion(machine_j, machine_j, machine_j, machine_j)


def not_attributable(machine_j: float) -> Portion:
    """The portion of a device that others use too, to an unknown part."""
    return Portion(machine_j, machine_j, 0.0, machine_j)


def idle_fraction(utilisation: float) -> float:
    """Idle power over power, from the typical curve, where no baseline was measured yet."""
    dynamic = DYNAMIC_SHARE_OF_FULL * math.pow(max(0.0, utilisation), DYNAMIC_EXPONENT)
    return IDLE_SHARE_OF_FULL / (IDLE_SHARE_OF_FULL + dynamic)


def _shifted(share: float, ratio: float) -> float:
    """The share if a CPU-second of the tree cost ``ratio`` times that of the others."""
    return share * ratio / (share * ratio + 1.0 - share)


def kernel_portion(
    machine_j: float, use: CpuUse, baseline_w: float | None, reserved: float
) -> Portion:
    """The kernel's part of a CPU's or memory's energy over one slice.

    Args:
        machine_j: energy of the source over the slice.
        baseline_w: its idle power; ``None`` if it was not measured yet.
        reserved: share of the machine that is reserved for this kernel (1 on a machine of its
            own, the CPU quota in a container).
    """
    share = use.share
    low_share, high_share = _shifted(share, 1 / COST_RATIO), _shifted(share, COST_RATIO)
    if baseline_w is None:
        idle_j = machine_j * idle_fraction(use.utilisation)
        value_j = reserved * idle_j + share * (machine_j - idle_j)
        # Without a baseline all of it may be dynamic, or all of it idle.
        low_j = machine_j * min(reserved, low_share)
        high_j = machine_j * max(reserved, high_share)
    else:
        idle_j = min(machine_j, baseline_w * use.elapsed_s)
        dynamic_j = machine_j - idle_j
        value_j = reserved * idle_j + share * dynamic_j
        low_j = reserved * idle_j + low_share * dynamic_j
        high_j = reserved * idle_j + high_share * dynamic_j
    return Portion(machine_j, value_j, min(low_j, value_j), max(high_j, value_j))


class Baseline:
    """Idle power of one source: the 10th percentile of its power over quiet seconds."""

    _WINDOWS = 120
    _MIN_WINDOW_S = 0.5

    def __init__(self, known_w: float | None = None) -> None:
        self._known_w = known_w
        self._quiet_w: deque[float] = deque(maxlen=self._WINDOWS)

    def learn(self, energy_j: float, use: CpuUse) -> None:
        """Take in one slice; only long, quiet ones teach anything."""
        if self._known_w is not None or use.elapsed_s < self._MIN_WINDOW_S:
            return
        if use.utilisation <= QUIET_UTILISATION:
            self._quiet_w.append(energy_j / use.elapsed_s)

    @property
    def power_w(self) -> float | None:
        """The baseline in W; ``None`` until a quiet second was seen."""
        if self._known_w is not None:
            return self._known_w
        if not self._quiet_w:
            return None
        ordered = sorted(self._quiet_w)
        return ordered[(len(ordered) - 1) // 10]


class OthersClock:
    """Cumulative CPU-seconds of everybody else, known exactly at anchors, extended between them.

    The machine's busy time ticks in hundredths of a second, far too coarse for a short cell, so
    it is compared with the tree's CPU time only at anchors at least ``min_anchor_s`` apart; in
    between the others are taken to go on as before. The clock never runs backwards, and what
    was extended too far is waited for, so nothing drifts.
    """

    def __init__(self, min_anchor_s: float = 0.5) -> None:
        self._min_anchor_s = min_anchor_s
        self._anchor: tuple[float, float, float] | None = None
        self._exact_s = 0.0
        self._rate = 0.0
        self._shown_s = 0.0

    def anchor(self, t_s: float, busy_s: float, tree_s: float) -> None:
        """Tell the clock the machine's busy time and the tree's CPU time at ``t_s``."""
        if self._anchor is None:
            self._anchor = (t_s, busy_s, tree_s)
            return
        t0_s, busy0_s, tree0_s = self._anchor
        elapsed_s = t_s - t0_s
        if elapsed_s < self._min_anchor_s:
            return
        others_s = max(0.0, (busy_s - busy0_s) - (tree_s - tree0_s))
        self._exact_s += others_s
        self._rate = others_s / elapsed_s
        self._anchor = (t_s, busy_s, tree_s)

    def at(self, t_s: float) -> float:
        """Cumulative CPU-seconds of the others at ``t_s``; call with increasing times."""
        if self._anchor is not None:
            extended_s = self._exact_s + self._rate * max(0.0, t_s - self._anchor[0])
            self._shown_s = max(self._shown_s, extended_s)
        return self._shown_s
