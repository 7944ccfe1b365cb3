"""The ledger: which cell each joule belongs to. One writer, immutable records out.

Time is cut into slices by snapshots. Each slice goes to the open top-level cells, in equal parts
where several run at once (subshells), or to the time between cells; who of them used it cannot be
told, so the interval of each reaches from none of it to all. A nested run (``%%capture``,
``run_cell``) is shown under its outer cell and is in no sum. So the sums hold by construction:
session = cells + between cells + whatever still runs.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from greencell.attribution import Portion, Slice
from greencell.block_book import BlockBook
from greencell.emissions import Emissions
from greencell.model import (
    INCOMPLETE,
    CarbonFactor,
    CellRecord,
    CellStatus,
    Component,
    Interval,
    Paged,
    SourceInfo,
    Totals,
)
from greencell.uncertainty import Account, Figure, figure

_PEAK_MIN_SLICE_S = 0.2
"""A shorter slice says too little about power to count as a peak."""


_NONE_LOGGED: Final[dict[str, float]] = {}
"""One for all records without a metric: they are kept by the thousand."""
_DUST = 1e-12
"""Relative error of sums of floating-point numbers."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A run that begins.

    Attributes:
        parent_run: the cell that it runs in.
        is_cell: a run that is no cell is a block of ``measure`` if it has a label, else a leg of
            ``%energy``, which is listed nowhere.
        around: the block that a block was begun in, and that waits for it.
        request: id of the message that asked for it.
    """

    run: str
    number: int
    cell_id: str | None
    label: str | None
    parent_run: str | None = None
    is_cell: bool = True
    around: str | None = None
    request: str | None = None

    @property
    def is_block(self) -> bool:
        """Whether it is a block that documents list."""
        return not self.is_cell and self.label is not None


@dataclass(frozen=True, slots=True)
class Closing:
    """A run that ends.

    Attributes:
        is_inner: whether it ends within a cell, so that nobody waits for its figure.
    """

    run: str
    status: CellStatus
    execution_count: int | None
    is_inner: bool = False


@dataclass(slots=True)
class OpenRun:
    """A run in progress.

    Attributes:
        carbon: where it began, with that place's latest figure.
        parent: number of the cell that it runs in, which may end before it.
        untold_low_j, untold_high_j: by how much less, and more, it may have used than its share of
            the time in which others ran beside it.
    """

    opening: Opening
    account: Account
    emissions: Emissions
    carbon: CarbonFactor
    begin_ns: int
    started_at: float
    parent: int | None = None
    peak_power_w: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    untold_low_j: float = 0.0
    untold_high_j: float = 0.0

    def widened(self, energy_j: Interval) -> Interval:
        """The interval with what cannot be told of who used it. No sum of runs needs that."""
        low_j = max(0.0, energy_j.low - self.untold_low_j)
        return Interval(low_j, energy_j.value, energy_j.high + self.untold_high_j)


@dataclass(frozen=True, slots=True)
class RunningFigure:
    """A run in progress, as people read it."""

    run: str
    number: int
    cell_id: str | None
    label: str | None
    started_at: float
    elapsed_s: float
    figure: Figure
    co2_g: Interval | None
    others: int
    request: str | None = None


class Ledger:
    """Accounts of one session over sources ``infos``.

    Args:
        infos: what each source is, in the order of all portions.
        begin_ns: monotonic time at which the session began.
        edges_j2: variance of each source's energy at that time.
    """

    def __init__(
        self, infos: Sequence[SourceInfo], begin_ns: int, edges_j2: Sequence[float]
    ) -> None:
        self._infos = list(infos)
        self._begin_ns = self._now_ns = begin_ns
        self._begin_edges_j2 = self._edges_j2 = list(edges_j2)
        self._peaks_w = [0.0] * len(self._infos)
        self._open: dict[str, OpenRun] = {}
        self._records: list[CellRecord] = []
        self._paged = Paged()
        self._cells = self._new_account()
        self._between = self._new_account()
        self._cells_emissions = Emissions()
        self._between_emissions = Emissions()
        self._cell_count = 0
        self._blocks = BlockBook()

    def _new_account(self) -> Account:
        return Account(len(self._infos), self._edges_j2)

    def fork(self) -> Ledger:
        """A ledger that goes on apart from this one."""
        twin = copy.copy(self)
        twin._open = {  # noqa: SLF001  # of the same class
            key: replace(run, account=run.account.copy(), emissions=run.emissions.copy())
            for key, run in self._open.items()
        }
        twin._records = list(self._records)  # noqa: SLF001  # of the same class
        twin._cells, twin._between = self._cells.copy(), self._between.copy()  # noqa: SLF001  # of the same class
        twin._cells_emissions = self._cells_emissions.copy()  # noqa: SLF001  # of the same class
        twin._between_emissions = self._between_emissions.copy()  # noqa: SLF001  # of the same class
        twin._peaks_w = list(self._peaks_w)  # noqa: SLF001  # of the same class
        twin._blocks = self._blocks.copy()  # noqa: SLF001  # of the same class
        return twin

    def _roots(self) -> list[OpenRun]:
        """The top-level cells in progress, in the order in which they began."""
        return [run for run in self.open_runs if run.opening.parent_run is None]

    # -- writing -------------------------------------------------------------------------------

    def book(self, piece: Slice, now_ns: int, carbon: CarbonFactor) -> None:
        """Give one slice to whom it belongs.

        Args:
            carbon: the factor of this slice. A run stays where it began: another place's factor
                is not for it, a later figure of its own place is.
        """
        self._now_ns = max(self._now_ns, now_ns)
        self._edges_j2 = list(piece.edges_j2)
        long_enough = piece.elapsed_s >= _PEAK_MIN_SLICE_S
        if long_enough:
            self._learn_peaks(piece)
        roots = self._roots()
        energy_j = self._sum_j(piece.portions)
        if not roots:
            self._between.add(piece.portions)
            self._between.flags |= piece.flags
            self._between_emissions.add(energy_j, carbon)
        weight = 1.0 / max(1, len(roots))
        power = piece.power_w(self.summed) if long_enough else None
        power_w = None if power is None else sum(power.values())
        for run in self._open.values():
            run.account.add(piece.portions, weight)
            if carbon.zone == run.carbon.zone:
                run.carbon = carbon
            run.emissions.add(weight * energy_j, run.carbon)
            run.account.flags |= piece.flags
            if len(roots) > 1:
                run.account.flags.add("concurrent")
                run.untold_low_j += weight * energy_j
                run.untold_high_j += (1.0 - weight) * energy_j
            elif run.opening.is_block:
                beside = self._blocks.beside(run.opening.run)
                run.untold_low_j += energy_j * beside / (1 + beside)
            if power_w is not None:
                run.peak_power_w = max(run.peak_power_w or 0.0, weight * power_w)

    def _learn_peaks(self, piece: Slice) -> None:
        for index, portion in enumerate(piece.portions):
            if portion is not None:
                power_w = portion.machine_j / piece.elapsed_s
                self._peaks_w[index] = max(self._peaks_w[index], power_w)

    @property
    def summed(self) -> list[Component | None]:
        """The component of each source, ``None`` for those that are in no sum."""
        return [info.component if info.scope == "component" else None for info in self._infos]

    def open(self, opening: Opening, now_ns: int, wall_s: float, carbon: CarbonFactor) -> None:
        """Begin a run; its time starts with the next slice."""
        outer = self._open.get(opening.parent_run or "")
        if outer is None:
            opening = replace(opening, parent_run=None)
        self._open[opening.run] = OpenRun(
            opening, self._new_account(), Emissions(), carbon, now_ns, wall_s,
            None if outer is None else outer.opening.number,
        )  # fmt: skip
        if opening.is_block:
            self._flag_concurrent(self._blocks.open(opening.run, opening.around))

    def _flag_concurrent(self, runs: Iterable[str]) -> None:
        for run in runs:
            self._open[run].account.flags.add("concurrent")

    def close(self, closing: Closing, now_ns: int, *, final: bool = True) -> CellRecord | None:
        """End a run and return its record; ``None`` if it was not open.

        Args:
            final: whether nothing will change its figures any more.
        """
        run = self._open.get(closing.run)
        if run is None:
            return None
        if run.opening.is_block:
            self._share_with_inner(run, self._blocks.close(closing.run))
        del self._open[closing.run]
        record = self._record(run, closing, now_ns, final=final)
        if run.opening.is_block:
            self._blocks.keep(record)
        if not run.opening.is_cell:
            return record
        self._records.append(record)
        if run.opening.parent_run is None:
            self._cell_count += 1
            self._cells.merge(run.account)
            self._cells_emissions.merge(run.emissions)
        return record

    def _share_with_inner(self, run: OpenRun, side_by_side: set[str]) -> None:
        """A block ended before these inside of it: what they have used, both have."""
        self._flag_concurrent(side_by_side)
        for key in side_by_side - {run.opening.run}:
            inner = self._open[key]
            half_j = 0.5 * self._sum_j(inner.account.portions)
            inner.untold_low_j += half_j
            run.untold_low_j += half_j

    def lose_blocks(self) -> list[CellRecord]:
        """End all runs that are no cells: more of them will not be known. Inner ones first."""
        left = [key for key, run in self._open.items() if not run.opening.is_cell]
        for key in left:
            self._open[key].account.flags.add("lost")
        closings = [Closing(key, "lost", None) for key in reversed(left)]
        ended = [self.close(closing, self._now_ns) for closing in closings]
        return [record for record in ended if record is not None]

    def page_out(self, count: int) -> None:
        """Let go of the records of the first ``count`` runs that ended; the sums keep them."""
        through = max((record.number for record in self._records[:count]), default=0)
        self._paged = Paged(self._paged.count + count, max(self._paged.through, through))
        del self._records[:count]

    def relabel(self, run: str, label: str) -> None:
        """Name a run in progress; nothing happens if it is not."""
        if run in self._open:
            self._open[run].opening = replace(self._open[run].opening, label=label)

    def log_metric(self, run: str, name: str, value: float) -> bool:
        """Put a figure of the user's beside a run's energy; whether the run was open."""
        if run not in self._open:
            return False
        self._open[run].metrics[name] = value
        return True

    def _figure(self, account: Account) -> Figure:
        """What an account comes to if it ends now."""
        return figure(account.up_to(self._edges_j2), self._infos, self._peaks_w)

    def _sum_j(self, portions: Sequence[Portion | None]) -> float:
        return sum(
            portion.kernel_j
            for info, portion in zip(self._infos, portions, strict=True)
            if portion is not None and info.scope == "component"
        )

    def _record(self, run: OpenRun, closing: Closing, now_ns: int, *, final: bool) -> CellRecord:
        opening = run.opening
        duration_s = max(0, now_ns - run.begin_ns) / 1e9
        result = self._figure(run.account)
        flags = run.account.flags | ({"too-short"} if result.too_short else set())
        if closing.status == "lost" and duration_s == 0.0:
            # Its beginning was not seen: what it used is between the cells.
            result, flags = Figure(None, None, None, None, {}, result.provenance), flags | {"lost"}
        energy_j = None if result.energy_j is None else run.widened(result.energy_j)
        carbon = run.emissions.mean_factor(run.carbon)
        return CellRecord(
            run=opening.run,
            number=opening.number,
            cell_id=opening.cell_id,
            execution_count=closing.execution_count,
            label=opening.label,
            status=closing.status,
            started_at=run.started_at,
            duration_s=duration_s,
            energy_j=energy_j,
            co2_g=_co2_g(energy_j, run),
            machine_energy_j=result.machine_j,
            others_energy_j=result.others_j,
            idle_energy_j=idle_j(result),
            node_energy_j=result.node_j,
            mean_power_w=energy_j.value / duration_s if energy_j and duration_s > 0 else None,
            peak_power_w=run.peak_power_w,
            by_component_j=result.by_component_j,
            provenance=result.provenance,
            flags=tuple(sorted(flags)),
            zone=carbon.zone,
            intensity_g_per_kwh=carbon.intensity_g_per_kwh,
            pue=carbon.pue,
            basis=carbon.basis,
            grid_relative_error=carbon.relative_error,
            parent=run.parent,
            final=final,
            metrics=dict(run.metrics) if run.metrics else _NONE_LOGGED,
            request=opening.request,
        )

    # -- reading -------------------------------------------------------------------------------

    @property
    def records(self) -> Sequence[CellRecord]:
        """The finished runs in the order in which they ended, but for those let go."""
        return tuple(self._records)

    @property
    def blocks(self) -> BlockBook:
        """The measured blocks. They are in no sum."""
        return self._blocks

    @property
    def paged(self) -> Paged:
        """The runs whose records were let go."""
        return self._paged

    def if_lost(self) -> Sequence[CellRecord]:
        """The cells in progress, as their records would be if the kernel ended now."""
        return [
            self._record(run, Closing(run.opening.run, "lost", None), self._now_ns, final=False)
            for run in self.open_runs
        ]

    @property
    def is_quiet(self) -> bool:
        """Whether no cell is in progress."""
        return not self._open

    @property
    def open_runs(self) -> Sequence[OpenRun]:
        """The cells in progress, outer before inner."""
        return tuple(run for run in self._open.values() if run.opening.is_cell)

    def running(self) -> RunningFigure | None:
        """The top-level cell that began last and still runs."""
        roots = self._roots()
        if not roots:
            return None
        run = roots[-1]
        elapsed_s = max(0, self._now_ns - run.begin_ns) / 1e9
        result = self._figure(run.account)
        if result.energy_j is not None:
            result = replace(result, energy_j=run.widened(result.energy_j))
        opening = run.opening
        return RunningFigure(
            opening.run, opening.number, opening.cell_id, opening.label, run.started_at,
            elapsed_s, result, _co2_g(result.energy_j, run), len(roots) - 1, opening.request,
        )  # fmt: skip

    @property
    def now_ns(self) -> int:
        """Up to when all is booked, in monotonic ns."""
        return self._now_ns

    @property
    def duration_s(self) -> float:
        """How long the session has been measured."""
        return (self._now_ns - self._begin_ns) / 1e9

    def totals(self, carbon: CarbonFactor, *, with_running: bool) -> Totals:
        """The session's sums.

        Args:
            carbon: the factor of now, which counts for the CO2 interval where no energy was used.
            with_running: whether cells in progress count as cells. They do in the panel; they
                do not in a document, where the sum of its records must be its total.
        """
        cells, emissions = self._cells.copy(), self._cells_emissions.copy()
        emissions.merge(self._between_emissions)
        if with_running:
            for run in self._roots():
                cells.merge(run.account)
                emissions.merge(run.emissions)
        session = Account(len(self._infos), self._begin_edges_j2)
        session.merge(cells)
        session.merge(self._between)
        result = self._figure(session)
        energy_j = result.energy_j or Interval(0.0, 0.0, 0.0)
        return Totals(
            cells=self._cell_count,
            energy_j=energy_j,
            co2_g=emissions.interval(energy_j, carbon),
            cells_energy_j=self._sum_j(cells.portions),
            between_cells_energy_j=self._sum_j(self._between.portions),
            machine_energy_j=result.machine_j or 0.0,
            others_energy_j=result.others_j or 0.0,
            idle_energy_j=idle_j(result) or 0.0,
            node_energy_j=result.node_j,
            flags=tuple(sorted(session.flags & INCOMPLETE)),
            by_component_j=result.by_component_j,
            provenance=result.provenance,
            bases=emissions.bases or (carbon.basis,),
            grid_relative_error=emissions.mean_factor(carbon).relative_error,
        )


def idle_j(result: Figure) -> float | None:
    """The machine's energy that is neither the kernel's nor caused by others."""
    if result.energy_j is None or result.machine_j is None or result.others_j is None:
        return None
    rest_j = result.machine_j - result.energy_j.value - result.others_j
    # Where all of it is somebody's, what is left is the dust of rounding.
    return rest_j if rest_j > _DUST * result.machine_j else 0.0


def _co2_g(energy_j: Interval | None, run: OpenRun) -> Interval | None:
    return None if energy_j is None else run.emissions.interval(energy_j, run.carbon)
