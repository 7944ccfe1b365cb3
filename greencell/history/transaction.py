"""A transaction: all of it or nothing, begun so that waiting for another writer works.

A transaction that reads first and writes later fails at once while another one writes, however
long SQLite is told to wait.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress


class Transaction:
    """``with Transaction(connection): …`` commits, or rolls back where anything was raised."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("begin immediate")

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._roll_back()
            return
        try:
            self._connection.execute("commit")
        except sqlite3.Error:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.execute("rollback")
