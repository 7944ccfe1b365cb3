"""``measure`` and ``measured``: whose record it is, when it comes, and what may be done wrong."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import inspect
import pickle
import threading
import types
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import cloudpickle  # of joblib
import pytest

import greencell
from greencell import measurement
from greencell.errors import GreencellError, UsageError
from greencell.measurement import Measurement
from greencell.model import CellRecord
from tests_support import Bench, StillThread


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A simulated session that a notebook's blocks go to; its thread never runs by itself."""
    bench = Bench.make()
    bench.session._sampler = StillThread(alive=False)  # type: ignore[assignment]
    hooks = SimpleNamespace(outermost_run=None, only_run=None)
    extension = SimpleNamespace(session=bench.session, hooks=hooks)
    monkeypatch.setattr(measurement, "running_extension", lambda: extension)
    return bench


def blocks(bench: Bench) -> tuple[CellRecord, ...]:
    bench.session.settle()
    return bench.session._books.current().blocks.latest


def busy(bench: Bench, seconds: float = 1.0) -> None:
    bench.pass_time(seconds)


# -- records -----------------------------------------------------------------------------------


def test_every_block_keeps_its_record_for_as_long_as_somebody_holds_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve hundred that nobody has looked at: each has its own figure, and no look waits."""
    held = []
    for _ in range(1_200):
        with greencell.measure("step") as m:
            bench.clock.advance(0.02)
        held.append(m)
    bench.pass_time(0.5)
    monkeypatch.setattr(bench.session, "settle", lambda **_: pytest.fail("a look settles"))
    monkeypatch.setattr(bench.session, "_look_for", lambda _: pytest.fail("a look waits"))

    durations = [m.duration_s for m in held]

    assert durations == pytest.approx([0.02] * 1_200)
    assert all(m.energy_j is not None for m in held)


def test_a_block_that_nobody_holds_costs_no_claim(bench: Bench) -> None:
    """What was let go leaves nothing behind but its place in the list."""
    for _ in range(50):
        with greencell.measure():
            bench.clock.advance(0.01)
    gc.collect()
    bench.pass_time(0.5)

    assert not bench.session.claims._open
    assert len(blocks(bench)) == 50


def test_a_look_waits_beside_the_thread_and_not_in_its_stead(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a thread that runs, the caller reads no meter: it wakes the thread, and waits."""
    thread = StillThread()
    bench.session._sampler = thread  # type: ignore[assignment]
    with greencell.measure() as m:
        bench.pass_time(1.0)
    monkeypatch.setattr(bench.session._meter, "look", lambda _: pytest.fail("a meter is read"))
    monkeypatch.setattr(bench.session._meter, "take_all", lambda: pytest.fail("a meter is read"))
    settling = threading.Timer(0.1, bench.session.settle, kwargs={"force": True})
    settling.start()

    assert m.energy_j is not None and m.energy_j > 0
    assert thread.woken
    settling.join()


def test_a_session_that_is_held_up_holds_nobody_up_for_long(bench: Bench) -> None:
    """A meter that hangs while the session's lock is held: unknown for now, and known later."""
    bench.session._sampler = StillThread()  # type: ignore[assignment]
    with greencell.measure() as m:
        bench.pass_time(1.0)
    locked, free = threading.Event(), threading.Event()

    def hang() -> None:
        with bench.session._lock:
            locked.set()
            free.wait(20.0)

    hanging = threading.Thread(target=hang)
    hanging.start()
    locked.wait(20.0)
    assert (m.energy_j, m.co2_kg, m.by_component) == (None, None, {})
    assert hanging.is_alive()
    free.set()
    hanging.join()

    assert m.energy_j is not None


def test_a_block_that_runs_when_the_session_is_reset_keeps_what_it_had(bench: Bench) -> None:
    """At least so much, and its end comes too late for more."""
    m = greencell.measure("long").start()
    bench.pass_time(2.0)
    bench.session.reset(keep_running=True)
    bench.pass_time(2.0)
    m.stop()

    assert m.record is not None and m.record.status == "lost"
    assert "lost" in m.flags
    assert m.duration_s == pytest.approx(2.0)
    assert blocks(bench) == ()


