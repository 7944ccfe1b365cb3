"""Hooks that became slow: they do less, it is said once, and the figures go on."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from greencell.clock import SystemClock
from greencell.hooks import Hooks
from greencell.meter import Meter
from greencell.session import Equipment, Session
from greencell.testing import FakeCounter, FakeMachineClock, FakeTreeClock
from tests_support import CARBON, HOST, StillThread


class SlowCounter(FakeCounter):
    """A meter whose reads take as long as they are told to."""

    wait_s = 0.0

    def read(self) -> int:
        time.sleep(self.wait_s)
        return super().read()


@pytest.fixture
def counter() -> SlowCounter:
    return SlowCounter(power_w=20.0)


class SkippingClock(SystemClock):
    """The system's, and ahead of it by what was skipped."""

    skipped_s = 0

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() + self.skipped_s * 1_000_000_000


@pytest.fixture
def clock() -> SkippingClock:
    return SkippingClock()


@pytest.fixture
def hooks(counter: SlowCounter, clock: SkippingClock) -> Any:
    tree = FakeTreeClock(load=1.0)
    meter = Meter([counter], tree, FakeMachineClock(tree, others=0.0), clock)
    session = Session(Equipment(meter, HOST, (), CARBON, "machine", 1.0), clock)
    session._sampler = StillThread()  # type: ignore[assignment]  # it would learn it by itself
    yield Hooks(SimpleNamespace(events=None), session, None)
    session.close()


def cell(hooks: Hooks) -> float:
    """Both hooks around nothing; how long they took together, in s."""
    info = SimpleNamespace(cell_id="c", raw_cell="pass")
    result = SimpleNamespace(info=info, error_in_exec=None, execution_count=1)
    began_s = time.perf_counter()
    hooks._pre_run_cell(info)
    hooks._post_run_cell(result)
    return time.perf_counter() - began_s


def spared(hooks: Hooks) -> list[str]:
    return [one.id for one in hooks._session.notices() if one.id == "slow-hooks"]


def test_slow_hooks_leave_the_meters_to_the_thread(hooks: Hooks, counter: SlowCounter) -> None:
    """From the next cell on; its record is kept, and a notice says what that costs."""
    cell(hooks)
    assert spared(hooks) == []
    counter.wait_s = 0.06
    assert cell(hooks) > 0.06

    assert cell(hooks) < 0.05
    assert spared(hooks) == ["slow-hooks"]
    for _ in range(5):
        cell(hooks)
    assert spared(hooks) == ["slow-hooks"]
    counter.wait_s = 0.0
    assert len(hooks._session.cells) == 8
    assert hooks.guard.failures == 0


def slow_cell(hooks: Hooks, counter: SlowCounter) -> None:
    """A cell whose first hook takes long, unless hooks leave the counter alone."""
    counter.wait_s = 0.06
    cell(hooks)
    counter.wait_s = 0.0


def test_one_slow_hook_is_enough(hooks: Hooks, counter: SlowCounter) -> None:
    """The very next hook reads clocks alone."""
    info = SimpleNamespace(cell_id="c", raw_cell="pass")
    counter.wait_s = 0.06
    hooks._pre_run_cell(info)
    began_s = time.perf_counter()
    hooks._post_run_cell(SimpleNamespace(info=info, error_in_exec=None, execution_count=1))

    assert time.perf_counter() - began_s < 0.05
    assert spared(hooks) == ["slow-hooks"]


def test_after_a_minute_the_meters_are_read_again_but_once(
    hooks: Hooks, counter: SlowCounter, clock: SkippingClock
) -> None:
    """The first may have been a hiccup of the machine; a second one is for good."""
    session = hooks._session
    slow_cell(hooks, counter)
    clock.skipped_s += 59
    session._do_all()
    assert spared(hooks) == ["slow-hooks"]
    clock.skipped_s += 1
    session._do_all()
    assert spared(hooks) == []

    slow_cell(hooks, counter)
    clock.skipped_s += 3_600
    session._do_all()
    assert spared(hooks) == ["slow-hooks"]
