"""The SQL of the history. Values go in by name, never into the text."""

from __future__ import annotations

from typing import Final

from greencell.history.rows import Values


def upsert(table: str, key: str, columns: Values, unless: str) -> str:
    """Insert a row, or bring it up to date; writing it again harms nothing.

    Args:
        unless: of the row that is there; then it stays. Names and this are constants of ours.
    """
    names = ", ".join(columns)
    values = ", ".join(f":{name}" for name in columns)
    updates = ", ".join(f"{name} = excluded.{name}" for name in columns if name != key)
    return (
        f"insert into {table} ({names}) values ({values}) "  # noqa: S608  # names are ours
        f"on conflict ({key}) do update set {updates} where not ({unless})"
    )


CELL_STAYS: Final = "cell.state = 'done' and excluded.state <> 'done'"
SESSION_STAYS: Final = "session.cells >= excluded.cells and session.state <> 'running'"
"""For rows that were left over from a process: the file may know more of it by now."""
ALWAYS: Final = "0"
RUNNING: Final = (
    "select distinct hostname, boot, pid, process_started from session where state = 'running'"
)
LOSE_SESSIONS: Final = (
    "update session set state = 'lost' where state = 'running' and hostname = :hostname "
    "and boot = :boot and pid = :pid and process_started = :started"
)
LOSE_CELLS: Final = (
    "update cell set state = 'lost' where state = 'running' and session in "
    "(select id from session where state = 'lost')"
)
FORGET_BEFORE: Final = "delete from session where state <> 'running' and started_at < :before"
OLDEST: Final = "select id from session where state <> 'running' order by started_at limit 1"
FORGET_ONE: Final = "delete from session where id = :id"