def test_a_block_that_runs_when_the_session_closes_keeps_what_it_had(bench: Bench) -> None:
    """Nobody waits for a session that is over."""
    m = greencell.measure().start()
    bench.pass_time(1.0)
    bench.session.close()
    m.stop()

    assert m.duration_s == pytest.approx(1.0)


def test_a_measurement_travels_as_its_figures(bench: Bench) -> None:
    """Copied, pickled, or held by a function that goes to another process."""
    with greencell.measure("x") as m:
        busy(bench)
    running = greencell.measure("y").start()

    twin = pickle.loads(pickle.dumps(m))

    assert (twin.label, twin.energy_j, twin.flags) == ("x", m.energy_j, m.flags)
    assert pickle.loads(pickle.dumps(running)).energy_j is None


# -- start and stop ----------------------------------------------------------------------------


def test_start_and_stop_do_what_with_does(bench: Bench) -> None:
    """The same object either way; unknown before, and while it runs."""
    m = greencell.measure("train")
    assert m.energy_j is None
    m.start()
    busy(bench)
    assert (m.energy_j, m.duration_s) == (None, None)
    m.stop()

    assert m.duration_s == pytest.approx(1.0)
    assert m.energy_low_j <= m.energy_j <= m.energy_high_j  # type: ignore[operator]
    (block,) = blocks(bench)
    assert (block.label, block.status, block.parent) == ("train", "ok", None)


def wrong_uses() -> Iterator[Any]:
    def stop_first() -> None:
        greencell.measure("m").stop()

    def start_twice() -> None:
        greencell.measure("m").start().start()

    def stop_twice() -> None:
        m = greencell.measure("m").start()
        m.stop()
        m.stop()

    def with_twice() -> None:
        m = greencell.measure("m")
        with m:
            pass
        with m:
            pytest.fail("ran")

    def with_while_it_runs() -> None:
        m = greencell.measure("m").start()
        with m:
            pytest.fail("ran")

    yield stop_first, "'m' has not begun; start() begins it."
    yield start_twice, "'m' is being measured already; stop() ends it."
    yield stop_twice, "'m' is over."
    yield with_twice, "'m' is over; greencell.measure() begins another."
    yield with_while_it_runs, "'m' is being measured already; stop() ends it."
    yield lambda: greencell.measure(len), "write @greencell.measured above it"
    yield lambda: greencell.measured(5), "takes a function, which int is not"
    yield lambda: greencell.measured(property(len)), "takes a function, which property is not"
    yield lambda: greencell.measured(pytest.fixture(lambda: 1)), "put it below @pytest.fixture"
    yield lambda: greencell.measured("x")(dict), "takes a function, which dict is not"


@pytest.mark.parametrize(("use", "words"), tuple(wrong_uses()))
def test_what_is_used_wrongly_is_told_in_one_line(
    bench: Bench, use: Callable[[], object], words: str
) -> None:
    """What to do instead, without a control character."""
    with pytest.raises(GreencellError) as told:
        use()

    line = str(told.value)
    assert isinstance(told.value, UsageError)
    assert words in line and line.isprintable()


def test_a_name_is_told_as_it_can_be_seen(bench: Bench) -> None:
    """It may have come from a file."""
    with pytest.raises(UsageError) as told:
        greencell.measure("a\x1b[31m\n").stop()

    assert str(told.value).isprintable()


def test_stop_within_with_ends_it_once(bench: Bench) -> None:
    """The end of the block has nothing left to end."""
    with greencell.measure() as m:
        bench.pass_time(1.0)
        m.stop()
        bench.pass_time(1.0)

    assert m.duration_s == pytest.approx(1.0)


def test_what_a_block_raises_comes_through_and_is_its_status(bench: Bench) -> None:
    """An error and an interrupt are the user's own; the figure is there all the same."""

    def fail(raised: type[BaseException]) -> None:
        bench.pass_time(0.5)
        raise raised

    for raised, status in ((ValueError, "error"), (KeyboardInterrupt, "interrupted")):
        with pytest.raises(raised), greencell.measure() as m:
            fail(raised)
        assert m.record is not None and m.record.status == status
        assert m.duration_s == pytest.approx(0.5)


