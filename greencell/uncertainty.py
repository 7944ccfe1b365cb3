"""From summed portions to a figure with an interval, about 95 % (k = 2). Pure.

Per source, in quadrature: where the window's two edges lie between ticks, the hardware's gain
(the same for all windows, so it adds up over a session), the idle baseline, the integration of a
power reading. Sources are different devices, so these add in quadrature over sources too. Bounds
of the attribution add linearly over sources, because they share a cause: what a CPU-second costs;
anything between them is as likely, so their sum has the standard uncertainty of a rectangle and
goes into the quadrature as well, but no further than the bounds. Factors of models are bounds
that add linearly throughout. GUM, JCGM 100:2008, 4.3.7, 5.1 and 5.2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from greencell.attribution import NOTHING, Portion
from greencell.model import CarbonFactor, Component, Interval, Provenance, SourceInfo

COVERAGE_FACTOR = 2.0
"""Expanded uncertainty over standard uncertainty, for about 95 % (GUM)."""
NODE_AGREES = 0.95
"""A meter of the whole machine that shows less than this of its parts' sum holds something else:
what makers put behind psys varies (codecarbon's comparison of laptops with their batteries)."""
NODE_MISSING = 0.05
"""Of such a meter no more than this may be missing: it has no sign for "at least"."""
TOO_SHORT = 0.5
"""Where the edges' relative standard uncertainty is above this, the figure is only a bound."""


class Account:
    """Energy that was added up for one span of time, source by source.

    ``None`` for a source means that no reading of it succeeded in the span: missing, not 0.

    Attributes:
        edges_j2: variance of each source's energy from the span's two edges.
    """

    __slots__ = ("edges_j2", "flags", "portions")

    def __init__(self, sources: int, edge_j2: Sequence[float] | None = None) -> None:
        self.portions: list[Portion | None] = [None] * sources
        self.edges_j2: list[float] = list(edge_j2) if edge_j2 is not None else [0.0] * sources
        self.flags: set[str] = set()

    def add(self, portions: Sequence[Portion | None], weight: float = 1.0) -> None:
        """Add one slice's portions; ``weight`` < 1 where several cells share the slice."""
        for index, portion in enumerate(portions):
            if portion is not None:
                have = self.portions[index] or NOTHING
                self.portions[index] = have.plus(portion, weight)

    def merge(self, other: Account) -> None:
        """Add another account's energies and flags to this one; the edges stay this one's."""
        self.add(other.portions)
        self.flags |= other.flags

    def copy(self) -> Account:
        """An independent copy."""
        twin = Account(len(self.portions), self.edges_j2)
        twin.portions = list(self.portions)
        twin.flags = set(self.flags)
        return twin

    def up_to(self, edge_j2: Sequence[float]) -> Account:
        """A copy that ends at an edge of these variances."""
        twin = self.copy()
        twin.edges_j2 = [a + b for a, b in zip(self.edges_j2, edge_j2, strict=True)]
        return twin


@dataclass(frozen=True, slots=True)
class Figure:
    """An account as people read it. ``energy_j`` is ``None`` if nothing could be read.

    Attributes:
        machine_j: of all sources that are summed; ``others_j`` of it is other processes'.
        node_j: the whole machine by a meter of its own, beside the sum; ``None`` without one.
        too_short: whether the meter is too slow to tell more than the high end.
    """

    energy_j: Interval | None
    machine_j: float | None
    others_j: float | None
    node_j: float | None
    by_component_j: dict[Component, float]
    provenance: Provenance
    too_short: bool = False


def figure(account: Account, infos: Sequence[SourceInfo], peaks_w: Sequence[float]) -> Figure:
    """The figure of an account of readings by ``infos``.

    Args:
        peaks_w: the highest power seen of each source, for time that is missing.
    """
    known = [
        (info, portion, edges_j2, peak_w)
        for info, portion, edges_j2, peak_w in zip(
            infos, account.portions, account.edges_j2, peaks_w, strict=True
        )
        if portion is not None and portion.is_known
    ]
    summed = [item for item in known if item[0].scope == "component"]
    node_j = max(
        (
            portion.machine_j
            for info, portion, _, peak_w in known
            if info.scope == "node"
            and portion.missing_s * peak_w <= NODE_MISSING * portion.machine_j
        ),
        default=None,
    )
    if not summed:
        used = [info for info in infos if info.scope == "component"]
        return Figure(None, None, None, node_j, {}, provenance_of(used))
    value_j = machine_j = others_j = variance_j2 = unread_j2 = 0.0
    below, above = _Side(), _Side()
    by_component_j: dict[Component, float] = {}
    for info, portion, edges_j2, peak_w in summed:
        value_j += portion.kernel_j
        machine_j += portion.machine_j
        others_j += portion.others_j
        below.add(info, portion.kernel_j - portion.low_j * info.low_factor)
        above.add(info, portion.high_j * info.high_factor - portion.kernel_j)
        above.sure_j += portion.missing_s * peak_w
        by_component_j[info.component] = by_component_j.get(info.component, 0.0) + portion.kernel_j
        unread_j2 += _share(portion) ** 2 * (edges_j2 + portion.noise_j2)
        variance_j2 += _gain_j(info, portion) ** 2 + portion.u_baseline_j**2
    variance_j2 += unread_j2
    above.sure_j += _unseen_j(account, infos, peaks_w)
    if node_j is not None and node_j < NODE_AGREES * machine_j:
        node_j = None
    interval = Interval(
        low=max(0.0, value_j - below.reach_j(variance_j2)),
        value=value_j,
        high=value_j + above.reach_j(variance_j2),
    )
    return Figure(
        interval, machine_j, others_j, node_j, by_component_j,
        provenance_of(info for info, *_ in summed),
        too_short=math.sqrt(unread_j2) > TOO_SHORT * value_j,
    )  # fmt: skip


@dataclass(slots=True)
class _Side:
    """How far the truth may lie to one side of the value.

    Attributes:
        bound_j: by the bounds of the attribution.
        sure_j: by what is told as a bound and nothing else: models, missing time.
    """

    bound_j: float = 0.0
    sure_j: float = 0.0

    def add(self, info: SourceInfo, distance_j: float) -> None:
        """The distance to one source's bound, which holds its model's factor."""
        if info.kind == "model":
            self.sure_j += max(0.0, distance_j)
        else:
            self.bound_j += max(0.0, distance_j)

    def reach_j(self, variance_j2: float) -> float:
        """All of it, with the variance of what is no bound."""
        spread_j = COVERAGE_FACTOR * math.sqrt(variance_j2)
        joined_j = math.hypot(spread_j, COVERAGE_FACTOR * self.bound_j / math.sqrt(3.0))
        return self.sure_j + min(joined_j, self.bound_j + spread_j)


def _unseen_j(account: Account, infos: Sequence[SourceInfo], peaks_w: Sequence[float]) -> float:
    """What sources may have drawn of which no reading succeeded, beside others that did."""
    return sum(
        portion.missing_s * peak_w
        for info, portion, peak_w in zip(infos, account.portions, peaks_w, strict=True)
        if portion is not None and not portion.is_known and info.scope == "component"
    )


def _share(portion: Portion) -> float:
    """The kernel's part of the machine's energy, to which an error at the meter scales."""
    return portion.kernel_j / portion.machine_j if portion.machine_j > 0 else 1.0


def _gain_j(info: SourceInfo, portion: Portion) -> float:
    """What the hardware's gain may be off by; a model's is in its factors."""
    return 0.0 if info.kind == "model" else info.relative_error * portion.kernel_j


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
