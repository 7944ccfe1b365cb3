"""What several statements say alike: how it was measured, where, on what, and per what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from greencell.carbon.facilities import PROVIDERS
from greencell.report import figures
from greencell.report.work import work_of

Document = Mapping[str, Any]

_GUESSES: Final = {
    "timezone": "guessed from the time zone",
    "default": "place unknown, so the world average",
}
_VERBS: Final = {"measured": "measured", "estimated": "estimated"}
LEFT_OUT: Final = (
    "location-based: certificates and offsets are not deducted; making the hardware and its end "
    "of life are not counted"
)
"""What a mass of CO2 here does not hold."""
MIXED: Final = "in part measured, in part estimated"


def verb(document: Document) -> str:
    """How the energy is known."""
    return _VERBS.get(document["totals"]["provenance"], MIXED)


def hardware(document: Document) -> str:
    """Processor and GPUs, each kind of GPU once with its number."""
    host = document["host"]
    gpus = list(dict.fromkeys(host["gpus"]))
    counted = [f"{host['gpus'].count(gpu)}x {gpu}" for gpu in gpus]
    return ", ".join([host["cpu"], *counted])


def meters(document: Document) -> str:
    """What metered what, as far as it is counted."""
    counted = [s for s in document["sources"] if s["scope"] != "node"]
    return "; ".join(s["detail"] or s["id"] for s in counted) or "no source"


def figure(document: Document, quantity: figures.Quantity, of: str = "") -> str:
    """A figure of the session with its interval."""
    totals = document["totals"]
    words = figures.aside(totals, quantity)
    if quantity == "co2":
        words = figures.causes(totals) or words
    shown = figures.known(figures.figure(totals, quantity)) + of
    return f"{shown} ({words})" if words else shown


def place(document: Document) -> str:
    """Where it ran, and that this is a guess where it is one."""
    carbon = document["carbon"]
    guess = _GUESSES.get(carbon["located_by"], "")
    others = _other_zones(document)
    name = f"{carbon['zone_name']} ({guess})" if guess else str(carbon["zone_name"])
    return f"{name}, also {', '.join(others)}" if others else name


def intensity(document: Document) -> str:
    """The carbon intensity in words: value, uncertainty, what it counts, year and source."""
    carbon, work = document["carbon"], work_of(document)
    year = f", {carbon['year']}" if carbon["year"] else ""
    live = f", live from {carbon['live']['provider']}" if carbon["live"] else ""
    value, basis, error = carbon["intensity_g_per_kwh"], carbon["basis"], carbon["relative_error"]
    if work is not None and (len(work.bases) > 1 or _other_zones(document)):
        # A session in several places, or by several providers, has a mean, and it is called so.
        value, error = work.factor.intensity_g_per_kwh, document["totals"]["grid_relative_error"]
        counted = figures.basis_words(work.bases)
        return (
            f"{figures.intensity(value)} g CO2e/kWh {_plus_minus(error)}(the mean of the places "
            f"and hours it ran in; {counted}; last {carbon['source']}{year}{live})"
        )
    return (
        f"{figures.intensity(value)} g CO2e/kWh {_plus_minus(error)}"
        f"({basis}{year}{live}; {carbon['source']})"
    )


def pue(document: Document) -> str:
    """The building's overhead; the mean by energy where cells ran in several buildings."""
    work, of_place = work_of(document), document["carbon"]["pue"]
    if of_place is None and not any(cell["pue"] for cell in document["cells"]):
        return figures.UNKNOWN_WORD
    return figures.general(of_place if work is None else round(work.factor.pue, 3))


def provider_and_region(document: Document) -> tuple[str, str]:
    """Cloud and region; ``("", "")`` where it is not known to be a cloud."""
    provider, separator, region = document["carbon"]["zone"].partition(":")
    return (PROVIDERS.get(provider, provider), region) if separator else ("", "")


def hours(document: Document) -> str:
    """How long was measured, in hours."""
    duration_s = document["session"]["duration_s"]
    return figures.known(figures.digits(None if duration_s is None else duration_s / 3_600, 3))


def cited(document: Document) -> str:
    """The program and its version, where a document tells it."""
    version = document["session"]["greencell_version"]
    return "greencell" if version == figures.UNKNOWN_WORD else f"greencell {version}"


def _plus_minus(error: float | None) -> str:
    return "" if error is None else f"{figures.percent(error)} "


def _other_zones(document: Document) -> Sequence[str]:
    """Zones of cells other than the last one, in the order in which they were."""
    here = document["carbon"]["zone"]
    zones = (cell["zone"] for cell in document["cells"] if cell["energy_kwh"] is not None)
    return [zone for zone in dict.fromkeys(zones) if zone != here]
