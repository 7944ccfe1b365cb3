"""Hooks that became slow: they do less, it is said once, and the figures go on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from greencell.hooks import Hooks
from greencell.meter import Meter
from greencell.running_session import Equipment, Session
from greencell.testing import FakeClock, FakeCounter, FakeMachineClock, FakeTreeClock
from greencell.units import NS_PER_S
from tests_support import CARBON, HOST, StillThread


class SlowCounter(FakeCounter):
    """A meter whose reads take as long as they are told to, in virtual time."""

    wait_s = 0.0

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(power_w=20.0)
        self._clock = clock

    def read(self) -> int:
        self._clock.advance(self.wait_s)
        return super().read()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def counter(clock: FakeClock) -> SlowCounter:
    return SlowCounter(clock)


@pytest.fixture
def hooks(counter: SlowCounter, clock: FakeClock) -> Any:
    tree = FakeTreeClock(load=1.0)
    machine = FakeMachineClock(tree, others=0.0)
    for follower in (tree.advance, machine.advance, counter.advance):
        clock.follow(follower)
    meter = Meter([counter], tree, machine, clock)
    session = Session(Equipment(meter, HOST, (), CARBON, "machine", 1.0), clock)
    session._sampler = StillThread()  # type: ignore[assignment]  # it would learn it by itself
    yield Hooks(SimpleNamespace(events=None), session, None, clock)
    session.close()


def cell(hooks: Hooks) -> float:
    """Both hooks around nothing; how long they took together, in s."""
    info = SimpleNamespace(cell_id="c", raw_cell="pass")
    result = SimpleNamespace(info=info, error_in_exec=None, execution_count=1)
    began_ns = hooks._clock.monotonic_ns()
    hooks._pre_run_cell(info)
    hooks._post_run_cell(result)
    return (hooks._clock.monotonic_ns() - began_ns) / NS_PER_S


def spared(hooks: Hooks) -> list[str]:
    return [one.id for one in hooks._session.notices() if one.id == "slow-hooks"]


def test_slow_hooks_leave_the_meters_to_the_thread(hooks: Hooks, counter: SlowCounter) -> None:
    """From the next cell on; its record is kept, and a notice says what that costs."""
    cell(hooks)
    assert spared(hooks) == []
    counter.wait_s = 0.06
    assert cell(hooks) == pytest.approx(0.06)

    assert cell(hooks) == 0.0
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


def test_one_slow_hook_is_enough(hooks: Hooks, counter: SlowCounter, clock: FakeClock) -> None:
    """The very next hook reads clocks alone."""
    info = SimpleNamespace(cell_id="c", raw_cell="pass")
    counter.wait_s = 0.06
    hooks._pre_run_cell(info)
    began_ns = clock.monotonic_ns()
    hooks._post_run_cell(SimpleNamespace(info=info, error_in_exec=None, execution_count=1))

    assert clock.monotonic_ns() == began_ns
    assert spared(hooks) == ["slow-hooks"]


def test_after_a_minute_the_meters_are_read_again_but_once(
    hooks: Hooks, counter: SlowCounter, clock: FakeClock
) -> None:
    """The first may have been a hiccup of the machine; a second one is for good."""
    session = hooks._session
    slow_cell(hooks, counter)
    clock.advance(59)
    session._do_all()
    assert spared(hooks) == ["slow-hooks"]
    clock.advance(1)
    session._do_all()
    assert spared(hooks) == []

    slow_cell(hooks, counter)
    clock.advance(3_600)
    session._do_all()
    assert spared(hooks) == ["slow-hooks"]
