"""A LaTeX paragraph for a paper: what was measured, how, and how surely. Plain LaTeX."""

from __future__ import annotations

from typing import Final

from greencell.report import Asked, figures
from greencell.report.statements import words
from greencell.report.statements.words import Document

_SCOPES: Final = {"kernel": " caused by this notebook", "machine": " of the machine"}
_TEX: Final = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "µ": r"$\mu$",
    "≈": r"$\approx$", "±": r"$\pm$", "–": "--", "≥": r"$\geq$", "…": r"\ldots{}",
    "×": r"$\times$", figures.NARROW_SPACE: r"\,", "\"": "''",
}  # fmt: skip


def to_tex(document: Document, _asked: Asked) -> str:
    """Two sentences: the energy with its meters, the CO2e with the grid it stands on."""
    totals, _carbon, session = document["totals"], document["carbon"], document["session"]
    scope = _SCOPES.get(document["attribution"], "")
    sentences = [
        f"The energy{scope} over {figures.known(figures.duration(session['duration_s']))} "
        f"({figures.general(totals['cells'])} cells) was {words.verb(document)} as "
        f"{words.figure(document, 'energy')} with {words.cited(document)} "
        f"({words.meters(document)}) on {words.hardware(document)}.",
        f"At a carbon intensity of {words.intensity(document)} in {words.place(document)} and a "
        f"PUE of {words.pue(document)}, this corresponds to "
        f"{words.figure(document, 'co2', ' CO2e')}.",
        f"Intervals are about 95 %. CO2e is {words.LEFT_OUT}.",
    ]
    return " ".join(escaped_tex(sentence) for sentence in sentences) + "\n"


def escaped_tex(text: str) -> str:
    """Text that LaTeX prints as it is, on one line."""
    one_line = " ".join(part for part in text.split(" ") if part)
    one_line = "".join(c if c.isprintable() or c == figures.NARROW_SPACE else " " for c in one_line)
    return "".join(_TEX.get(character, character) for character in one_line)
