"""What a thread imports late: no process is forked meanwhile.

What a kernel does not need for its first cell is imported where it is first used, often by a
thread of ours. A child that is forked in the midst of that finds the module locked for ever, and
hangs as soon as it imports it itself. So a fork waits for a moment.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")
FORK_WAITS_S: Final = 1.0
"""At most; an import that takes longer hangs, and nobody waits for that."""


class _Importing:
    """Held by whoever imports, and by whoever forks."""

    def __init__(self) -> None:
        self.lock = threading.RLock()

    def hold(self) -> None:
        self.lock.acquire(timeout=FORK_WAITS_S)

    def release(self) -> None:
        with contextlib.suppress(RuntimeError):  # it was not had in time
            self.lock.release()


_importing: Final = _Importing()


def imported_late(build: Callable[[], T]) -> T:
    """What ``build`` makes of modules that it imports."""
    with _importing.lock:
        return build()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_importing.hold,
        after_in_parent=_importing.release,
        after_in_child=_importing.__init__,  # type: ignore[misc]  # whoever held it is not here
    )
