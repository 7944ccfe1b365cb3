"""The hooks around each cell. Nothing that happens in them reaches the user's code.

IPython calls ``pre_run_cell(info)`` and ``post_run_cell(result)``. They nest (``%%capture``),
overlap (subshells), and either may come without the other (``%load_ext``, ``%unload_ext``), so
runs are paired by the identity of ``info``, not by a "current cell".
"""

from __future__ import annotations

import _signal
import contextlib
import os
import signal
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from greencell.channel import Channel
from greencell.clock import Clock
from greencell.guard import Guard
from greencell.ledger import Opening
from greencell.model import CellStatus
from greencell.running_session import Session
from greencell.translation import translatable
from greencell.wire import Notice

MAX_TEXT: Final = 200
_REDELIVER_S: Final = 0.002
_ATTEMPTS: Final = 3
_PATIENCE: Final = 3
"""A hook that failed once is tried at the next cell; one that fails each time rests."""
SLOW_NS: Final = 50_000_000
"""A hook that takes longer is felt."""
_CELL_MAGIC: Final = "%%greencell "

_REMOVED: Final = Notice(
    "hooks-removed",
    "info",
    translatable(
        "Something took greencell out of IPython's events; it was put back. The cell that did it "
        "may be marked as lost."
    ),
    "%greencell status",
)

# IPython's shell, ExecutionInfo and ExecutionResult come without types.
Shell = Any
Info = Any
Result = Any


@dataclass(slots=True)
class _Frame:
    """A run between its two hooks."""

    run: str
    info: Info
    thread: int
    request: str
    count: int | None


