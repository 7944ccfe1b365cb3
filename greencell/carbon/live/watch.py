"""When a provider is asked, and for how long it is believed. Knows no threads and no sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final, TypeAlias, TypeVar

from greencell.carbon.live.answer import MAX_AGE_S, believed, believed_forecast
from greencell.carbon.live.failures import LiveFailure, Nonsense, Refused, TooOften
from greencell.carbon.live.provider import Provider
from greencell.clock import Clock
from greencell.guard import Guard
from greencell.model import Forecast, LiveReading
from greencell.units import NS_PER_S

LOOK_S: Final = 5.0
"""How often is looked whether something is due."""
QUIET_AFTER_S: Final = 1_800.0
"""Where nothing has run for so long, nobody needs a figure."""
FORECAST_EVERY_S: Final = 1_800.0
COOL_DOWN_S: Final = 300.0
MAX_COOL_DOWN_S: Final = 3_600.0
MIN_RETRY_S: Final = 60.0
MAX_RETRY_S: Final = 86_400.0
_NOTHING_DUE_S: Final = 3_600.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A provider and what it is asked for."""

    provider: Provider
    area: str

    def same_as(self, other: Target) -> bool:
        """Whether the same is asked of the same client."""
        return self.provider is other.provider and self.area == other.area


Heard: TypeAlias = "LiveReading | LiveFailure | None"
"""What was heard; ``None``: the last reading is too old to count."""


@dataclass(slots=True)
class _Plan:
    """What is known of one target. Only the thread that looks writes it."""

    target: Target
    due_s: float = 0.0
    cool_down_s: float = COOL_DOWN_S
    forecast_due_s: float = 0.0
    reading: LiveReading | None = None
    forecast: Forecast | None = None


class Watch:
    """Asks about one target at a time and tells what it heard.

    Args:
        tell: gets each answer, with the target that it is about.
        quiet_s: for how long nothing has run.
    """

    def __init__(
        self, tell: Callable[[Target, Heard], None], quiet_s: Callable[[], float], clock: Clock
    ) -> None:
        self._tell = tell
        self._quiet_s = quiet_s
        self._clock = clock
        self._plan: _Plan | None = None

    def aim(self, target: Target | None) -> None:
        """Ask about this target from now on; all that was known of another is forgotten."""
        self._plan = None if target is None else _Plan(target)

    @property
    def forecast(self) -> Forecast | None:
        """What was expected when last asked."""
        plan = self._plan
        return None if plan is None else plan.forecast

    def look(self) -> float:
        """Ask what is due; the seconds until it should be looked again."""
        plan = self._plan
        if plan is None:
            return _NOTHING_DUE_S
        if self._quiet_s() < QUIET_AFTER_S:
            if self._now_s() >= plan.due_s:
                self._ask(plan)
            if plan.reading is not None and self._now_s() >= plan.forecast_due_s:
                self._ask_forecast(plan)
        self._let_go(plan)
        return LOOK_S

    def _now_s(self) -> float:
        # A machine that slept has an old figure when it wakes.
        return self._clock.boot_ns() / NS_PER_S

    def _ask(self, plan: _Plan) -> None:
        provider, area = plan.target.provider, plan.target.area

        def latest() -> LiveReading:
            return believed(provider.latest(area, self._clock.wall_s()), self._clock.wall_s())

        answer = _answer(latest)
        if isinstance(answer, LiveFailure):
            plan.reading = None
            plan.due_s = self._now_s() + self._pause_s(plan, answer)
        else:
            plan.reading = answer
            plan.cool_down_s = COOL_DOWN_S
            plan.due_s = self._now_s() + provider.about.cache_s
        self._tell(plan.target, answer)

    def _ask_forecast(self, plan: _Plan) -> None:
        provider, area = plan.target.provider, plan.target.area

        def forecast() -> Forecast | None:
            found = provider.forecast(area, self._clock.wall_s())
            return None if found is None else believed_forecast(found)

        answer = _answer(forecast)
        plan.forecast_due_s = self._now_s() + FORECAST_EVERY_S
        if not isinstance(answer, LiveFailure):
            plan.forecast = answer
            plan.forecast_due_s = inf if answer is None else plan.forecast_due_s
        elif isinstance(answer, Refused):
            plan.forecast_due_s = inf  # not in this plan; the reading is
        elif isinstance(answer, TooOften):
            plan.due_s = plan.forecast_due_s = self._now_s() + _retry_s(answer)

    def _pause_s(self, plan: _Plan, failure: LiveFailure) -> float:
        if isinstance(failure, Refused):
            return inf
        cool_down_s = plan.cool_down_s
        plan.cool_down_s = min(MAX_COOL_DOWN_S, 2.0 * cool_down_s)
        if isinstance(failure, TooOften) and failure.retry_after_s is not None:
            return _retry_s(failure)
        return cool_down_s

    def _let_go(self, plan: _Plan) -> None:
        """A reading that is too old does not count for now."""
        if plan.reading is not None and self._clock.wall_s() - plan.reading.at > MAX_AGE_S:
            plan.reading = None
            self._tell(plan.target, None)


def _retry_s(failure: TooOften) -> float:
    wished_s = COOL_DOWN_S if failure.retry_after_s is None else failure.retry_after_s
    return min(MAX_RETRY_S, max(MIN_RETRY_S, wished_s))


def _answer(ask: Callable[[], T]) -> T | LiveFailure:
    """What was answered, or why not; an answer that breaks its reader is nonsense."""

    def asked() -> tuple[T | LiveFailure]:
        try:
            return (ask(),)
        except LiveFailure as failure:
            return (failure,)

    found = Guard("live").run(asked)
    return Nonsense("gives an answer that cannot be read") if found is None else found[0]
