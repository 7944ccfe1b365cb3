"""A measured block of code, in a notebook or a plain script."""

from __future__ import annotations

import signal
import sys
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from greencell import script_session
from greencell.claims import Claim
from greencell.errors import UsageError
from greencell.guard import Guard
from greencell.measured_calls import measured_calls
from greencell.model import CellRecord, CellStatus
from greencell.running_session import Session
from greencell.units import G_PER_KG

if TYPE_CHECKING:
    from typing_extensions import Self  # for the type checker only: no install of ours brings it

F = TypeVar("F", bound=Callable[..., Any])
M = TypeVar("M", bound="Measurement")
_MAX_LABEL: Final = 200
_ATTEMPTS: Final = 3


@dataclass(eq=False, slots=True)
class _Frame:
    """A block in progress.

    Attributes:
        owner: nobody can end a block whose measurement is gone.
        around: the block that it was begun in.
        is_told: whether the session has heard of its end.
    """

    owner: weakref.ref[Measurement]
    session: Session
    run: str
    around: _Frame | None
    is_ended: bool = False
    is_told: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return not self.is_ended and self.owner() is not None


_innermost: ContextVar[_Frame | None] = ContextVar("greencell_innermost_block", default=None)
"""Of this thread or task. It may be one that ended elsewhere, so no token can reset it."""


class Measurement:
    """What a ``measure`` block cost; everything is ``None`` until it ended, or if unknown.

    The first look after the end waits for slow counters to tick, at most half a second; the
    block itself does not wait.
    """

    def __init__(self, label: object = "block") -> None:
        if callable(label):
            raise UsageError(
                "measure() takes a name; to measure a function, write @greencell.measured above it."
            )
        self.label = str(label)[:_MAX_LABEL]
        self._state: Literal["new", "running", "over"] = "new"
        self._record: CellRecord | None = None
        self._frame: _Frame | None = None
        self._claim: Claim | None = None

    def start(self) -> Measurement:
        """The block begins now.

        Raises:
            UsageError: it has begun before.
        """
        if self._state == "running":
            raise UsageError(f"{self._shown} is being measured already; stop() ends it.")
        if self._state == "over":
            raise UsageError(f"{self._shown} is over; greencell.measure() begins another.")
        self._state = "running"
        if _unharmed(self._begin) or self._was_interrupted():
            self._end_as("interrupted")
            raise KeyboardInterrupt  # meant for the user's code
        return self

    def stop(self) -> None:
        """The block ends now.

        Raises:
            UsageError: it has not begun, or it ended before.
        """
        if self._state != "running":
            rest = "has not begun; start() begins it." if self._state == "new" else "is over."
            raise UsageError(f"{self._shown} {rest}")
        self._end_as("ok")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._state == "running":  # it may have been stopped within
            self._end_as(_status(kind))

    def __call__(self, function: F) -> F:
        """Measure every call of a function under this name."""
        return measured_calls(function, self.label, Measurement)

    # -- its two moments -----------------------------------------------------------------------

    def _begin(self) -> None:
        session, cell_run = _place()
        if session is None:
            return
        around = _open_frame(_innermost.get())
        enclosing = around.run if around is not None and around.session is session else None
        opening = session.open_run(
            None, cell_run, self.label, is_cell=False, around=enclosing
        )  # fmt: skip
        self._claim = session.claims.open(opening.run)
        self._frame = _Frame(weakref.ref(self), session, opening.run, around)
        _innermost.set(self._frame)
        session.begin(opening)  # the readings come last: nothing of ours is in the block

    def _end_as(self, status: CellStatus) -> None:
        self._state = "over"
        interrupted = False
        for _ in range(_ATTEMPTS):
            if not _unharmed(self._end, status):
                break
            interrupted = True  # too late for the block; only its end must not be lost
        if self._was_interrupted() or interrupted:
            raise KeyboardInterrupt  # meant for the user's code

    def _was_interrupted(self) -> bool:
        """Whether Ctrl-C came in our midst; any other signal reaches the user's code here."""
        number = None if self._frame is None else self._frame.session.pop_signal()
        if number is not None and number != signal.SIGINT:
            signal.raise_signal(number)
        return number == signal.SIGINT

    def _end(self, status: CellStatus) -> None:
        frame = self._frame
        if frame is None or frame.is_told:
            return
        snapshot = frame.session.take()  # the readings come first, for the same reason
        frame.is_ended = True
        _innermost.set(_open_frame(_innermost.get()))
        frame.session.end(frame.run, snapshot, status, None, is_inner=True)
        frame.is_told = True

    # -- what it cost --------------------------------------------------------------------------

    @property
    def record(self) -> CellRecord | None:
        """All that is known of it."""
        claim, frame = self._claim, self._frame
        if self._state == "over" and claim is not None and frame is not None:
            self._record = frame.session.finished(claim)
            if self._record is not None:
                self._claim = self._frame = None
        return self._record

    @property
    def energy_j(self) -> float | None:
        """Energy in J."""
        return self.record.energy_j.value if self.record and self.record.energy_j else None

    @property
    def energy_low_j(self) -> float | None:
        """Lower end of the energy's interval, about 95 %, in J."""
        return self.record.energy_j.low if self.record and self.record.energy_j else None

    @property
    def energy_high_j(self) -> float | None:
        """Upper end of the energy's interval, about 95 %, in J."""
        return self.record.energy_j.high if self.record and self.record.energy_j else None

    @property
    def co2_kg(self) -> float | None:
        """CO2 equivalents in kg."""
        return self.record.co2_g.value / G_PER_KG if self.record and self.record.co2_g else None

    @property
    def duration_s(self) -> float | None:
        """Duration in s."""
        return self.record.duration_s if self.record else None

    @property
    def by_component(self) -> dict[str, float]:
        """Energy in J by component."""
        return dict(self.record.by_component_j) if self.record else {}

    @property
    def provenance(self) -> str | None:
        """``measured``, ``estimated`` or ``mixed``."""
        return self.record.provenance if self.record else None

    @property
    def flags(self) -> tuple[str, ...]:
        """What the figure suffers from, e.g. ``concurrent``; as in the session document."""
        return self.record.flags if self.record else ()

    @property
    def _shown(self) -> str:
        from greencell.report.terminal import visible

        return visible(repr(self.label))

    def __repr__(self) -> str:
        from greencell.report import figures
        from greencell.report.terminal import one_line, printable
        from greencell.units import kwh_from_j

        label, record = one_line(self.label), self.record
        if record is None or record.energy_j is None:
            return printable(f"<{label}: no figure>")
        item = {
            "energy_kwh": kwh_from_j(record.energy_j.value),
            "energy_low_kwh": kwh_from_j(record.energy_j.low),
            "energy_high_kwh": kwh_from_j(record.energy_j.high),
            "provenance": record.provenance,
            "flags": record.flags,
            "final": record.final,
        }
        shown = f"<{label}: {figures.figure(item, 'energy')}, {record.provenance}>"
        return printable(shown)

    def __getstate__(self) -> dict[str, Any]:
        """Name and figures: a copy, or another process, has no part in the session."""
        record = self.record
        state = "over" if self._state == "running" else self._state
        return {
            "label": self.label, "_state": state, "_record": record, "_frame": None, "_claim": None,
        }  # fmt: skip


