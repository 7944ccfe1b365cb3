"""A session as rows of the history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Protocol

from greencell.clock import Clock
from greencell.document import JsonObject, cell_object, session_document
from greencell.history.leftover import Row
from greencell.history.rows import CellState, Identity, cell_values, session_values
from greencell.model import CellRecord, SessionView


class Picture(Protocol):
    """What the history asks of a session."""

    id: str

    @property
    def cells_in_memory(self) -> Sequence[CellRecord]:
        """Its finished runs, but for those that only the history holds by now."""
        ...

    @property
    def block_counts(self) -> tuple[int, int]:
        """How many measured blocks are in progress, and how many have ended."""
        ...

    def view(self, *, live: bool) -> SessionView:
        """Everything about it."""
        ...

    def unfinished(self) -> Sequence[CellRecord]:
        """Runs in progress as if they were lost now, and those whose end waits for a meter."""
        ...

    def surplus(self) -> Sequence[str]:
        """The runs that memory may let go as soon as they are on disk, oldest first."""
        ...

    def page_out(self, count: int) -> None:
        """The first so many of them are on disk."""
        ...


_BLOCKS_RUNNING: Final = 20
_BLOCKS_ENDED: Final = 100


class SessionRows:
    """Makes the rows of one session.

    Measured blocks have no row: older versions would count one in the table of cells as a cell.
    They stand in the document of the session's own row, where older versions pass over them: the
    latest few while the session runs, because the row is written again every second, and more at
    its end.

    Args:
        notebook: the path that the server told the kernel, if it did.
    """

    def __init__(
        self, picture: Picture, identity: Identity, clock: Clock, notebook: str | None
    ) -> None:
        self._picture = picture
        self._identity = identity
        self._clock = clock
        self._notebook = notebook

    def session(self) -> Row:
        """The session's own row."""
        view = replace(self._picture.view(live=True), cells=())
        kept = _BLOCKS_RUNNING if view.ended_at is None else _BLOCKS_ENDED
        dropped = max(0, len(view.blocks) - kept)
        view = replace(
            view,
            blocks=view.blocks[dropped:],
            blocks_not_listed=view.blocks_not_listed + dropped,
        )
        document: JsonObject = session_document(view)
        del document["cells"]
        values = session_values(view, document, self._identity, self._clock.wall_s())
        return Row("session", {**values, "notebook": self._notebook or values["notebook"]})

    def cell(self, record: CellRecord, state: CellState) -> Row:
        """The row of a run."""
        now_s = self._clock.wall_s()
        values = cell_values(record, cell_object(record), self._picture.id, state, now_s)
        return Row("cell", values)

    def everything(self) -> list[Row]:
        """All rows that are in memory, for a file that begins anew."""
        records = self._picture.cells_in_memory
        if not records and not any(self._picture.block_counts):
            return []
        return [self.session(), *(self.cell(record, "done") for record in records)]

    def page_out(self, is_on_disk: Callable[[str], bool]) -> None:
        """Have memory let go of what surely lies on disk, where it holds much."""
        surplus = self._picture.surplus()
        if surplus and all(is_on_disk(run) for run in surplus):
            self._picture.page_out(len(surplus))
