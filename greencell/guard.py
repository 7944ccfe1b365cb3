"""The one place that catches everything: whatever goes wrong in greencell stays in greencell.

A hook that raises would paint the user's cell red, end papermill, or, for a ``SystemExit``, the
kernel; a thread's traceback would land in whatever cell is current.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

FAILURES_ALLOWED: Final = 3


class Guard:
    """Runs parts of greencell so that nothing escapes, and stops a part that keeps failing.

    Attributes:
        part: what is guarded, for the words shown by ``%greencell status``.
        failures: how often something was caught.
        last_failure: what was caught last, in one line.
    """

    def __init__(self, part: str) -> None:
        self.part = part
        self.failures = 0
        self.last_failure: str | None = None
        self.interrupted = False

    @property
    def disabled(self) -> bool:
        """Whether the part failed so often that it is left alone now."""
        return self.failures >= FAILURES_ALLOWED

    def run(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | None:
        """The result of ``call``, or ``None`` if it raised anything at all."""
        try:
            return call(*args, **kwargs)
        except KeyboardInterrupt:
            self.interrupted = True  # meant for the user's code; the hooks pass it on
        except BaseException as error:  # noqa: BLE001  # the one broad handler: see above
            self.failures += 1
            self.last_failure = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return None
