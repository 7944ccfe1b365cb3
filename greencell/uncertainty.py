"""From summed portions to a figure with an interval, about 95 % (k = 2). Pure.

Per source: a counter that ticks every ``T`` seconds shows a window's energy with standard
uncertainty ``P T / sqrt(6)`` (uniform random phase at both ends); the gain of the hardware is
off by ``relative_error``; a model's interval is a pair of factors. Quantisation of different
sources is independent and adds in quadrature; gains and models add linearly, because a shared
cause (one regulator design, one model) makes them err together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from greencell.attribution import Portion
from greencell.model import CarbonFactor, Component, Interval, Provenance, SourceInfo

COVERAGE_FACTOR = 2.0
"""Expanded uncertainty over standard uncertainty, for about 95 % (GUM)."""


class Account:
    """Energy that was added up for one span of time, source by source.

    ``None`` for a source means that no reading of it succeeded in the span: missing, not 0.
    """

    __slots__ = ("flags", "portions")

    def __init__(self, sources: int) -> None:
        self.portions: list[Portion | None] = [None] * sources
        self.flags: set[str] = set()

    def add(self, portions: Sequence[Portion | None], weight: float = 1.0) -> None:
        """Add one slice's portions; ``weight`` < 1 where several cells share the slice."""
        for index, portion in enumerate(portions):
            if portion is None:
                continue
            have = self.portions[index]
            base = have if have is not None else Portion(0.0, 0.0, 0.0, 0.0)
            self.portions[index] = Portion(
                base.machine_j + weight * portion.machine_j,
                base.kernel_j + weight * portion.kernel_j,
                base.low_j + weight * portion.low_j,
                base.high_j + weight * portion.high_j,
            )

    def merge(self, other: Account) -> None:
        """Add another account's energies and flags to this one."""
        self.add(other.portions)
        self.flags |= other.flags

    def copy(self) -> Account:
        """An independent copy."""
        twin = Account(len(self.portions))
        twin.portions = list(self.portions)
        twin.flags = set(self.flags)
        return twin


@dataclass(frozen=True, slots=True)
class Figure:
    """An account as people read it. ``energy_j`` is ``None`` if nothing could be read."""

    energy_j: Interval | None
    machine_j: float | None
    by_component_j: dict[Component, float]
    provenance: Provenance


def figure(account: Account, infos: Sequence[SourceInfo], duration_s: float) -> Figure:
    """The figure of an account over ``duration_s`` seconds of readings by ``infos``."""
    known = [
        (info, portion)
        for info, portion in zip(infos, account.portions, strict=True)
        if portion is not None
    ]
    if not known:
        return Figure(None, None, {}, provenance_of(infos))
    value_j = low_j = high_j = machine_j = quantisation_j2 = 0.0
    by_component_j: dict[Component, float] = {}
    for info, portion in known:
        value_j += portion.kernel_j
        machine_j += portion.machine_j
        below, above = _gain(info)
        low_j += portion.low_j * below
        high_j += portion.high_j * above
        quantisation_j2 += _quantisation_j(info, portion.kernel_j, duration_s) ** 2
        by_component_j[info.component] = by_component_j.get(info.component, 0.0) + portion.kernel_j
    spread_j = COVERAGE_FACTOR * math.sqrt(quantisation_j2)
    interval = Interval(
        low=max(0.0, min(low_j - spread_j, value_j)),
        value=value_j,
        high=max(high_j + spread_j, value_j),
    )
    return Figure(interval, machine_j, by_component_j, provenance_of(i for i, _ in known))


def co2_interval(value_g: float, energy_j: Interval, carbon: CarbonFactor) -> Interval:
    """A mass of CO2 with the energy's and the grid figure's uncertainty, in quadrature.

    The two are independent: one comes from this machine, the other from a country's statistics.
    """
    if energy_j.value <= 0.0:
        high_g = energy_j.high * carbon.g_per_j * (1.0 + carbon.relative_error)
        return Interval(min(0.0, value_g), value_g, max(value_g, high_g))
    below = math.hypot(1.0 - energy_j.low / energy_j.value, carbon.relative_error)
    above = math.hypot(energy_j.high / energy_j.value - 1.0, carbon.relative_error)
    return Interval(max(0.0, value_g * (1.0 - below)), value_g, value_g * (1.0 + above))


def provenance_of(infos: Iterable[SourceInfo]) -> Provenance:
    """How a sum over these sources is known."""
    kinds = {info.provenance for info in infos}
    if kinds == {"measured"}:
        return "measured"
    return "mixed" if "measured" in kinds else "estimated"


def _gain(info: SourceInfo) -> tuple[float, float]:
    if info.kind == "model":
        return info.low_factor, info.high_factor
    expanded = min(1.0, COVERAGE_FACTOR * info.relative_error)
    return 1.0 - expanded, 1.0 + expanded


def _quantisation_j(info: SourceInfo, energy_j: float, duration_s: float) -> float:
    if info.kind == "model":
        return 0.0
    ticks_j = 0.0
    if duration_s > 0:
        # At most one whole tick can be missed at each end.
        ticks_j = min(energy_j, energy_j / duration_s * info.period_s) / math.sqrt(6)
    return math.hypot(ticks_j, info.resolution_j / math.sqrt(6))
