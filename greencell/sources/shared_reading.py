"""One reading that serves several counters, for devices that show all their numbers at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedReading(Generic[T]):
    """Reads a device once for all the counters that ask at the same time.

    A counter that asks again wants a new reading, however soon; one that has not asked yet takes
    the last, unless it is too old to be of the same moment.

    Args:
        read: yields the device's numbers; what it raises goes to the counter that asked.
        max_age_s: how old a reading may be.
        clock_s: monotonic time in s.
    """

    def __init__(
        self,
        read: Callable[[], T],
        max_age_s: float,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._max_age_s = max_age_s
        self._clock_s = clock_s
        self._lock = threading.Lock()  # without it an older reading could follow a newer one
        self._value: T | None = None
        self._read_s = float("-inf")
        self._served: set[str] = set()

    def get(self, who: str) -> T:
        """The reading for the counter called ``who``."""
        with self._lock:
            value = self._value
            stale = self._clock_s() - self._read_s > self._max_age_s
            if value is None or stale or who in self._served:
                value = self._read()
                self._value, self._read_s, self._served = value, self._clock_s(), set()
            self._served.add(who)
            return value