def measure(label: str = "block") -> Measurement:
    """Measure a block of code; works in plain scripts too.

    ::

        with greencell.measure("train") as m:
            train()
        print(m.energy_j, m.energy_low_j, m.energy_high_j)

    ``m.start()`` and ``m.stop()`` do the same where ``with`` does not fit.

    Raises:
        UsageError: a function was given instead of a name.
    """
    return Measurement(label)


def running_extension() -> Any:
    """The extension on the shell that runs this code; IPython is not imported for asking.

    In a forked child it is the parent's, and measures nothing.
    """
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    from greencell.extension import extension_of

    return extension_of(get_ipython())


def _place() -> tuple[Session | None, str | None]:
    """The session that measures this code, and the cell that it runs in."""
    extension = running_extension()
    if extension is not None and extension.session.is_here:
        return extension.session, extension.hooks.outermost_run or extension.hooks.only_run
    return script_session.obtain(is_counted=extension is not None), None


def _open_frame(frame: _Frame | None) -> _Frame | None:
    """The innermost block of these that has not ended."""
    while frame is not None and not frame.is_open:
        frame = frame.around
    return frame


def _unharmed(step: Callable[..., None], *arguments: object) -> bool:
    """Take a step of ours; whatever goes wrong in it, the user's code goes on unmeasured.

    Returns:
        Whether Ctrl-C came in the middle of it, which is for the user's code.
    """
    guard = Guard("measure")
    guard.run(step, *arguments)
    return guard.interrupted


def _status(kind: type[BaseException] | None) -> CellStatus:
    # A generator that is closed has done what was asked of it.
    if kind is None or kind is GeneratorExit:
        return "ok"
    # By name: importing asyncio costs 20 ms where nothing else has.
    if issubclass(kind, KeyboardInterrupt) or kind.__name__ == "CancelledError":
        return "interrupted"
    return "error"
