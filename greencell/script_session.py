"""The session of a plain script: one in a process, built at its first block, closed at exit.

Settings come from the environment; where one could not be used, its line stands in ``problems``
of what ``obtain`` built, and is told once on stderr.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from greencell.guard import Guard
from greencell.running_session import Session

if TYPE_CHECKING:  # loaded by the first block, not by the import of greencell
    from greencell.keeping import History

_EXIT_S: Final = 0.45
"""So long an exit waits at most, whatever hangs."""
_THREAD_S: Final = 0.1
_WRITE_S: Final = 0.15
_FIRST_RETRY_S: Final = 1.0
_MAX_RETRY_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class ScriptSession:
    """A session with what belongs to it.

    Attributes:
        problems: one line for each setting that could not be used.
    """

    session: Session
    history: History | None
    problems: tuple[str, ...]

    def close(self) -> None:
        """Write what is left and release the hardware; raises nothing."""
        Guard("session").run(self.session.close, _THREAD_S)
        if self.history is not None:
            Guard("history").run(self.history.close, self.session.id, _WRITE_S)

    def abandon_after_fork(self) -> None:
        """In a forked child: it is the parent's."""
        self.session.abandon_after_fork()
        if self.history is not None:
            self.history.abandon_after_fork()


class _Process:
    """What this process has.

    Attributes:
        is_counted: whether it was forked from a process whose own session counts it, too.
    """

    is_counted = False

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """With nothing; also in a forked child, where a thread of the parent's held the lock."""
        self.lock = threading.RLock()
        self.script: ScriptSession | None = None
        self.is_building = False
        self.is_over = False
        self.tries = 0
        self.not_before_s = 0.0


_process: Final = _Process()
_told: Final[set[str]] = set()
_of_parents: Final[list[ScriptSession]] = []
"""Kept, so that nothing of a parent's is ever closed by a child's garbage collector."""


def current() -> ScriptSession | None:
    """The script's session with what belongs to it, if a block has been measured."""
    return _process.script


def obtain(*, is_counted: bool = False) -> Session | None:
    """The script's session, built if there is none; ``None`` where it cannot be built.

    After a failure nothing is tried for a second, then for twice as long, at most for a minute.

    Args:
        is_counted: whether another process counts this one, too.
    """
    here = _process
    here.is_counted |= is_counted
    script = here.script
    if script is not None:
        return script.session
    with here.lock:
        may_build = not (here.is_building or here.is_over)
        if here.script is None and may_build and time.monotonic() >= here.not_before_s:
            guard, here.is_building = Guard("start"), True
            here.script = guard.run(_build)
            here.is_building = False
            if guard.interrupted:
                raise KeyboardInterrupt  # meant for the user's code
            here.tries = 0 if here.script is not None else here.tries + 1
            wait_s = min(_MAX_RETRY_S, _FIRST_RETRY_S * 2.0 ** min(10, here.tries - 1))
            here.not_before_s = time.monotonic() + wait_s
        return here.script.session if here.script is not None else None


def end() -> None:
    """Close it, waiting at most half a second. The next block would build another."""
    script, _process.script = _process.script, None
    if script is None:
        return
    closing = threading.Thread(target=script.close, name="greencell-exit", daemon=True)
    closing.start()
    closing.join(_EXIT_S)


def _at_exit() -> None:
    _process.is_over = True
    Guard("exit").run(end)


def _build() -> ScriptSession:
    from greencell.carbon.grid_table import GridTable
    from greencell.equipment import equip
    from greencell.keeping import keep
    from greencell.settings import read_settings

    read = read_settings(os.environ, {})
    equipped = equip(read, os.environ, GridTable())
    session = Session(equipped.equipment)
    session.label = script_name()
    history = None if _process.is_counted else keep(session, read.settings, alone=True)
    session.start()
    _tell(equipped.problems)
    _close_at_exit()
    return ScriptSession(session, history, equipped.problems)


def _tell(problems: Iterable[str]) -> None:
    """What could not be used, beside the script's own output: each line once, in one process."""
    multiprocessing = sys.modules.get("multiprocessing.process")
    if multiprocessing is not None and multiprocessing.parent_process() is not None:
        return  # a worker has its parent's settings, and its parent told them
    from greencell.report.terminal import one_line, say

    for line in problems:
        if line not in _told:
            _told.add(line)
            Guard("words").run(say, one_line(line, most=None), sys.stderr)


def _close_at_exit() -> None:
    atexit.unregister(_at_exit)
    atexit.register(_at_exit)
    # A worker of multiprocessing may end without what is registered there.
    multiprocessing = sys.modules.get("multiprocessing.process")
    if multiprocessing is not None and multiprocessing.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, _at_exit, exitpriority=1)


def script_name() -> str | None:
    """The file name of the program that runs, without its folders; ``None`` where it has none."""
    path = getattr(sys.modules.get("__main__"), "__file__", None) or (sys.argv or [""])[0]
    name = Path(str(path)).name
    return None if name in ("", "-", "-c", "-m") or name.startswith("<") else name


def _after_fork() -> None:
    script = _process.script
    _process.begin()
    if script is not None:
        _process.is_counted = True
        _of_parents.append(script)
        script.abandon_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
