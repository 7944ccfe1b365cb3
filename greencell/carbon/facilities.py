"""Data centres: what their buildings need on top of the computers (PUE, WUE), where published.

A region's own figure comes first, then the provider's newest average over all of its sites.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from greencell.carbon.tables import MAX_PUE, BadTable, Row, Tables

PROVIDERS: Final[dict[str, str]] = {
    "alibaba": "Alibaba Cloud", "aws": "AWS", "azure": "Azure", "digitalocean": "DigitalOcean",
    "gcp": "Google Cloud", "hetzner": "Hetzner", "ibm": "IBM Cloud", "oci": "Oracle Cloud",
    "ovhcloud": "OVHcloud", "scaleway": "Scaleway",
}  # fmt: skip
_LEAST_PUE: Final = 0.999_999
"""Just below 1, which is the least PUE."""
_MAX_WUE_L_PER_KWH: Final = 20.0


@dataclass(frozen=True, slots=True)
class Facility:
    """What is known of a building; ``None`` and empty where nothing is published."""

    pue: float | None = None
    pue_source: str = ""
    wue_l_per_kwh: float | None = None


class Facilities:
    """Answers from ``pue_wue.csv`` and from a region's own row."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def of_region(self, row: Row) -> Facility:
        """The buildings of one row of ``cloud_regions.csv``."""
        provider = row.text("provider")
        average = self.of_provider(provider)
        pue = row.number_if_any("pue", _LEAST_PUE, MAX_PUE)
        wue_l_per_kwh = row.number_if_any("wue_l_per_kwh", -1.0, _MAX_WUE_L_PER_KWH)
        if wue_l_per_kwh is None:
            wue_l_per_kwh = average.wue_l_per_kwh
        if pue is None:
            return Facility(average.pue, average.pue_source, wue_l_per_kwh)
        source = f"{PROVIDERS.get(provider, provider)} for this region, {row.text('pue_year')}"
        return Facility(pue, source, wue_l_per_kwh)

    def of_provider(self, provider: str) -> Facility:
        """A provider's average over all of its sites, as far as it states one."""
        return self._averages.get(provider, Facility())

    @cached_property
    def _averages(self) -> dict[str, Facility]:
        averages: dict[str, Facility] = {}
        rows = [row for row in self._tables.rows("pue_wue") if row.fields.get("scope") == "global"]
        for row in sorted(rows, key=lambda row: row.fields.get("year", "")):
            try:
                provider, year = row.text("provider"), row.year()
                before = averages.get(provider, Facility())
                pue = row.number_if_any("pue", _LEAST_PUE, MAX_PUE)
                wue = row.number_if_any("wue_l_per_kwh", -1.0, _MAX_WUE_L_PER_KWH)
                reported = row.text("kind") == "reported"
            except BadTable:
                continue  # an older average, or none, is better than no start
            source = f"{PROVIDERS.get(provider, provider)} average, {year}"
            averages[provider] = Facility(
                before.pue if pue is None else pue,
                before.pue_source if pue is None else source,
                # Others' estimates of a provider's water are not its own statement.
                before.wue_l_per_kwh if wue is None or not reported else wue,
            )
        return averages
