"""The session: the only file that knows all stages. Builds them, wires them, ends them.

A hook hands over a snapshot and goes; ``settle`` books what was handed over, beside the user's
code, under one lock that no hook ever takes.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from greencell.clock import Clock, SystemClock
from greencell.document import JsonObject, session_document
from greencell.errors import UsageError
from greencell.feed import Feed
from greencell.guard import Guard
from greencell.ledger import Closing, Ledger, Opening, RunningFigure
from greencell.meter import Meter, Snapshot
from greencell.model import (
    Attribution,
    CarbonInfo,
    CellRecord,
    CellStatus,
    Component,
    HostInfo,
    SessionView,
    Skipped,
)
from greencell.notices import notices
from greencell.sampler import Sampler
from greencell.units import NS_PER_S
from greencell.wire import Notice

IDLE_AFTER_S = 10.0
IDLE_INTERVAL_S = 5.0
"""Without a cell for a while fewer samples do: against wraps, and for the baseline. Right after a
cell the beat goes on, so that the next cell's hook need not wake the thread."""
GAUGE_INTERVAL_S = 0.2
"""While a cell runs, a power reading is integrated from five samples a second."""
SHARING_INTERVAL_S = 5.0
_MIN_POWER_SLICE_S = 0.2


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a session measures with, as found on this machine."""

    meter: Meter
    host: HostInfo
    skipped: tuple[Skipped, ...]
    carbon: CarbonInfo
    attribution: Attribution
    interval_s: float


@dataclass(frozen=True, slots=True)
class _Event:
    snapshot: Snapshot
    what: Opening | Closing | None = None


class Session:
    """One measured stretch of a kernel's life.

    Args:
        previous: a session that was closed by a reload; its ledger goes on if the sources are
            the same.

    Attributes:
        id: unique key of the session.
        feed: messages to the pages, where the shell is a kernel that has any.
    """

    id: str
    seq: Iterator[int]
    _ledger: Ledger
    _numbers: Iterator[int]
    _next_label: str | None
    _started_at: float

    def __init__(
        self,
        equipment: Equipment,
        clock: Clock | None = None,
        previous: Session | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._meter = equipment.meter
        self._host = equipment.host
        self._skipped = equipment.skipped
        self._carbon = equipment.carbon
        self._attribution = equipment.attribution
        self._interval_s = equipment.interval_s
        self._lock = threading.RLock()
        self._events: deque[_Event] = deque()
        self._unsent: deque[CellRecord] = deque()
        self._guard = Guard("sampler")
        self._sampler = Sampler(self._beat, self._clock, self._guard)
        self._pid = os.getpid()
        self._closed = False
        self.notebook: str | None = None
        self.label: str | None = None
        self.feed: Feed | None = None
        self.paused = False
        self.seq = itertools.count()
        self._begin()
        if previous is not None and previous.source_ids == self.source_ids:
            self._go_on(previous)

    def _go_on(self, previous: Session) -> None:
        """Take over the account of a session whose sources were closed."""
        self.id, self.seq = previous.id, previous.seq
        self._numbers, self._next_label = previous._numbers, previous._next_label
        self._started_at, self._ledger = previous._started_at, previous._ledger
        self.label, self.notebook = previous.label, previous.notebook

    @property
    def source_ids(self) -> list[str]:
        """What is measured with."""
        return [info.id for info in self._meter.infos]

    def _begin(self) -> None:
        """Start a fresh account from this moment on."""
        self.id = os.urandom(8).hex()
        self._numbers = itertools.count(1)
        self._measured: dict[str, CellRecord] = {}
        self._next_label = None
        self._power_w: dict[Component, float] | None = None
        self._sampled_ns = self._shared_ns = self._due_ns = 0
        self._last_cell_ns = self._clock.monotonic_ns()
        first = self._meter.take_all()
        self._started_at = first.wall_s
        self._ended_at: float | None = None
        self._meter.advance(first, self._attribution)
        self._ledger = Ledger(self._meter.infos, first.end_ns)

    # -- the cell's path: no lock, no arithmetic -------------------------------------------------

    def open_run(
        self,
        cell_id: str | None,
        parent_run: str | None = None,
        label: str | None = None,
        *,
        is_cell: bool = True,
    ) -> Opening:
        """Name a run that is about to begin."""
        if is_cell and parent_run is None and label is None:
            label, self._next_label = self._next_label, None
        number = next(self._numbers) if is_cell else 0
        return Opening(os.urandom(16).hex(), number, cell_id, label, parent_run, is_cell)

    def begin(self, opening: Opening) -> None:
        """A run begins now.

        The thread is woken only where it would oversleep the first tick: it would compete with
        the cell, and at its next beat it finds out anyway.
        """
        if self._due_ns - self._clock.monotonic_ns() > NS_PER_S or not self._sampler.alive:
            self.wake()
        self._events.append(_Event(self._meter.take(), opening))

    def take(self) -> Snapshot:
        """The readings of this moment, for ``end``."""
        return self._meter.take()

    def end(
        self, run: str, snapshot: Snapshot, status: CellStatus, execution_count: int | None
    ) -> None:
        """A run ended when ``snapshot`` was taken."""
        self._events.append(_Event(snapshot, Closing(run, status, execution_count)))

    def wall_s(self) -> float:
        """Now, in s since the epoch."""
        return self._clock.wall_s()

    def wake(self) -> None:
        """Have the background thread see to what was handed over; revive it if it died."""
        if not self._sampler.alive and not self._guard.disabled:
            self._sampler.start()
        self._sampler.wake()

    # -- beside the cell -----------------------------------------------------------------------

    def start(self) -> None:
        """Start the background thread."""
        self._sampler.start()

    def settle(self) -> list[CellRecord]:
        """Book everything handed over so far; the runs that ended by it."""
        ended: list[CellRecord] = []
        with self._lock:
            waiting: list[_Event] = []
            while self._events:
                waiting.append(self._events.popleft())
            if any(not event.snapshot.complete for event in waiting):
                waiting.append(_Event(self._meter.take_all()))
            behind: list[_Event] = []
            for event in waiting:
                behind.append(event)
                if event.snapshot.complete:
                    self._meter.fill([e.snapshot for e in behind[:-1]], event.snapshot)
                    for ready in behind:
                        self._book(ready, ended)
                    behind.clear()
            self._unsent.extend(ended)
        return ended

    def _book(self, event: _Event, ended: list[CellRecord]) -> None:
        factor = self._carbon.factor
        if self.paused:
            self._meter.forget()
        now_ns = event.snapshot.end_ns
        piece = self._meter.advance(event.snapshot, self._attribution)
        self._ledger.book(piece, now_ns, factor)
        if piece.elapsed_s >= _MIN_POWER_SLICE_S:
            self._power_w = piece.power_w([i.component for i in self._meter.infos])
        if isinstance(event.what, Opening):
            self._last_cell_ns = now_ns
            self._ledger.open(event.what, now_ns, event.snapshot.wall_s, factor)
        elif isinstance(event.what, Closing):
            self._last_cell_ns = now_ns
            record = self._ledger.close(event.what, now_ns)
            if record is not None and record.number:
                ended.append(record)
            elif record is not None:
                self._measured[record.run] = record

    def finished(self, run: str) -> CellRecord | None:
        """The record of a measured block that ended; it is handed out once."""
        with self._lock:
            self.settle()
            return self._measured.pop(run, None)

    def sample(self) -> None:
        """Read everything and book it: the state of this moment."""
        with self._lock:
            self._events.append(_Event(self._meter.take_all()))
            self.settle()

    def _beat(self) -> float:
        if os.getpid() != self._pid:
            return IDLE_INTERVAL_S
        due_s = self._do_due()
        self._due_ns = self._clock.monotonic_ns() + int(due_s * NS_PER_S)
        return due_s

    def _do_due(self) -> float:
        with self._lock:
            self.settle()
            now_ns = self._clock.monotonic_ns()
            period_s = self._period_s(now_ns)
            if now_ns - self._sampled_ns >= period_s * NS_PER_S:
                self._sampled_ns = now_ns
                self.sample()
                self._ask_sharing(now_ns)
            due_s = (self._sampled_ns - now_ns) / NS_PER_S + period_s
            if self.feed is None:
                self._unsent.clear()
                return max(0.0, due_s)
            while self._unsent:
                self.feed.cell_ended(self._unsent.popleft())
            return max(0.0, min(due_s, self.feed.beat()))

    def _period_s(self, now_ns: int) -> float:
        if self._ledger.open_runs:
            return (
                min(self._interval_s, GAUGE_INTERVAL_S)
                if self._meter.has_gauges
                else self._interval_s
            )
        if now_ns - self._last_cell_ns > IDLE_AFTER_S * NS_PER_S:
            return max(self._interval_s, IDLE_INTERVAL_S)
        return self._interval_s

    def _ask_sharing(self, now_ns: int) -> None:
        if now_ns - self._shared_ns >= SHARING_INTERVAL_S * NS_PER_S:
            self._shared_ns = now_ns
            self._meter.notice_sharing()

    # -- what people ask for -------------------------------------------------------------------

    @property
    def cells(self) -> tuple[CellRecord, ...]:
        """All finished runs of cells, in the order in which they ended."""
        with self._lock:
            self.settle()
            return tuple(self._ledger.records)

    def running(self) -> RunningFigure | None:
        """The cell in progress, as of the last sample."""
        with self._lock:
            return self._ledger.running()

    def power_w(self) -> dict[Component, float] | None:
        """Power attributed to the kernel by component, as of the last sample."""
        return self._power_w

    def view(self, *, live: bool) -> SessionView:
        """Everything about the session; ``live`` counts the cell in progress into the totals."""
        with self._lock:
            return SessionView(
                id=self.id,
                started_at=self._started_at,
                ended_at=self._ended_at,
                duration_s=self._ledger.duration_s,
                notebook=self.notebook,
                label=self.label,
                host=self._host,
                attribution=self._attribution,
                sources=tuple(self._meter.infos),
                skipped=self._skipped,
                carbon=self._carbon,
                totals=self._ledger.totals(self._carbon.factor, with_running=live),
                cells=tuple(self._ledger.records),
            )

    def to_dict(self) -> JsonObject:
        """The session document, ``greencell.session.v1``."""
        with self._lock:
            self.settle()
            return session_document(self.view(live=False))

    @property
    def totals(self) -> JsonObject:
        """The totals of the session document."""
        totals: JsonObject = self.to_dict()["totals"]
        return totals

    def notices(self) -> tuple[Notice, ...]:
        """What a person should know about the figures."""
        meter = self._meter
        return tuple(notices(meter.infos, meter.lost, self._skipped, self._carbon, [self._guard]))

    @property
    def health(self) -> Mapping[str, object]:
        """Counters for ``%greencell status``."""
        return {
            "sampler": "running" if self._sampler.alive else "stopped",
            "failures": self._guard.failures,
            "last_failure": self._guard.last_failure,
            "waiting_events": len(self._events),
        }

    # -- what people change --------------------------------------------------------------------

    def set_carbon(self, carbon: CarbonInfo) -> None:
        """Cells that begin from now on count as run there."""
        with self._lock:
            self.sample()
            self._carbon = carbon

    @property
    def carbon(self) -> CarbonInfo:
        """Where the electricity comes from."""
        return self._carbon

    def pause(self) -> None:
        """Count nothing until ``resume``."""
        with self._lock:
            if not self.paused:
                self.sample()
                self.paused = True

    def resume(self) -> None:
        """Count again from this moment on."""
        with self._lock:
            if self.paused:
                self.sample()
                self.paused = False

    def reset(self, *, keep_running: bool) -> None:
        """Begin a new session; ``keep_running`` lets the open cells go on in it."""
        with self._lock:
            self.sample()
            still_open = self._ledger.open_runs if keep_running else ()
            self._unsent.clear()
            self._begin()
            now_ns = self._clock.monotonic_ns()
            for run in still_open:
                opening = replace(run.opening, number=next(self._numbers))
                self._ledger.open(opening, now_ns, self._clock.wall_s(), self._carbon.factor)

    def label_next(self, label: str) -> None:
        """Name the next cell."""
        self._next_label = label

    def label_run(self, run: str, label: str) -> None:
        """Name a run in progress."""
        with self._lock:
            self.settle()
            self._ledger.relabel(run, label)

    def log_metric(self, run: str, name: str, value: float) -> bool:
        """Put a figure beside a run's energy; whether the run was open."""
        with self._lock:
            self.settle()
            return self._ledger.log_metric(run, name, value)

    def export(self, path: str | Path, force: bool = False) -> Path:
        """Write the session document; the format follows from the suffix.

        Raises:
            UsageError: unknown suffix, existing file without ``force``, no such folder.
        """
        from greencell import report

        return report.write(self.to_dict(), Path(path), force=force)

    def to_dataframe(self):  # type: ignore[no-untyped-def]  # pandas is imported lazily
        """One row per cell, as a pandas DataFrame.

        Raises:
            UsageError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise UsageError("to_dataframe() needs pandas: pip install pandas") from error
        return pd.json_normalize(self.to_dict()["cells"])

    def close(self, timeout_s: float = 0.5) -> None:
        """End the thread, book what is left, release the hardware; idempotent."""
        if self._closed:
            return
        self._closed = True
        self._sampler.stop(timeout_s)
        with self._lock:
            self.sample()
            self._ended_at = self._clock.wall_s()
            self._meter.close()

    def abandon_after_fork(self) -> None:
        """In a forked child: measure nothing, and take no lock that another thread held."""
        self._closed = True
        self._lock = threading.RLock()
        self._events.clear()
        self.feed = None
        self._guard.failures = 1 << 30