class Hooks:
    """Registers with a shell's events and hands what happens to a session.

    Args:
        channel: knows which request is executed; ``None`` in a terminal.

    Attributes:
        guard: keeps what a hook could not do; the cell may be recorded as lost.
        were_removed: whether somebody took the hooks out of the shell's events.
    """

    def __init__(
        self, shell: Shell, session: Session, channel: Channel | None, clock: Clock
    ) -> None:
        self._shell = shell
        self._session = session
        self._channel = channel
        self._clock = clock
        self._frames: list[_Frame] = []
        self._pid = os.getpid()
        self._main_thread = threading.main_thread().ident
        self._first_number = 0
        self._seen = False
        self._registered = False
        self.guard = Guard("hook", clock.monotonic_ns)
        # What raises beside the bodies, such as a handler of the user's for a signal, is caught
        # one frame below IPython.
        outer = Guard("hook", clock.monotonic_ns, self._deliver_to_main)
        self._hooks: dict[str, Callable[[Any], None]] = {
            "pre_run_cell": partial(outer.run_through_signals, self._pre_run_cell),  # type: ignore[call-arg]  # partial
            "post_run_cell": partial(outer.run_through_signals, self._post_run_cell),  # type: ignore[call-arg]
        }
        # What a cell's info holds, its text, must not be kept alive.
        self._pending: tuple[Callable[[], Info], Opening] | None = None
        self._ended: Callable[[], Info] = _nothing
        self._transform = self._label  # a method is another object each time it is asked for
        self.were_removed = False

    def register(self) -> None:
        """Listen to the shell's cells; the next one is the first."""
        self._first_number = getattr(self._shell, "execution_count", 0)
        self._registered = True
        self._add()

    def _add(self) -> bool:
        """Put in what is not there; whether something was missing."""
        missing = False
        callbacks = self._shell.events.callbacks
        for name, hook in self._hooks.items():
            if not any(_is(hook, registered) for registered in callbacks[name]):
                missing = True
                self._shell.events.register(name, hook)
        if not any(one is self._transform for one in self._shell.input_transformers_cleanup):
            missing = True
            self._shell.input_transformers_cleanup.append(self._transform)
        return missing

    def ensure_registered(self) -> None:
        """Register again what somebody has taken out of the shell. From any thread."""
        if self._registered and os.getpid() == self._pid and self._add():
            self.were_removed = True

    def _label(self, lines: list[str]) -> list[str]:
        """An input transformer. It runs before the hooks do, so it sees where they are missing."""
        self.guard.run(self.ensure_registered)
        return self.guard.run(without_label, lines) or lines

    def unregister(self) -> None:
        """Stop listening, and close whatever is open; idempotent.

        Ours are the very objects that were registered, whatever autoreload made of their classes.
        """
        self._registered = False
        for name, hook in self._hooks.items():
            callbacks = self._shell.events.callbacks.get(name, [])
            callbacks[:] = [one for one in callbacks if not _is(hook, one)]
        transformers = self._shell.input_transformers_cleanup
        transformers[:] = [one for one in transformers if one is not self._transform]
        snapshot = self._session.take()
        while self._frames:
            self._session.end(self._frames.pop().run, snapshot, "ok", None)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What a person should know of the hooks."""
        return (_REMOVED,) if self.were_removed else ()

    @property
    def current_run(self) -> str | None:
        """The innermost run on this thread."""
        frame = self._top(threading.get_ident())
        return frame.run if frame is not None else None

    @property
    def outermost_run(self) -> str | None:
        """The top-level run on this thread."""
        thread = threading.get_ident()
        return next((f.run for f in self._frames if f.thread == thread), None)

    @property
    def only_run(self) -> str | None:
        """The top-level run, if all that is in progress belongs to it."""
        frames = list(self._frames)
        return frames[0].run if len({frame.thread for frame in frames}) == 1 else None

    # -- the two hooks -------------------------------------------------------------------------

    def _pre_run_cell(self, info: Info) -> None:
        numbers: set[int] = set()
        for _ in range(_ATTEMPTS):
            try:
                if self._shielded(self._begin, info):
                    numbers.add(signal.SIGINT)
                raised = self.guard.signal or self._session.pop_signal()
            except KeyboardInterrupt:  # before the shield stood, or after it fell
                raised = int(signal.SIGINT)
            if raised is None:
                break
            numbers.add(raised)
            if self._is_open(info):
                break
        for number in numbers:
            self._deliver(number)

    def _post_run_cell(self, result: Result) -> None:
        info = getattr(result, "info", None)
        for _ in range(_ATTEMPTS):
            try:
                self._shielded(self._end, result)
                raised = self.guard.signal is not None
            except KeyboardInterrupt:  # too late for the cell; only its end must not be lost
                raised = True
            if not (raised and self._is_open(info)):
                return

    def _shielded(self, call: Callable[[Any], None], argument: Any) -> bool:
        """Run a hook's body with SIGINT held back; whether one came.

        The functions of ``_signal`` are the C ones: around Python frames of the module
        ``signal``, an interrupt would find a gap.
        """
        guard = self.guard
        if os.getpid() != self._pid or self._rests:
            return False
        guard.interrupted, guard.signal = False, None
        main = threading.get_ident() == self._main_thread
        # Only the handler that raises needs holding back; others do not hurt us.
        if not main or _signal.getsignal(_signal.SIGINT) is not _signal.default_int_handler:
            guard.run(self._timed, call, argument)
            return False
        _signal.signal(_signal.SIGINT, self._hold_interrupt)
        try:
            guard.run(self._timed, call, argument)
        finally:
            _signal.signal(_signal.SIGINT, _signal.default_int_handler)
        return guard.interrupted

    @property
    def _rests(self) -> bool:
        """Whether the hooks have failed at each of the last cells, and rest now."""
        return self.guard.failures_in_a_row >= _PATIENCE and self.guard.rest_s > 0.0

    def _timed(self, call: Callable[[Any], None], argument: Any) -> None:
        began_ns = self._clock.monotonic_ns()
        call(argument)
        if self._clock.monotonic_ns() - began_ns > SLOW_NS:
            self._session.spare_hooks()

    def _hold_interrupt(self, _signum: int, _frame: object) -> None:
        self.guard.interrupted = True

    def _deliver(self, number: int) -> None:
        """Send a signal to the code of the cell a moment later, as it was meant."""
        timer = threading.Timer(_REDELIVER_S, self._deliver_to_cell, (number,))
        timer.daemon = True
        with contextlib.suppress(RuntimeError):  # no thread can start here
            timer.start()

    def _deliver_to_main(self, number: int) -> None:
        if threading.get_ident() == self._main_thread:
            self._deliver(number)

    def _deliver_to_cell(self, number: int) -> None:
        if self._main_thread is not None and self._top(self._main_thread) is not None:
            self._signal_main_thread(number)

    def _signal_main_thread(self, number: int) -> None:
        if hasattr(signal, "pthread_kill") and self._main_thread is not None:
            # To that thread, so that it also wakes from a system call.
            signal.pthread_kill(self._main_thread, number)
        else:
            signal.raise_signal(number)

    # -- their bodies --------------------------------------------------------------------------

    def _begin(self, info: Info) -> None:
        if self._is_open(info):
            return  # interrupted when all was done
        self._seen, self._ended = True, _nothing
        thread = threading.get_ident()
        parent = self._channel.parent() if self._channel is not None else {}
        request = _request_id(parent)
        self._close_stale(thread, request)
        outer = self._top(thread)
        opening = self._opening_of(info, outer, request)
        frame = _Frame(opening.run, info, thread, request, self._number_of(info))
        feed = self._session.feed
        if outer is None and feed is not None:
            feed.parent = parent
        # The readings come last: next to nothing of ours is in the cell. The frame comes after
        # them: interrupted before it, all of this is done again, on the same opening.
        self._session.begin(opening)
        self._frames.append(frame)
        self._pending = None

    def _opening_of(self, info: Info, outer: _Frame | None, request: str) -> Opening:
        """The opening of a run; the one of before where its hook was interrupted."""
        if self._pending is not None and self._pending[0]() is info:
            return self._pending[1]
        opening = self._session.open_run(
            _text_or_none(getattr(info, "cell_id", None)),
            outer.run if outer else None,
            cell_label(getattr(info, "raw_cell", None)),
            request=_text_or_none(request),
        )
        self._pending = (_weakly(info), opening)
        return opening

    def _end(self, result: Result) -> None:
        info = getattr(result, "info", None)
        if info is not None and info is self._ended():
            return  # interrupted when all was done
        snapshot = self._session.take()  # the readings come first, for the same reason
        frame, abandoned = self._find(getattr(result, "info", None))
        if frame is None:
            self._note_unbegun(result)
            return
        # Told twice, where an interrupt has it done again, an end counts once.
        for newer in abandoned:
            self._session.end(newer.run, snapshot, "lost", None)
        is_inner = any(f.thread == frame.thread and f is not frame for f in self._frames)
        count = _count(result) or frame.count
        self._session.end(frame.run, snapshot, _status(result), count, is_inner=is_inner)
        for gone in (*abandoned, frame):
            self._frames.remove(gone)
        self._ended = _weakly(info)
        if not is_inner:
            self._session.wake_soon()

    def _note_unbegun(self, result: Result) -> None:
        """A cell whose first hook did not come to its end has its number and a reply all the same.

        It was interrupted just before, or something of ours failed: what it used is between cells.
        The cell that loaded us, which ends before any other begins, is none of ours; an empty one
        gets no number.
        """
        info = getattr(result, "info", None)
        number, never_began = self._number_of(info), _never_began(result)
        failed = self._seen and _count(result) is not None
        if number is None or number < self._first_number or not (never_began or failed):
            return
        opening = self._session.open_run(
            _text_or_none(getattr(info, "cell_id", None)),
            None,
            cell_label(getattr(info, "raw_cell", None)),
        )
        self._session.note(opening, "interrupted" if never_began else "lost", number)
        self._session.wake()

    def _number_of(self, info: Info) -> int | None:
        """What a cell was given before its first hook; a result that was cut short lacks it."""
        count = getattr(self._shell, "execution_count", None)
        stored = getattr(info, "store_history", False) is True
        return count - 1 if stored and isinstance(count, int) else None

    # -- pairing -------------------------------------------------------------------------------

    def _is_open(self, info: Info) -> bool:
        return any(frame.info is info for frame in self._frames)

    def _top(self, thread: int) -> _Frame | None:
        return next((f for f in reversed(self._frames) if f.thread == thread), None)

    def _find(self, info: Info) -> tuple[_Frame | None, list[_Frame]]:
        """The frame that ends, and newer ones above it whose end was never told.

        It is the one of this ``info``, else the innermost of this thread.
        """
        frame = next((f for f in reversed(self._frames) if f.info is info), None)
        frame = frame or self._top(threading.get_ident())
        if frame is None:
            return None, []
        above = self._frames[self._frames.index(frame) + 1 :]
        return frame, [f for f in reversed(above) if f.thread == frame.thread]

    def _close_stale(self, thread: int, request: str) -> None:
        """Close runs whose end was never told: another request runs on their thread by now."""
        stale = [f for f in self._frames if f.thread == thread and f.request != request]
        if not stale:
            return
        snapshot = self._session.take()
        for frame in reversed(stale):
            self._session.end(frame.run, snapshot, "lost", None)
            self._frames.remove(frame)


def _nothing() -> None:
    """No info."""


def _weakly(info: Info) -> Callable[[], Info]:
    try:
        return weakref.ref(info)
    except TypeError:  # a shell with an info of its own kind
        return _nothing


def _is(hook: object, registered: object) -> bool:
    """Whether a callback of the shell's is this hook; IPython 7 may have wrapped it."""
    return getattr(registered, "__wrapped__", registered) is hook


