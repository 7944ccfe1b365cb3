"""Past sessions as a table, and their sum, for a terminal and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

from greencell.report import figures
from greencell.report.data_formats import defused
from greencell.report.terminal import visible

Past = Mapping[str, Any]
_COLUMNS: Final = (
    "id", "state", "started_at", "ended_at", "duration_s", "notebook", "label", "zone", "cells",
    "energy_kwh", "energy_low_kwh", "energy_high_kwh", "co2_kg", "co2_low_kg", "co2_high_kg",
    "provenance",
)  # fmt: skip
_MAX_NAME: Final = 36
_DATE: Final = len("2026-01-31 09:00")


def history_text(sessions: Sequence[Past]) -> str:
    """A line for each session and one for all."""
    if not sessions:
        return "no session is in the history for that"
    rows = [("begun (UTC)", "notebook", "cells", "time", "energy", "CO2e", "")]
    rows += [_line(one) for one in sessions]
    rows.append(
        ("", f"{len(sessions)} session{'' if len(sessions) == 1 else 's'}", *_sum(sessions), "")
    )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        left = [text.ljust(width) for text, width in zip(row[:2], widths[:2], strict=True)]
        right = [text.rjust(width) for text, width in zip(row[2:6], widths[2:6], strict=True)]
        lines.append("  ".join([*left, *right, row[6]]).rstrip())
    return "\n".join(lines)


def history_csv(sessions: Sequence[Past]) -> str:
    """A row for each session; unknown is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for one in sessions:
        writer.writerow([_field(one.get(name)) for name in _COLUMNS])
    return text.getvalue()


def _line(one: Past) -> tuple[str, str, str, str, str, str, str]:
    name = visible(" ".join(str(one["notebook"] or one["label"] or "-").split()))
    short = name if len(name) <= _MAX_NAME else f"…{name[1 - _MAX_NAME :]}"
    killed = "lost: its kernel was killed" if one["cells"] else "lost: it was killed"
    state = {"ended": "", "running": "running"}.get(one["state"], killed)
    return (
        str(one["started_at"])[:_DATE].replace("T", " "),
        short,
        figures.general(one["cells"]),
        figures.duration(one["duration_s"]),
        figures.figure(one, "energy"),
        figures.figure(one, "co2"),
        "; ".join(words for words in (_blocks(one), state) if words),
    )


def _blocks(one: Past) -> str:
    """How many blocks were measured, as a script has no cells."""
    count = len(one.get("blocks") or ()) + (one.get("blocks_not_listed") or 0)
    return f"{count} measured block{'' if count == 1 else 's'}" if count else ""


def _sum(sessions: Sequence[Past]) -> tuple[str, str, str, str]:
    """Ends of intervals add up: meters and grids of several sessions err alike."""
    whole: dict[str, Any] = {"flags": [f for one in sessions for f in one["flags"]]}
    for name in _COLUMNS:
        if name.endswith(("kwh", "kg", "_s")):
            known = [one[name] for one in sessions if one[name] is not None]
            whole[name] = sum(known) if known else None
    kinds = {one["provenance"] for one in sessions}
    whole["provenance"] = kinds.pop() if len(kinds) == 1 else "mixed"
    cells = sum(one["cells"] or 0 for one in sessions)
    return (
        figures.general(cells), figures.duration(whole["duration_s"]),
        figures.figure(whole, "energy"), figures.figure(whole, "co2"),
    )  # fmt: skip


def _field(value: object) -> object:
    if value is None:
        return ""
    return defused(visible(value)) if isinstance(value, str) else value
