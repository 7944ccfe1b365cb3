"""What all providers of live figures have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from greencell.model import Basis, Forecast, LiveReading


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a provider beforehand.

    Attributes:
        id: its name in settings.
        name: for people.
        period: how often its figure changes, in a word.
        cache_s: it is asked at most once in so long.
        credit: who is to be named beside a figure, with the licence.
        remedy: what to do where it refuses us; empty if nothing.
    """

    id: str
    name: str
    basis: Basis
    period: str
    cache_s: float
    credit: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place as providers are asked about it.

    Attributes:
        code: as in the tables, e.g. ``FR``, ``SE-SE3``, ``aws:eu-west-3``.
        country: its alpha-2 code.
        coordinates: latitude and longitude of a cloud region's city; never the user's own.
    """

    code: str
    country: str
    coordinates: tuple[float, float] | None = None


class Provider(Protocol):
    """Someone who publishes the carbon intensity of now."""

    @property
    def about(self) -> About: ...

    def covers(self, spot: Spot) -> str:
        """The area to ask for.

        Raises:
            NotCovered: there is none, and why.
        """
        ...

    def latest(self, area: str, now_s: float) -> LiveReading:
        """The figure of now, as it was said.

        Raises:
            LiveFailure: there is none, and why.
        """
        ...

    def forecast(self, area: str, now_s: float) -> Forecast | None:
        """What is expected in the hours ahead; ``None`` if the provider makes no forecast.

        Raises:
            LiveFailure: it makes one, and there is none now.
        """
        ...
