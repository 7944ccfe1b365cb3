"""Claims on records: whoever holds a measurement gets its record when that is final.

A session hands each record over once. It holds claims weakly: what nobody holds any more costs
nothing, and what somebody holds keeps its record for as long as it lives.
"""

from __future__ import annotations

import threading
import weakref

from greencell.model import CellRecord


class Claim:
    """The claim on one run's record.

    Attributes:
        record: ``None`` until it is handed over.
        has_waited: whether its holder has waited for it in vain; nobody waits twice.
    """

    __slots__ = ("__weakref__", "has_waited", "record", "run")

    def __init__(self, run: str) -> None:
        self.run = run
        self.record: CellRecord | None = None
        self.has_waited = False


class Claims:
    """The open claims of one session."""

    def __init__(self) -> None:
        self._open: dict[str, weakref.ref[Claim]] = {}
        self._handed = threading.Condition(threading.Lock())

    def open(self, run: str) -> Claim:
        """Claim the record of a run that is about to begin."""
        claim = Claim(run)
        self._open[run] = weakref.ref(claim)
        return claim

    def hand_over(self, record: CellRecord) -> None:
        """Give a record to who claims it, if anybody still does."""
        held = self._open.pop(record.run, None)
        claim = held() if held is not None else None
        if claim is None:
            return
        with self._handed:
            claim.record = record
            self._handed.notify_all()

    def wait(self, claim: Claim, timeout_s: float) -> None:
        """Wait until a record is handed over, at most so long."""
        with self._handed:
            self._handed.wait_for(lambda: claim.record is not None, timeout_s)
