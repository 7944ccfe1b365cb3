"""The session: the only file that knows all stages. Builds them, wires them, ends them.

A hook hands over a snapshot and goes; ``settle`` books what was handed over, beside the user's
code, under one lock that no hook ever takes. Meters are read outside that lock: one that hangs
holds up nobody. Each stage of the thread's work stands behind a guard of its own, so that what
fails in one stops no other.
"""

from __future__ import annotations

import itertools
import math
import os
import random
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from greencell.booking import Booking
from greencell.books import Books, Event
from greencell.claims import Claim, Claims
from greencell.clock import Clock, SystemClock
from greencell.deadline import within
from greencell.document import JsonObject, session_document
from greencell.edges import Power
from greencell.errors import UsageError
from greencell.feed import Feed
from greencell.guard import Guard
from greencell.idle_power import idle_power
from greencell.ledger import Closing, Opening, RunningFigure
from greencell.meter import (
    CLOSE_LOOK_S,
    CLOSEST_LOOK_S,
    Abandoned,
    Look,
    Meter,
    Snapshot,
)
from greencell.model import (
    Attribution,
    CarbonInfo,
    CellRecord,
    CellStatus,
    Component,
    HostInfo,
    Interval,
    Paged,
    SessionView,
    Skipped,
    SourceInfo,
    Totals,
)
from greencell.notices import notices
from greencell.sampler import Sampler
from greencell.units import NS_PER_S
from greencell.watchdog import Watchdog
from greencell.wire import MAX_RECORDS, Notice, whole_text

IDLE_AFTER_S = 10.0
IDLE_INTERVAL_S = 5.0
"""Without a cell for a while fewer samples do: against wraps, and for the baseline. Right after a
cell the beat goes on, so that the next cell's hook need not wake the thread."""
GAUGE_INTERVAL_S = 0.2
GAUGE_JITTER = 0.5
"""While a cell runs, a power reading is integrated from five samples a second, or as many as it
has new ones; each time up to half earlier or later, so as to be in step with no load."""
SHARING_INTERVAL_S = 5.0
SHARING_INTERVAL_BUSY_S = 2.0
GATHER_S = 0.05
"""What happened waits so long for more of it. Beside quick cells the thread would compete with the
kernel's own work."""
INNER_EVERY_S = 1.0
"""Runs within a cell, and blocks, are booked no more often, unless the cell ends."""
_FRESH_NS = 300_000
"""An inner run that begins so soon after the last readings begins with them."""
PROVISIONAL_AFTER_S = 0.05
"""A run whose end waits for a tick as long as this is told of before, and again after it."""
HOOKS_SPARED_S = 60.0
"""For so long hooks do less after the first slow one, which may have been a hiccup of the machine;
after the second they do for good. So at most two are felt in a session."""
_NOTHING_DUE_S = 3600.0
_FINAL_WAIT_S = 0.5
_FINAL_LOOKS = 1_000
"""So long, and so often, a tick is looked for before a measured block gives what it has."""
_FORCE_WAIT_S = 2.0
"""So long somebody who asks for a record waits for arithmetic: no meter is read under the lock."""
_FIRST_READING_S = 0.5
_THREAD_TIMEOUT_S = 0.3
"""Whoever asks waits so long for the thread, which may hang in a driver."""
_SAMPLE_TIMEOUT_S = 0.6
_WATCHED_WITHIN_S = 0.5
"""What hangs unseen while nothing runs is seen so soon after a cell's beginning."""
_LAST_SAMPLE_S = 0.25
_CLOSE_TIMEOUT_S = 0.25
_MAX_UNSENT = 5_000
"""So many records wait for pages that cannot be told; a page asks for all when it comes."""
_PAGE = 500
"""So many records at once are let go, when the history holds them."""
_BURST_LOOKS = 20
"""A counter that ticks as often as this is looked at so many times in a row for its next tick."""


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a session measures with, as found on this machine.

    Attributes:
        absent: kinds of meters that were looked for and that other machines have.
    """

    meter: Meter
    host: HostInfo
    skipped: tuple[Skipped, ...]
    carbon: CarbonInfo
    attribution: Attribution
    interval_s: float
    absent: tuple[Skipped, ...] = ()


class Keeper(Protocol):
    """What takes a session down into the history."""

    def ended(self, records: Iterable[CellRecord]) -> None:
        """These runs ended."""
        ...

    def beat(self) -> float:
        """Note what is in progress where that is due; the seconds until it is due again."""
        ...

    def session_ended(self) -> None:
        """The session is over."""
        ...

    def paged_out(self, through: int) -> list[CellRecord]:
        """Read again the finished runs that it holds, up to this number; none if it cannot."""
        ...

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What a person should know of it."""
        ...


