"""Time: one small object, so that tests can bring their own.

``time.clock_gettime_ns`` is bound here once: libraries that freeze time for tests patch the
friendlier functions, and a frozen meter would lie.
"""

from __future__ import annotations

import time
from typing import Protocol

from greencell.units import NS_PER_S


class Clock(Protocol):
    """The three times that a measurement needs, and a wait."""

    def monotonic_ns(self) -> int:
        """Time that never steps and stands still while the machine sleeps, in ns."""
        ...

    def boot_ns(self) -> int:
        """Time that never steps and goes on while the machine sleeps, in ns."""
        ...

    def wall_s(self) -> float:
        """Seconds since the epoch."""
        ...

    def sleep_s(self, seconds: float) -> None:
        """Let so many seconds pass."""
        ...


class SystemClock:
    """The machine's clocks."""

    _sleep = staticmethod(time.sleep)

    def sleep_s(self, seconds: float) -> None:
        self._sleep(seconds)

    if hasattr(time, "clock_gettime_ns"):
        _get_ns = staticmethod(time.clock_gettime_ns)
        _monotonic = time.CLOCK_MONOTONIC
        _boot = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
        _real = time.CLOCK_REALTIME

        def monotonic_ns(self) -> int:
            return self._get_ns(self._monotonic)

        def boot_ns(self) -> int:
            return self._get_ns(self._boot)

        def wall_s(self) -> float:
            return self._get_ns(self._real) / NS_PER_S

    else:  # Windows
        _monotonic_ns = staticmethod(time.monotonic_ns)
        _time = staticmethod(time.time)

        def monotonic_ns(self) -> int:
            return self._monotonic_ns()

        def boot_ns(self) -> int:
            return self._monotonic_ns()

        def wall_s(self) -> float:
            return self._time()
