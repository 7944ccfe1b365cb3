"""One background thread: wakes for events, for jobs, and at its own slow beat.

It knows nothing of cells. Missed beats are skipped, never caught up in a burst: native code may
hold the interpreter for seconds, and the counters lose nothing meanwhile. A thread that hangs, in
a driver or on a disk, can be replaced: nobody waits for it.
"""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from greencell.clock import Clock
from greencell.guard import Guard
from greencell.units import NS_PER_S

_RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class _Job:
    """Something to do on the thread, and whether it was done."""

    run: Callable[[], object]
    done: threading.Event = field(default_factory=threading.Event)


class Sampler:
    """Calls ``beat()`` whenever woken and when the time that the last call returned has come.

    Args:
        beat: does what is due and returns the seconds until it wants to be called again.
        guard: keeps what ``beat`` raises; after a failure the thread lets it rest.
        name: of the thread.

    Attributes:
        refused: whether this process could not start the thread when it was last tried.
    """

    def __init__(
        self,
        beat: Callable[[], float],
        clock: Clock,
        guard: Guard,
        name: str = "greencell-sampler",
    ) -> None:
        self.refused = False
        self._name = name
        self._beat = beat
        self._clock = clock
        self._guard = guard
        self._job_guard = Guard("job")
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._jobs: deque[_Job] = deque()
        self._wanted_ns: int | None = None
        self._deadline_ns = 0
        self._thread: threading.Thread | None = None

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def is_this(self) -> bool:
        """Whether the caller runs on this thread."""
        return self._thread is threading.current_thread()

    def start(self) -> None:
        """Start the thread unless it runs; where that cannot be, ``refused`` says so."""
        if self.alive:
            return
        self._stop.clear()
        # An empty context: a thread that inherits the cell's would send its messages there.
        context = contextvars.Context()
        thread = threading.Thread(
            target=context.run, args=(self._run,), name=self._name, daemon=True
        )
        # Debuggers leave such threads alone: no breakpoint stops us, no list shows us.
        thread.pydev_do_not_trace = True  # type: ignore[attr-defined]  # pydevd's own protocol
        thread.is_pydev_daemon_thread = True  # type: ignore[attr-defined]  # likewise
        self._thread = thread
        self.refused = False
        try:
            thread.start()
        except RuntimeError:  # no more threads in this process, or none at all
            self._thread = None
            self.refused = True

    def wake(self) -> None:
        """Have the next beat now."""
        self._wanted_ns = None
        self._wake.set()

    def wake_by(self, t_ns: int) -> None:
        """Have a beat at ``t_ns`` at the latest, of the clock's monotonic time."""
        wanted_ns = self._wanted_ns
        if wanted_ns is None or wanted_ns > t_ns:
            self._wanted_ns = t_ns
            if self._deadline_ns > t_ns:
                self._wake.set()

    def call(self, job: Callable[[], object], timeout_s: float) -> bool:
        """Have a job done on the thread; whether it was done in time.

        One that was not begun by then is dropped.
        """
        entry = _Job(job)
        self._jobs.append(entry)
        self.wake()
        if entry.done.wait(timeout_s):
            return True
        try:
            self._jobs.remove(entry)
        except ValueError:
            return entry.done.is_set()
        return False

    def replace(self) -> None:
        """Leave the thread, which hangs, to itself, and start another one."""
        self._thread = None
        self.start()

    def stop(self, timeout_s: float) -> None:
        """End the thread, waiting at most ``timeout_s``; idempotent."""
        self._stop.set()
        self._wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)

    def _run(self) -> None:
        # What ends a thread is printed into somebody's cell; the next cell starts another one.
        self._guard.run(self._rounds)

    def _rounds(self) -> None:
        self._deadline_ns = self._clock.monotonic_ns()
        while self._goes_on():
            now_ns = self._clock.monotonic_ns()
            self._wake.wait(max(0.0, (self._deadline_ns - now_ns) / NS_PER_S))
            self._wake.clear()
            if not self._goes_on():
                return
            self._do_jobs()
            wanted_ns, self._wanted_ns = self._wanted_ns, None
            now_ns = self._clock.monotonic_ns()
            if wanted_ns is not None and now_ns < min(wanted_ns, self._deadline_ns):
                self._deadline_ns = wanted_ns
                continue
            due_s = self._guard.run_unless_resting(self._beat)
            if not self._goes_on():
                return  # it hung for so long that another thread has taken its place
            if due_s is None:
                due_s = self._guard.rest_s or _RETRY_S
            due_ns = self._clock.monotonic_ns() + int(due_s * NS_PER_S)
            # Somebody may have asked for a beat while this one went on.
            wanted_ns = self._wanted_ns
            self._deadline_ns = due_ns if wanted_ns is None else min(due_ns, wanted_ns)

    def _goes_on(self) -> bool:
        return self.is_this and not self._stop.is_set()

    def _do_jobs(self) -> None:
        while self._jobs and self._goes_on():
            try:
                entry = self._jobs.popleft()
            except IndexError:  # who asked for it has given up
                return
            self._job_guard.run(entry.run)
            entry.done.set()
