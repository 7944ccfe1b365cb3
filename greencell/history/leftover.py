"""What could not be written when a process ended, kept in a small file for the next one."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from greencell.history.rows import COLUMNS, Values

Table = Literal["session", "cell"]
_PATTERN: Final = "leftover-*.jsonl"
_MAX_BYTES: Final = 100_000_000
_MAX_INTEGER: Final = 2**63


@dataclass(frozen=True, slots=True)
class Row:
    """A row on its way into a table."""

    table: Table
    values: Values

    @property
    def key(self) -> tuple[str, object]:
        """What row it is: a later one of the same key takes its place."""
        return self.table, self.values["id" if self.table == "session" else "run"]


def leave(folder: Path, session: str, rows: Iterable[Row]) -> None:
    """Write rows beside the history, for who opens it next.

    Raises:
        OSError: that cannot be done either.
    """
    path = folder / f"leftover-{session}.jsonl"
    unfinished = path.with_suffix(".unfinished")
    flags = os.O_CREAT | os.O_TRUNC | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
    with open(os.open(unfinished, flags, 0o600), "w", encoding="utf-8") as file:
        file.writelines(json.dumps([row.table, row.values], allow_nan=False) + "\n" for row in rows)
    unfinished.replace(path)


def leftovers(folder: Path) -> Iterator[tuple[Path, list[Row]]]:
    """The files that were left, with their rows; a line that is none is passed over."""
    for path in sorted(folder.glob(_PATTERN)):
        rows = []
        try:
            if path.is_symlink() or path.stat().st_size > _MAX_BYTES:
                continue
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            with contextlib.suppress(ValueError, RecursionError):
                row = _row(json.loads(line))
                if row is not None:
                    rows.append(row)
        yield path, rows


def _row(value: object) -> Row | None:
    match value:
        case [("session" | "cell") as table, dict(values)]:
            # The names go into a statement, so they are ours or the row is none.
            named = (
                set(values) <= COLUMNS[table] and ("id" if table == "session" else "run") in values
            )
            return Row(table, values) if named and all(map(_storable, values.values())) else None
    return None


def _storable(value: object) -> bool:
    """Whether the database takes a value; half a character or a huge number it does not."""
    if isinstance(value, str):
        return value.isascii() or value.encode("utf-8", "ignore").decode("utf-8") == value
    if isinstance(value, int):
        return abs(value) < _MAX_INTEGER
    return value is None or isinstance(value, float)
