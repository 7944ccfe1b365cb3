"""A call that nobody waits for longer than so long: a driver or a disk may hang for ever."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from greencell.guard import Guard

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What a call came to.

    Attributes:
        value: its result; ``None`` if there is none.
        is_late: whether it has not ended in time. It goes on alone, and nobody hears of its end.
        failure: what it raised, in one line.
    """

    value: T | None
    is_late: bool = False
    failure: str | None = None


def within(timeout_s: float, call: Callable[[], T]) -> Answer[T]:
    """Make a call on a thread of its own and wait so long; where no thread can start, on this one.

    Never raises for what ``call`` raises.
    """
    guard = Guard("call")
    found: list[T | None] = []

    def make() -> None:
        found.append(guard.run(call))

    context = contextvars.Context()
    thread = threading.Thread(
        target=context.run, args=(make,), name="greencell-asking", daemon=True
    )
    # Debuggers leave such threads alone.
    thread.pydev_do_not_trace = True  # type: ignore[attr-defined]  # pydevd's own protocol
    thread.is_pydev_daemon_thread = True  # type: ignore[attr-defined]  # likewise
    try:
        thread.start()
    except RuntimeError:
        make()
    else:
        thread.join(timeout_s)
    if not found:
        return Answer(None, is_late=True)
    return Answer(found[0], failure=guard.last_failure)
