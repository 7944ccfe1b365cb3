"""The place of one session: where zone, table and live figures meet, and who may change that.

A provider is asked by a thread of its own, only where the user chose one. What it says reaches
the session as a new factor of the same zone; where it fails, the table's figure counts again and
one notice says so. No hook takes the lock here.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from greencell.carbon.carbon_info import SET, Wishes, carbon_info
from greencell.carbon.grid_table import GridTable
from greencell.carbon.location import Location
from greencell.clock import Clock, SystemClock
from greencell.errors import UsageError
from greencell.guard import Guard
from greencell.model import CarbonInfo, Forecast, LiveReading
from greencell.running_session import Session
from greencell.sampler import Sampler
from greencell.settings import PROVIDERS, TABLE
from greencell.translation import translatable
from greencell.wire import Notice

if TYPE_CHECKING:  # imported at run time only where a provider was chosen
    from greencell.carbon.live.failures import LiveFailure
    from greencell.carbon.live.provider import Provider
    from greencell.carbon.live.watch import Heard, Target, Watch

Providers = Callable[[str], "Provider"]
_AGAIN: Final = translatable("it is asked again by itself; %greencell live off ends that")
_ELSEWHERE: Final = "%greencell zone CODE, or %greencell live off"
_STOP_S: Final = 0.2
_MAX_TEXT: Final = 200
_INSTEAD: Final = "The table's figure is used."
_OFF: Final = "%greencell live off"


class Place:
    """Answers where a session is, and moves it.

    Args:
        wishes: what the user set about carbon; a PUE that was set outlives a change of zone.
        home: what the table, or the user, says of the place; the session may stand on more.
        providers: opens a provider of live figures by its name in settings.

    Attributes:
        guard: keeps what the thread that asks could not do.
    """

    def __init__(
        self,
        session: Session,
        table: GridTable,
        wishes: Wishes,
        *,
        home: CarbonInfo | None = None,
        providers: Providers | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._session = session
        self._wishes = wishes
        self._providers = providers or _no_providers
        self._clock = clock or SystemClock()
        self._home = home or session.carbon
        self._lock = threading.Lock()
        self._provider: Provider | None = None
        self._target: Target | None = None
        self._said: Heard = None
        self._problems: tuple[Notice, ...] = ()
        self._watch: Watch | None = None
        self._thread: Sampler | None = None
        self._pid = os.getpid()
        self.guard = Guard("live figures")
        self.table = table

    @property
    def carbon(self) -> CarbonInfo:
        """Where the electricity comes from now."""
        return self._session.carbon

    @property
    def provider(self) -> str | None:
        """The name of who is asked for live figures of this place, for people."""
        target = self._target
        return None if target is None else target.provider.about.name

    @property
    def forecast(self) -> Forecast | None:
        """What is expected there in the hours ahead, where a provider was asked for."""
        if self._watch is None:
            return None
        from greencell.carbon.live.standing import from_now

        return from_now(self._watch.forecast, self._clock.wall_s())

    def move(self, name: str, pue: float | None = None) -> CarbonInfo:
        """Cells that begin from now on run in the zone of this name.

        Args:
            pue: of the building there, from now on; else what was set before holds.

        Raises:
            UsageError: no zone has that name, or several have.
        """
        wishes = Wishes(name, None, self._wishes.pue if pue is None else pue)
        carbon = carbon_info(Location(self.table.find(name), "setting", SET), wishes)
        with self._lock:
            self._home = carbon
            self._wishes = replace(self._wishes, pue=wishes.pue)
            self._settle_in()
        return self.carbon

    def set_pue(self, pue: float) -> CarbonInfo:
        """Cells that begin from now on run in a building with this power usage effectiveness."""
        with self._lock:
            home = self._home
            self._wishes = replace(self._wishes, pue=pue)
            self._home = replace(home, factor=replace(home.factor, pue=pue), pue_source=SET)
            self._settle_in()
        return self.carbon

    # -- live figures --------------------------------------------------------------------------

    def ask(self, name: str) -> None:
        """Ask this provider from now on; ``table`` asks none.

        Raises:
            UsageError: no such provider, what it needs is not set, or a figure was set by hand.
        """
        if name not in (TABLE, *PROVIDERS):
            choices = ", ".join((*PROVIDERS, "off"))
            raise UsageError(f"Unknown provider {name[:40]!r}; choose one of {choices}.")
        if name != TABLE and self._home.factor.basis == "unknown":
            raise UsageError(
                "intensity_g_per_kwh is set and wins; %greencell zone CODE goes back to the table."
            )
        provider = None if name == TABLE else self._providers(name)
        with self._lock:
            self._provider, self._target, self._problems = provider, None, ()
            self._settle_in()

    def begin(self, name: str) -> str | None:
        """Ask this provider from the start; the one line that says why that is not possible."""
        try:
            self.ask(name)
        except UsageError as error:
            notice = Notice(f"live:{name}", "warning", f"{error} {_INSTEAD}", _remedy(name))
            with self._lock:
                self._problems = (notice,)
                self._settle_in()
            return f"{error} {_INSTEAD}"
        return None

    def stop(self) -> None:
        """Ask no more; a request on its way is left to its deadline. Idempotent."""
        with self._lock:
            self._provider = self._target = None
        if self._watch is not None:
            self._watch.aim(None)
        if self._thread is not None:
            self._thread.stop(_STOP_S)

    def abandon_after_fork(self) -> None:
        """In a forked child: ask nothing, and take no lock that another thread held."""
        self._lock = threading.Lock()
        self._provider = self._target = self._watch = self._thread = None

    def _settle_in(self) -> None:
        """The provider or the zone is another one: aim the watch, and rest until it tells."""
        provider = self._provider
        if provider is None:
            self._aim(None)
            self._show(self._home, *self._problems)
            return
        from greencell.carbon.live.failures import NotCovered
        from greencell.carbon.live.provider import Spot
        from greencell.carbon.live.watch import Target

        zone = self.table.find(self._home.factor.zone)
        spot = Spot(zone.code, zone.country, self.table.coordinates(zone.code))
        try:
            target = Target(provider, provider.covers(spot))
        except NotCovered as failure:
            self._aim(None)
            self._show_heard(provider, failure)
            return
        if self._target is None or not target.same_as(self._target):
            self._aim(target)
        self._show_heard(provider, self._said)

    def _aim(self, target: Target | None) -> None:
        if target is not None and self._watch is None:
            from greencell.carbon.live.watch import Watch

            self._watch = Watch(self._heard, self._session.quiet_s, self._clock)
        self._target, self._said = target, None
        if self._watch is not None:
            self._watch.aim(target)
            if target is not None:
                self._wake(self._watch)

    def _wake(self, watch: Watch) -> None:
        """Have the thread look; it lives from the first target on, and not in forked children."""
        if os.getpid() != self._pid:
            return
        if self._thread is None:
            self._thread = Sampler(watch.look, self._clock, self.guard, "greencell-live")
        self._thread.start()
        self._thread.wake()

    def _heard(self, target: Target, heard: Heard) -> None:
        """From the watch's thread: an answer, which may be about where we were before."""
        with self._lock:
            if target is self._target:
                self._said = heard
                self._show_heard(target.provider, heard)

    def _show_heard(self, provider: Provider, heard: Heard) -> None:
        from greencell.carbon.live.standing import at_rest, with_reading

        rest = at_rest(self._home, self.table, provider.about)
        if heard is None:
            self._show(rest)
        elif isinstance(heard, LiveReading):
            self._show(with_reading(rest, provider.about, heard))
        else:
            self._show(rest, _notice(provider, heard))

    def _show(self, carbon: CarbonInfo, *notices: Notice) -> None:
        """What counts from now on. The page hears of it at the next cell: idle kernels are calm."""
        if carbon == self._session.carbon and notices == self._session.place_notices:
            return
        if carbon != self._session.carbon:
            self._session.set_carbon(carbon)
        self._session.place_notices = notices
        if self._session.feed is not None:
            self._session.feed.change_soon()


def opening(home: CarbonInfo, table: GridTable, name: str) -> CarbonInfo:
    """What a session begins with, so that it is in the provider's basis from its first joule.

    Args:
        name: of the provider, as in settings.
    """
    if name == TABLE or home.factor.basis == "unknown":
        return home
    from greencell.carbon.live.choice import about
    from greencell.carbon.live.standing import at_rest

    return at_rest(home, table, about(name))


def _notice(provider: Provider, failure: LiveFailure) -> Notice:
    from greencell.carbon.live.failures import NotCovered, Refused

    about, remedy = provider.about, _AGAIN
    if isinstance(failure, NotCovered):
        remedy = _ELSEWHERE
    elif isinstance(failure, Refused):
        remedy = about.remedy or _OFF
    instead = "no marginal figure is shown." if about.basis == "marginal" else _INSTEAD.lower()
    text = f"{about.name} {failure}; {instead}"
    return Notice(f"live:{about.id}", "warning", text[:_MAX_TEXT], remedy)


def _remedy(name: str) -> str:
    from greencell.carbon.live.choice import about

    return about(name).remedy or _OFF


def _no_providers(_name: str) -> Provider:
    raise UsageError("Live figures are not asked for here.")
