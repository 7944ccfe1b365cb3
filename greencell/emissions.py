"""CO2 from energy: each joule at the factor of the moment in which it was used. Pure.

An account of emissions keeps the energy by factor, so it is exact over a change of zone and
over hours in which a grid's figure moves. Grid figures of one session are wrong in the same
direction as likely as not, so their errors add up; the meter's error is independent of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from greencell.model import Basis, CarbonFactor, Interval
from greencell.uncertainty import co2_interval

_TRACE: Final = 1e-3
"""A smaller part of the energy makes no mixture: the cell in which somebody sets the zone."""


class Emissions:
    """Energy by the factor it was used under, in J."""

    __slots__ = ("_energy_j",)

    def __init__(self) -> None:
        self._energy_j: dict[CarbonFactor, float] = {}

    def add(self, energy_j: float, factor: CarbonFactor) -> None:
        """Energy that was used while ``factor`` held."""
        if energy_j != 0.0:
            self._energy_j[factor] = self._energy_j.get(factor, 0.0) + energy_j

    def merge(self, other: Emissions) -> None:
        """Add another account to this one."""
        for factor, energy_j in other._energy_j.items():
            self.add(energy_j, factor)

    def copy(self) -> Emissions:
        """An independent copy."""
        twin = Emissions()
        twin._energy_j = dict(self._energy_j)
        return twin

    @property
    def value_g(self) -> float:
        """Mass of CO2e in g."""
        return sum(mass_g for _, mass_g in self._masses_g())

    @property
    def bases(self) -> tuple[Basis, ...]:
        """What the factors count; more than one is a mixture, and must be called so."""
        by_basis_j: dict[Basis, float] = {}
        for factor, energy_j in self._energy_j.items():
            by_basis_j[factor.basis] = by_basis_j.get(factor.basis, 0.0) + abs(energy_j)
        least_j = _TRACE * sum(by_basis_j.values())
        return tuple(sorted(basis for basis, j in by_basis_j.items() if j > least_j))

    def mean_factor(self, last: CarbonFactor) -> CarbonFactor:
        """One factor that gives the same mass, weighted by the energy used under each.

        Args:
            last: what holds now; its zone and PUE are the mean's, and it is the mean while no
                energy was used.
        """
        if self._energy_j.keys() <= {last}:
            return last
        energy_j = sum(self._energy_j.values())
        mass_g = self.value_g
        if energy_j <= 0.0 or mass_g <= 0.0:
            return last
        error_g = sum(mass * factor.relative_error for factor, mass in self._masses_g())
        return replace(
            last,
            intensity_g_per_kwh=last.intensity_g_per_kwh * mass_g / (energy_j * last.g_per_j),
            relative_error=error_g / mass_g,
            basis=self.bases[0] if len(self.bases) == 1 else "mixed",
        )

    def interval(self, energy_j: Interval, last: CarbonFactor) -> Interval:
        """The mass with its interval, for an energy known as well as ``energy_j``."""
        return co2_interval(self.value_g, energy_j, self.mean_factor(last))

    def _masses_g(self) -> Iterator[tuple[CarbonFactor, float]]:
        for factor, energy_j in self._energy_j.items():
            yield factor, energy_j * factor.g_per_j
