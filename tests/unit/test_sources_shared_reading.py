"""One reading for several counters: of one moment, and never an old one."""

from __future__ import annotations

import threading

import pytest

from greencell.sources.shared_reading import SharedReading


class Device:
    """Counts how often it was read."""

    def __init__(self) -> None:
        self.reads = 0
        self.now_s = 0.0
        self.failing = False

    def read(self) -> int:
        if self.failing:
            raise OSError("no")
        self.reads += 1
        return self.reads

    def reading(self) -> SharedReading[int]:
        return SharedReading(self.read, 0.005, lambda: self.now_s)


def test_counters_that_ask_at_once_share_a_reading() -> None:
    """The next round has a new one."""
    device = Device()
    reading = device.reading()

    assert [reading.get(who) for who in ("cpu", "gpu", "ane")] == [1, 1, 1]
    assert [reading.get(who) for who in ("cpu", "gpu", "ane")] == [2, 2, 2]


def test_an_old_reading_is_not_served() -> None:
    """A counter that was left out of the last rounds does not get their leftovers."""
    device = Device()
    reading = device.reading()
    reading.get("cpu")
    device.now_s = 0.004
    assert reading.get("gpu") == 1
    device.now_s = 0.006

    assert reading.get("ane") == 2


def test_a_failure_reaches_each_that_asks_and_serves_nobody() -> None:
    """The next good reading is shared again."""
    device = Device()
    reading = device.reading()
    reading.get("cpu")
    device.failing = True
    for _ in range(2):
        with pytest.raises(OSError, match="no"):
            reading.get("cpu")
    device.failing = False

    assert [reading.get("cpu"), reading.get("gpu")] == [2, 2]


def test_no_thread_sees_a_counter_fall() -> None:
    """Two threads that read one counter by turns."""
    device = Device()
    reading = device.reading()
    falls: list[bool] = []

    def watch() -> None:
        last = 0
        for _ in range(2_000):
            value = reading.get("cpu")
            falls.append(value <= last)
            last = value

    threads = [threading.Thread(target=watch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not any(falls)
