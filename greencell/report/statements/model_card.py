"""The section "Environmental Impact" of a model card, with the names of the Hub's template."""

from __future__ import annotations

from greencell.report import Asked, figures
from greencell.report.statements import words
from greencell.report.statements.words import Document
from greencell.report.text_formats import escaped_markdown
from greencell.units import G_PER_KG


def to_model_card(document: Document, _asked: Asked) -> str:
    """Markdown to put in the place of the template's section."""
    provider, region = words.provider_and_region(document)
    items = (
        ("Hardware Type", words.hardware(document)),
        ("Hours used", words.hours(document)),
        ("Cloud Provider", provider or "none that was recognised"),
        (
            "Compute Region",
            f"{region}: {words.place(document)}" if region else words.place(document),
        ),
        ("Carbon Emitted", _carbon(document)),
        ("Energy Used", f"{words.figure(document, 'energy')}, {words.verb(document)}"),
        (
            "Carbon Intensity",
            f"{words.intensity(document)}, PUE {words.pue(document)}",
        ),
    )
    return "\n".join(
        [
            "## Environmental Impact",
            "",
            escaped_markdown(
                f"Energy was {words.verb(document)} by {words.cited(document)} "
                f"({words.meters(document)}); intervals are about 95 %. CO2 is {words.LEFT_OUT}."
            ),
            "",
            *(f"- **{name}:** {escaped_markdown(text)}" for name, text in items),
            "",
        ]
    )


def _carbon(document: Document) -> str:
    """In grams, as the card asks, with its causes of doubt."""
    totals = document["totals"]
    if totals["co2_kg"] is None:
        return figures.UNKNOWN_WORD
    low_g, value_g, high_g = (
        figures.digits(
            None if kg is None else kg * G_PER_KG, 2 if figures.is_estimated(totals) else 3
        )
        for kg in (totals["co2_low_kg"], totals["co2_kg"], totals["co2_high_kg"])
    )
    if figures.form(totals, "co2") == "range":
        return f"{low_g} to {high_g} g CO2eq (best guess {value_g} g)"
    doubt = figures.causes(totals) or figures.aside(totals, "co2")
    grams = f"{figures.mark(totals)}{value_g} g CO2eq"
    return f"{grams} ({doubt})" if doubt else grams
