"""The SQL of the history. Values go in by name, never into the text."""

from __future__ import annotations

from typing import Final

from greencell.history.rows import Identity, Values


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


def of_process(identity: Identity) -> dict[str, str | int | float]:
    """Values for the statements about one process."""
    return {
        "hostname": identity.hostname, "boot": identity.boot, "pid": identity.pid,
        "started": identity.started,
    }  # fmt: skip


CELL_STAYS: Final = "cell.state = 'done' and excluded.state <> 'done'"
SESSION_STAYS: Final = "session.cells >= excluded.cells and session.state <> 'running'"
"""For rows that were left over from a process: the file may know more of it by now."""
ALWAYS: Final = "0"
_OF_PROCESS: Final = (
    "hostname = :hostname and boot = :boot and pid = :pid and process_started = :started"
)
RUNNING: Final = (
    "select id, hostname, boot, pid, process_started, document from session where state = 'running'"
)
RUNS_SINCE: Final = (
    "select 1 from session where state = 'running' and hostname = :hostname and boot = :boot "
    "and pid = :pid and abs(process_started - :started) < :same_s and started_at <= :began_at"
)
LOSE_SESSION: Final = "update session set state = 'lost' where id = ? and state = 'running'"
LOSE_CELLS: Final = (
    "update cell set state = 'lost' where state = 'running' and session in "
    "(select id from session where state = 'lost')"
)
IS_DONE: Final = "select 1 from cell where run = ? and state = 'done'"
SESSIONS_OF: Final = f"select * from session where {_OF_PROCESS}"  # noqa: S608  # a constant
CELLS_OF: Final = (
    f"select * from cell where session in (select id from session where {_OF_PROCESS})"  # noqa: S608  # a constant
)
RUNS_OF: Final = (
    "select * from cell where session = :session and state = 'done' and number <= :through "
    "order by started_at + duration_s"
)
SESSION_OF: Final = "select * from session where id = :session"
DOCUMENTS_OF: Final = (
    "select document from cell where session = :session and state <> 'running' order by number"
)
SESSIONS_OF_NOTEBOOK: Final = (
    "select * from session where notebook = :notebook order by started_at desc, "
    "rowid desc limit :most"
)
OK_RUNS_OF: Final = (
    # A document that is no JSON hides no other; nested runs are part of another.
    "select json_extract(document, '$.cell_id') as cell_id, "
    "json_extract(document, '$.label') as label, started_at, energy_j, "
    "json_extract(document, '$.provenance') as provenance, "
    "json_extract(document, '$.energy_low_kwh') * :j_per_kwh as low_j, "
    "json_extract(document, '$.energy_high_kwh') * :j_per_kwh as high_j "
    "from (select * from cell where session = :session and state = 'done' and status = 'ok' "
    "and json_valid(document) order by number desc limit :most) "
    "where json_extract(document, '$.parent') is null"
)
FORGET_BEFORE: Final = "delete from session where state <> 'running' and started_at < :before"
OLDEST: Final = "select id from session where state <> 'running' order by started_at limit 1"
FORGET_ONE: Final = "delete from session where id = :id"
