"""How much of the machine's energy this kernel caused. Pure.

The idle part (a measured baseline) belongs to the kernel as far as the machine is reserved for
it; the dynamic part is shared by CPU time between the kernel's process tree and everybody else.
CPU time is not energy: a CPU-second of one process can cost up to ``COST_RATIO`` times that of
another, which gives the interval.
"""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from greencell.edges import Power
from greencell.model import Component

COST_RATIO = 2.0
"""Bound on how much dearer one process's CPU-second is than another's at equal clock (compute-
against memory-bound code differs two- to threefold; Kepler's developer guide; judgement)."""

QUIET_UTILISATION = 0.05
"""Below this share of the machine's CPU capacity a second counts as idle."""

_BASELINE_U = 0.05
"""Least relative standard uncertainty of a measured baseline; judgement."""

_HIDDEN_S = 0.02
"""CPU time of others that the ticks of the machine's busy time can hide: a tick each of its two
largest parts, user and system."""
_U_BUSY_S = 0.01 / math.sqrt(6.0)
"""Standard uncertainty of a difference of two busy times that tick in hundredths of a second."""

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
        u_others_s: standard uncertainty of ``others_s``.
    """

    elapsed_s: float
    tree_s: float
    others_s: float
    logical_cpus: int
    u_others_s: float = 0.0

    @property
    def utilisation(self) -> float:
        """Mean utilisation of the machine, between 0 and 1."""
        capacity_s = self.elapsed_s * self.logical_cpus
        if capacity_s <= 0:
            return 0.0
        return min(1.0, (self.tree_s + self.others_s) / capacity_s)

    @property
    def share(self) -> float | None:
        """The tree's share of the busy CPU time; ``None`` if nobody ran."""
        busy_s = self.tree_s + self.others_s
        return self.tree_s / busy_s if busy_s > 0 else None

    @property
    def u_share(self) -> float:
        """Standard uncertainty of the share from that of the others' CPU time."""
        share = self.share
        if share is None:
            return 0.0
        return min(1.0, share * self.u_others_s / (self.tree_s + self.others_s))

    @property
    def is_quiet(self) -> bool:
        """Whether the machine did next to nothing."""
        return self.utilisation <= QUIET_UTILISATION


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """Who used a device of late.

    Attributes:
        own, others: utilisation by our processes and by all others; ``None`` if unknown.
        own_processes, other_processes: how many hold the device.
    """

    own: float | None
    others: float | None
    own_processes: int
    other_processes: int

    @property
    def is_quiet(self) -> bool:
        """Whether nobody computes on it, as far as is known."""
        return self.own == 0 and self.others == 0


@dataclass(frozen=True, slots=True)
class Portion:
    """Energy of one source over one slice: the machine's, and the kernel's with its interval.

    Attributes:
        low_j, high_j: bounds of the kernel's part, for what a CPU-second costs.
        others_j: what other processes caused. The rest is idle energy that is not the kernel's.
        u_baseline_j: standard uncertainty of the kernel's part from that of the idle baseline.
        noise_j2: variance of the machine's energy from integrating a power reading.
        missing_s: time of which nothing is known, e.g. across a reset.
    """

    machine_j: float
    kernel_j: float
    low_j: float
    high_j: float
    others_j: float = 0.0
    u_baseline_j: float = 0.0
    noise_j2: float = 0.0
    missing_s: float = 0.0

    @property
    def is_known(self) -> bool:
        """Whether any energy was seen; nothing seen is missing, not 0."""
        return self.missing_s == 0.0 or self.machine_j > 0.0

    def plus(self, other: Portion, weight: float = 1.0) -> Portion:
        """This portion and ``weight`` times another."""
        return Portion(
            self.machine_j + weight * other.machine_j,
            self.kernel_j + weight * other.kernel_j,
            self.low_j + weight * other.low_j,
            self.high_j + weight * other.high_j,
            self.others_j + weight * other.others_j,
            self.u_baseline_j + weight * other.u_baseline_j,
            self.noise_j2 + weight * weight * other.noise_j2,
            self.missing_s + other.missing_s,
        )


