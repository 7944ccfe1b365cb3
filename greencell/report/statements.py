"""Statements to paste: a LaTeX paragraph for a paper, and the YAML of a Hugging Face card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from greencell.report import figures

_G_PER_KG = 1_000.0
_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "µ": r"\textmu{}",
    "≈": r"$\approx$", "±": r"$\pm$", "–": "--", figures.NARROW_SPACE: r"\,", "\"": "''",
}  # fmt: skip


def to_tex(document: Mapping[str, Any]) -> str:
    """A paragraph that says what was measured, how, and how surely."""
    totals, carbon, host = document["totals"], document["carbon"], document["host"]
    estimated = figures.is_estimated(totals)
    energy = figures.energy(totals["energy_kwh"], estimated=estimated)
    co2 = figures.co2(totals["co2_kg"], estimated=estimated)
    sources = "; ".join(s.get("detail") or s["id"] for s in document["sources"]) or "no source"
    verb = {"measured": "was measured", "estimated": "was estimated"}.get(
        totals["provenance"], "was in part measured, in part estimated"
    )
    year = f", {carbon['year']}" if carbon["year"] else ""
    scope = "caused by this notebook" if document["attribution"] == "kernel" else "of the machine"
    hardware = ", ".join([host["cpu"], *host["gpus"]])
    sentences = [
        f"The energy {scope} over {figures.duration(document['session']['duration_s'])} "
        f"({totals['cells']} cells) {verb} as {energy}"
        f"{_interval(totals, 'energy')} with greencell {document['session']['greencell_version']} "
        f"({sources}) on {hardware}.",
        f"At a carbon intensity of {figures.digits(carbon['intensity_g_per_kwh'])} g CO2e/kWh "
        f"({carbon['zone_name']}, {carbon['basis']}{year}; {carbon['source']}) and a PUE of "
        f"{carbon['pue']:g}, this corresponds to {co2} CO2e{_interval(totals, 'co2')}.",
    ]
    return " ".join(escaped_tex(sentence) for sentence in sentences) + "\n"


def to_yaml(document: Mapping[str, Any]) -> str:
    """``co2_eq_emissions`` of a model card; emissions in grams, as the Hub reads them."""
    totals, carbon, host = document["totals"], document["carbon"], document["host"]
    grams = totals["co2_kg"] * _G_PER_KG
    hardware = ", ".join([host["cpu"], *host["gpus"]])
    source = f"greencell {document['session']['greencell_version']} ({totals['provenance']})"
    return (
        "co2_eq_emissions:\n"
        f"  emissions: {figures.digits(grams, 4)}\n"
        f"  source: {_quoted(source)}\n"
        f"  geographical_location: {_quoted(carbon['zone_name'])}\n"
        f"  hardware_used: {_quoted(hardware)}\n"
    )


def escaped_tex(text: str) -> str:
    """Text that LaTeX prints as it is, on one line."""
    one_line = " ".join(part for part in text.split(" ") if part)
    one_line = "".join(c if c.isprintable() or c == figures.NARROW_SPACE else " " for c in one_line)
    return "".join(_TEX.get(character, character) for character in one_line)


def _interval(totals: Mapping[str, Any], quantity: str) -> str:
    words = figures.interval_words(totals, quantity)
    return f" ({words})" if words else ""


def _quoted(text: str) -> str:
    """A double-quoted YAML scalar; JSON strings are a part of YAML."""
    return json.dumps(" ".join(text.split()), ensure_ascii=False)
