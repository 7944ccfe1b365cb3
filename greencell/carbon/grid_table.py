"""The grid tables: carbon intensity by country, subdivision and cloud region. No network.

Every table is parsed only when a question needs it; a country needs one of 200 rows.
"""

from __future__ import annotations

import csv
import difflib
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from greencell.data import DATA
from greencell.errors import UsageError
from greencell.model import CarbonFactor

WORLD = "WORLD"
GRID_RELATIVE_ERROR = 0.2
"""About 95 % uncertainty of an annual average: Ember against Electricity Maps, 184 countries,
median -3 %, middle half -18 % to +7 %."""
_BASES = {
    "lifecycle": "annual average, life-cycle",
    "direct": "annual average, direct",
}
_CREDITS = {
    "ember-owid-2026": "Ember via Our World in Data (2026), CC BY 4.0",
    "ecologits": "EcoLogits world mix",
}
_MAX_SUGGESTIONS = 5
Row = dict[str, str]


class UnknownZone(UsageError):
    """No such zone. ``suggestions`` are the nearest names."""

    def __init__(self, query: str, suggestions: tuple[str, ...]) -> None:
        near = f" Near: {', '.join(suggestions)}." if suggestions else ""
        super().__init__(
            f"Unknown zone {query[:60]!r}.{near} A zone is a country (FR, FRA, France), "
            "a subdivision (US-CA) or a cloud region (aws:eu-west-3)."
        )
        self.suggestions = suggestions


class AmbiguousZone(UsageError):
    """Several zones fit. ``candidates`` are their codes."""

    def __init__(self, query: str, candidates: tuple[str, ...]) -> None:
        shown = ", ".join(candidates[:10])
        super().__init__(f"Zone {query[:60]!r} fits several: {shown}. Give one of these.")
        self.candidates = candidates


@dataclass(frozen=True, slots=True)
class Zone:
    """A place with the carbon intensity of its electricity, in g CO2e per kWh."""

    code: str
    name: str
    intensity_g_per_kwh: float
    basis: str
    year: int
    source: str
    country: str
    pue: float | None = None

    def factor(self, pue: float, intensity_g_per_kwh: float | None = None) -> CarbonFactor:
        """The zone as a factor; ``intensity_g_per_kwh`` overrides the table's."""
        intensity = intensity_g_per_kwh or self.intensity_g_per_kwh
        return CarbonFactor(self.code, intensity, pue, GRID_RELATIVE_ERROR)


