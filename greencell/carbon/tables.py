"""The tables in ``greencell/data``: read when a question needs them, checked where they are used.

Anybody may edit a table; a row that cannot be used is one clear line, and the others still work.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from greencell.data import DATA
from greencell.errors import UsageError

MAX_INTENSITY_G_PER_KWH = 2_000.0
"""No grid on earth is above about 1,310 g/kWh (Ember 2025); more is a slip of units."""
MAX_PUE = 5.0
_REMEDY = "pip install --force-reinstall greencell restores it."


class BadTable(UsageError):
    """A table, or a row of it, that cannot be used."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row with its place, for whoever has to mend it."""

    table: str
    line: int
    fields: dict[str, str]

    def text(self, column: str) -> str:
        """A field, empty where there is nothing.

        Raises:
            BadTable: the row has no such column.
        """
        value = self.fields.get(column)
        if value is None:
            raise self._bad(column, "is missing")
        return value

    def number(self, column: str, low: float, high: float) -> float:
        """A number above ``low`` and up to ``high``.

        Raises:
            BadTable: it is not.
        """
        value = self.text(column)
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not low < number <= high:
            shown = value[:20] if value.isprintable() else "that"
            raise self._bad(column, f"is {shown!r}, no number above {low:g} and up to {high:,.0f}")
        return number

    def number_if_any(self, column: str, low: float, high: float) -> float | None:
        """The same where the field may be empty."""
        return self.number(column, low, high) if self.text(column) else None

    def year(self, column: str = "year") -> int:
        """A year.

        Raises:
            BadTable: it is none.
        """
        return int(self.number(column, 1_900, 2_200))

    def _bad(self, column: str, what: str) -> BadTable:
        return BadTable(f"{self.table}.csv, line {self.line}: {column} {what}; {_REMEDY}")


class Tables:
    """Reads the tables of one folder."""

    def __init__(self, data: Path = DATA) -> None:
        self._data = data

    def rows(self, name: str) -> Iterator[Row]:
        """The rows of a table that can be read at all.

        Raises:
            BadTable: there is no such file.
        """
        path = self._data / f"{name}.csv"
        try:
            # What is no UTF-8 spoils the text it is in, and nothing else.
            with path.open(encoding="utf-8", errors="replace", newline="") as file:
                reader = csv.reader(line.replace("\0", "") for line in file)
                header = next(reader, [])
                for values in reader:
                    if values:
                        yield Row(name, reader.line_num, dict(zip(header, values, strict=False)))
        except OSError as error:
            raise BadTable(f"{name}.csv cannot be read: {error.strerror}; {_REMEDY}") from error
        except csv.Error as error:
            raise BadTable(f"{name}.csv is damaged: {error}; {_REMEDY}") from error
