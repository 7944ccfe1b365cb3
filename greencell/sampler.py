"""The one background thread: wakes for events and at its own slow beat.

It knows nothing of cells. Missed beats are skipped, never caught up in a burst: native code may
hold the interpreter for seconds, and the counters lose nothing meanwhile.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable

from greencell.clock import Clock
from greencell.guard import Guard
from greencell.units import NS_PER_S

_RETRY_S = 1.0


class Sampler:
    """Calls ``beat()`` whenever woken and when the time that the last call returned has come.

    Args:
        beat: does what is due and returns the seconds until it wants to be called again.
        guard: keeps what ``beat`` raises; when it has had enough, the thread ends.
        name: of the thread.
    """

    def __init__(
        self,
        beat: Callable[[], float],
        clock: Clock,
        guard: Guard,
        name: str = "greencell-sampler",
    ) -> None:
        self._name = name
        self._beat = beat
        self._clock = clock
        self._guard = guard
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start the thread unless it runs."""
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
        thread.start()

    def wake(self) -> None:
        """Have the next beat now."""
        self._wake.set()

    def stop(self, timeout_s: float) -> None:
        """End the thread, waiting at most ``timeout_s``; idempotent."""
        self._stop.set()
        self._wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)

    def _run(self) -> None:
        deadline_ns = self._clock.monotonic_ns()
        while not (self._stop.is_set() or self._guard.disabled):
            wait_s = max(0.0, (deadline_ns - self._clock.monotonic_ns()) / NS_PER_S)
            self._wake.wait(wait_s)
            self._wake.clear()
            if self._stop.is_set():
                return
            due_s = self._guard.run(self._beat)
            due_ns = int((_RETRY_S if due_s is None else due_s) * NS_PER_S)
            deadline_ns = self._clock.monotonic_ns() + due_ns
