"""Formats for reading as text: the terminal, and Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from greencell.report import figures

_SORTS = {"order": "number", "energy": "energy_kwh", "co2": "co2_kg", "time": "duration_s"}
SORTS = tuple(_SORTS)
Cell = Mapping[str, Any]


def sorted_cells(document: Mapping[str, Any], sort: str) -> list[Cell]:
    """Top-level cells and nested ones under them; dearest first unless by order."""
    cells: Sequence[Cell] = document["cells"]
    key = _SORTS[sort]
    tops = [cell for cell in cells if cell["parent"] is None]
    if sort != "order":
        tops.sort(key=lambda cell: cell[key] or 0.0, reverse=True)
    inner: dict[int, list[Cell]] = {}
    for cell in cells:
        if cell["parent"] is not None:
            inner.setdefault(cell["parent"], []).append(cell)
    ordered: list[Cell] = []
    for top in tops:
        ordered.append(top)
        ordered.extend(inner.pop(top["number"], ()))
    ordered.extend(cell for rest in inner.values() for cell in rest)
    return ordered


def cell_name(cell: Cell) -> str:
    """What a cell is called: its label, else its number in the notebook."""
    count = cell["execution_count"]
    name = cell["label"] or ("nested run" if cell["parent"] is not None else "cell")
    return f"[{count}] {name}" if count is not None else str(name)


def summary_lines(document: Mapping[str, Any]) -> list[str]:
    """The session in a few plain lines."""
    totals, carbon = document["totals"], document["carbon"]
    estimated = figures.is_estimated(totals)
    mark = figures.mark(totals)
    energy = mark + figures.energy(totals["energy_kwh"], estimated=estimated)
    co2 = mark + figures.co2(totals["co2_kg"], estimated=estimated)
    cells, between = totals["cells_energy_kwh"], totals["between_cells_energy_kwh"]
    return [
        f"Energy   {energy}  ({_known(totals, 'energy')})",
        f"CO2e     {co2}  ({figures.interval_words(totals, 'co2') or 'no interval yet'})",
        f"Cells    {totals['cells']} in {figures.duration(document['session']['duration_s'])}: "
        f"{figures.energy(cells, estimated=estimated)}; "
        f"between cells: {figures.energy(between, estimated=estimated)}",
        f"Zone     {carbon['zone_name']} ({carbon['zone']}), "
        f"{figures.digits(carbon['intensity_g_per_kwh'])} g/kWh, {carbon['basis']}"
        f"{_year(carbon)}, by {carbon['located_by']}; PUE {carbon['pue']:g}",
        f"Sources  {source_words(document)}",
    ]


def source_words(document: Mapping[str, Any]) -> str:
    """What was metered by what, in a few words."""
    words = [f"{s['component']}: {s.get('detail') or s['id']}" for s in document["sources"]]
    return "; ".join(words) or "none"


def to_text(document: Mapping[str, Any]) -> str:
    """The summary for a terminal."""
    return "\n".join(["greencell session", *summary_lines(document)])


def cells_text(document: Mapping[str, Any], sort: str = "order") -> str:
    """The table of cells for a terminal."""
    rows = [("cell", "energy", "CO2e", "time", "power", "")]
    for cell in sorted_cells(document, sort):
        estimated = figures.is_estimated(cell)
        mark = figures.mark(cell) if cell["energy_kwh"] is not None else ""
        indent = "  " if cell["parent"] is not None else ""
        rows.append(
            (
                indent + _short(cell_name(cell)),
                mark + figures.energy(cell["energy_kwh"], estimated=estimated),
                mark + figures.co2(cell["co2_kg"], estimated=estimated),
                figures.duration(cell["duration_s"]),
                figures.power(cell["mean_power_w"], estimated=estimated),
                remarks(cell),
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        first = row[0].ljust(widths[0])
        middle = [text.rjust(width) for text, width in zip(row[1:5], widths[1:5], strict=True)]
        lines.append("  ".join([first, *middle, row[5]]).rstrip())
    if len(rows) == 1:
        lines.append("no cell has been measured yet")
    return "\n".join(lines)


def remarks(cell: Cell) -> str:
    """How a cell ended if not well, and what its figure suffers from."""
    words = [] if cell["status"] == "ok" else [cell["status"]]
    words += [flag for flag in cell["flags"] if flag != "virtual"]
    return " ".join(words)


def to_markdown(document: Mapping[str, Any]) -> str:
    """A summary and the table of cells, for a README or an issue."""
    lines = ["# Energy and CO2 of this session", ""]
    lines += [
        f"- {_escaped(re.sub('  +', ': ', line, count=1))}" for line in summary_lines(document)
    ]
    lines += [
        "",
        "| cell | energy | CO2e | time | power | remarks |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for cell in sorted_cells(document, "order"):
        estimated = figures.is_estimated(cell)
        mark = figures.mark(cell) if cell["energy_kwh"] is not None else ""
        fields = (
            ("↳ " if cell["parent"] is not None else "") + cell_name(cell),
            mark + figures.energy(cell["energy_kwh"], estimated=estimated),
            mark + figures.co2(cell["co2_kg"], estimated=estimated),
            figures.duration(cell["duration_s"]),
            figures.power(cell["mean_power_w"], estimated=estimated),
            remarks(cell),
        )
        lines.append("| " + " | ".join(_escaped(text) for text in fields) + " |")
    session = document["session"]
    lines += [
        "",
        f"greencell {_escaped(session['greencell_version'])}, {session['started_at']}",
        "",
    ]
    return "\n".join(lines)


def _known(totals: Mapping[str, Any], quantity: str) -> str:
    words = figures.interval_words(totals, quantity)
    return f"{totals['provenance']}, {words}" if words else str(totals["provenance"])


def _year(carbon: Mapping[str, Any]) -> str:
    return f" {carbon['year']}" if carbon["year"] else ""


def _short(text: str, width: int = 40) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"


def _escaped(text: str) -> str:
    """Text that Markdown and the HTML inside it leave alone."""
    one_line = " ".join(str(text).split())
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        one_line = one_line.replace(character, entity)
    return re.sub(r"([\\`*_{}\[\]()#+!|~$])", r"\\\1", one_line)
