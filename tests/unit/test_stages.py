"""What fails in one stage of the thread's work stops no other, and the next success is enough."""

from __future__ import annotations

import signal
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from greencell.feed import Feed
from greencell.guard import Guard, signal_that_raised
from greencell.hooks import Hooks
from greencell.sampler import Sampler
from greencell.testing import FakeClock
from tests_support import Bench, RecordingOutlet


def failing(*_: object, **__: object) -> Any:
    raise OSError(105, "No buffer space available")


def test_a_failure_rests_ever_longer_and_a_success_makes_it_good() -> None:
    """1 s, twice as long each time, a minute at most; then as if nothing had been."""
    clock = FakeClock()
    guard = Guard("part", clock.monotonic_ns)
    rests = []
    for _ in range(9):
        guard.run(failing)
        rests.append(guard.rest_s)
        clock.advance(guard.rest_s)
    assert rests == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert "failing, tried again in" in guard.words

    assert guard.run(lambda: 7) == 7
    assert guard.rest_s == 0.0
    guard.run(failing)
    assert guard.rest_s == 1.0
    assert guard.run_unless_resting(lambda: 7) is None
    clock.advance(1.0)
    assert guard.run_unless_resting(lambda: 7) == 7
    assert "works again" in guard.words and "No buffer space" in guard.words


class Keeping:
    """A history that fails for as long as it is told to."""

    def __init__(self) -> None:
        self.fails = False
        self.kept: list[int] = []
        self.notices = ()

    def ended(self, records: Any) -> None:
        if self.fails:
            failing()
        self.kept += [record.number for record in records]

    def beat(self) -> float:
        return 3_600.0

    def session_ended(self) -> None:
        """Nothing to write."""


class Stand:
    """A session whose beat is called by hand."""

    def __init__(self) -> None:
        self.bench = Bench.make()
        self.outlet = RecordingOutlet()
        self.feed = Feed(self.bench.session, self.outlet, self.bench.clock)
        self.feed.asked = True
        self.keeper = Keeping()
        self.bench.session.feed, self.bench.session.keeper = self.feed, self.keeper  # type: ignore[assignment]

    def cell(self) -> None:
        opening = self.bench.session.open_run("c")
        self.bench.session.begin(opening)
        self.beat(0.1)
        self.bench.session.end(opening.run, self.bench.session.take(), "ok", 1)
        self.beat(0.3)

    def beat(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.05)):
            self.bench.clock.advance(0.05)
            self.bench.session._beat()

    @property
    def told(self) -> list[int]:
        found = []
        for message in self.outlet.messages:
            if message["kind"] == "cell-end":
                records = message.get("records", [message["record"]])
                found += [record["number"] for record in records if record["final"]]
        return found


