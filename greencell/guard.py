"""The one place that catches everything: whatever goes wrong in greencell stays in greencell.

A hook that raises would paint the user's cell red, end papermill, or, for a ``SystemExit``, the
kernel; a thread's traceback would land in whatever cell is current.
"""

from __future__ import annotations

import _signal
import time
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

FIRST_REST_S: Final = 1.0
LONGEST_REST_S: Final = 60.0
"""A part that failed rests 1 s before the next try, then twice as long each time, at most a
minute. Its next success makes that good."""
_RECENT_S: Final = 60.0
_ATTEMPTS: Final = 3
_NS_PER_S: Final = 1_000_000_000
_MAX_DOUBLINGS: Final = 10


class Guard:
    """Runs one part of greencell so that nothing escapes, and lets it rest after a failure.

    Args:
        part: what is guarded, for the words shown by ``%greencell status``.
        now_ns: monotonic time in ns.
        on_signal: hears of a signal whose handler, the user's own, raised in the midst of the part.

    Attributes:
        failures: how often something was caught.
        last_failure: what was caught last, in one line.
        interrupted: whether Ctrl-C came in the middle of it.
        signal: the number of a signal whose handler, the user's own, raised in the middle of it.
    """

    def __init__(
        self,
        part: str,
        now_ns: Callable[[], int] = time.monotonic_ns,
        on_signal: Callable[[int], None] | None = None,
    ) -> None:
        self.part = part
        self.failures = 0
        self.last_failure: str | None = None
        self.interrupted = False
        self.signal: int | None = None
        self._now_ns = now_ns
        self._on_signal = on_signal
        self._in_a_row = 0
        self._failed_ns = 0

    def run(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | None:
        """The result of ``call``, or ``None`` if it raised anything at all."""
        try:
            result = call(*args, **kwargs)
            self._in_a_row = 0
            return result
        except KeyboardInterrupt:
            self.interrupted = True  # meant for the user's code; the hooks pass it on
        except BaseException as error:  # noqa: BLE001  # the one broad handler: see above
            self.signal = signal_that_raised(error)
            if self.signal is None:
                self._note(error)
            elif self._on_signal is not None:
                self._on_signal(self.signal)
        return None

    def run_unless_resting(
        self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R | None:
        """The same, but nothing is tried while the part rests."""
        return None if self.rest_s > 0.0 else self.run(call, *args, **kwargs)

    def run_through_signals(
        self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R | None:
        """The same, tried again where a handler of the user's for a signal raised in its midst.

        ``call`` must bear to be called again when it was done already.
        """
        result = None
        for _ in range(_ATTEMPTS):
            self.signal = None
            result = self.run(call, *args, **kwargs)
            if self.signal is None:
                break
        return result

    def _note(self, error: BaseException) -> None:
        self.failures += 1
        self._in_a_row += 1
        self._failed_ns = self._now_ns()
        self.last_failure = " ".join(f"{type(error).__name__}: {error}".split())[:200]

    @property
    def failures_in_a_row(self) -> int:
        """How often it failed since it last succeeded."""
        return self._in_a_row

    @property
    def rest_s(self) -> float:
        """For how long it still rests, in s; 0 if it may be tried."""
        if self._in_a_row == 0:
            return 0.0
        doublings = min(self._in_a_row - 1, _MAX_DOUBLINGS)
        whole_s = min(LONGEST_REST_S, FIRST_REST_S * 2.0**doublings)
        return max(0.0, whole_s - self._since_s)

    @property
    def is_troubled(self) -> bool:
        """Whether it fails now, or did within the last minute."""
        return self._in_a_row > 0 or (self.failures > 0 and self._since_s < _RECENT_S)

    @property
    def words(self) -> str:
        """How it is, in one line."""
        if self.failures == 0:
            return "works"
        past = f"{self.failures} failed, the last one: {self.last_failure}"
        if self._in_a_row == 0:
            return f"works again ({past})"
        return f"failing, tried again in {self.rest_s:.0f} s ({past})"

    @property
    def _since_s(self) -> float:
        return (self._now_ns() - self._failed_ns) / _NS_PER_S


def signal_that_raised(error: BaseException) -> int | None:
    """The signal whose Python handler raised ``error``; ``None`` if it came from elsewhere.

    Python runs handlers between any two instructions of the main thread, so what the user's
    handler raises, say for a timeout, may pass through our frames. It is no failure of ours.
    """
    handlers = {}
    for number in _signal.valid_signals():
        code = _code_of(_signal.getsignal(number))
        if code is not None:
            handlers[code] = int(number)
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code in handlers:
            return handlers[step.tb_frame.f_code]
        step = step.tb_next
    return None


def _code_of(handler: object) -> object:
    """The code that runs first when a handler is called; ``None`` if it is not Python's."""
    call = getattr(type(handler), "__call__", None)  # noqa: B004  # its code is asked for
    codes = (getattr(one, "__code__", None) for one in (handler, getattr(handler, "func", 0), call))
    return next((code for code in codes if code is not None), None)
