"""A line with the software carbon intensity of the session (ISO/IEC 21031:2024)."""

from __future__ import annotations

from greencell.carbon.sci import STANDARD, FunctionalUnit, sci
from greencell.report import Asked, figures
from greencell.report.carbon_text import grams
from greencell.report.statements import words
from greencell.report.statements.words import Document
from greencell.report.work import work_of


def to_sci(document: Document, asked: Asked) -> str:
    """E, I, M and R in one line; M is not included, and that is said.

    Raises:
        UsageError: what it is per has no usable name.
    """
    unit, work = FunctionalUnit(asked.per), work_of(document)
    if work is None:
        return f"SCI per {unit.name}: unknown, because the energy is ({STANDARD}).\n"
    score = sci(work.footprint, None, unit)
    return (
        f"SCI = {grams(score.per_unit_g)} CO2e per {unit.name} ({STANDARD}): E = "
        f"{words.figure(document, 'energy')} × PUE {words.pue(document)}, "
        f"{words.verb(document)} by {words.cited(document)}; I = {words.intensity(document)}, "
        f"{figures.basis_words(work.bases)}, {words.LEFT_OUT} (M not included); "
        f"R = 1 {unit.name}.\n"
    )
