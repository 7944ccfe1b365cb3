"""A meter that hangs, at whichever call: nobody waits for it, it is said once, it is tried again.

Time is real here, and so are the threads; what must not take long has a bound that a busy machine
keeps, far below the time for which the meter hangs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from greencell.clock import SystemClock
from greencell.errors import SourceUnavailable
from greencell.hooks import Hooks
from greencell.meter import Meter
from greencell.running_session import Equipment, Session
from greencell.sources import discovery
from greencell.sources.discovery import Places, discover
from greencell.testing import FakeCounter, FakeMachineClock, FakeTreeClock
from tests_support import CARBON, HOST

HANG_S = 20.0
SOON_S = 5.0
"""A quarter of the hang: far more than anybody waits, even on a machine that is busy."""


class Hanging(FakeCounter):
    """A counter whose call hangs when its turn comes, until it is let go."""

    def __init__(self, name: str, *, read: int | None = None, close: bool = False) -> None:
        super().__init__(f"{name}:0", power_w=10.0)
        self._at_read, self._at_close = read, close
        self.let_go = threading.Event()
        self.reads = 0

    def read(self) -> int:
        self.reads += 1
        if self.reads == self._at_read:
            self.let_go.wait(HANG_S)
        return super().read()

    def close(self) -> None:
        if self._at_close:
            self.let_go.wait(HANG_S)
        super().close()


class Stand:
    """A session with one counter that hangs and one that is well, on real threads."""

    def __init__(self, hanging: Hanging) -> None:
        self.hanging, self.well = hanging, FakeCounter("well:0", "dram", power_w=20.0)
        self._ticking = threading.Event()
        threading.Thread(target=self._advance, daemon=True).start()
        tree = FakeTreeClock(load=0.0)
        meter = Meter([hanging, self.well], tree, FakeMachineClock(tree), SystemClock())
        began_s = time.monotonic()
        self.session = Session(Equipment(meter, HOST, (), CARBON, "machine", 0.1))
        self.session.start()
        self.load_s = time.monotonic() - began_s
        self.hooks = Hooks(SimpleNamespace(events=None), self.session, None, SystemClock())

    def _advance(self) -> None:
        last_s = time.monotonic()
        while not self._ticking.wait(0.01):
            now_s = time.monotonic()
            for counter in (self.hanging, self.well):
                counter.advance(now_s - last_s)
            last_s = now_s

    def cell(self, seconds: float = 0.0) -> float:
        """A cell of so many seconds; what its hooks took, in s."""
        info = SimpleNamespace(cell_id="c", raw_cell="pass")
        began_s = time.monotonic()
        self.hooks._pre_run_cell(info)
        time.sleep(seconds)
        self.hooks._post_run_cell(SimpleNamespace(info=info, error_in_exec=None, execution_count=1))
        return time.monotonic() - began_s - seconds

    def close(self) -> None:
        self._ticking.set()
        self.hanging.let_go.set()
        self.session.close()


@pytest.fixture
def stand() -> Iterator[Callable[[Hanging], Stand]]:
    made: list[Stand] = []

    def make(hanging: Hanging) -> Stand:
        made.append(Stand(hanging))
        return made[-1]

    yield make
    for one in made:
        one.close()


def eventually(true: Callable[[], object], timeout_s: float = 10.0) -> bool:
    end_s = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > end_s:
            return False
        time.sleep(0.02)
    return True


def seconds(do: Callable[[], object]) -> float:
    began_s = time.monotonic()
    do()
    return time.monotonic() - began_s


@pytest.mark.parametrize("at_read", [1, 2, 3, 8])
def test_a_read_that_hangs_holds_up_nobody(
    stand: Callable[[Hanging], Stand], tmp_path: Path, at_read: int
) -> None:
    """Neither loading nor cells, exports, pages or the end; the other meter's figures go on."""
    made = stand(Hanging("bad", read=at_read))
    assert made.load_s < SOON_S
    # The first hang in a hook cannot be escaped; here the thread meets it.
    assert eventually(lambda: made.session._meter.hanging == ("bad",), HANG_S / 2)

    assert max(made.cell() for _ in range(3)) < SOON_S and made.cell(0.2) < SOON_S
    assert seconds(lambda: made.session.export(tmp_path / "out.json")) < SOON_S
    assert seconds(lambda: made.session.view(live=True)) < 1.0
    assert [one.id for one in made.session.notices()].count("hangs:bad") == 1
    last = made.session.cells[-1]
    assert last.by_component_j["dram"] > 0
    assert "gap" in last.flags
    assert seconds(made.session.close) < SOON_S


