"""The feed: what is told to the pages, and when.

While a cell runs: a start mark, ticks ever slower the longer it takes, now and then a snapshot in
place of a tick, for pages that lost a message. The server keeps all of it while a browser is away,
so it is about 1 KB/s at most. A page that arrives gets a snapshot at once. While nothing runs:
nothing, or an idle kernel would never be culled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final, Protocol

from greencell import wire
from greencell.clock import Clock
from greencell.ledger import Opening, RunningFigure
from greencell.model import CellRecord, Component, SessionView, Totals
from greencell.units import NS_PER_S
from greencell.wire import Message, Notice

TICK_S: Final = 1.0
TICK_GROWTH: Final = 200
"""Ticks come every max(1 s, elapsed/200), so a day-long cell sends about 1,400."""
SNAPSHOT_S: Final = 5.0
"""Cells that run for so long heal pages that lost a message."""
SNAPSHOT_TICKS: Final = 60
SNAPSHOT_RECORDS: Final = 3
PROBE_S: Final = 1.0
PROBE_RECORDS: Final = 500


class Outlet(Protocol):
    """Where messages go."""

    def send(self, message: Message, parent: dict[str, Any]) -> None:
        """Push one message to every page."""
        ...

    def send_now(self, message: Message, parent: dict[str, Any]) -> None:
        """Push one message, and return when it has left the process."""
        ...


class Picture(Protocol):
    """What the feed asks of a session."""

    id: str
    seq: Iterator[int]
    paused: bool

    @property
    def hooks_spared(self) -> bool:
        """Whether hooks do no more than they must."""
        ...

    @property
    def busy(self) -> bool:
        """Whether a cell is in progress."""
        ...

    def view(self, *, live: bool) -> SessionView: ...
    def sums(self) -> tuple[Totals, float]: ...
    def running(self) -> RunningFigure | None: ...
    def power_w(self) -> dict[Component, float | None] | None: ...
    def notices(self) -> tuple[Notice, ...]: ...


class Feed:
    """Messages about one session.

    Args:
        picture: the session.
        outlet: where messages go.
    """

    def __init__(self, picture: Picture, outlet: Outlet, clock: Clock) -> None:
        self._picture = picture
        self._outlet = outlet
        self._clock = clock
        self._parent: dict[str, Any] = {}
        self._began_ns: int | None = None
        self._tick_ns = 0
        self._snapshot_ns: int | None = None
        self._probed = False
        self._change_waits = False
        self._totals: Message | None = None
        self._told: frozenset[str] | None = None

    def hello(self, parent: dict[str, Any]) -> None:
        """Say that a session began. Only from inside a cell."""
        self._parent = parent
        self._send("hello", self._whole(wire.MAX_RECORDS), parent)

    def cell_started(self, opening: Opening, wall_s: float, parent: dict[str, Any]) -> None:
        """Say that a cell began. From the hook: no figures are computed here."""
        self._parent = parent
        now_ns = self._clock.monotonic_ns()
        self._began_ns = self._tick_ns = now_ns
        body = {
            "running": {
                "run": opening.run, "number": opening.number,
                "cell_id": opening.cell_id, "label": opening.label,
                "started_at": wall_s, "elapsed_s": 0.0, "energy_j": 0.0, "energy_low_j": 0.0,
                "energy_high_j": 0.0, "co2_g": 0.0, "mean_power_w": None, "others": 0,
            },
            "totals": self._totals,
        }  # fmt: skip
        send = self._outlet.send if self._picture.hooks_spared else self._outlet.send_now
        send(self._message("cell-start", body), parent)

    def cell_ended(self, *records: CellRecord) -> None:
        """Say what cells cost that ended by now. From the background thread."""
        totals = self._fresh_totals() if records else None
        for record in records:
            body = {"record": wire.record_object(record), "totals": totals}
            self._send("cell-end", body, self._parent)

    def change_soon(self) -> None:
        """Something changed by itself; it is said while a cell runs, this one or the next."""
        self._change_waits = True

    def changed(self) -> None:
        """Say that something other than a figure changed (zone, pause, a source lost)."""
        self._change_waits = False
        view = self._picture.view(live=True)
        body = {
            "info": wire.info_object(view),
            "paused": self._picture.paused,
            "notices": wire.notice_objects(self._picture.notices()),
        }
        self._send("status", body, self._parent)

    def probe(self) -> None:
        """A page asked for us; it gets a snapshot at the next beat if a cell runs."""
        self._probed = True

    def beat(self) -> float:
        """Send what is due while a cell runs; the seconds until something is due again."""
        if not self._picture.busy:
            self._began_ns = None
            self._probed = False
            return 3600.0
        if self._change_waits:
            self.changed()
        now_ns = self._clock.monotonic_ns()
        if self._began_ns is None:
            self._began_ns = self._tick_ns = now_ns
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
            "totals": self._fresh_totals(),
            **wire.power_object(self._picture.power_w()),
        }
        self._send("tick", body, self._parent)

    def _push_snapshot(self, records: int, now_ns: int) -> None:
        self._probed = False
        self._snapshot_ns = now_ns
        self._send("snapshot", self._whole(records), self._parent)

    def snapshot(self) -> Message:
        """The whole picture as an answer to a request; not sent."""
        return self._message("snapshot", self._whole(wire.MAX_RECORDS))

    def _whole(self, records: int) -> Message:
        picture = self._picture
        view = picture.view(live=True)
        body = wire.picture(
            view, picture.running(), picture.notices(), paused=picture.paused, records=records
        )
        self._totals = body["totals"]
        return body

    def _fresh_totals(self) -> Message:
        self._totals = wire.totals_object(*self._picture.sums())
        return self._totals

    def _message(self, kind: wire.Kind, body: Message) -> Message:
        seq = next(self._picture.seq)
        return wire.envelope(kind, seq, self._picture.id, self._clock.wall_s(), body)

    def _send(self, kind: wire.Kind, body: Message, parent: dict[str, Any]) -> None:
        if "notices" in body:
            self._told = frozenset(notice["id"] for notice in body["notices"])
        self._outlet.send(self._message(kind, body), parent)


def _period_ns(elapsed_ns: int) -> int:
    """How often a cell that runs for so long is told of."""
    return max(int(TICK_S * NS_PER_S), elapsed_ns // TICK_GROWTH)
