"""Formats for programs: JSON, and CSV with one row per cell."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from greencell.errors import UsageError
from greencell.report.shape import legible
from greencell.report.terminal import UNSAFE

_FORMULA_STARTS = tuple("=+-@\t\r\n\0＝＋－＠")
"""What a spreadsheet takes for the start of a formula (OWASP, CWE-1236)."""
_INNER_START = re.compile(r"""([;\t\n][ "]*)(?=[=+\-@＝＋－＠])""")
"""The same within a field: a spreadsheet of another country, or that was told so, splits there."""
_COLUMNS = (
    "number", "cell_id", "execution_count", "label", "status", "started_at", "duration_s",
    "energy_kwh", "energy_low_kwh", "energy_high_kwh", "co2_kg", "co2_low_kg", "co2_high_kg",
    "machine_energy_kwh", "others_energy_kwh", "idle_energy_kwh", "node_energy_kwh",
    "zone", "intensity_g_per_kwh", "pue", "basis", "grid_relative_error", "parent", "final",
    "mean_power_w", "peak_power_w",
)  # fmt: skip


def to_json(document: Mapping[str, Any]) -> str:
    """The document itself. What could steer a terminal is written as JSON's own escapes.

    Raises:
        UsageError: a file told more than a session holds.
    """
    try:
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    except RecursionError as error:
        raise UsageError("This session is nested too deeply to be written as JSON.") from error
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def to_csv(document: Mapping[str, Any]) -> str:
    """One row per cell; nested names are joined by a dot, unknown is empty."""
    cells = legible(document)["cells"]
    components = _names(cells, "by_component_kwh")
    metrics = _names(cells, "metrics")
    header = [
        *_COLUMNS,
        *(f"by_component_kwh.{name}" for name in components),
        "provenance",
        "flags",
        *(f"metrics.{name}" for name in metrics),
    ]
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
    writer.writerow([defused(name) for name in header])
    for cell in cells:
        row = [cell.get(name) for name in _COLUMNS]
        row += [cell["by_component_kwh"].get(name) for name in components]
        row += [cell["provenance"], " ".join(cell["flags"])]
        row += [cell["metrics"].get(name) for name in metrics]
        writer.writerow([_field(value) for value in row])
    return text.getvalue()


def defused(text: str) -> str:
    """A text that no spreadsheet runs, and that stays in its row."""
    # A lone carriage return ends a row for some readers, and no writer quotes it.
    one_row = text.replace("\r\n", "\n").replace("\r", "\n")
    one_row = _INNER_START.sub(r"\1'", one_row)
    return f"'{one_row}" if text.startswith(_FORMULA_STARTS) else one_row


def _field(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return defused(value) if isinstance(value, str) else value


def _names(cells: Iterable[Mapping[str, Any]], key: str) -> list[str]:
    return sorted({name for cell in cells for name in cell[key]})
