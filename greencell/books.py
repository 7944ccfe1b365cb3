"""The books: events in the order of time, booked as soon as their energy is surely known.

What a slow counter drew up to the edge of a cell is known at its next tick. Until then the event
waits here, and ``current`` shows what the ledger will look like, from what is known so far.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from greencell.booking import Booking
from greencell.guard import Guard
from greencell.ledger import Closing, Ledger, Opening
from greencell.meter import Look, Snapshot
from greencell.model import Attribution, CarbonFactor, CellRecord, Component

_MIN_POWER_SLICE_S: Final = 0.2
"""A shorter slice says too little about power to be shown as it."""


_HELD_PERIODS: Final = 2.0
"""Further back than this, a tick after a run's end tells nothing new."""


@dataclass(frozen=True, slots=True)
class Event:
    """A moment that was read, what happened at it, and how it is to be booked."""

    snapshot: Snapshot
    what: Opening | Closing | None
    carbon: CarbonFactor
    attribution: Attribution
    paused: bool = False


class Books:
    """One session's account: the booking of its sources, the ledger, and what waits.

    Attributes:
        power_w: power attributed to the kernel by component, over the last long slice.
    """

    def __init__(self, booking: Booking, first: Event, guard: Guard | None = None) -> None:
        self._booking = booking
        self._guard = guard or Guard("slices")
        self._waiting: deque[Event] = deque()
        self._open: set[str] = set()
        self._announced: set[str] = set()
        self._provisional: tuple[Booking, Ledger] | None = None
        self._shown = 0
        self.power_w: dict[Component, float] | None = None
        booking.observe(first.snapshot)
        piece = booking.book(first.snapshot, first.attribution, edge=False)
        self._ledger = Ledger(booking.infos, first.snapshot.end_ns, piece.edges_j2)

    @property
    def open_cells(self) -> int:
        """How many runs have begun and not ended, as far as was told."""
        return len(self._open)

    @property
    def booking(self) -> Booking:
        """Where each source is in time."""
        return self._booking

    def go_on(self, previous: Books) -> None:
        """Take over the ledger of books whose sources were closed, with nothing in between."""
        self._ledger = previous.current()

    # -- writing -------------------------------------------------------------------------------

    def receive(self, event: Event) -> None:
        """Take in an event. Its readings count at once, its booking waits for its turn."""
        if isinstance(event.what, Opening):
            self._open.add(event.what.run)  # told twice, a run counts once
        elif isinstance(event.what, Closing):
            self._open.discard(event.what.run)
        self._waiting.append(event)
        # Whatever goes wrong with its readings, what happened has happened.
        self._guard.run(self._observe, event)

    def _observe(self, event: Event) -> None:
        self._booking.observe(event.snapshot)
        if event.what is not None:
            self._booking.mark(event.snapshot.t_s, quiet=not self._open)

    def observe_looks(self, looks: Sequence[Look]) -> None:
        """Take in single readings."""
        self._booking.observe_looks(looks)

    def settle(self, *, force: bool = False) -> list[CellRecord]:
        """Book what is surely known, all if forced; the runs that ended by it.

        While a run's end waits for a tick, so does all before it: that tick, seen closely, also
        tells when the ones at the run's beginning came.
        """
        ended: list[CellRecord] = []
        held_from_s = math.inf if force else self._held_from_s()
        while self._waiting and (
            force
            or (self._is_settled(self._waiting[0]) and self._waiting[0].snapshot.t_s < held_from_s)
        ):
            event = self._waiting.popleft()
            self._provisional = None
            if isinstance(event.what, Opening) and self._ledger.is_quiet:
                self._booking.learn_quiet(event.snapshot.t_s)
            book = partial(_book, event, self._booking, self._ledger)
            booked = self._guard.run(book)
            # Whatever went wrong with the energy of a slice, a run that ended has ended.
            record, power_w = booked or (_open_or_close(event, self._ledger, final=True), None)
            self.power_w = power_w or self.power_w
            if record is not None:
                self._announced.discard(record.run)
                ended.append(record)
        return ended

    def _held_from_s(self) -> float:
        """From when on events wait together with the end of a run that waits for a tick.

        Once a moment is unsettled, all later ones are, so the first is found by halving.
        """
        ends = self._waiting_ends()
        index = bisect.bisect_left(ends, True, key=lambda t_s: bool(self._booking.unsettled(t_s)))
        if index == len(ends):
            return math.inf
        periods_s = self._booking.unsettled(ends[index]).values()
        return ends[index] - _HELD_PERIODS * max(periods_s, default=0.0)

    def _waiting_ends(self) -> list[float]:
        return [e.snapshot.t_s for e in self._waiting if isinstance(e.what, Closing)]

    def announce(self, before_s: float) -> list[CellRecord]:
        """Provisional records of runs that ended before this time and still wait for a tick.

        Each is told once.
        """
        waiting = {
            event.what.run
            for event in self._waiting
            if isinstance(event.what, Closing)
            and event.snapshot.t_s < before_s
            and event.what.run not in self._announced
        }
        if not waiting:
            return []
        self._announced |= waiting
        return [record for record in self.current().records if record.run in waiting]

    def unfinished(self) -> list[CellRecord]:
        """Runs in progress as if they were lost now, and those whose end waits for a tick."""
        ledger = self.current()
        waiting = {e.what.run for e in self._waiting if isinstance(e.what, Closing)}
        ended = [record for record in ledger.records if record.run in waiting] if waiting else []
        return [*ended, *ledger.if_lost()]

    def lose_blocks(self) -> list[CellRecord]:
        """End all runs that are no cells, as of what is booked; nothing may wait."""
        ended = self._ledger.lose_blocks()
        self._open -= {record.run for record in ended}
        return ended

    def relabel(self, run: str, label: str) -> None:
        """Name a run in progress; nothing happens if it is not."""
        self._waiting = deque(
            replace(event, what=replace(event.what, label=label))
            if isinstance(event.what, Opening) and event.what.run == run
            else event
            for event in self._waiting
        )
        self._provisional = None
        self._ledger.relabel(run, label)

    def surplus(self, kept: int) -> list[str]:
        """The runs that ended first, of those beyond the latest ``kept``."""
        return [record.run for record in self._ledger.records[:-kept]]

    def page_out(self, count: int) -> None:
        """Let go of the records of the first ``count`` of them."""
        self._ledger.page_out(count)
        self._provisional = None

    def log_metric(self, run: str, name: str, value: float) -> bool:
        """Put a figure of the user's beside a run's energy; whether the run was open."""
        return self._ledger.log_metric(run, name, value)

    # -- reading -------------------------------------------------------------------------------

    @property
    def awaited(self) -> dict[int, float]:
        """Sources whose next tick an ended run waits for, with their update periods in s."""
        ends = self._waiting_ends()
        return self._booking.unsettled(ends[-1]) if ends else {}

    def current(self) -> Ledger:
        """The ledger as of now, with what waits booked provisionally."""
        if not self._waiting:
            return self._ledger
        if self._provisional is None:
            self._provisional = (self._booking.fork(), self._ledger.fork())
            self._shown = 0
        booking, ledger = self._provisional
        self._provisional, shown = None, self._shown  # an interrupt leaves no half of it behind
        for event in itertools.islice(self._waiting, shown, None):
            _book(event, booking, ledger, final=self._is_settled(event))
        self._provisional, self._shown = (booking, ledger), len(self._waiting)
        return ledger

    def _is_settled(self, event: Event) -> bool:
        return event.what is None or not self._booking.unsettled(event.snapshot.t_s)


def _book(
    event: Event, booking: Booking, ledger: Ledger, *, final: bool = True
) -> tuple[CellRecord | None, dict[Component, float] | None]:
    if event.paused:
        booking.forget()
    snapshot = event.snapshot
    piece = booking.book(snapshot, event.attribution, edge=event.what is not None)
    ledger.book(piece, snapshot.end_ns, event.carbon)
    power_w = None
    if piece.elapsed_s >= _MIN_POWER_SLICE_S:
        power_w = piece.power_w(ledger.summed)
    return _open_or_close(event, ledger, final=final), power_w


def _open_or_close(event: Event, ledger: Ledger, *, final: bool) -> CellRecord | None:
    """Begin or end the run that begins or ends here; the record of one that ends."""
    snapshot = event.snapshot
    if isinstance(event.what, Opening):
        ledger.open(event.what, snapshot.end_ns, snapshot.wall_s, event.carbon)
    elif isinstance(event.what, Closing):
        return ledger.close(event.what, snapshot.end_ns, final=final)
    return None