def test_a_meter_that_answers_again_is_counted_again_with_what_it_counted_meanwhile(
    stand: Callable[[Hanging], Stand],
) -> None:
    """A counter loses nothing; the notice goes; hooks leave it to the thread from then on."""
    made = stand(Hanging("bad", read=4))
    assert eventually(lambda: made.session._meter.hanging == ("bad",), HANG_S / 2)
    made.hanging.let_go.set()

    assert eventually(lambda: made.session._meter.hanging == ())
    assert eventually(lambda: made.session._sampler.alive)
    reads = made.hanging.reads
    assert eventually(lambda: made.hanging.reads > reads)
    assert not any(one.id == "hangs:bad" for one in made.session.notices())
    assert 0 in made.session._meter._never_in_hooks
    made.session.sample()
    shown_j = made.session.view(live=False).totals.by_component_j["cpu"]
    assert shown_j == pytest.approx(made.hanging.true_j, abs=10.0 * 1.0)


def test_a_hook_hangs_once_and_never_again(stand: Callable[[Hanging], Stand]) -> None:
    """Whatever hung in a hook is not read by a hook any more."""
    made = stand(Hanging("bad"))
    made.session._sampler.stop(1.0)  # so that the hook meets it
    made.session._watch_thread.stop(1.0)
    made.hanging._at_read = made.hanging.reads + 1
    threading.Timer(0.8, made.hanging.let_go.set).start()
    first_s = made.cell()
    made.hanging.let_go.clear()
    made.hanging._at_read = made.hanging.reads + 1

    assert first_s >= 0.7
    assert made.cell() < SOON_S
    assert made.hanging.reads == made.hanging._at_read - 1 or not made.session._sampler.is_this


def test_a_meter_whose_closing_hangs_ends_all_the_same(
    stand: Callable[[Hanging], Stand],
) -> None:
    """Whoever unloads greencell waits for no driver."""
    made = stand(Hanging("bad", close=True))
    made.cell()

    assert seconds(made.session.close) < SOON_S


def test_one_thread_that_waits_for_the_interpreter_is_no_hang() -> None:
    """Native code that holds the interpreter holds up the watchdog, too: no meter is to blame."""
    from greencell.testing import FakeClock
    from greencell.watchdog import Watchdog

    clock = FakeClock()
    reading: list[Any] = [(0, clock.monotonic_ns())]
    given_up: list[float] = []
    meter = SimpleNamespace(
        reading=reading[0], give_up=lambda after_s: given_up.append(after_s) or True
    )
    watchdog = Watchdog(meter, lambda: None, lambda: True, clock)  # type: ignore[arg-type]
    clock.advance(watchdog.look())
    clock.advance(30.0)  # the interpreter was held
    clock.advance(watchdog.look())
    assert given_up == []

    clock.advance(watchdog.look())  # it came in time, and the same read still goes on
    assert given_up != []


def test_opening_a_meter_that_hangs_or_fails_leaves_that_one_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The others are found; it is said what did not answer, and how to try again."""
    let_go = threading.Event()

    def hangs(_machine: object) -> Any:
        let_go.wait(HANG_S)
        raise SourceUnavailable("late")

    def fails(_machine: object) -> Any:
        raise ZeroDivisionError("a driver's own")

    finders = {**discovery._FINDERS, "nvml": hangs, "battery": fails}
    monkeypatch.setattr(discovery, "_FINDERS", finders)
    began_s = time.monotonic()
    found = discover(Places(tmp_path / "sys", tmp_path / "proc", container_marks=()))
    let_go.set()

    assert time.monotonic() - began_s < SOON_S
    reasons = {one.id: (one.reason, one.remedy) for one in found.skipped}
    assert reasons["nvml"] == (
        "it did not answer while greencell was loaded", "%reload_ext greencell",
    )  # fmt: skip
    assert "ZeroDivisionError" in reasons["battery"][0]
    assert any(source.info.component == "cpu" for source in found.sources)
