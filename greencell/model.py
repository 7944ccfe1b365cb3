"""The data that crosses the borders between rooms: frozen, plain, with units in the names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from greencell.units import J_PER_KWH

Component = str
"""What a joule was spent in: ``cpu``, ``dram``, ``gpu`` …"""
SourceKind = Literal["counter", "gauge", "model"]
Provenance = Literal["measured", "estimated", "mixed"]
SourceProvenance = Literal["measured", "estimated"]
Scope = Literal["component", "node"]
"""Whether a source's joules are summed, or are the whole machine's and shown beside the sum."""
CellStatus = Literal["ok", "error", "interrupted", "lost"]
Attribution = Literal["kernel", "machine"]
Basis = Literal["life-cycle", "direct", "marginal", "mixed", "unknown"]
"""What a carbon intensity counts: *life-cycle* has upstream fuel, methane and building of plants
in it, *direct* only what is burnt in them, *marginal* the plants that answer to one kWh more.
They are never compared or summed without saying so (then *mixed*); a user's figure is *unknown*."""

FLAGS: frozenset[str] = frozenset(
    {
        "no-permission", "masked", "virtual", "unsupported", "lost", "gap", "stale", "too-short",
        "shared", "mig", "wrap-ambiguous", "suspended", "concurrent", "overhead",
    }
)  # fmt: skip
"""The closed list of flags of the session document."""

INCOMPLETE: frozenset[str] = frozenset({"gap", "lost", "stale", "wrap-ambiguous"})
"""Flags of figures that lack something: the truth may be more, and they are shown as "≥"."""


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a source is and how well it knows.

    Attributes:
        id: stable name, e.g. ``rapl:package-0``.
        component: where its joules are added.
        kind: a *counter* is cumulative (J), a *gauge* instantaneous (W), a *model* computes W.
        period_s: how often the hardware updates the value.
        resolution_j: smallest step of energy it can show.
        relative_error: standard uncertainty of its gain (k = 1), relative.
        low_factor, high_factor: for models, the interval as factors of the value.
        detail: words for a person.
        flags: states that every figure of this source carries, e.g. ``virtual``.
        scope: a *component* is summed; a *node* source shows the whole machine, beside the sum.
        parts: the pieces of hardware whose joules it holds, as ``KIND:WHICH``, e.g. ``cpu:0`` (a
            socket), ``dram:0``, ``gpu:0000:03:00.0``; ``cpu:*`` for all of a kind. Two sources
            that share a part are never both counted.
        lag_s: by how much a gauge's reading is late, as one that averages over the last second.
        is_own: whether it is of what was set apart for this kernel's control group alone.
    """

    id: str
    component: Component
    kind: SourceKind
    provenance: SourceProvenance
    period_s: float
    resolution_j: float
    relative_error: float
    low_factor: float = 1.0
    high_factor: float = 1.0
    detail: str = ""
    flags: tuple[str, ...] = ()
    scope: Scope = "component"
    parts: tuple[str, ...] = ()
    lag_s: float = 0.0
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """A source that was looked for and not used, with the reason and what would enable it.

    Attributes:
        reason: why, in a few words.
        remedy: the one command or setting that would enable it; empty if there is none.
        caution: what the remedy opens besides, in one sentence; empty if nothing.
        benefit: what would change with it, e.g. ``cpu measured instead of estimated``.
    """

    id: str
    reason: str
    remedy: str = ""
    flag: str = "unsupported"
    caution: str = ""
    benefit: str = ""


@dataclass(frozen=True, slots=True)
class HostInfo:
    """The machine, as far as it matters for reading a figure later."""

    os: str
    cpu: str
    logical_cpus: int
    ram_gb: float
    gpus: tuple[str, ...]
    virtual: bool


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its interval (about 95 %), ``low <= value <= high``."""

    low: float
    value: float
    high: float


@dataclass(frozen=True, slots=True)
class CarbonFactor:
    """What turns energy into CO2 at one moment.

    Attributes:
        zone: code of the place, e.g. ``FR`` or ``aws:eu-west-3``.
        intensity_g_per_kwh: carbon intensity of its electricity.
        pue: power usage effectiveness of the building, 1 at home.
        relative_error: about 95 % uncertainty of the intensity, relative.
    """

    zone: str
    intensity_g_per_kwh: float
    pue: float = 1.0
    relative_error: float = 0.2
    basis: Basis = "life-cycle"

    @property
    def g_per_j(self) -> float:
        """Grams of CO2e for one joule at the meter."""
        return self.intensity_g_per_kwh * self.pue / J_PER_KWH


