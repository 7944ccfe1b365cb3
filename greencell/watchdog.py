"""The watchdog: sees that the thread which reads the meters hangs, and has another one go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from greencell.clock import Clock
from greencell.meter import HANG_S, Meter
from greencell.units import NS_PER_S

_CLOSE_S: Final = 0.25
_BUSY_S: Final = 0.5
_IDLE_S: Final = 5.0
_LATE_S: Final = 0.2


class Watchdog:
    """Looks now and then at what is being read.

    Native code that holds the interpreter holds up everybody, this thread too, and no meter is to
    blame. So a read counts as hanging only if it was seen twice by a thread that came in time.

    Args:
        replace: has another thread take the place of the one that hangs.
        is_busy: whether a cell runs; then somebody waits for what is read.
    """

    def __init__(
        self,
        meter: Meter,
        replace: Callable[[], None],
        is_busy: Callable[[], bool],
        clock: Clock,
    ) -> None:
        self._meter = meter
        self._replace = replace
        self._is_busy = is_busy
        self._clock = clock
        self._seen: tuple[int, int] | None = None
        self._due_ns = 0

    def look(self) -> float:
        """Have what hangs left out; the seconds until the next look."""
        now_ns = self._clock.monotonic_ns()
        reading = self._meter.reading
        in_time = now_ns - self._due_ns < _LATE_S * NS_PER_S
        seen_twice = reading is not None and reading == self._seen and in_time
        if seen_twice and self._meter.give_up(HANG_S):
            self._replace()
            reading = None
        self._seen = reading
        wait_s = _CLOSE_S if reading is not None else _BUSY_S if self._is_busy() else _IDLE_S
        self._due_ns = now_ns + int(wait_s * NS_PER_S)
        return wait_s
