"""The place in words: in one line where a session begins, in a few where somebody asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from greencell.report import figures

Carbon = Mapping[str, Any]
_MAX_CANDIDATES: Final = 8


def place_name(carbon: Carbon) -> str:
    """Name and code; the name of a cloud region has its code in it."""
    zone, name = carbon["zone"], carbon["zone_name"]
    return str(name) if ":" in zone else f"{name} ({zone})"


def place_line(carbon: Carbon) -> str:
    """Zone and intensity in one line; a guess is called one. Of a legible object."""
    how = {
        "timezone": f", {carbon['reason'] or 'guessed from the time zone'}",
        "default": ", place unknown",
    }.get(carbon["located_by"], "")
    other = carbon["candidates"] if carbon["located_by"] == "timezone" else ()
    also = f" (could also be {', '.join(other[:_MAX_CANDIDATES])})" if other else ""
    live = f", live from {carbon['live']['provider']}" if carbon["live"] else ""
    pue = f", PUE {figures.general(carbon['pue'])}" if carbon["pue"] != 1.0 else ""
    return (
        f"{place_name(carbon)} "
        f"{figures.intensity(carbon['intensity_g_per_kwh'])} g CO2e/kWh{how}{also}{live}{pue}"
    )


def place_text(carbon: Carbon) -> str:
    """All that is known of the place, a line for each thing. Of a legible object."""
    # Where the place is a guess or a stand-in, the note says all of it in whole sentences.
    is_sure = carbon["located_by"] in ("setting", "cloud") or not carbon["note"]
    rows = [
        ("zone", place_name(carbon)),
        ("known by", carbon["reason"] or carbon["located_by"] if is_sure else carbon["note"]),
        ("intensity", _intensity(carbon)),
        ("source", carbon["source"]),
        ("PUE", _with(figures.general(carbon["pue"]), carbon["pue_source"])),
    ]
    if carbon["wue_l_per_kwh"] is not None:
        rows.append(("water", f"{carbon['wue_l_per_kwh']:g} L per kWh of IT energy, on site"))
    if carbon["live"]:
        rows.append(("live", _reading(carbon["live"])))
    if carbon["marginal"]:
        rows.append(("marginal", f"{_reading(carbon['marginal'])}; in no sum"))
    if carbon["note"] and is_sure:
        rows.append(("note", carbon["note"]))
    if carbon["located_by"] != "setting":
        rows.append(("to change", "%greencell zone CODE, or GREENCELL_ZONE=CODE"))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name.ljust(width)}  {text}" for name, text in rows)


def _intensity(carbon: Carbon) -> str:
    error = carbon["relative_error"]
    doubt = f" {figures.percent(error)}" if error is not None else ""
    year = f", {carbon['year']}" if carbon["year"] else ""
    value = figures.intensity(carbon["intensity_g_per_kwh"])
    return f"{value} g CO2e/kWh{doubt}, {carbon['basis']}{year}"


def _reading(reading: Mapping[str, Any]) -> str:
    estimated = ", estimated" if reading["is_estimated"] else ""
    value = figures.intensity(reading["intensity_g_per_kwh"])
    return (
        f"{value} g CO2e/kWh at {reading['at']} for {reading['zone']} "
        f"({reading['provider']}, {reading['basis']}{estimated})"
    )


def _with(text: str, source: str | None) -> str:
    return f"{text} ({source})" if source else text