def test_a_meter_that_breaks_breaks_no_block(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's code runs; what the background thread read tells the figure, or nothing does."""
    bench.pass_time(1.0)
    monkeypatch.setattr(bench.session._meter, "take", lambda: 1 / 0)
    with greencell.measure() as m:
        ran = True
        bench.pass_time(1.0)
    bench.pass_time(1.0)

    assert ran and (m.energy_j is None or m.energy_j == pytest.approx(90.0, rel=0.2))


def test_an_interrupt_within_our_own_steps_is_the_users(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends the block's code, as it was meant to."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bench.session._meter, "take", interrupt)
    with pytest.raises(KeyboardInterrupt), greencell.measure():
        pytest.fail("ran")


# -- beside one another ------------------------------------------------------------------------


def test_nested_blocks_ran_beside_nobody(bench: Bench) -> None:
    """The outer one waits: its figure holds the inner ones'."""
    with greencell.measure("outer") as outer:
        for _ in range(2):
            with greencell.measure("inner") as inner:
                bench.pass_time(1.0)

    assert outer.energy_j == pytest.approx(2 * inner.energy_j, rel=0.05)
    assert all("concurrent" not in block.flags for block in blocks(bench))
    assert [block.label for block in blocks(bench)] == ["inner", "inner", "outer"]


def test_blocks_of_two_threads_ran_beside_each_other(bench: Bench) -> None:
    """Each keeps the whole of its time, and says so; what came before and after does not."""
    with greencell.measure("before"):
        bench.pass_time(0.5)
    first = greencell.measure("first").start()
    bench.pass_time(1.0)
    second = greencell.measure("second")
    thread = threading.Thread(target=second.start)
    thread.start()
    thread.join()
    bench.pass_time(1.0)
    first.stop()
    second.stop()
    with greencell.measure("after"):
        bench.pass_time(0.5)

    flagged = {block.label: "concurrent" in block.flags for block in blocks(bench)}
    assert flagged == {"before": False, "first": True, "second": True, "after": False}
    assert (first.duration_s, second.duration_s) == pytest.approx((2.0, 1.0))
    wide_j = {block.label: block.energy_j for block in blocks(bench)}
    alone, shared = wide_j["first"], wide_j["second"]
    assert alone is not None and shared is not None
    assert shared.low == pytest.approx(0.5 * shared.value, rel=0.15)
    assert alone.low == pytest.approx(0.75 * alone.value, rel=0.15)
    assert shared.high < 1.2 * shared.value


def test_blocks_of_two_tasks_ran_beside_each_other(bench: Bench) -> None:
    """But not beside the block that awaits them both."""

    async def work(label: str) -> None:
        with greencell.measure(label):
            bench.pass_time(0.2)
            await asyncio.sleep(0)
            bench.pass_time(0.2)

    async def main() -> None:
        with greencell.measure("outer"):
            await asyncio.gather(work("a"), work("b"))
            with greencell.measure("alone"):
                bench.pass_time(0.2)

    asyncio.run(main())

    flagged = {block.label: "concurrent" in block.flags for block in blocks(bench)}
    assert flagged == {"a": True, "b": True, "alone": False, "outer": False}


def test_a_block_that_ends_before_one_inside_of_it_ran_beside_it(bench: Bench) -> None:
    """It did not wait; a third that both were begun in did."""
    outer = greencell.measure("outer").start()
    early = greencell.measure("early").start()
    late = greencell.measure("late").start()
    bench.pass_time(0.5)
    early.stop()
    bench.pass_time(0.5)
    with greencell.measure("inner"):
        bench.pass_time(0.5)
    late.stop()
    outer.stop()

    flagged = {block.label: "concurrent" in block.flags for block in blocks(bench)}
    assert flagged == {"early": True, "inner": False, "late": True, "outer": False}
    lows = {
        block.label: block.energy_j.low / block.energy_j.value
        for block in blocks(bench)
        if block.energy_j
    }
    assert lows == pytest.approx(
        {"early": 0.5, "inner": 1.0, "late": 5 / 6, "outer": 1.0}, abs=0.12
    )


# -- measured ----------------------------------------------------------------------------------


def test_a_function_runs_with_and_without_parentheses(bench: Bench) -> None:
    """Under its own name or a given one; and what it returns comes through."""

    @greencell.measured
    def bare(a: int, b: int = 2) -> int:
        """Sums."""
        bench.pass_time(0.1)
        return a + b

    @greencell.measured()
    def called() -> int:
        return 1

    @greencell.measured("fit")
    def named() -> int:
        return 2

    @greencell.measure("as before")
    def by_measure() -> int:
        return 3

    assert bare.measurement is None  # type: ignore[attr-defined]
    assert (bare(1), called(), named(), by_measure()) == (3, 1, 2, 3)
    assert [block.label for block in blocks(bench)] == ["bare", "called", "fit", "as before"]
    assert bare.measurement.duration_s == pytest.approx(0.1)  # type: ignore[attr-defined]
    assert (bare.__name__, bare.__doc__) == ("bare", "Sums.")
    assert str(inspect.signature(bare)) == "(a: 'int', b: 'int' = 2) -> 'int'"


class Model:
    """Methods of each kind; ``measured`` above or below."""

    @greencell.measured
    def fit(self, x: int) -> tuple[str, int]:
        return "fit", x

    @greencell.measured
    @classmethod
    def of(cls, x: int) -> tuple[str, int]:
        return cls.__name__, x

    @classmethod
    @greencell.measured("of")
    def of_too(cls, x: int) -> tuple[str, int]:
        return cls.__name__, x

    @greencell.measured("static")
    @staticmethod
    def still(x: int) -> tuple[str, int]:
        return "still", x

    @property
    @greencell.measured
    def size(self) -> int:
        return 7


class Smaller(Model):
    """Inherits them."""


def test_methods_of_each_kind(bench: Bench) -> None:
    """Bound to the object, or to the class that they are called on."""
    small = Smaller()

    assert (small.fit(1), Smaller.of(2), small.of_too(3)) == (
        ("fit", 1),
        ("Smaller", 2),
        ("Smaller", 3),
    )
    assert (small.still(4), Model.still(5), small.size) == (("still", 4), ("still", 5), 7)
    labels = [block.label for block in blocks(bench)]
    assert labels == ["Model.fit", "Model.of", "of", "static", "static", "Model.size"]
    for function in (small.fit, Model.of, small.still):
        assert function.measurement.duration_s is not None  # type: ignore[attr-defined]


def test_a_coroutine_is_measured_until_it_returns(bench: Bench) -> None:
    """So is an object whose call is one, and a partial of one."""

    class Worker:
        async def __call__(self, x: int) -> int:
            return await work(x)

    @greencell.measured
    async def work(x: int) -> int:
        await asyncio.sleep(0)
        bench.pass_time(0.5)
        return x

    assert asyncio.run(work(3)) == 3
    assert work.measurement.duration_s == pytest.approx(0.5)  # type: ignore[attr-defined]
    for function in (
        greencell.measured(Worker()),
        greencell.measured(functools.partial(work, 4)),
    ):
        assert inspect.iscoroutinefunction(function)
        asyncio.run(
            function() if isinstance(function.__wrapped__, functools.partial) else function(5)
        )
        assert function.measurement.duration_s == pytest.approx(0.5)  # type: ignore[attr-defined]


def test_a_generator_that_may_be_awaited_stays_one(bench: Bench) -> None:
    """As made by ``types.coroutine``."""

    @greencell.measured
    @types.coroutine
    def pause() -> Iterator[None]:
        bench.pass_time(0.5)
        yield

    async def main() -> None:
        await pause()

    asyncio.run(main())

    assert pause.measurement.duration_s == pytest.approx(0.5)  # type: ignore[attr-defined]


def test_a_generator_is_measured_while_it_is_iterated(bench: Bench) -> None:
    """What is sent and thrown into it, and what it returns, pass through."""
    seen: list[object] = []

    @greencell.measured
    def numbers() -> Iterator[Any]:
        try:
            seen.append((yield 1))
            bench.pass_time(1.0)
            try:
                yield 2
            except KeyError as error:
                seen.append(error)
            yield 3
            return "end"
        finally:
            seen.append("closed")

    def outer() -> Iterator[Any]:
        seen.append((yield from numbers()))

    assert inspect.isgeneratorfunction(numbers)
    items = numbers()
    bench.pass_time(5.0)
    assert numbers.measurement is None and not blocks(bench)  # type: ignore[attr-defined]
    assert next(items) == 1
    assert items.send("sent") == 2  # type: ignore[attr-defined]
    assert items.throw(KeyError("thrown")) == 3  # type: ignore[attr-defined]
    assert next(items, None) is None
    assert numbers.measurement.duration_s == pytest.approx(1.0)  # type: ignore[attr-defined]
    assert [str(item) for item in seen] == ["sent", "'thrown'", "closed"]
    assert list(outer()) == [1, 2, 3] and seen[-1] == "end"

    items = numbers()
    next(items)
    items.close()  # type: ignore[attr-defined]
    assert seen[-1] == "closed"
    assert blocks(bench)[-1].status == "ok"


def test_an_async_generator_is_measured_while_it_is_iterated(bench: Bench) -> None:
    """What is sent and thrown into it passes through; a close closes it."""
    seen: list[object] = []

    @greencell.measured("rows")
    async def rows() -> AsyncIterator[Any]:
        try:
            seen.append((yield 1))
            bench.pass_time(1.0)
            try:
                yield 2
            except KeyError as error:
                seen.append(error)
            yield 3
        finally:
            seen.append("closed")

    async def main() -> None:
        items: Any = rows()
        assert await items.__anext__() == 1
        assert await items.asend("sent") == 2
        assert await items.athrow(KeyError("thrown")) == 3
        assert [item async for item in items] == []
        assert rows.measurement.duration_s == pytest.approx(1.0)  # type: ignore[attr-defined]
        assert [str(item) for item in seen] == ["sent", "'thrown'", "closed"]
        assert [item async for item in rows()] == [1, 2, 3]

        items = rows()
        await items.__anext__()
        await items.aclose()
        assert (seen[-1], blocks(bench)[-1].status) == ("closed", "ok")

        items = rows()
        await items.__anext__()
        with pytest.raises(ZeroDivisionError):
            await items.athrow(ZeroDivisionError)
        assert (seen[-1], blocks(bench)[-1].status) == ("closed", "error")

    assert inspect.isasyncgenfunction(rows)
    asyncio.run(main())


def test_a_context_manager_of_a_measured_generator(bench: Bench) -> None:
    """``contextlib`` throws into it what its body raised."""

    @contextlib.contextmanager
    @greencell.measured
    def room() -> Iterator[str]:
        try:
            yield "in"
        except ZeroDivisionError:
            bench.pass_time(1.0)

    with room() as inside:
        assert inside == "in"
        raise ZeroDivisionError

    assert blocks(bench)[-1].duration_s == pytest.approx(1.0)


def test_recursion_ends_with_the_whole(bench: Bench) -> None:
    """The last call that ended is the outermost; nothing of it ran beside anything."""

    @greencell.measured
    def down(depth: int) -> int:
        bench.pass_time(0.1)
        return depth if depth == 0 else down(depth - 1)

    down(4)

    assert down.measurement.duration_s == pytest.approx(0.5)  # type: ignore[attr-defined]
    assert len(blocks(bench)) == 5
    assert all("concurrent" not in block.flags for block in blocks(bench))


def test_a_generator_that_is_left_half_way_leaves_no_frame(bench: Bench) -> None:
    """Blocks that begin after it was collected are inside of nothing."""

    @greencell.measured
    def numbers() -> Iterator[int]:
        yield 1
        yield 2

    for _ in numbers():
        break
    gc.collect()
    with greencell.measure("after"):
        bench.pass_time(0.1)

    assert [block.label for block in blocks(bench)][-1] == "after"
    assert "concurrent" not in blocks(bench)[-1].flags
    assert bench.session._books.current().blocks.open_count == 0


def test_a_measured_function_goes_to_another_process(bench: Bench) -> None:
    """Also after a call: what it holds is figures."""
    work = greencell.measured(lambda: 5)
    work()

    twin = pickle.loads(cloudpickle.dumps(work))

    assert twin.measurement.label == work.measurement.label  # type: ignore[attr-defined]
    assert twin() == 5


def test_words_of_a_measurement(bench: Bench) -> None:
    """Its label and its figure, unknown as a dash."""
    assert repr(Measurement("x")) == "<x: no figure>"
