"""Shared by the tests of live figures: a session in virtual time whose place asks a double."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from carbon_provider_double import ENVIRONMENT, ZONES, Double, provider

from greencell.carbon.carbon_info import Wishes, carbon_info
from greencell.carbon.grid_table import GridTable
from greencell.carbon.live.choice import open_provider
from greencell.carbon.location import Location
from greencell.model import CarbonInfo, LiveReading
from greencell.place import Place, opening
from greencell.wire import Notice
from tests_support import Bench, StillThread

NAMES = tuple(ZONES)
TIMEOUT_S = 0.3
LIVE_G = 56.0
TABLE = GridTable()


@dataclass
class Stand:
    """A session in virtual time whose place asks a double."""

    bench: Bench
    double: Double
    place: Place
    name: str

    @classmethod
    def make(cls, double: Double, name: str, zone: str | None = None, **environment: str) -> Stand:
        bench = Bench.make()
        home = carbon_info(
            Location(TABLE.find(zone or ZONES[name]), "setting", "set by the user"), Wishes()
        )
        bench.session._carbon = opening(home, TABLE, name)  # as the extension builds it
        known = {**ENVIRONMENT, **environment}
        place = Place(
            bench.session, TABLE, Wishes(), home=home, clock=bench.clock,
            providers=lambda one: open_provider(one, known, double.url, TIMEOUT_S),
        )  # fmt: skip
        place._thread = StillThread()  # type: ignore[assignment]  # time here is virtual
        return cls(bench, double, place, name)

    def look(self) -> None:
        if self.place._watch is not None:  # else there is nobody to ask
            self.place._watch.look()

    def later(self, seconds: float) -> int:
        """So much later the watch looks again; how many requests that brought."""
        before = len(self.double.asked)
        self.bench.clock.advance(seconds)
        self.bench.session._last_cell_ns = self.bench.clock.monotonic_ns()  # somebody works
        self.look()
        return len(self.double.asked) - before

    def good(
        self,
        g_per_kwh: float = LIVE_G,
        change: Callable[[Any], Any] | None = None,
        ago_s: float = 60.0,
    ) -> None:
        at_s = self.bench.clock.wall_s() - ago_s
        self.double.answer = provider(self.name, g_per_kwh, at_s, change)

    @property
    def carbon(self) -> CarbonInfo:
        return self.bench.session.carbon

    @property
    def reading(self) -> LiveReading | None:
        return self.carbon.marginal if self.name == "watttime" else self.carbon.live

    @property
    def notices(self) -> tuple[Notice, ...]:
        return tuple(n for n in self.bench.session.notices() if n.id.startswith("live:"))


def rest(name: str) -> CarbonInfo:
    home = carbon_info(Location(TABLE.find(ZONES[name]), "setting", "set by the user"), Wishes())
    return opening(home, TABLE, name)