class Stages:
    """The thread's work, each part behind a guard of its own.

    Attributes:
        booking: readings and ends of cells become records.
        slices: the energy between two readings.
        meters: what is read.
        sharing: who else uses the devices.
        history: what is written down.
        pages: what is told.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self.booking = Guard("booking", now_ns)
        self.slices = Guard("slices", now_ns)
        self.meters = Guard("meters", now_ns)
        self.sharing = Guard("sharing", now_ns)
        self.history = Guard("history rows", now_ns)
        self.pages = Guard("pages", now_ns)

    @property
    def all(self) -> tuple[Guard, ...]:
        """All of them."""
        return (self.booking, self.slices, self.meters, self.sharing, self.history, self.pages)


class Session:
    """One measured stretch of a kernel's life.

    Args:
        previous: a session that was closed by a reload; its ledger goes on if the sources are
            the same.

    Attributes:
        id: unique key of the session.
        feed: messages to the pages, where the shell is a kernel that has any.
        keeper: of the history, where it is kept.
        guards: of the parts whose failures a person should know of.
        place_notices: notices about the place, set by the room that knows it.
        watchers: called at each beat of the thread, to see that all is in its place.
        more_notices: rooms that have something to say besides.
    """

    id: str
    seq: Iterator[int]
    _books: Books
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
        self._events: deque[tuple[Snapshot, Opening | Closing | None]] = deque()
        self._unkept: deque[CellRecord] = deque()
        self._unsent: deque[CellRecord] = deque(maxlen=_MAX_UNSENT)
        now_ns = self._clock.monotonic_ns
        self._stages = Stages(now_ns)
        guard, watch_guard = Guard("sampler", now_ns), Guard("watchdog", now_ns)
        self.guards: tuple[Guard, ...] = (guard, watch_guard, *self._stages.all)
        self._sampler = Sampler(self._beat, self._clock, guard)
        watchdog = Watchdog(self._meter, self._replace_thread, lambda: self.busy, self._clock)
        self._watch_thread = Sampler(watchdog.look, self._clock, watch_guard, "greencell-watchdog")
        self._pid = os.getpid()
        self._closed = False
        self.notebook: str | None = None
        self.label: str | None = None
        self.feed: Feed | None = None
        self.keeper: Keeper | None = None
        self.place_notices: tuple[Notice, ...] = ()
        self._is_urgent = False
        self._last_taken: Snapshot | None = None
        self.watchers: list[Callable[[], None]] = []
        self.more_notices: list[Callable[[], Iterable[Notice]]] = []
        self.paused = False
        self.claims = Claims()
        self._slow_hooks = 0
        self._slow_hook_ns = 0
        self.seq = itertools.count()
        self._run_numbers = itertools.count(1)
        self._begin(self._first_reading())
        if previous is not None and previous.source_ids == self.source_ids:
            self._go_on(previous)

    def _go_on(self, previous: Session) -> None:
        """Take over the account of a session whose sources were closed."""
        self.id, self.seq = previous.id, previous.seq
        self._numbers, self._next_label = previous._numbers, previous._next_label
        self._started_at = previous._started_at
        self._books.go_on(previous._books)
        self.label, self.notebook = previous.label, previous.notebook

    @property
    def source_ids(self) -> list[str]:
        """What is measured with."""
        return [source.info.id for source in self._meter.sources]

    def _begin(self, first: Snapshot) -> None:
        """Start a fresh account from a first reading on."""
        self.id = os.urandom(8).hex()
        self._run_prefix = os.urandom(8).hex()
        self._numbers = itertools.count(1)
        self._next_label = None
        self._sampled_ns = self._shared_ns = self._due_ns = self._full_ns = 0
        self._stretch = 1.0
        self._watched: dict[int, float] = {}
        self._received_ns = 0
        self._last_cell_ns = self._clock.monotonic_ns()
        self._started_at = first.wall_s
        self._ended_at: float | None = None
        meter = self._meter
        booking = Booking(meter.sources, meter.logical_cpus, meter.reserved, meter.device_use)
        self._books = Books(booking, self._event(first, None), self._stages.slices)

    def _first_reading(self) -> Snapshot:
        """All readings; what hangs, even now, is left out, with all of its driver."""
        if self._sampler.is_this:
            return self._meter.take_all()
        waited_s = 0.0
        while waited_s < 2 * _FIRST_READING_S:
            answer = within(_FIRST_READING_S, self._meter.take_all)
            if answer.value is not None:
                return answer.value
            waited_s += _FIRST_READING_S
            if not self._meter.give_up(0.0):
                break
        return self._meter.take_clocks()

    def _event(self, snapshot: Snapshot, what: Opening | Closing | None) -> Event:
        return Event(snapshot, what, self._carbon.factor, self._attribution, self.paused)

    # -- the cell's path: no lock, no arithmetic -------------------------------------------------

    def open_run(
        self,
        cell_id: str | None,
        parent_run: str | None = None,
        label: str | None = None,
        *,
        is_cell: bool = True,
        around: str | None = None,
        request: str | None = None,
    ) -> Opening:
        """Name a run that is about to begin."""
        if is_cell and parent_run is None and label is None:
            label, self._next_label = self._next_label, None
        number = next(self._numbers) if is_cell else 0
        # Both come with the notebook, from whoever wrote it.
        cell_id, label = (text and whole_text(text) for text in (cell_id, label))
        run = f"{self._run_prefix}{next(self._run_numbers):08x}"
        return Opening(
            run, number, cell_id, label, parent_run, is_cell, around=around, request=request
        )

    def begin(self, opening: Opening) -> None:
        """A run begins now.

        The thread is woken only where it would oversleep the first tick: it would compete with
        the cell, and at its next beat it finds out anyway.
        """
        now_ns = self._clock.monotonic_ns()
        if not self._sampler.alive:
            self.wake()
        elif self._due_ns - now_ns > NS_PER_S:
            self._sampler.wake_by(now_ns + int(GATHER_S * NS_PER_S))
        is_inner = _is_inner(opening)
        if not is_inner:
            self._watch_thread.wake_by(now_ns + int(_WATCHED_WITHIN_S * NS_PER_S))
        last = self._last_taken
        is_fresh = is_inner and last is not None and now_ns - last.end_ns < _FRESH_NS
        self._events.append((last if last and is_fresh else self.take(), opening))
        self._is_urgent = self._is_urgent or not is_inner

    def take(self) -> Snapshot:
        """The readings of this moment, for ``end``; where reading fails, its clocks."""
        meters, take = self._stages.meters, self._meter.take
        snapshot = meters.run(take)
        if snapshot is None and (meters.interrupted or meters.signal is not None):
            snapshot = meters.run(take)  # no meter is to blame
        self._last_taken = snapshot = snapshot or self._meter.take_clocks()
        return snapshot

    def pop_signal(self) -> int | None:
        """The signal whose handler raised while meters were read on the main thread; told once.

        What a handler raises there, Ctrl-C's too, is meant for the user's code.
        """
        meters = self._stages.meters
        if threading.current_thread() is not threading.main_thread():
            return None
        number = int(signal.SIGINT) if meters.interrupted else meters.signal
        meters.interrupted, meters.signal = False, None
        return number

    def end(
        self,
        run: str,
        snapshot: Snapshot,
        status: CellStatus,
        execution_count: int | None,
        *,
        is_inner: bool = False,
    ) -> None:
        """A run ended when ``snapshot`` was taken; an inner one, within a cell that goes on."""
        self._events.append((snapshot, Closing(run, status, execution_count, is_inner)))
        self._is_urgent = self._is_urgent or not is_inner

    def note(self, opening: Opening, status: CellStatus, execution_count: int | None) -> None:
        """A run of which no more is known than that it was: it has no length."""
        snapshot = self.take()
        self._events.append((snapshot, opening))
        self._events.append((snapshot, Closing(opening.run, status, execution_count)))
        self._is_urgent = True

    def spare_hooks(self) -> None:
        """A hook was slow: the next ones read clocks alone."""
        self._slow_hooks += 1
        self._slow_hook_ns = self._clock.monotonic_ns()
        self._meter.spares_hooks = True

    def _use_hooks_again(self, now_ns: int) -> None:
        if self._slow_hooks == 1 and now_ns - self._slow_hook_ns >= HOOKS_SPARED_S * NS_PER_S:
            self._meter.spares_hooks = False

    @property
    def hooks_spared(self) -> bool:
        """Whether hooks do no more than they must."""
        return self._meter.spares_hooks

    def wall_s(self) -> float:
        """Now, in s since the epoch."""
        return self._clock.wall_s()

    def wake(self) -> None:
        """Have the background thread see to what was handed over; revive it if it died.

        Where no thread can be started, what is due is done here.
        """
        self._revive()
        if self._sampler.alive:
            self._sampler.wake()
        elif self._sampler.refused and not self._closed:
            self.guards[0].run(self._beat)

    def wake_soon(self) -> None:
        """The same after a cell's end: at once only where a quick counter's tick is waited for."""
        if not self._sampler.alive or self._meter.has_quick_counters:
            self.wake()
        else:
            self._sampler.wake_by(self._clock.monotonic_ns() + int(GATHER_S * NS_PER_S))

    def _revive(self) -> None:
        if self._closed or os.getpid() != self._pid:
            return
        self._sampler.start()
        self._watch_thread.start()

    def _replace_thread(self) -> None:
        self._sampler.replace()
        self._sampler.wake()

    # -- beside the cell -----------------------------------------------------------------------

    def start(self) -> None:
        """Start the background threads."""
        self._revive()

    def _on_thread(self, job: Callable[[], object], timeout_s: float) -> bool:
        """Have the background thread do something; whether it did, in time.

        Beside the user's code, what is booked there may be torn apart by an interrupt. Where there
        is no thread, or this is it, it is done here.
        """
        if self._sampler.is_this or not self._sampler.alive:
            job()
            return True
        return self._sampler.call(job, timeout_s)

    def settle(self, *, force: bool = False) -> None:
        """Book what was handed over and is surely known, all if forced."""

        def job() -> None:
            self._settle(force=force)

        if not self._on_thread(job, _THREAD_TIMEOUT_S):
            job()

    def _settle(self, *, force: bool = False) -> list[CellRecord]:
        with self._lock:
            self._receive()
            ended = []
            for record in self._books.settle(force=force):
                if record.number:
                    ended.append(record)
                else:
                    self.claims.hand_over(record)
            self._unkept.extend(ended)
            self._unsent.extend(ended)
        return ended

    def _receive(self) -> None:
        """Take over what was read, in the order of time: several threads hand it over."""
        self._is_urgent, self._received_ns = False, self._clock.monotonic_ns()
        handed = []
        while self._events:
            handed.append(self._events.popleft())
        for snapshot, what in sorted(handed, key=lambda item: item[0].end_ns):
            if what is not None:
                self._last_cell_ns = snapshot.end_ns
                if not _is_inner(what):
                    gathered_ns = snapshot.end_ns + int(GATHER_S * NS_PER_S)
                    self._full_ns = min(self._full_ns, gathered_ns)
            self._books.receive(self._event(snapshot, what))

    def finished(self, claim: Claim) -> CellRecord | None:
        """The record of a run that ended and is no cell; for the caller's own thread.

        Waits for slow counters, at most half a second: the background thread looks at them.
        """
        if claim.record is not None or self._closed or not self.is_here:
            return claim.record
        if not claim.has_waited:
            if self._sampler.alive:
                self._full_ns = 0  # nothing is gathered while somebody waits
                self._sampler.wake()
                self.claims.wait(claim, _FINAL_WAIT_S)
            else:
                self._look_for(claim)
        claim.has_waited = True
        if claim.record is None and self._lock.acquire(timeout=_FORCE_WAIT_S):
            try:
                self._settle(force=True)
            finally:
                self._lock.release()
        return claim.record

    def _look_for(self, claim: Claim) -> None:
        """Look at slow counters on the caller's thread, where there is no other."""
        waited_s, looks = 0.0, 0
        while waited_s < _FINAL_WAIT_S and looks < _FINAL_LOOKS and not self._closed:
            self.settle()
            with self._lock:
                if claim.record is not None:
                    return
                awaited = self._books.awaited
            wait_s = self._look(awaited)
            self._clock.sleep_s(wait_s)
            waited_s, looks = waited_s + wait_s, looks + 1

    def sample(self) -> None:
        """Read everything and book it: the state of this moment.

        Nobody waits long for a meter: if one hangs, what was read before is the state.
        """
        self._on_thread(self._sample, _SAMPLE_TIMEOUT_S)

    def _sample(self) -> None:
        snapshot = self._meter.take_all()
        self._events.append((snapshot, None))
        self._settle()

    def _beat(self) -> float:
        if os.getpid() != self._pid or self._closed:
            return IDLE_INTERVAL_S
        try:
            due_s = self._do_due()
        except Abandoned:  # another thread goes on
            return IDLE_INTERVAL_S
        self._due_ns = self._clock.monotonic_ns() + int(due_s * NS_PER_S)
        return due_s

    def _do_due(self) -> float:
        """Look for ticks at once, do all else when it is due; the seconds until something is."""
        with self._lock:
            if self._events and not self._may_wait:
                self._stages.booking.run(self._receive)
                self._watched = self._watch()
        if self._watched and self._clock.monotonic_ns() < self._full_ns:
            again_s = self._look(self._watched)
            with self._lock:
                self._watched = self._watch()
            if self._watched:
                until_full_s = (self._full_ns - self._clock.monotonic_ns()) / NS_PER_S
                return max(0.0, min(again_s, until_full_s))
        until_full_s = (self._full_ns - self._clock.monotonic_ns()) / NS_PER_S
        return until_full_s if until_full_s > 0.0 else self._do_all()

    @property
    def _may_wait(self) -> bool:
        """Whether there is nothing to book but inner runs, which a cell may run by the thousand."""
        since_s = (self._clock.monotonic_ns() - self._received_ns) / NS_PER_S
        return bool(self._events) and not self._is_urgent and since_s < INNER_EVERY_S

    def _do_all(self) -> float:
        """Book, sample, look and tell what is due; the seconds until something is due again.

        Each stage is behind its own guard: what fails rests for a while, and the others go on.
        """
        stages = self._stages
        if not self._may_wait:
            stages.booking.run(self._settle)
        now_ns = self._clock.monotonic_ns()
        self._use_hooks_again(now_ns)
        period_s = self._period_s(now_ns)
        told = self.feed is not None and self.feed.is_tick_due(now_ns)
        if told or now_ns - self._sampled_ns >= period_s * NS_PER_S:
            self._sampled_ns = now_ns
            self._stretch = 1.0 + GAUGE_JITTER * (2.0 * random.random() - 1.0)  # noqa: S311
            self._run_reading(stages.meters, self._sample)
            self._run_reading(stages.sharing, self._ask_sharing)
        due_s = (self._sampled_ns - now_ns) / NS_PER_S + period_s
        again_s = _NOTHING_DUE_S
        with self._lock:
            watched = self._watch()
        if watched:
            again_s = self._look(watched)
            stages.booking.run(self._settle)
            due_s = min(due_s, PROVISIONAL_AFTER_S)
        with self._lock:
            self._watched = self._watch()
        for watch in self.watchers:
            watch()
        due_s = min(due_s, self._keep(), self._tell(now_ns))
        self._full_ns = self._clock.monotonic_ns() + int(max(0.0, due_s) * NS_PER_S)
        # Until then only the ticks that are waited for are looked for.
        return max(0.0, min(due_s, again_s) if self._watched else due_s)

    def _run_reading(self, guard: Guard, read: Callable[[], None]) -> None:
        """Read something behind a guard; that this thread was replaced is no failure."""
        replaced = []

        def attempt() -> None:
            try:
                read()
            except Abandoned as error:
                replaced.append(error)

        guard.run_unless_resting(attempt)
        if replaced:
            raise replaced[0]

    def _keep(self) -> float:
        """Hand the history what it should hold; the seconds until it is due again."""
        keeper, guard = self.keeper, self._stages.history
        if keeper is None:
            self._unkept.clear()
            return _NOTHING_DUE_S
        if guard.rest_s > 0.0:
            return guard.rest_s

        def hand_over() -> float:
            records = list(self._unkept)
            keeper.ended(records)
            for _ in records:
                self._unkept.popleft()
            return keeper.beat()

        due_s = guard.run(hand_over)
        return guard.rest_s if due_s is None else due_s

    def _tell(self, now_ns: int) -> float:
        """Tell the pages what they should know; the seconds until something is due again."""
        feed, guard = self.feed, self._stages.pages
        if feed is None:
            self._unsent.clear()
            return _NOTHING_DUE_S
        if guard.rest_s > 0.0:
            return guard.rest_s

        def tell() -> float:
            with self._lock:
                ended = list(self._unsent)
                self._unsent.clear()
                waiting = self._books.announce(now_ns / NS_PER_S - PROVISIONAL_AFTER_S)
            feed.cell_ended(*ended, *waiting)
            return feed.beat()

        due_s = guard.run(tell)
        return guard.rest_s if due_s is None else due_s

    def _watch(self) -> dict[int, float]:
        """Counters whose next tick is waited for, or whose period is not known yet."""
        now_s = self._clock.monotonic_ns() / NS_PER_S
        return self._books.booking.unlearned(now_s) | self._books.awaited

    def _look(self, watched: Mapping[int, float]) -> float:
        """Look at these sources, at quick ones until they tick; how soon to look again, in s."""
        self._observe(self._meter.look(watched))
        quick = [index for index, period_s in watched.items() if period_s <= CLOSE_LOOK_S]
        for _ in range(_BURST_LOOKS):
            if not quick:
                break
            # A beat of the thread takes about as long as such a counter's period.
            self._clock.sleep_s(CLOSEST_LOOK_S)
            self._observe(self._meter.look(quick))
            with self._lock:
                still = self._watch()
            quick = [index for index in quick if index in still]
        return min(
            (self._meter.look_again_s(index, period) for index, period in watched.items()),
            default=0.0,
        )

    def _observe(self, looks: list[Look]) -> None:
        with self._lock:
            self._books.observe_looks(looks)

    def _period_s(self, now_ns: int) -> float:
        if self.busy:
            gauge_s = self._meter.gauge_period_s
            if gauge_s is None or gauge_s >= self._interval_s:
                return self._interval_s
            return max(gauge_s, GAUGE_INTERVAL_S) * self._stretch
        if now_ns - self._last_cell_ns > IDLE_AFTER_S * NS_PER_S:
            return max(self._interval_s, IDLE_INTERVAL_S)
        return self._interval_s

    def _ask_sharing(self) -> None:
        now_ns = self._clock.monotonic_ns()
        interval_s = SHARING_INTERVAL_BUSY_S if self.busy else SHARING_INTERVAL_S
        if now_ns - self._shared_ns >= interval_s * NS_PER_S:
            self._shared_ns = now_ns
            self._meter.notice_sharing()

    # -- what people ask for -------------------------------------------------------------------

    @property
    def cells(self) -> tuple[CellRecord, ...]:
        """All finished runs of cells, in the order in which they ended.

        The latest 5,000 and more are in memory, earlier ones are read from the history.
        """
        return self._whole_view().cells

    @property
    def cells_in_memory(self) -> tuple[CellRecord, ...]:
        """The latest of them, without a look at the disk."""
        self.settle()
        with self._lock:
            return tuple(self._books.current().records)

    @property
    def block_counts(self) -> tuple[int, int]:
        """How many measured blocks are in progress, and how many have ended."""
        with self._lock:
            blocks = self._books.current().blocks
            return blocks.open_count, blocks.count

    def surplus(self) -> list[str]:
        """The runs that memory may let go as soon as the history holds them, oldest first."""
        with self._lock:
            surplus = self._books.surplus(MAX_RECORDS)
        return surplus if len(surplus) >= _PAGE else []

    def page_out(self, count: int) -> None:
        """The history holds the first ``count`` of ``surplus``."""
        with self._lock:
            self._books.page_out(count)

    @property
    def is_here(self) -> bool:
        """Whether it is this process's; a forked child has its parent's, which measures nothing."""
        return os.getpid() == self._pid

    @property
    def busy(self) -> bool:
        """Whether a cell is in progress, as far as was told."""
        return self._books.open_cells > 0

    def quiet_s(self) -> float:
        """For how long no cell has run, in s."""
        if self.busy:
            return 0.0
        return (self._clock.monotonic_ns() - self._last_cell_ns) / NS_PER_S

    def unfinished(self) -> list[CellRecord]:
        """Runs in progress as if they were lost now, and those whose end waits for a meter."""
        with self._lock:
            return self._books.unfinished()

    def running(self) -> RunningFigure | None:
        """The cell in progress, as of the last sample."""
        with self._lock:
            return self._books.current().running()

    def power_w(self) -> dict[Component, float | None] | None:
        """Power attributed to the kernel by component, as of the last sample.

        ``None`` if nothing is known, and for a component with a meter that does not answer.
        """
        with self._lock:
            known, unread = self._books.power_w, self._books.booking.unread
        if known is None:
            return None
        return {part: None if part in unread else watts for part, watts in known.items()}

    def idle(self) -> list[tuple[SourceInfo, Power | None]]:
        """Each source that is summed, with the kernel's part of its idle power where known."""
        self.settle()
        with self._lock:
            return self._books.booking.idle(self._attribution)

    def idle_power_w(self) -> Interval | None:
        """Power that counts for this kernel while nothing runs, in W; ``None`` if not known yet.

        Pages carry the session's total on with it, because nothing is sent meanwhile.
        """
        with self._lock:
            if self.paused:
                return None
            return idle_power(self._books.booking.idle(self._attribution))

    def as_of_s(self) -> float:
        """Up to when the totals count, in s since the epoch."""
        with self._lock:
            booked_ns = self._books.current().now_ns
        since_s = (self._clock.monotonic_ns() - booked_ns) / NS_PER_S
        return self._clock.wall_s() - max(0.0, since_s)

    def view(self, *, live: bool) -> SessionView:
        """Everything about the session; ``live`` counts the cell in progress into the totals."""
        with self._lock:
            ledger = self._books.current()
            return SessionView(
                id=self.id,
                started_at=self._started_at,
                ended_at=self._ended_at,
                duration_s=ledger.duration_s,
                notebook=self.notebook,
                label=self.label,
                host=self._host,
                attribution=self._attribution,
                sources=tuple(self._books.booking.infos),
                baselines_w=tuple(self._books.booking.baselines_w),
                skipped=self._skipped,
                carbon=self._carbon,
                totals=ledger.totals(self._carbon.factor, with_running=live),
                cells=tuple(ledger.records),
                paged=ledger.paged,
                blocks=ledger.blocks.latest,
                blocks_not_listed=ledger.blocks.not_listed,
            )

    def _whole_view(self) -> SessionView:
        """The view of a document, with the runs that only the history holds.

        The disk is read outside the lock: one that hangs holds up whoever asked, and no figure.
        """
        self.settle()
        with self._lock:
            view = self.view(live=False)
            here = {record.run for record in (*view.cells, *self._books.unfinished())}
            keeper = self.keeper
        if view.paged.count == 0:
            return view
        found = keeper.paged_out(view.paged.through) if keeper is not None else []
        older = [record for record in found if record.run not in here]
        still_out = Paged(max(0, view.paged.count - len(older)), view.paged.through)
        return replace(view, cells=(*older, *view.cells), paged=still_out)

    def sums(self) -> tuple[Totals, float]:
        """The totals with the cell in progress, and how long was measured, in s."""
        with self._lock:
            ledger = self._books.current()
            return ledger.totals(self._carbon.factor, with_running=True), ledger.duration_s

    def to_dict(self) -> JsonObject:
        """The session document, ``greencell.session.v1``."""
        return session_document(self._whole_view())

    @property
    def totals(self) -> JsonObject:
        """The totals of the session document."""
        totals: JsonObject = self.to_dict()["totals"]
        return totals

    def notices(self) -> tuple[Notice, ...]:
        """What a person should know about the figures."""
        with self._lock:
            booking, ledger = self._books.booking, self._books.current()
            flags = ledger.totals(self._carbon.factor, with_running=True).flags
        found = notices(
            booking.infos, booking.lost, self._skipped, self._carbon, self.guards,
            silent=booking.silent, device_use=self._meter.device_use, flags=flags,
            hooks_spared=self.hooks_spared, hanging=self._meter.hanging,
            no_thread=self._sampler.refused,
        )  # fmt: skip
        kept = self.keeper.notices if self.keeper is not None else ()
        more = [notice for tell in self.more_notices for notice in tell()]
        return (*found, *more, *self.place_notices, *kept)

    @property
    def health(self) -> Mapping[str, object]:
        """Counters for ``%greencell status``."""
        return {
            "sampler": "running" if self._sampler.alive else self._stopped_words,
            **{guard.part.replace(" ", "_"): guard.words for guard in self.guards},
            "hanging_meters": list(self._meter.hanging),
            "waiting_events": len(self._events),
        }

    @property
    def _stopped_words(self) -> str:
        return "no thread can start here" if self._sampler.refused else "stopped"

    @property
    def measuring_words(self) -> str:
        """Whether cells are measured now, in a word or a sentence."""
        if self._closed:
            return "no, it has ended"
        if self.paused:
            return "paused"
        if not self._sampler.alive and not self._sampler.refused:
            return "from the next cell on: the background thread has ended"
        failing = [guard.part for guard in self.guards if guard.failures_in_a_row > 0]
        return f"yes, but failing now: {', '.join(failing)}" if failing else "yes"

    # -- what people change --------------------------------------------------------------------

    def set_carbon(self, carbon: CarbonInfo) -> None:
        """Cells that begin from now on count as run there."""
        self.sample()
        with self._lock:
            self._carbon = carbon

    @property
    def carbon(self) -> CarbonInfo:
        """Where the electricity comes from."""
        return self._carbon

    def pause(self) -> None:
        """Count nothing until ``resume``."""
        if not self.paused:
            self.sample()
            self.settle(force=True)
            self.paused = True

    def resume(self) -> None:
        """Count again from this moment on."""
        if self.paused:
            self.sample()
            self.paused = False

    def reset(self, *, keep_running: bool) -> None:
        """Begin a new session; ``keep_running`` lets the open cells go on in it."""
        self.sample()
        self.settle(force=True)

        def begin_anew() -> None:
            first = self._first_reading()
            with self._lock:
                self._lose_blocks()
                still_open = self._books.current().open_runs if keep_running else ()
                self._ended_at = self._clock.wall_s()
                self._keep_all()
                self._begin(first)
                for run in still_open:
                    opening = replace(run.opening, number=next(self._numbers))
                    self._events.append((first, opening))
                self._receive()

        if not self._on_thread(begin_anew, _SAMPLE_TIMEOUT_S):
            begin_anew()

    def label_next(self, label: str) -> None:
        """Name the next cell."""
        self._next_label = label

    def label_run(self, run: str, label: str) -> None:
        """Name a run in progress."""
        with self._lock:
            self._receive()
            self._books.relabel(run, whole_text(label))

    def log_metric(self, run: str, name: str, value: float) -> bool:
        """Put a figure beside a run's energy; whether the run was open."""
        try:
            # Here, where the caller hears of it: in the session it would spoil every export.
            value = float(value)
        except OverflowError:
            value = math.inf
        self.settle(force=True)
        with self._lock:
            return self._books.log_metric(run, str(name), value)

    def export(self, path: str | Path, force: bool = False, form: str | None = None) -> Path:
        """Write the session document; the format follows from the suffix, or is named.

        Args:
            form: e.g. ``model-card``, ``latex``, ``codecarbon``.

        Raises:
            UsageError: unknown format, existing file without ``force``, no such folder.
        """
        from greencell import report

        return report.write(self.to_dict(), path, force=force, form=form)

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
        answers = self._on_thread(self._sample, _LAST_SAMPLE_S)
        self._closed = True
        self._watch_thread.stop(0.0)
        self._sampler.stop(timeout_s if answers else 0.0)  # else it hangs
        with self._lock:
            self._settle(force=True)
            self._lose_blocks()
            self._ended_at = self._clock.wall_s()
            self._keep_all()
        within(_CLOSE_TIMEOUT_S, self._meter.close)

    def _lose_blocks(self) -> None:
        """Blocks that go on beyond this account are told of as far as they got."""
        for record in self._books.lose_blocks():
            self.claims.hand_over(record)

    def _keep_all(self) -> None:
        """The session ends here: what the history has not heard of yet."""
        if self.keeper is not None:
            self.keeper.ended(self._unkept)
            self.keeper.session_ended()
        self._unkept.clear()
        self._unsent.clear()

    def abandon_after_fork(self) -> None:
        """In a forked child: measure nothing, and take no lock that another thread held."""
        self._closed = True
        self._lock = threading.RLock()
        self._events.clear()
        self.claims = Claims()
        self.feed = self.keeper = None


def _is_inner(what: Opening | Closing) -> bool:
    """Whether a run begins or ends within a cell, or is a block: the next beat is soon enough.

    A cell may run thousands of them, and the thread would compete with it.
    """
    if isinstance(what, Closing):
        return what.is_inner
    return what.parent_run is not None or not what.is_cell
