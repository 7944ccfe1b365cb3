"""Formats for reading as text: the terminal, and Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from greencell.report import figures
from greencell.report.place_text import place_name
from greencell.report.shape import legible

_SORTS = {"order": "number", "energy": "energy_kwh", "co2": "co2_kg", "time": "duration_s"}
SORTS = tuple(_SORTS)
BLOCKS_SHOWN: Final = 20
BLOCKS_EXPORTED: Final = 100
"""Of what may be thousands of measured blocks, a table has so many."""
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
    """The session in a few plain lines. The document is a legible one."""
    totals, carbon = document["totals"], document["carbon"]
    cells, between = totals["cells_energy_kwh"], totals["between_cells_energy_kwh"]
    lines = [
        f"Energy   {_shown(totals, 'energy')}  ({_known(totals)})",
        f"CO2e     {_shown(totals, 'co2')}  ({_doubt(totals) or 'no interval yet'})",
    ]
    count = block_count(document)
    if is_script(document):
        lines.append(f"Blocks   {count} in {_duration(document)}, within the energy above")
    else:
        lines.append(
            f"Cells    {figures.general(totals['cells'])} in {_duration(document)}: "
            f"{figures.known(figures.part(cells, totals))}; "
            f"between cells: {figures.known(figures.part(between, totals))}"
        )
    if count and not is_script(document):
        lines.append(f"Blocks   {count} measured, within the energy above")
    if beside := figures.machine_words(totals):
        lines.append(f"Beside   {beside}")
    if totals["cells_not_listed"]:
        lines.append(
            f"Missing  {figures.general(totals['cells_not_listed'])} earlier cells are in the sums "
            "and not in the list: the history that held them cannot be read"
        )
    return [
        *lines,
        f"Zone     {place_name(carbon)}, "
        f"{figures.intensity(carbon['intensity_g_per_kwh'])} g/kWh, {carbon['basis']}"
        f"{_year(carbon)}; {_found(carbon)}; PUE {figures.general(carbon['pue'])}",
        f"Sources  {source_words(document)}",
        *(f"Note     {note}" for note in document["notes"]),
    ]


def source_words(document: Mapping[str, Any]) -> str:
    """What was metered by what, in a few words."""
    words = [
        f"{s['component']}: {s.get('detail') or s['id']}"
        for s in document["sources"]
        if s["scope"] != "node"
    ]
    return "; ".join(words) or "none"


def to_text(document: Mapping[str, Any]) -> str:
    """The summary for a terminal."""
    document = legible(document)
    return "\n".join(["greencell session", *summary_lines(document)])


def cells_text(document: Mapping[str, Any], sort: str = "order") -> str:
    """The table of cells for a terminal, and a small one of measured blocks."""
    document = legible(document)
    cells = sorted_cells(document, sort)
    rows: list[tuple[str, ...]] = []
    for cell in cells:
        indent = "  " if cell["parent"] is not None else ""
        rows.append((indent + _short(cell_name(cell)), *cell_figures(cell), remarks(cell)))
    blocks, more = block_rows(document, sort, BLOCKS_SHOWN)
    lines = [] if is_script(document) else _table("cell", rows)
    if lines and not rows:
        lines.append("no cell has been measured yet")
    if blocks:
        named = [(_short(name), *rest) for _, (name, *rest) in blocks]
        lines += [*([""] if lines else []), *_table("block", named)]
    if more:
        lines.append(f"{more} more blocks; an export as .json has the latest 5,000")
    return "\n".join([*lines, *figures.legend([*cells, *(block for block, _ in blocks)])])


def _table(first: str, rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Names to the left, figures to the right, remarks last."""
    rows = [(first, "energy", "CO2e", "time", "power", ""), *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        name = row[0].ljust(widths[0])
        middle = [text.rjust(width) for text, width in zip(row[1:5], widths[1:5], strict=True)]
        lines.append("  ".join([name, *middle, row[5]]).rstrip())
    return lines


def is_script(document: Mapping[str, Any]) -> bool:
    """Whether a legible document tells of measured blocks and of no cell."""
    return block_count(document) > 0 and not document["cells"] and not document["totals"]["cells"]


def block_count(document: Mapping[str, Any]) -> int:
    """How many measured blocks a legible document tells of."""
    return len(document["blocks"]) + (document["totals"]["blocks_not_listed"] or 0)


def block_rows(
    document: Mapping[str, Any], sort: str, limit: int
) -> tuple[list[tuple[Cell, tuple[str, ...]]], int]:
    """The latest measured blocks, or the dearest, in words; and how many more there are."""
    blocks: list[Cell] = list(document["blocks"])
    if sort != "order":
        key = _SORTS[sort]
        blocks = sorted(blocks, key=lambda block: block[key] or 0.0, reverse=True)[:limit]
    blocks, more = blocks[-limit:], block_count(document) - min(limit, len(blocks))
    counts = {cell["number"]: cell["execution_count"] for cell in document["cells"]}
    return [
        (block, (str(block["label"]), *cell_figures(block), _block_remarks(block, counts)))
        for block in blocks
    ], more


def _block_remarks(block: Cell, counts: Mapping[int, int | None]) -> str:
    """The cell that a block ran in, as the notebook numbers it; then as those of a cell."""
    words = [remarks(block)]
    if block["parent"] is not None:
        count = counts.get(block["parent"])
        words.insert(0, "in a cell" if count is None else f"in [{count}]")
    return "; ".join(word for word in words if word)


def cell_figures(cell: Cell) -> tuple[str, str, str, str]:
    """Energy, CO2, time and power of a cell."""
    return (
        figures.figure(cell, "energy"),
        figures.figure(cell, "co2"),
        figures.duration(cell["duration_s"]),
        figures.mean_power(cell),
    )


def remarks(cell: Cell) -> str:
    """How a cell ended if not well, and what its figure suffers from."""
    words = [] if cell["status"] == "ok" else [cell["status"]]
    words += [flag for flag in cell["flags"] if flag != "virtual"]
    return " ".join(words)


def to_markdown(document: Mapping[str, Any]) -> str:
    """A summary and the table of cells, for a README or an issue."""
    document = legible(document)
    lines = ["# Energy and CO2 of this session", ""]
    lines += [
        f"- {escaped_markdown(re.sub('  +', ': ', line, count=1))}"
        for line in summary_lines(document)
    ]
    if not is_script(document):
        lines += _markdown_head("cell")
    cells = sorted_cells(document, "order")
    for cell in cells:
        nested = "↳ " if cell["parent"] is not None else ""
        fields = (nested + cell_name(cell), *cell_figures(cell), remarks(cell))
        lines.append("| " + " | ".join(escaped_markdown(text) for text in fields) + " |")
    blocks, more = block_rows(document, "order", BLOCKS_EXPORTED)
    if blocks:
        lines += _markdown_head("block")
    for _, words in blocks:
        lines.append("| " + " | ".join(escaped_markdown(text) for text in words) + " |")
    if more:
        lines += ["", f"{more} more blocks; an export as .json has the latest 5,000."]
    if signs := figures.legend([*cells, *(block for block, _ in blocks)]):
        lines += ["", *(f"- {escaped_markdown(sign)}" for sign in signs)]
    session = document["session"]
    lines += [
        "",
        escaped_markdown(f"greencell {session['greencell_version']}, {session['started_at']}"),
        "",
    ]
    return "\n".join(lines)


def _markdown_head(first: str) -> list[str]:
    header = f"| {first} | energy | CO2e | time | power | remarks |"
    return ["", header, "|---|---:|---:|---:|---:|---|"]


def _shown(totals: Mapping[str, Any], quantity: figures.Quantity) -> str:
    return figures.known(figures.figure(totals, quantity))


def _known(totals: Mapping[str, Any]) -> str:
    words = figures.aside(totals, "energy")
    return f"{totals['provenance']}, {words}" if words else str(totals["provenance"])


def _doubt(totals: Mapping[str, Any]) -> str:
    """What CO2 is uncertain by, and by what; that bases are mixed comes first."""
    mixture = figures.basis_words(totals["bases"]) if len(totals["bases"]) > 1 else ""
    together = figures.aside(totals, "co2")
    causes = figures.causes(totals)
    joint = f"together {together}" if together.startswith("±") else together
    doubt = f"{causes}; {joint}" if causes and together else causes or together
    return "; ".join(words for words in (mixture, doubt) if words)


def _found(carbon: Mapping[str, Any]) -> str:
    """How the place is known."""
    return str(carbon["reason"] or f"by {carbon['located_by']}")


def _duration(document: Mapping[str, Any]) -> str:
    return figures.known(figures.duration(document["session"]["duration_s"]))


def _year(carbon: Mapping[str, Any]) -> str:
    return f" {carbon['year']}" if carbon["year"] else ""


def _short(text: str, width: int = 40) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"


def escaped_markdown(text: str) -> str:
    """Text that Markdown and the HTML inside it leave alone."""
    one_line = " ".join(str(text).split())
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        one_line = one_line.replace(character, entity)
    return re.sub(r"([\\`*_{}\[\]#+!|~$]|(?<=\])\()", r"\\\1", one_line)