class GridTable:
    """Answers "what zone is that?" from the tables in ``data``."""

    def __init__(self, data: Path | None = None) -> None:
        self._data = data or DATA

    def find(self, query: str) -> Zone:
        """The zone a person means by a code or a name.

        Raises:
            UnknownZone: nothing fits.
            AmbiguousZone: several zones fit.
        """
        wanted = " ".join(query.split())
        code = wanted.upper().replace("_", "-")
        if ":" in wanted:
            return self._cloud_zone(wanted)
        if code == WORLD or code in self._countries:
            return self._country(code)
        if code in self._alpha3:
            return self._country(self._alpha3[code])
        if "-" in code and code in self._subregions:
            return self._subregion(code)
        return self._by_name(wanted)

    @property
    def world(self) -> Zone:
        """The world's average, for places that are not known."""
        return self._country(WORLD)

    def country_or_none(self, code: str) -> Zone | None:
        """A country by alpha-2 code, or ``None`` if the table has no figure for it."""
        return self._country(code) if code in self._countries else None

    def codes(self) -> Iterator[str]:
        """Every code that ``find`` knows."""
        yield from self._countries
        yield from self._subregions
        yield from self._clouds

    # -- tables --------------------------------------------------------------------------------

    def _rows(self, name: str) -> Iterable[Row]:
        with (self._data / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)

    @cached_property
    def _countries(self) -> dict[str, Row]:
        return {_country_code(row): row for row in self._rows("grid_intensity")}

    @cached_property
    def _alpha3(self) -> dict[str, str]:
        return {row["iso3"]: code for code, row in self._countries.items() if row["iso3"]}

    @cached_property
    def _subregions(self) -> dict[str, Row]:
        return {row["zone"].upper(): row for row in self._rows("grid_intensity_subregions")}

    @cached_property
    def _clouds(self) -> dict[str, Row]:
        return {f"{row['provider']}:{row['region']}": row for row in self._rows("cloud_regions")}

    @cached_property
    def _credits(self) -> dict[str, str]:
        return {
            row["id"]: f"{row['publisher']}: {row['title']} ({row['year']})"
            for row in self._rows("sources")
        }

    def _credit(self, source: str) -> str:
        return _CREDITS.get(source) or self._credits.get(source, source)

    # -- zones ---------------------------------------------------------------------------------

    def _country(self, code: str) -> Zone:
        row = self._countries[code]
        return Zone(
            code=code,
            name=row["name"],
            intensity_g_per_kwh=float(row["g_per_kwh"]),
            basis=_BASES[row["basis"]],
            year=int(row["year"]),
            source=self._credit(row["source"]),
            country=code,
        )

    def _subregion(self, code: str) -> Zone:
        row = self._subregions[code]
        return Zone(
            code=row["zone"],
            name=row["name"],
            intensity_g_per_kwh=float(row["g_per_kwh"]),
            basis=_BASES[row["basis"]],
            year=int(row["year"]),
            source=self._credit(row["source"]),
            country=row["country"],
        )

    def _cloud_zone(self, query: str) -> Zone:
        provider, _, region = query.lower().partition(":")
        key = f"{provider.strip()}:{region.strip()}"
        row = self._clouds.get(key)
        if row is None:
            raise UnknownZone(query, _near(key, self._clouds))
        grid = self._grid_of(row)
        return Zone(
            code=key,
            name=f"{row['location']} ({provider} {row['region']}), grid of {grid.name}",
            intensity_g_per_kwh=grid.intensity_g_per_kwh,
            basis=grid.basis,
            year=grid.year,
            source=grid.source,
            country=row["country"],
            pue=float(row["pue"]) if row["pue"] else self._provider_pue(row["provider"]),
        )

    def _grid_of(self, row: Row) -> Zone:
        for key in (row["zone"].upper(), row["country"]):
            if key in self._subregions:
                return self._subregion(key)
            if key in self._countries:
                return self._country(key)
        return self.world

    def _provider_pue(self, provider: str) -> float | None:
        rows = [
            row
            for row in self._rows("pue_wue")
            if row["provider"] == provider and row["scope"] == "global" and row["pue"]
        ]
        newest = max(rows, key=lambda row: int(row["year"]), default=None)
        return float(newest["pue"]) if newest else None

    def _by_name(self, query: str) -> Zone:
        wanted = _plain(query)
        exact = [code for code, name in self._names() if wanted == _plain(name)]
        # "California" is the state before it is a data centre's address.
        places = [code for code in exact if ":" not in code]
        found = places or exact or [c for c, name in self._names() if _has_word(wanted, name)]
        if len(found) == 1 or places:
            return self.find(found[0])
        if found:
            raise AmbiguousZone(query, tuple(found))
        names = {_plain(name): f"{code} ({name})" for code, name in self._names()}
        near = difflib.get_close_matches(wanted, names, _MAX_SUGGESTIONS, 0.6)
        raise UnknownZone(query, tuple(names[name] for name in near))

    def _names(self) -> Iterator[tuple[str, str]]:
        for code, row in self._countries.items():
            yield code, row["name"]
        for row in self._subregions.values():
            if row["scheme"] != "country-official":
                yield row["zone"], row["name"]
        for key, row in self._clouds.items():
            yield key, row["location"]


def _country_code(row: Row) -> str:
    return row["iso2"] if len(row["iso2"]) == 2 else WORLD  # noqa: PLR2004  # alpha-2


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).lower()
    return "".join(c for c in decomposed if c.isalnum() or c == " ").strip()


def _has_word(wanted: str, name: str) -> bool:
    return len(wanted) > 2 and f" {_plain(name)}".find(f" {wanted}") >= 0  # noqa: PLR2004


def _near(key: str, keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(difflib.get_close_matches(key, list(keys), _MAX_SUGGESTIONS, 0.6))
