"""The tables of the history, and how an older file becomes a newer one. Never backwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from greencell.history.transaction import Transaction

MIGRATIONS: Final[Sequence[str]] = (
    # 1: a row for each session, and one for each run of a cell.
    """
    create table session (
        id text primary key not null,
        started_at real not null,
        ended_at real,
        seen_at real not null,
        state text not null check (state in ('running', 'ended', 'lost')),
        notebook text,
        label text,
        hostname text not null,
        boot text not null,
        pid integer not null,
        process_started real not null,
        greencell_version text not null,
        zone text not null,
        zone_name text not null,
        cells integer not null,
        duration_s real not null,
        energy_j real,
        energy_low_j real,
        energy_high_j real,
        co2_g real,
        co2_low_g real,
        co2_high_g real,
        provenance text not null,
        flags text not null,
        document text not null
    );
    create index session_started on session (started_at);
    create table cell (
        run text primary key not null,
        session text not null references session (id) on delete cascade,
        number integer not null,
        seen_at real not null,
        state text not null check (state in ('running', 'done', 'lost')),
        status text not null,
        started_at real not null,
        duration_s real not null,
        energy_j real,
        co2_g real,
        document text not null
    );
    create index cell_session on cell (session, number);
    """,
)
"""Each leads from one version to the next; what has been released is never changed."""


def version_of(connection: sqlite3.Connection) -> int:
    """The version of a file; 0 is a new one."""
    (version,) = connection.execute("pragma user_version").fetchone()
    return int(version)


def migrate(connection: sqlite3.Connection, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Bring a file to the newest version, all or nothing. Many may try at once."""
    with Transaction(connection):
        for number in range(version_of(connection), len(migrations)):
            for statement in migrations[number].split(";"):
                if statement.strip():
                    connection.execute(statement)
        connection.execute(f"pragma user_version = {len(migrations)}")