def _request_id(parent: dict[str, Any]) -> str:
    header = parent.get("header")
    return str(header.get("msg_id", "")) if isinstance(header, dict) else ""


def cell_label(code: object) -> str | None:
    """The name in a cell's first line ``%%greencell NAME``."""
    if not isinstance(code, str) or not code.startswith(_CELL_MAGIC):
        return None
    return code[len(_CELL_MAGIC) :].split("\n", 1)[0].strip()[:MAX_TEXT] or None


def without_label(lines: list[str]) -> list[str]:
    """An input transformer: the cell without its name, so that it runs like any other.

    As a magic that runs the rest of the cell, it would nest the cell in itself. The line is left
    blank, to keep the line numbers of tracebacks, unless another cell magic follows.
    """
    if not lines or not lines[0].startswith(_CELL_MAGIC):
        return lines
    rest = lines[1:]
    return rest if rest and rest[0].startswith("%%") else ["\n", *rest]


def _status(result: Result) -> CellStatus:
    error = getattr(result, "error_in_exec", None)
    if isinstance(getattr(result, "error_before_exec", None), KeyboardInterrupt):
        return "interrupted"
    # By name: importing asyncio costs 20 ms where nothing else has.
    if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "CancelledError":
        return "interrupted"
    if error is not None or getattr(result, "error_before_exec", None) is not None:
        return "error"
    return "ok"


def _never_began(result: Result) -> bool:
    """Whether an interrupt came after a cell had got its number, and before its first hook."""
    return isinstance(getattr(result, "error_before_exec", None), KeyboardInterrupt)


def _count(result: Result) -> int | None:
    """The number that IPython gave a cell; one that is not stored has none."""
    if getattr(getattr(result, "info", None), "store_history", False) is not True:
        return None
    count = getattr(result, "execution_count", None)
    return count if isinstance(count, int) else None


def _text_or_none(value: object) -> str | None:
    """A cell id comes from the notebook unchecked: any type, any length."""
    return value[:MAX_TEXT] if isinstance(value, str) and value else None
