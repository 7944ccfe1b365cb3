"""Statements to paste: a LaTeX paragraph for a paper, and the YAML of a Hugging Face card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from greencell.report import figures
from greencell.report.shape import legible

_G_PER_KG = 1_000.0
_SCOPES = {"kernel": " caused by this notebook", "machine": " of the machine"}
_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "µ": r"\textmu{}",
    "≈": r"$\approx$", "±": r"$\pm$", "–": "--", "≥": r"$\geq$", "…": r"\ldots{}",
    figures.NARROW_SPACE: r"\,", "\"": "''",
}  # fmt: skip


def to_tex(document: Mapping[str, Any]) -> str:
    """A paragraph that says what was measured, how, and how surely."""
    document = legible(document)
    totals, carbon, host = document["totals"], document["carbon"], document["host"]
    session = document["session"]
    counted = [s for s in document["sources"] if s["scope"] != "node"]
    sources = "; ".join(s.get("detail") or s["id"] for s in counted) or "no source"
    verb = {"measured": "was measured", "estimated": "was estimated"}.get(
        totals["provenance"], "was in part measured, in part estimated"
    )
    year = f", {carbon['year']}" if carbon["year"] else ""
    scope = _SCOPES.get(document["attribution"], "")
    hardware = ", ".join([host["cpu"], *host["gpus"]])
    sentences = [
        f"The energy{scope} over {figures.known(figures.duration(session['duration_s']))} "
        f"({figures.general(totals['cells'])} cells) {verb} as {_figure(totals, 'energy')} "
        f"with greencell {session['greencell_version']} ({sources}) on {hardware}.",
        f"At a carbon intensity of {figures.intensity(carbon['intensity_g_per_kwh'])} g CO2e/kWh "
        f"({carbon['zone_name']}, {carbon['basis']}{year}; {carbon['source']}) and a PUE of "
        f"{figures.general(carbon['pue'])}, this corresponds to {_figure(totals, 'co2', ' CO2e')}.",
    ]
    return " ".join(escaped_tex(sentence) for sentence in sentences) + "\n"


def to_yaml(document: Mapping[str, Any]) -> str:
    """``co2_eq_emissions`` of a model card; emissions in grams, as the Hub reads them."""
    document = legible(document)
    totals, carbon, host = document["totals"], document["carbon"], document["host"]
    mass_kg = totals["co2_kg"]
    grams = "null" if mass_kg is None else figures.digits(mass_kg * _G_PER_KG, 4)
    hardware = ", ".join([host["cpu"], *host["gpus"]])
    source = f"greencell {document['session']['greencell_version']} ({totals['provenance']})"
    return (
        "co2_eq_emissions:\n"
        f"  emissions: {grams}\n"
        f"  source: {_quoted(source)}\n"
        f"  geographical_location: {_quoted(carbon['zone_name'])}\n"
        f"  hardware_used: {_quoted(hardware)}\n"
    )


def escaped_tex(text: str) -> str:
    """Text that LaTeX prints as it is, on one line."""
    one_line = " ".join(part for part in text.split(" ") if part)
    one_line = "".join(c if c.isprintable() or c == figures.NARROW_SPACE else " " for c in one_line)
    return "".join(_TEX.get(character, character) for character in one_line)


def _figure(totals: Mapping[str, Any], quantity: figures.Quantity, of: str = "") -> str:
    words = figures.aside(totals, quantity)
    figure = figures.known(figures.figure(totals, quantity)) + of
    return f"{figure} ({words})" if words else figure


def _quoted(text: str) -> str:
    """A double-quoted YAML scalar; JSON strings are a part of YAML."""
    return json.dumps(" ".join(text.split()), ensure_ascii=False)
