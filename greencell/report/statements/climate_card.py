"""The climate performance model card of Hershcovich et al. (2022), as a Markdown table.

What only the author knows stays open; this session fills what it measured, and says that it is
this session alone.
"""

from __future__ import annotations

from typing import Final

from greencell.report import Asked, figures
from greencell.report.statements import words
from greencell.report.statements.words import Document
from greencell.report.text_formats import escaped_markdown

OPEN: Final = "(for the author to fill in)"


def to_climate_card(document: Document, _asked: Asked) -> str:
    """Rows 1 to 5 are the card's minimum, 6 to 11 its extension."""
    duration = figures.known(figures.duration(document["session"]["duration_s"]))
    carbon = words.figure(document, "co2", " CO2e")
    rows = (
        ("Minimum card", ""),
        ("1. Is the resulting model publicly available?", OPEN),
        ("2. How much time does the training of the final model take?",
         f"{duration} (this session)"),
        ("3. How much time did all experiments take (incl. hyperparameter search)?",
         f"this session {duration}; the others {OPEN}"),
        ("4. What was the energy consumption (GPU/CPU)?", _energy(document)),
        ("5. At which geo location were the computations performed?", words.place(document)),
        ("Extended card", ""),
        ("6. What was the energy mix at the geo location?",
         f"{words.intensity(document)}; PUE {words.pue(document)}"),
        ("7. How much CO2eq was emitted to train the final model?", f"{carbon} (this session)"),
        ("8. How much CO2eq was emitted for all experiments?",
         f"this session {carbon}; the others {OPEN}"),
        ("9. What is the average CO2eq emission for the inference of one sample?", OPEN),
        ("10. Which positive environmental impact can be expected from this work?", OPEN),
        ("11. Comments",
         f"Energy {words.verb(document)} by {words.cited(document)} ({words.meters(document)}) on "
         f"{words.hardware(document)}; intervals about 95 %. CO2e is {words.LEFT_OUT}."),
    )  # fmt: skip
    table = [f"| {_bold(name, text)} | {escaped_markdown(text)} |" for name, text in rows]
    return "\n".join(["| Climate performance model card | |", "|---|---|", *table, ""])


def _energy(document: Document) -> str:
    """The sum with its interval, then its parts."""
    totals = document["totals"]
    names = {"cpu": "CPU", "gpu": "GPU", "dram": "memory", "soc": "SoC"}
    parts = [
        f"{names.get(name, name)} {figures.part(value, totals)}"
        for name, value in totals["by_component_kwh"].items()
        if value is not None
    ]
    return f"{words.figure(document, 'energy')}: {', '.join(parts) or 'no parts'}"


def _bold(name: str, text: str) -> str:
    return name if text else f"**{name}**"
