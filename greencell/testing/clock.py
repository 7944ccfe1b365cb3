"""Virtual time."""

from __future__ import annotations

from collections.abc import Callable

from greencell.units import NS_PER_S

_EPOCH_S = 1_769_850_000.0


class FakeClock:
    """A clock that moves only when told to, and takes simulated hardware along.

    Args:
        followers: called with the seconds of each step, e.g. ``tree.advance``.
    """

    def __init__(self, *followers: Callable[[float], None]) -> None:
        self._now_ns = 1_000 * NS_PER_S
        self._slept_ns = 0
        self._set_s = 0.0
        self._followers = list(followers)

    def follow(self, follower: Callable[[float], None]) -> None:
        """Have ``follower`` called with the seconds of each step from now on."""
        self._followers.append(follower)

    def unfollow(self) -> None:
        """The follower that came last is called no more."""
        self._followers.pop()

    def advance(self, seconds: float) -> None:
        """Let time pass, for the clock and all that follow it."""
        self._now_ns += round(seconds * NS_PER_S)
        for follower in self._followers:
            follower(seconds)

    def sleep_s(self, seconds: float) -> None:
        """Whoever waits lets time pass."""
        self.advance(seconds)

    def sleep_machine(self, seconds: float) -> None:
        """The machine sleeps: only the boot clock and the wall clock go on."""
        self._slept_ns += round(seconds * NS_PER_S)

    def set_wall(self, step_s: float) -> None:
        """Somebody sets the wall clock, forwards or back."""
        self._set_s += step_s

    def monotonic_ns(self) -> int:
        """Time without sleep, in ns."""
        return self._now_ns

    def boot_ns(self) -> int:
        """Time with sleep, in ns."""
        return self._now_ns + self._slept_ns

    def wall_s(self) -> float:
        """Seconds since the epoch."""
        return _EPOCH_S + self._set_s + (self._now_ns + self._slept_ns) / NS_PER_S
