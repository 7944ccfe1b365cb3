"""HTML: one self-contained page without any script, and the same views inside a notebook.

Every text goes through a template with autoescape on: names and labels are whatever the
notebook's author, or somebody who sent the notebook, made them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from greencell.carbon.comparison import Comparison
from greencell.report import figures
from greencell.report.carbon_text import grams, ratio_words
from greencell.report.shape import legible
from greencell.report.svg_format import drawing
from greencell.report.templating import environment
from greencell.report.text_formats import (
    BLOCKS_EXPORTED,
    BLOCKS_SHOWN,
    block_count,
    block_rows,
    cell_figures,
    cell_name,
    is_script,
    remarks,
    sorted_cells,
    source_words,
)

_MAX_ROWS_IN_NOTEBOOK = 100
_COMPONENT_NAMES = {"cpu": "CPU", "gpu": "GPU", "dram": "Memory"}


def to_html(document: Mapping[str, Any]) -> str:
    """A page that opens offline: headline, cells, components, and how it was computed."""
    return _render("session.html", document, sort="order", limit=None)


def summary_html(document: Mapping[str, Any]) -> str:
    """The headline as an output of a notebook cell."""
    return _render("summary.html", document, sort="order", limit=0)


def cells_html(document: Mapping[str, Any], sort: str) -> str:
    """The table of cells as an output of a notebook cell."""
    return _render("cells.html", document, sort=sort, limit=_MAX_ROWS_IN_NOTEBOOK)


def comparison_html(comparison: Comparison) -> str:
    """Bars of a session elsewhere, as an output of a notebook cell."""
    largest_g = max((row.co2_g.value for row in comparison.rows), default=0.0)
    rows = [
        {
            "row": row,
            "mass": grams(row.co2_g),
            "ratio": "1"
            if row.is_here
            else ratio_words(row).lstrip(f"×{figures.NARROW_SPACE}") or figures.UNKNOWN,
            "share": round(figures.share(row.co2_g.value, largest_g), 1),
        }
        for row in sorted(comparison.rows, key=lambda row: not row.is_comparable)
    ]
    template = environment().get_template("compare.html")
    return template.render(rows=rows, note=comparison.note, f=figures)


def _render(template: str, document: Mapping[str, Any], *, sort: str, limit: int | None) -> str:
    document = legible(document)
    rows = sorted_cells(document, sort)
    most = BLOCKS_EXPORTED if limit is None else BLOCKS_SHOWN
    blocks, more_blocks = block_rows(document, sort, most)
    largest_kwh = _largest_kwh(document)
    return (
        environment()
        .get_template(template)
        .render(
            d=document,
            rows=[_row(cell, largest_kwh) for cell in rows[:limit]],
            blocks=[words for _, words in blocks],
            more_blocks=more_blocks,
            block_count=block_count(document),
            is_script=is_script(document),
            legend=figures.legend([*rows[:limit], *(block for block, _ in blocks)]),
            left_out=0 if limit is None else max(0, len(rows) - limit),
            components=_components(document),
            sources=source_words(document),
            between_share=_share(document["totals"]["between_cells_energy_kwh"], largest_kwh),
            g=drawing(document),
            f=figures,
        )
    )


def _row(cell: Mapping[str, Any], largest_kwh: float) -> dict[str, Any]:
    return {
        "cell": cell,
        "name": cell_name(cell),
        "remarks": remarks(cell),
        "figures": cell_figures(cell),
        "share": _share(cell["energy_kwh"], largest_kwh),
        "title": "; ".join(
            words for words in (figures.aside(cell, "energy"), figures.machine_words(cell)) if words
        ),
    }


def _largest_kwh(document: Mapping[str, Any]) -> float:
    """The energy that has a bar of full length."""
    tops = [c["energy_kwh"] or 0.0 for c in document["cells"] if c["parent"] is None]
    return max([*tops, document["totals"]["between_cells_energy_kwh"] or 0.0])


def _share(energy_kwh: float | None, largest_kwh: float) -> float:
    return round(figures.share(energy_kwh, largest_kwh), 1)


def _components(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    by_component: Mapping[str, float | None] = document["totals"]["by_component_kwh"]
    whole = sum(energy_kwh or 0.0 for energy_kwh in by_component.values())
    return [
        {
            "key": name if name in _COMPONENT_NAMES else "other",
            "name": _COMPONENT_NAMES.get(name, name),
            "share": round(figures.share(energy_kwh, whole), 1),
            "energy_kwh": energy_kwh,
        }
        for name, energy_kwh in by_component.items()
    ]
