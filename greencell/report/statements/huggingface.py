"""``co2_eq_emissions`` for the front matter of a Hugging Face card; emissions in grams."""

from __future__ import annotations

import json
from typing import Final

from greencell.report import Asked, figures
from greencell.report.statements import words
from greencell.report.statements.words import Document
from greencell.units import G_PER_KG

_DIGITS: Final = 4


def to_yaml(document: Document, asked: Asked) -> str:
    """The block, as the Hub reads it; what is not known is ``null``."""
    mass_kg = document["totals"]["co2_kg"]
    grams = "null" if mass_kg is None else figures.digits(mass_kg * G_PER_KG, _DIGITS)
    source = f"{words.cited(document)} ({document['totals']['provenance']}); {words.LEFT_OUT}"
    lines = ["co2_eq_emissions:", f"  emissions: {grams}", f"  source: {_quoted(source)}"]
    if asked.training_type is not None:
        lines.append(f"  training_type: {_quoted(asked.training_type)}")
    lines += [
        f"  geographical_location: {_quoted(words.place(document))}",
        f"  hardware_used: {_quoted(words.hardware(document))}",
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A double-quoted YAML scalar; JSON strings are a part of YAML."""
    return json.dumps(" ".join(text.split()), ensure_ascii=False)
