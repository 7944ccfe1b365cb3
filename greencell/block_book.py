"""The measured blocks of a ledger: which ran beside which, and the latest that ended. Pure.

A block waits for those that were begun inside of it. Any other that runs at the same time, on
another thread or in another task, runs beside it: then both figures hold the same energy, and the
low end of each is an equal share of it.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from greencell.model import CellRecord

MAX_BLOCKS: Final = 5_000
"""So many of the latest are listed."""


class BlockBook:
    """Keeps the blocks in progress, and the records of those that ended.

    Attributes:
        count: how many have ended.
    """

    def __init__(self) -> None:
        self.count = 0
        self._latest: deque[CellRecord] = deque(maxlen=MAX_BLOCKS)
        self._around: dict[str, str | None] = {}

    def copy(self) -> BlockBook:
        """A book that goes on apart from this one."""
        twin = BlockBook()
        twin.count = self.count
        twin._latest = self._latest.copy()  # of the same class
        twin._around = dict(self._around)  # of the same class
        return twin

    @property
    def latest(self) -> tuple[CellRecord, ...]:
        """The latest that ended, in the order in which they did."""
        return tuple(self._latest)

    @property
    def not_listed(self) -> int:
        """How many ended before those."""
        return self.count - len(self._latest)

    @property
    def open_count(self) -> int:
        """How many are in progress."""
        return len(self._around)

    def open(self, run: str, around: str | None) -> set[str]:
        """A block begins inside of another; the blocks that run beside one another from now on.

        Args:
            around: the block that waits for it, if any does.
        """
        outer = around if around in self._around else None
        waiting = self._outward(outer)
        beside = self._around.keys() - waiting
        self._around[run] = outer
        return {run, *beside} if beside else set()

    def close(self, run: str) -> set[str]:
        """A block ends; the ones inside of it that go on, and itself, did run side by side."""
        outer = self._around.pop(run, None)
        inner = [other for other, around in self._around.items() if around == run]
        for other in inner:
            self._around[other] = outer
        return {run, *inner} if inner else set()

    def beside(self, run: str) -> int:
        """How many run beside a block now, those around and inside of it, and of them, left out."""
        if run not in self._around:
            return 0
        apart = set(self._around) - self._outward(run)
        apart = {other for other in apart if run not in self._outward(other)}
        return sum(self._around[other] not in apart for other in apart)

    def keep(self, record: CellRecord) -> None:
        """Take in the record of one that ended."""
        self.count += 1
        self._latest.append(record)

    def _outward(self, run: str | None) -> set[str]:
        """A block and all those around it."""
        found: set[str] = set()
        while run is not None:
            found.add(run)
            run = self._around[run]
        return found
