"""SVG: what each cell cost, as bars with their intervals. One image, shown anywhere, no script.

GitHub shows such a file as an image: text is text in the reader's own fonts, and light or dark
follows the reader. The same drawing stands in the HTML page.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from greencell.report import figures
from greencell.report.shape import legible
from greencell.report.templating import environment
from greencell.report.text_formats import Cell, cell_name

MAX_BARS: Final = 20
"""More cells than this are shown by the dearest ones."""
_WIDTH, _LEFT, _BAR_WIDTH = 720, 190, 350
_TOP, _ROW_HEIGHT, _FOOT = 66, 24, 34
_NAME_WIDTH = 24
"""Of a name, in letters."""
_NO_XML: Final = re.compile("[\ufffe\uffff]")
"""What XML does not take, besides what no text of a legible document holds."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of the drawing, in its units.

    Attributes:
        y: of the row's top.
        length: of the bar.
        whisker: from where to where the interval goes; ``None`` where there is none.
        kind: a class for its look.
        words: its figure.
        title: the whole name, with what stands beside the figure.
    """

    y: float
    name: str
    length: float
    whisker: tuple[float, float] | None
    kind: str
    words: str
    title: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """The bars of a session and the words around them."""

    bars: tuple[Bar, ...]
    title: str
    headline: str
    left_out: str
    foot: str
    width: int = _WIDTH
    left: int = _LEFT

    @property
    def height(self) -> int:
        """Of the whole image."""
        return _TOP + max(1, len(self.bars)) * _ROW_HEIGHT + _FOOT

    @property
    def description(self) -> str:
        """What somebody hears who does not see it."""
        rows = "; ".join(f"{bar.name} {bar.words}" for bar in self.bars)
        return ". ".join(words for words in (self.headline, rows, self.left_out) if words)


def to_svg(document: Mapping[str, Any]) -> str:
    """The bars of the cells as an image that is whole by itself."""
    text = environment().get_template("figure.svg").render(g=drawing(legible(document)), whole=True)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def drawing(document: Mapping[str, Any]) -> Drawing:
    """The drawing of a legible document."""
    totals, session, carbon = document["totals"], document["session"], document["carbon"]
    tops = [cell for cell in document["cells"] if cell["parent"] is None]
    shown = _dearest(tops)
    between = totals["between_cells_energy_kwh"]
    longest = max((end for cell in shown for end in _ends(cell)), default=0.0)
    scale = _BAR_WIDTH / (max(longest, between or 0.0) or 1.0)
    bars = [_bar(index, cell, scale) for index, cell in enumerate(shown)]
    if bars or between:
        length = max(0.0, between or 0.0) * scale
        words = figures.part(between, totals)
        bars.append(Bar(_y(len(bars)), "between cells", _unit(length), None, "idle", words, "idle"))
    left_out = ""
    if len(shown) < len(tops):
        left_out = f"The {len(shown)} dearest of {len(tops):,} cells".replace(",", "\u202f")
    energy, co2 = _whole(totals, "energy"), _whole(totals, "co2")
    place = f"{carbon['zone_name']}, {figures.intensity(carbon['intensity_g_per_kwh'])} g/kWh"
    return Drawing(
        tuple(bars),
        _safe(session["label"] or session["notebook"] or "Notebook session"),
        _safe(f"{energy} · {co2} CO₂e · {totals['provenance']}"),
        left_out,
        _safe(f"greencell {session['greencell_version']} · {session['started_at']} · {place}"),
    )


def _dearest(tops: Sequence[Cell]) -> list[Cell]:
    """All, or the dearest, dearest first."""
    if len(tops) <= MAX_BARS:
        return list(tops)
    return sorted(tops, key=lambda cell: cell["energy_kwh"] or 0.0, reverse=True)[:MAX_BARS]


def _bar(index: int, cell: Cell, scale: float) -> Bar:
    form, (low, value, high) = figures.form(cell, "energy"), _ends(cell)
    below = form == "below"
    whisker = None
    if not below and form != "unknown" and high > low:
        whisker = (_unit(low * scale), _unit(high * scale))
    name, figure = cell_name(cell), figures.figure(cell, "energy")
    title = " · ".join(words for words in (name, figure, figures.aside(cell, "energy")) if words)
    known = "below" if below else "measured" if cell["provenance"] == "measured" else "estimated"
    return Bar(
        _y(index), _safe(_short(name)), _unit((high if below else value) * scale), whisker, known,
        figure, _safe(title),
    )  # fmt: skip


def _ends(cell: Cell) -> tuple[float, float, float]:
    """Low, value and high; an end that is not known is the value."""
    value = cell["energy_kwh"] or 0.0
    low, high = (cell[f"energy_{end}_kwh"] for end in ("low", "high"))
    ends = (value if low is None else low, value, value if high is None else high)
    low, value, high = (max(0.0, end) for end in ends)
    return (low, value, high) if cell["energy_kwh"] is not None else (0.0, 0.0, 0.0)


def _whole(totals: Mapping[str, Any], quantity: figures.Quantity) -> str:
    """A figure of the session with what stands beside it."""
    figure, words = figures.figure(totals, quantity), figures.aside(totals, quantity)
    return f"{figures.known(figure)} ({words})" if words else figures.known(figure)


def _y(index: int) -> int:
    return _TOP + index * _ROW_HEIGHT


def _unit(length: float) -> float:
    return round(min(length, float(_BAR_WIDTH)), 1)


def _safe(text: object) -> str:
    return _NO_XML.sub("\ufffd", " ".join(str(text).split()))


def _short(text: str) -> str:
    """A name that fits; letters of East Asia take the room of two."""
    text, room = " ".join(text.split()), _NAME_WIDTH
    for place, letter in enumerate(text):
        room -= 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if room < 0:
            return text[: max(1, place - 1)] + "…"
    return text