@dataclass(frozen=True, slots=True)
class CellRecord:
    """One run of one cell. Energies in J, masses in g, times in s; ``None`` means unknown.

    Attributes:
        run: unique key of the run.
        number: 1, 2, 3 … in the order in which the cells began.
        parent: ``number`` of the outer cell for a nested run (``%%capture``); such a run is in
            no sum.
        final: false until slow counters have ticked after the end of the cell.
        machine_energy_j: the kernel's, the others' and the idle energy that is neither's.
        node_energy_j: the whole machine's by a meter of its own, beside the sum.
        started_at: seconds since the epoch.
        intensity_g_per_kwh: of the place; where it moved during the run, the mean by energy.
        grid_relative_error: about 95 % uncertainty of that figure; ``co2_g`` has it in it.
    """

    run: str
    number: int
    cell_id: str | None
    execution_count: int | None
    label: str | None
    status: CellStatus
    started_at: float
    duration_s: float
    energy_j: Interval | None
    co2_g: Interval | None
    machine_energy_j: float | None
    mean_power_w: float | None
    peak_power_w: float | None
    by_component_j: dict[Component, float]
    provenance: Provenance
    flags: tuple[str, ...]
    zone: str
    intensity_g_per_kwh: float
    pue: float = 1.0
    parent: int | None = None
    final: bool = True
    others_energy_j: float | None = None
    idle_energy_j: float | None = None
    node_energy_j: float | None = None
    basis: Basis = "life-cycle"
    grid_relative_error: float = 0.2
    metrics: dict[str, float] = field(default_factory=dict)
    request: str | None = None


@dataclass(frozen=True, slots=True)
class Paged:
    """Runs that the kernel's memory has let go, as the history holds them.

    Attributes:
        count: how many.
        through: the highest number among them.
    """

    count: int = 0
    through: int = 0


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the session. ``energy_j = cells_energy_j + between_cells_energy_j``, exactly.

    ``flags`` tell whether something is missing in it.

    Attributes:
        bases: what the intensities in ``co2_g`` count; two of them are a mixture.
        grid_relative_error: about 95 % uncertainty that ``co2_g`` has from them.
    """

    cells: int
    energy_j: Interval
    co2_g: Interval
    cells_energy_j: float
    between_cells_energy_j: float
    machine_energy_j: float
    by_component_j: dict[Component, float]
    provenance: Provenance
    others_energy_j: float = 0.0
    idle_energy_j: float = 0.0
    node_energy_j: float | None = None
    flags: tuple[str, ...] = ()
    bases: tuple[Basis, ...] = ()
    grid_relative_error: float = 0.2


@dataclass(frozen=True, slots=True)
class LiveReading:
    """What a provider of live figures said.

    Attributes:
        provider: its name, for people.
        zone: as the provider calls it.
        basis: ``marginal`` figures are shown apart and enter no sum.
        at: for when it holds, in s since the epoch.
        is_estimated: whether the provider calls it an estimate.
    """

    provider: str
    zone: str
    intensity_g_per_kwh: float
    basis: Basis
    at: float
    is_estimated: bool = False


@dataclass(frozen=True, slots=True)
class ForecastPoint:
    """The carbon intensity that is expected from ``at`` on, in s since the epoch."""

    at: float
    intensity_g_per_kwh: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """A provider's forecast for a zone; ``points`` in the order of time, the first about now."""

    provider: str
    zone: str
    basis: Basis
    points: tuple[ForecastPoint, ...]


@dataclass(frozen=True, slots=True)
class CarbonInfo:
    """Where the electricity comes from, and how that is known.

    Attributes:
        zone_name: for people, e.g. ``France``.
        basis: what the intensity counts, e.g. ``annual average, life-cycle``.
        located_by: ``setting``, ``environment``, ``cloud``, ``timezone`` or ``default``.
        note: one line where the place is a guess or a stand-in; else empty.
        reason: one line, always: what on this machine told the place.
        candidates: codes of other places that it may as well be.
        pue_source: who published the PUE, with its year; or that it is a default.
        wue_l_per_kwh: litres of water on site for 1 kWh of IT energy, where published.
        live: the reading that the factor stands on, if it is no table's.
        marginal: a marginal intensity to show beside it.
    """

    factor: CarbonFactor
    zone_name: str
    basis: str
    year: int | None
    source: str
    located_by: str
    note: str = ""
    reason: str = ""
    candidates: tuple[str, ...] = ()
    pue_source: str = ""
    wue_l_per_kwh: float | None = None
    live: LiveReading | None = None
    marginal: LiveReading | None = None


@dataclass(frozen=True, slots=True)
class SessionView:
    """All there is to know of a session at one moment. Every document is made from one.

    ``baselines_w`` holds each source's idle power, where it was measured; ``paged`` tells of
    finished runs that are not among ``cells``, because only the history holds them by now.
    ``blocks`` are the latest of ``measure``, which are in no sum; of ``blocks_not_listed``
    earlier ones nothing but their number is known any more.
    """

    id: str
    started_at: float
    ended_at: float | None
    duration_s: float
    notebook: str | None
    label: str | None
    host: HostInfo
    attribution: Attribution
    sources: tuple[SourceInfo, ...]
    baselines_w: tuple[float | None, ...]
    skipped: tuple[Skipped, ...]
    carbon: CarbonInfo
    totals: Totals
    cells: tuple[CellRecord, ...]
    paged: Paged = Paged()
    blocks: tuple[CellRecord, ...] = ()
    blocks_not_listed: int = 0
