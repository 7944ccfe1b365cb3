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


@pytest.fixture
def hooks(counter: SlowCounter) -> Any:
    tree = FakeTreeClock(load=1.0)
    meter = Meter([counter], tree, FakeMachineClock(tree, others=0.0), SystemClock())
    session = Session(Equipment(meter, HOST, (), CARBON, "machine", 1.0))
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
    assert cell(hooks) > 0.12

    assert cell(hooks) < 0.05
    assert spared(hooks) == ["slow-hooks"]
    for _ in range(5):
        cell(hooks)
    assert spared(hooks) == ["slow-hooks"]
    counter.wait_s = 0.0
    assert len(hooks._session.cells) == 8
    assert hooks.guard.failures == 0


def test_one_hiccup_of_the_machine_changes_nothing(hooks: Hooks, counter: SlowCounter) -> None:
    """A single slow hook is nobody's fault."""
    info = SimpleNamespace(cell_id="c", raw_cell="pass")
    counter.wait_s = 0.06
    hooks._pre_run_cell(info)
    counter.wait_s = 0.0
    hooks._post_run_cell(SimpleNamespace(info=info, error_in_exec=None, execution_count=1))
    cell(hooks)

    assert spared(hooks) == []