NOTHING = Portion(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Slice:
    """What happened between two snapshots, source by source; ``None`` where nothing is known.

    Attributes:
        edges_j2: variance of each source's cumulative energy at the slice's end.
    """

    elapsed_s: float
    portions: Sequence[Portion | None]
    flags: frozenset[str]
    edges_j2: Sequence[float]

    def power_w(self, summed: Sequence[Component | None]) -> dict[Component, float] | None:
        """Mean power of the kernel by component; ``None`` if unknown.

        Args:
            summed: the component of each source, ``None`` for those that are in no sum.
        """
        power_w: dict[Component, float] = {}
        for component, portion in zip(summed, self.portions, strict=True):
            if portion is not None and component is not None and self.elapsed_s > 0:
                watts = portion.kernel_j / self.elapsed_s
                power_w[component] = power_w.get(component, 0.0) + watts
        return power_w or None


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


def kernel_portion(
    machine_j: float, use: CpuUse, baseline: Power | None, reserved: float
) -> Portion:
    """The kernel's part of a CPU's or memory's energy over one slice.

    Args:
        machine_j: energy of the source over the slice.
        baseline: its idle power; ``None`` if it was not measured yet.
        reserved: share of the machine that is reserved for this kernel (1 on a machine of its
            own, the CPU quota in a container).
    """
    share = use.share if use.share is not None else reserved
    if baseline is not None:
        idle_j = min(machine_j, baseline.mean_w * use.elapsed_s)
        u_idle_j = abs(reserved - share) * baseline.u_w * use.elapsed_s
        u_j = math.hypot(u_idle_j, use.u_share * (machine_j - idle_j))
        return _parts(machine_j, share, idle_j, reserved, u_j)
    idle_j = machine_j * idle_fraction(use.utilisation)
    # Without a baseline all of it may be dynamic, or all of it idle.
    portion = _parts(machine_j, share, idle_j, reserved)
    low_j = machine_j * min(reserved, _shifted(share, 1 / COST_RATIO))
    high_j = machine_j * max(reserved, _shifted(share, COST_RATIO))
    return replace(
        portion, low_j=min(low_j, portion.kernel_j), high_j=max(high_j, portion.kernel_j)
    )


def device_portion(
    machine_j: float, elapsed_s: float, use: DeviceUse, baseline: Power | None
) -> Portion:
    """The kernel's part of the energy of a device that it shares with other processes.

    Idle power is split by the number of processes that hold the device, the rest by their
    utilisation, as on a CPU.
    """
    processes = use.own_processes + use.other_processes
    reserved = use.own_processes / processes if processes else 1.0
    if use.own is None or use.others is None:
        return (
            not_attributable(machine_j) if use.own_processes else _parts(machine_j, 0.0, 0.0, 0.0)
        )
    busy = use.own + use.others
    share = use.own / busy if busy > 0 else reserved
    idle = baseline or Power(0.0, 0.0)
    idle_j = min(machine_j, idle.mean_w * elapsed_s)
    u_idle_j = abs(reserved - share) * idle.u_w * elapsed_s
    return _parts(machine_j, share, idle_j, reserved, u_idle_j)


def _parts(
    machine_j: float, share: float, idle_j: float, reserved: float, u_j: float = 0.0
) -> Portion:
    """Idle energy as far as it is reserved, and the share of the rest; ``u_j`` goes along."""
    dynamic_j = machine_j - idle_j
    value_j = reserved * idle_j + share * dynamic_j
    low_j = reserved * idle_j + _shifted(share, 1 / COST_RATIO) * dynamic_j
    high_j = reserved * idle_j + _shifted(share, COST_RATIO) * dynamic_j
    others_j = (1.0 - share) * dynamic_j
    return Portion(machine_j, value_j, min(low_j, value_j), max(high_j, value_j), others_j, u_j)


def _shifted(share: float, ratio: float) -> float:
    """The share if a CPU-second of the tree cost ``ratio`` times that of the others."""
    return share * ratio / (share * ratio + 1.0 - share)


class Baseline:
    """Idle power of one source: the 10th percentile of its power over quiet windows.

    Args:
        known: a model's, which needs no measuring.
        window_s: how much quiet time in a row makes a window; long against a counter's period,
            or its ticks would pass for scatter.
    """

    _WINDOWS = 120

    def __init__(self, known: Power | None = None, window_s: float = 0.5) -> None:
        self._known = known
        self._window_s = window_s
        self._quiet_w: deque[float] = deque(maxlen=self._WINDOWS)
        self._energy_j = self._elapsed_s = 0.0
        self._power = known

    def learn(self, energy_j: float, elapsed_s: float, *, quiet: bool) -> None:
        """Take in one slice; only quiet time in a row teaches anything."""
        if self._known is not None:
            return
        if not quiet:
            self._energy_j = self._elapsed_s = 0.0
            return
        self._energy_j += energy_j
        self._elapsed_s += elapsed_s
        if self._elapsed_s >= self._window_s:
            self._quiet_w.append(self._energy_j / self._elapsed_s)
            self._energy_j = self._elapsed_s = 0.0
            self._power = self._told()

    @property
    def windows(self) -> int:
        """How many quiet seconds it rests on."""
        return len(self._quiet_w)

    @property
    def power(self) -> Power | None:
        """The baseline; ``None`` until a quiet window was seen."""
        return self._power

    def _told(self) -> Power:
        ordered = sorted(self._quiet_w)
        lowest_w = ordered[(len(ordered) - 1) // 10]
        # Quiet seconds differ by what runs in them; a single one tells nothing of that.
        middle_w = ordered[len(ordered) // 2]
        return Power(lowest_w, max(_BASELINE_U * lowest_w, middle_w - lowest_w))

    def copy(self) -> Baseline:
        """One that learns apart from this."""
        twin = copy.copy(self)
        twin._quiet_w = self._quiet_w.copy()  # noqa: SLF001  # of the same class
        return twin


class OthersClock:
    """Cumulative CPU-seconds of everybody else, known at anchors, extended between them.

    The machine's busy time ticks in hundredths of a second, too coarse to be compared with the
    tree's CPU time over a short cell, so the others are taken to go on as before until they are
    seen to have changed by more than the ticks can hide. The clock never runs backwards, and
    what was extended too far is waited for, so nothing drifts.

    Attributes:
        u_s: standard uncertainty of what was added at the last anchor, where that is short.
    """

    def __init__(self, min_anchor_s: float = 0.5) -> None:
        self._min_anchor_s = min_anchor_s
        self._anchor: tuple[float, float, float] | None = None
        self._exact_s = 0.0
        self._rate = 0.0
        self._shown_s = 0.0
        self.u_s = 0.0

    def anchor(self, t_s: float, busy_s: float, tree_s: float) -> None:
        """Tell the clock the machine's busy time and the tree's CPU time at ``t_s``."""
        if self._anchor is None:
            self._anchor = (t_s, busy_s, tree_s)
            return
        t0_s, busy0_s, tree0_s = self._anchor
        elapsed_s = t_s - t0_s
        others_s = max(0.0, (busy_s - busy0_s) - (tree_s - tree0_s))
        changed = abs(others_s - self._rate * elapsed_s) > _HIDDEN_S
        self.u_s = 0.0
        if elapsed_s <= 0 or (elapsed_s < self._min_anchor_s and not changed):
            return
        self._exact_s += others_s
        if elapsed_s >= _HIDDEN_S:  # over less, the ticks drown the rate
            self._rate = others_s / elapsed_s
        self._anchor = (t_s, busy_s, tree_s)
        self.u_s = _U_BUSY_S

    def at(self, t_s: float) -> float:
        """Cumulative CPU-seconds of the others at ``t_s``; call with increasing times."""
        if self._anchor is not None:
            extended_s = self._exact_s + self._rate * max(0.0, t_s - self._anchor[0])
            self._shown_s = max(self._shown_s, extended_s)
        return self._shown_s
