"""Requests are answered on a thread of their own, one after another.

The control thread must stay free: an interrupt comes through it as well, and a report of thousands
of cells takes seconds.
"""

from __future__ import annotations

import contextlib
import contextvars
import queue
import threading
from collections.abc import Callable
from typing import Any, Final

from greencell.guard import Guard

JsonObject = dict[str, Any]
Reply = Callable[[JsonObject], None]
"""Sends the content of a reply."""
MAX_WAITING: Final = 1_000
_CLOSE_S: Final = 0.3
_IDLE_S: Final = 30.0
"""The thread ends when nobody has asked for so long; the next request starts another one."""


class Answers:
    """Answers requests in the order in which they came.

    Args:
        answer: makes the content of the reply.
    """

    def __init__(self, answer: Callable[[object], JsonObject]) -> None:
        self._answer = answer
        self._waiting: queue.Queue[tuple[object, Reply] | None] = queue.Queue(MAX_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.guard = Guard("answers")

    def ask(self, content: object, reply: Reply) -> None:
        """Have ``reply`` called with the answer. Never waits."""
        try:
            self._waiting.put_nowait((content, reply))
        except queue.Full:
            reply({"ok": False, "error": "too many requests are waiting; ask again later"})
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._start()

    def close(self) -> None:
        """Answer no more, and end the thread; idempotent. A request in work is left to itself."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None and thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._waiting.put_nowait(None)
            thread.join(_CLOSE_S)

    def _start(self) -> None:
        context = contextvars.Context()
        thread = threading.Thread(
            target=context.run, args=(self._run,), name="greencell-answers", daemon=True
        )
        thread.pydev_do_not_trace = True  # type: ignore[attr-defined]  # pydevd's own protocol
        thread.is_pydev_daemon_thread = True  # type: ignore[attr-defined]  # likewise
        try:
            thread.start()
        except RuntimeError:  # no threads here: whoever asks waits
            self._answer_one()
            return
        self._thread = thread

    def _run(self) -> None:
        while self._answer_one(_IDLE_S):
            pass

    def _answer_one(self, wait_s: float = 0.0) -> bool:
        """Answer the next request; whether there was one, or may yet be."""
        try:
            asked = self._waiting.get(block=wait_s > 0.0, timeout=wait_s)
        except queue.Empty:
            with self._lock:  # what is asked from now on starts another thread
                if self._waiting.empty():
                    self._thread = None
                    return False
                return True
        if asked is None:
            return False
        content, reply = asked
        self.guard.run(lambda: reply(self._answer(content)))
        return True
