"""The feed: what is told to the pages, and when.

Once somebody has asked, and while a cell runs: a start mark where it runs for longer than a
moment, ticks ever slower the longer it takes, now and then a snapshot in place of a tick, for
pages that lost a message. The server keeps all of it while a browser is away, so it is about
1 KB/s at most. What quick cells cost is told in batches. A page that arrives gets a snapshot at
once. While nothing runs: nothing, or an idle kernel would never be culled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final, Protocol

from greencell import wire
from greencell.clock import Clock
from greencell.ledger import RunningFigure
from greencell.model import CellRecord, Component, Interval, SessionView, Totals
from greencell.units import NS_PER_S
from greencell.wire import Message, Notice

TICK_S: Final = 1.0
TICK_GROWTH: Final = 200
"""Ticks come every max(1 s, elapsed/200), so a day-long cell sends about 1,400."""
SNAPSHOT_S: Final = 5.0
"""Cells that run for so long heal pages that lost a message."""
SNAPSHOT_TICKS: Final = 60
SNAPSHOT_RECORDS: Final = 3
START_AFTER_S: Final = 0.05
"""A cell that runs for so long is told of. A page knows from Jupyter's own messages that it
runs."""
BATCH_S: Final = 0.2
"""Ends are told no more often; of many quick cells so many go together."""
BATCH_RECORDS: Final = 250
PROBE_S: Final = 1.0
PROBE_RECORDS: Final = 500
_NOTHING_DUE_S: Final = 3_600.0


class Outlet(Protocol):
    """Where messages go."""

    def send(self, message: Message, parent: dict[str, Any]) -> None:
        """Push one message to every page."""
        ...


class Picture(Protocol):
    """What the feed asks of a session."""

    id: str
    seq: Iterator[int]
    paused: bool

    @property
    def busy(self) -> bool:
        """Whether a cell is in progress."""
        ...

    def view(self, *, live: bool) -> SessionView: ...
    def sums(self) -> tuple[Totals, float]: ...
    def running(self) -> RunningFigure | None: ...
    def power_w(self) -> dict[Component, float | None] | None: ...
    def idle_power_w(self) -> Interval | None: ...
    def as_of_s(self) -> float: ...
    def notices(self) -> tuple[Notice, ...]: ...


class Feed:
    """Messages about one session.

    Args:
        picture: the session.
        outlet: where messages go.

    Attributes:
        parent: the request that is being executed, of which messages are told.
        asked: whether somebody has asked for anything yet; until then nothing is sent but hello.
    """

    def __init__(self, picture: Picture, outlet: Outlet, clock: Clock) -> None:
        self._picture = picture
        self._outlet = outlet
        self._clock = clock
        self._began_ns: int | None = None
        self._started = ""
        self._tick_ns = 0
        self._snapshot_ns: int | None = None
        self._probed = False
        self._change_waits = False
        self._ended: list[CellRecord] = []
        self._ended_ns = -int(BATCH_S * NS_PER_S)
        self._told: frozenset[str] | None = None
        self.parent: dict[str, Any] = {}
        self.asked = False

    def hello(self, parent: dict[str, Any]) -> None:
        """Say that a session began. Only from inside a cell."""
        self.parent = parent
        self._send("hello", self._whole(wire.MAX_RECORDS))

    def cell_ended(self, *records: CellRecord) -> None:
        """Cells ended by now, which is to be told with the next beat."""
        if not self.asked:
            return
        told = {record.run: record for record in (*self._ended, *records)}
        self._ended = list(told.values())[-wire.MAX_RECORDS :]

    def change_soon(self) -> None:
        """Something changed by itself; it is said while a cell runs, this one or the next."""
        self._change_waits = True

    def changed(self) -> None:
        """Say that something other than a figure changed (zone, pause, a source lost)."""
        self._change_waits = False
        if not self.asked:
            return
        view = self._picture.view(live=True)
        body = {
            "info": wire.info_object(view),
            "paused": self._picture.paused,
            "notices": wire.notice_objects(self._picture.notices()),
        }
        self._send("status", body)

    def probe(self) -> None:
        """A page asked for us; it gets a snapshot at the next beat if a cell runs."""
        self.asked = self._probed = True

    def beat(self) -> float:
        """Send what is due; the seconds until something is due again."""
        if not self.asked:
            return _NOTHING_DUE_S
        ends_s = self._tell_ends()
        if not self._picture.busy:
            self._began_ns = None
            self._probed = False
            return ends_s
        return min(ends_s, self._tell_running())

    def _tell_ends(self) -> float:
        """Say what ended, many at once; the seconds until more of it is due."""
        if not self._ended:
            return _NOTHING_DUE_S
        wait_s = BATCH_S - (self._clock.monotonic_ns() - self._ended_ns) / NS_PER_S
        if wait_s > 0.0:
            return wait_s
        self._ended_ns = self._clock.monotonic_ns()
        batch, rest = self._ended[:BATCH_RECORDS], self._ended[BATCH_RECORDS:]
        objects = [wire.record_object(record) for record in batch]
        body = {"record": objects[-1], "totals": self._totals_object(), **self.age()}
        if len(objects) > 1:
            body["records"] = objects
        self._send("cell-end", body)
        self._ended = rest
        return BATCH_S if rest else _NOTHING_DUE_S

    def _tell_running(self) -> float:
        """Say what a cell in progress used so far; the seconds until it is due again."""
        if self._change_waits:
            self.changed()
        now_ns = self._clock.monotonic_ns()
        start_s = self._tell_start(now_ns)
        if self._began_ns is None:
            return start_s
        elapsed_ns = now_ns - self._began_ns
        period_ns = _period_ns(elapsed_ns)
        if self._probed and self._silent_ns(now_ns) >= PROBE_S * NS_PER_S:
            self._push_snapshot(PROBE_RECORDS, now_ns)
        if now_ns - self._tick_ns >= period_ns:
            self._tick_ns = now_ns
            self._tell_notices()
            grown = elapsed_ns >= SNAPSHOT_S * NS_PER_S
            if grown and self._silent_ns(now_ns) >= SNAPSHOT_TICKS * period_ns:
                self._push_snapshot(SNAPSHOT_RECORDS, now_ns)
            else:
                self._tick()
        due_ns = self._tick_ns + period_ns
        if self._probed:
            due_ns = min(due_ns, now_ns + int(PROBE_S * NS_PER_S))
        return max(0.0, (due_ns - self._clock.monotonic_ns()) / NS_PER_S)

    def _tell_start(self, now_ns: int) -> float:
        """Say once of each cell that it runs, if it has for a moment; the seconds until then."""
        running = self._picture.running()
        if running is None:
            self._began_ns = None
            return START_AFTER_S
        if running.run != self._started:
            self._began_ns = None
        if self._began_ns is not None:
            return 0.0
        runs_s = self._clock.wall_s() - running.started_at
        if 0.0 <= runs_s < START_AFTER_S:  # else the clock was set
            return START_AFTER_S - runs_s
        self._started = running.run
        self._began_ns = self._tick_ns = now_ns - int(running.elapsed_s * NS_PER_S)
        body = {"running": wire.running_object(running), "totals": self._totals_object()}
        self._send("cell-start", body)
        return 0.0

    def _tell_notices(self) -> None:
        """A source fell silent, or answers again: pages hear of it now, not a minute later."""
        ids = frozenset(notice.id for notice in self._picture.notices())
        if self._told is not None and ids != self._told:
            self.changed()

    def is_tick_due(self, now_ns: int) -> bool:
        """Whether a tick is to be sent now: its figures should be of now, too."""
        if not self._picture.busy or self._began_ns is None:
            return False
        return now_ns - self._tick_ns >= _period_ns(now_ns - self._began_ns)

    def _silent_ns(self, now_ns: int) -> float:
        """How long ago the last snapshot was."""
        return math.inf if self._snapshot_ns is None else now_ns - self._snapshot_ns

    def _tick(self) -> None:
        running = self._picture.running()
        if running is None:
            return
        body = {
            "running": wire.running_object(running),
            "totals": wire.brief(self._totals_object()),
            **wire.brief(wire.power_object(self._picture.power_w())),
        }
        self._send("tick", body)

    def _push_snapshot(self, records: int, now_ns: int) -> None:
        self._probed = False
        self._snapshot_ns = now_ns
        self._send("snapshot", self._whole(records))

    def snapshot(self) -> Message:
        """The whole picture as an answer to a request; not sent."""
        return self._message("snapshot", self._whole(wire.MAX_RECORDS))

    def _whole(self, records: int) -> Message:
        picture = self._picture
        view = picture.view(live=True)
        body = wire.picture(
            view, picture.running(), picture.notices(), paused=picture.paused, records=records
        )
        return {**body, **self.age()}

    def age(self) -> Message:
        """Up to when the totals count, and how a page carries them on while nothing runs."""
        return wire.age_object(self._picture.as_of_s(), self._picture.idle_power_w())

    def totals(self) -> Message:
        """The totals of now with their age, for a reply."""
        return {"totals": self._totals_object(), **self.age()}

    def _totals_object(self) -> Message:
        return wire.totals_object(*self._picture.sums())

    def _message(self, kind: wire.Kind, body: Message) -> Message:
        seq = next(self._picture.seq)
        return wire.envelope(kind, seq, self._picture.id, self._clock.wall_s(), body)

    def _send(self, kind: wire.Kind, body: Message) -> None:
        if "notices" in body:
            self._told = frozenset(notice["id"] for notice in body["notices"])
        self._outlet.send(self._message(kind, body), self.parent)


def _period_ns(elapsed_ns: int) -> int:
    """How often a cell that runs for so long is told of."""
    return max(int(TICK_S * NS_PER_S), elapsed_ns // TICK_GROWTH)