@pytest.mark.parametrize("failures", [1, 5, 50])
def test_a_full_socket_loses_no_row_and_no_record(
    monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    """The history has each cell at once; pages hear of all of them once they can be told."""
    stand = Stand()
    with monkeypatch.context() as patch:
        patch.setattr(stand.outlet, "send", failing)
        for _ in range(failures):
            stand.cell()
        assert stand.keeper.kept == list(range(1, failures + 1))
        assert stand.told == []
        assert [n.id for n in stand.bench.session.notices()].count("fault:pages") == 1
    stand.beat(60.0)
    stand.cell()
    stand.beat(3.0)

    assert stand.told == list(range(1, failures + 2))
    assert stand.bench.session.measuring_words == "yes"


def test_a_history_that_fails_gets_its_rows_when_it_works_again() -> None:
    """Pages hear of the cells meanwhile, and status says what fails."""
    stand = Stand()
    stand.keeper.fails = True
    for _ in range(4):
        stand.cell()
    assert stand.told == [1, 2, 3, 4] and stand.keeper.kept == []
    assert stand.bench.session.measuring_words == "yes, but failing now: history rows"

    stand.keeper.fails = False
    stand.beat(60.0)
    assert stand.keeper.kept == [1, 2, 3, 4]
    assert stand.bench.session.measuring_words == "yes"


@pytest.mark.parametrize("where", ["observe", "book"])
def test_a_run_that_ends_while_booking_fails_has_ended(
    monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Its record is there, nothing runs on for ever, and the next cell is right."""
    stand = Stand()
    stand.cell()
    opening = stand.bench.session.open_run("c")
    stand.bench.session.begin(opening)
    stand.beat(0.1)
    with monkeypatch.context() as patch:
        patch.setattr(type(stand.bench.session._books.booking), where, failing)
        stand.bench.session.end(opening.run, stand.bench.session.take(), "ok", 1)
        stand.beat(0.1)
    stand.beat(70.0)
    stand.cell()

    assert [cell.number for cell in stand.bench.session.cells] == [1, 2, 3]
    assert not stand.bench.session.busy
    assert stand.bench.session.cells[-1].energy_j is not None


def test_a_source_that_fails_as_nobody_foresaw_takes_no_other_with_it() -> None:
    """Neither in the thread nor in a hook; it is missing, not 0."""
    stand = Stand()
    stand.bench.pass_time(1.0)
    stand.bench.counter.read = failing  # type: ignore[method-assign]
    stand.bench.session._meter._readers[0] = failing
    opening = stand.bench.session.open_run("c")
    stand.bench.session.begin(opening)
    stand.bench.pass_time(2.0)
    stand.bench.session.end(opening.run, stand.bench.session.take(), "ok", 1)
    stand.bench.pass_time(2.0)

    (cell,) = stand.bench.session.cells
    assert cell.by_component_j["gpu"] == pytest.approx(140.0, rel=0.1)
    assert "cpu" not in cell.by_component_j
    assert "gap" in cell.flags


class Late(Exception):
    """What a user's handler raises."""


@pytest.fixture
def alarm() -> Any:
    def handler(_number: int, _frame: object) -> None:
        raise Late

    before = signal.signal(signal.SIGALRM, handler)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    signal.signal(signal.SIGALRM, before)


def test_a_users_handler_that_raises_in_a_hook_is_no_failure_of_ours(
    alarm: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cell is measured from its first hook to its last, and the signal reaches the cell."""
    bench = Bench.make()
    hooks = Hooks(SimpleNamespace(events=None, execution_count=2), bench.session, None, bench.clock)
    info = SimpleNamespace(cell_id="c", raw_cell="pass", store_history=True)
    take, raised = bench.session._meter.take, []

    def interrupted() -> Any:
        if not raised:
            raised.append(True)
            signal.raise_signal(signal.SIGALRM)
        return take()

    delivered: list[int] = []
    monkeypatch.setattr(bench.session._meter, "take", interrupted)
    monkeypatch.setattr(hooks, "_deliver", delivered.append)
    hooks._hooks["pre_run_cell"](info)
    bench.pass_time(1.0)
    hooks._hooks["post_run_cell"](
        SimpleNamespace(info=info, error_in_exec=None, error_before_exec=None, execution_count=1)
    )

    (record,) = bench.session.cells
    assert record.duration_s == pytest.approx(1.0)
    assert hooks.guard.failures == 0
    assert not bench.session.busy
    assert delivered == [signal.SIGALRM]
    assert not record.flags


def test_a_handlers_own_exception_is_known_by_its_frame(alarm: None) -> None:
    """Any other, of whatever type, is ours."""
    try:
        signal.raise_signal(signal.SIGALRM)
    except Late as error:
        assert signal_that_raised(error) == signal.SIGALRM
    try:
        raise Late
    except Late as error:
        assert signal_that_raised(error) is None


def test_a_thread_that_ended_is_started_again_by_whoever_needs_it() -> None:
    """Whatever killed it: the next row, cell or job finds it alive."""
    bench = Bench.make()
    from greencell.clock import SystemClock

    beats = threading.Semaphore(0)
    thread = Sampler(lambda: (beats.release(), 3_600.0)[1], SystemClock(), Guard("part"))
    thread.start()
    assert beats.acquire(timeout=10)
    thread.stop(10.0)
    assert not thread.alive

    thread.start()
    thread.wake()
    assert beats.acquire(timeout=10)
    assert thread.call(lambda: None, 10.0)
    thread.stop(10.0)
    bench.session.close()


def test_a_beat_that_is_asked_for_during_a_beat_comes_in_time() -> None:
    """What happens while the thread is at work waits no longer than what happens while it rests."""
    from greencell.clock import SystemClock

    clock, beats = SystemClock(), threading.Semaphore(0)
    entered, go_on = threading.Event(), threading.Event()

    def beat() -> float:
        beats.release()
        entered.set()
        go_on.wait(10.0)
        return 3_600.0

    thread = Sampler(beat, clock, Guard("part"))
    thread.start()
    assert entered.wait(10.0) and beats.acquire(timeout=10)
    thread.wake_by(clock.monotonic_ns() + 50_000_000)
    go_on.set()

    assert beats.acquire(timeout=10)
    thread.stop(10.0)


def test_a_failing_beat_is_tried_again_however_often_it_failed() -> None:
    """Three failures for life ended measuring; now each rests a while."""
    clock = FakeClock()
    tries: list[int] = []

    def beat() -> float:
        tries.append(1)
        if len(tries) < 6:
            failing()
        return 3_600.0

    guard = Guard("part", lambda: time.monotonic_ns() * 60)  # a minute passes in a second
    from greencell.clock import SystemClock

    thread = Sampler(beat, SystemClock(), guard)
    thread.start()
    end_s = time.monotonic() + 20.0
    while len(tries) < 6 and time.monotonic() < end_s:
        thread.wake()
        time.sleep(0.02)
    thread.stop(5.0)
    assert len(tries) >= 6
    assert guard.failures == 5 and guard.failures_in_a_row == 0
    assert clock.monotonic_ns() >= 0


def test_without_threads_the_hooks_alone_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each cell has its record, the history its row, and it is said once."""

    def refuses(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuses)
    bench = Bench.make()
    bench.session._sampler = Sampler(
        bench.session._beat, bench.clock, Guard("sampler", bench.clock.monotonic_ns)
    )
    keeper = Keeping()
    bench.session.keeper = keeper  # type: ignore[assignment]
    bench.session.start()
    hooks = Hooks(SimpleNamespace(events=None, execution_count=2), bench.session, None, bench.clock)
    for _ in range(3):
        info = SimpleNamespace(cell_id="c", raw_cell="pass", store_history=True)
        hooks._pre_run_cell(info)
        bench.clock.advance(1.0)
        hooks._post_run_cell(
            SimpleNamespace(
                info=info, error_in_exec=None, error_before_exec=None, execution_count=1
            )
        )
        bench.clock.advance(1.0)

    assert [cell.duration_s for cell in bench.session.cells] == pytest.approx([1.0] * 3)
    assert all(cell.energy_j is not None for cell in bench.session.cells)
    assert [one.id for one in bench.session.notices()].count("no-thread") == 1
    assert keeper.kept[:2] == [1, 2]
    bench.session.close()
