"""The grid tables: carbon intensity by country, subdivision and cloud region. No network.

Every table is parsed only when a question needs it; a country needs one of 200 rows.
"""

from __future__ import annotations

import csv
import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from greencell.data import DATA
from greencell.errors import UsageError
from greencell.model import Basis, CarbonFactor

WORLD = "WORLD"
GRID_RELATIVE_ERROR = 0.2
"""About 95 % uncertainty of an annual average: Ember against Electricity Maps, 184 countries,
median -3 %, middle half -18 % to +7 %."""
_BASES: Mapping[str, Basis] = {"lifecycle": "life-cycle", "direct": "direct"}
_CREDITS = {
    "ember-owid-2026": "Ember via Our World in Data (2026), CC BY 4.0",
    "ecologits": "EcoLogits world mix",
}
_ALIASES = {
    "UK": "GB", "GREAT BRITAIN": "GB", "ENGLAND": "GB", "SCOTLAND": "GB", "WALES": "GB",
    "EL": "GR", "TURKEY": "TR", "CZECH REPUBLIC": "CZ", "HOLLAND": "NL", "IVORY COAST": "CI",
    "BURMA": "MM", "SWAZILAND": "SZ", "CAPE VERDE": "CV", "MACAU": "MO",
}  # fmt: skip
_OFFICIAL = "country-official"
"""A state's own figure, direct basis: only for who asks for it, as ``GB-OFFICIAL``."""
_MAX_SUGGESTIONS = 5
Row = dict[str, str]


class UnknownZone(UsageError):
    """No such zone. ``suggestions`` are the nearest names."""

    def __init__(self, query: str, suggestions: tuple[str, ...]) -> None:
        near = f" Near: {', '.join(suggestions)}." if suggestions else ""
        super().__init__(
            f"Unknown zone {query[:60]!r}.{near} A zone is a country (FR, FRA, France), "
            "a subdivision (US-CA), a cloud region (aws:eu-west-3) or WORLD for the average."
        )
        self.query = query
        self.suggestions = suggestions


class AmbiguousZone(UsageError):
    """Several zones fit. ``candidates`` are their codes."""

    def __init__(self, query: str, candidates: tuple[str, ...]) -> None:
        shown = ", ".join(candidates[:10])
        super().__init__(f"Zone {query[:60]!r} fits several: {shown}. Give one of these.")
        self.query = query
        self.candidates = candidates


@dataclass(frozen=True, slots=True)
class Zone:
    """A place with the carbon intensity of its electricity, in g CO2e per kWh.

    Attributes:
        relative_error: of the intensity, about 95 %.
        pue: power usage effectiveness of a cloud region; ``None`` where it is not published.
    """

    code: str
    name: str
    intensity_g_per_kwh: float
    basis: Basis
    year: int
    source: str
    country: str
    pue: float | None = None
    relative_error: float = GRID_RELATIVE_ERROR

    def factor(self, pue: float, intensity_g_per_kwh: float | None = None) -> CarbonFactor:
        """The zone as a factor; ``intensity_g_per_kwh`` overrides the table's."""
        if intensity_g_per_kwh is not None:
            # Whoever set it knows what it counts and how well; we do not.
            return CarbonFactor(self.code, intensity_g_per_kwh, pue, self.relative_error, "unknown")
        return CarbonFactor(
            self.code, self.intensity_g_per_kwh, pue, self.relative_error, self.basis
        )

    @property
    def basis_words(self) -> str:
        """What the figure is, for people."""
        return f"annual average, {self.basis}"


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
        if ":" in wanted:
            return self._cloud_zone(wanted)
        if country := self._country_code_of(wanted):
            return self._country(country)
        if subregion := self._subregion_code_of(wanted):
            return self._subregion(subregion)
        return self._cloud_place(wanted)

    @property
    def world(self) -> Zone:
        """The world's average, for places that are not known."""
        return self._country(WORLD)

    def country_or_none(self, code: str) -> Zone | None:
        """A country by alpha-2 code, or ``None`` if the table has no figure for it."""
        return self._country(code) if code in self._countries else None

    def coordinates(self, code: str) -> tuple[float, float] | None:
        """Latitude and longitude of a cloud region's city; ``None`` for any other place."""
        row = self._clouds.get(code.lower()) if ":" in code else None
        return (float(row["lat"]), float(row["lon"])) if row and row["lat"] else None

    def codes(self) -> Iterator[str]:
        """Every code that ``find`` knows."""
        yield from self._countries
        yield from self._subregions
        yield from self._clouds

    # -- tables --------------------------------------------------------------------------------

    def _rows(self, name: str) -> Iterator[Row]:
        with (self._data / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)

    @cached_property
    def _countries(self) -> dict[str, Row]:
        return {_country_code(row): row for row in self._rows("grid_intensity")}

    @cached_property
    def _alpha3(self) -> dict[str, str]:
        return {row["iso3"]: code for code, row in self._countries.items() if row["iso3"]}

    @cached_property
    def _country_names(self) -> dict[str, str]:
        return {_plain(row["name"]): code for code, row in self._countries.items()}

    @cached_property
    def _subregions(self) -> dict[str, Row]:
        return {_subregion_key(row): row for row in self._rows("grid_intensity_subregions")}

    @cached_property
    def _subregion_names(self) -> dict[str, str]:
        return {
            _plain(row["name"]): key
            for key, row in self._subregions.items()
            if row["scheme"] != _OFFICIAL
        }

    @cached_property
    def _clouds(self) -> dict[str, Row]:
        return {f"{row['provider']}:{row['region']}": row for row in self._rows("cloud_regions")}

    @cached_property
    def _cloud_places(self) -> dict[str, list[str]]:
        """Region codes by location, by each part of it, and by the bare name of the region."""
        places: dict[str, list[str]] = {}
        for key, row in self._clouds.items():
            location = row["location"]
            names = {_plain(name) for name in (location, *re.split("[,()]", location))}
            for name in (names | {row["region"]}) - {""}:
                places.setdefault(name, []).append(key)
        return places

    @cached_property
    def _provider_pues(self) -> dict[str, float]:
        """The newest average that each provider states for all of its data centres."""
        rows = [row for row in self._rows("pue_wue") if row["scope"] == "global" and row["pue"]]
        return {r["provider"]: float(r["pue"]) for r in sorted(rows, key=lambda r: int(r["year"]))}

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
            code=code if row["scheme"] == _OFFICIAL else row["zone"],
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
            near = difflib.get_close_matches(key, self._clouds, _MAX_SUGGESTIONS, 0.6)
            raise UnknownZone(query, tuple(near))
        grid = self._grid_of(row)
        location = row["location"]
        place = location if grid.name in location else f"{location}, {grid.name}"
        return Zone(
            code=key,
            name=f"{place} ({row['provider']} {row['region']})",
            intensity_g_per_kwh=grid.intensity_g_per_kwh,
            basis=grid.basis,
            year=grid.year,
            source=grid.source,
            country=row["country"],
            pue=float(row["pue"]) if row["pue"] else self._provider_pues.get(row["provider"]),
        )

    def _grid_of(self, row: Row) -> Zone:
        if row["zone"].upper() in self._subregions:
            return self._subregion(row["zone"].upper())
        return self.country_or_none(row["country"]) or self.world

    # -- what a person types -------------------------------------------------------------------

    def _country_code_of(self, wanted: str) -> str | None:
        code = wanted.upper()
        code = _ALIASES.get(code, code)
        if code in self._countries:
            return code
        return self._alpha3.get(code) or self._country_names.get(_plain(wanted))

    def _subregion_code_of(self, wanted: str) -> str | None:
        code = wanted.upper().replace("_", "-")
        # eGRID and bidding zones also by their own bare codes: CAMX, SE3.
        for key in (code, f"EGRID-{code}", f"{code[:2]}-{code}"):
            if key in self._subregions:
                return key
        return self._subregion_names.get(_plain(wanted))

    def _cloud_place(self, wanted: str) -> Zone:
        region, place = wanted.lower(), _plain(wanted)
        found = self._cloud_places.get(region) or self._cloud_places.get(place, [])
        if len(found) == 1:
            return self._cloud_zone(found[0])
        if found:
            raise AmbiguousZone(wanted, tuple(found))
        # A part of a name chooses nothing, it hints: "Hampshire" is not New Hampshire.
        parts = [code for code, name in self._names() if _begins_a_word(place, name)]
        if len(parts) > 1:
            raise AmbiguousZone(wanted, tuple(parts))
        names = {_plain(name): f"{code} ({name})" for code, name in self._names()}
        near = difflib.get_close_matches(place, names, _MAX_SUGGESTIONS, 0.7)
        near += [_plain(name) for code, name in self._names() if code in parts]
        raise UnknownZone(wanted, tuple(names[name] for name in dict.fromkeys(near)))

    def _names(self) -> Iterator[tuple[str, str]]:
        for code, row in self._countries.items():
            yield code, row["name"]
        for row in self._subregions.values():
            if row["scheme"] != _OFFICIAL:
                yield row["zone"], row["name"]
        for key, row in self._clouds.items():
            yield key, row["location"]


def _country_code(row: Row) -> str:
    return row["iso2"] if len(row["iso2"]) == 2 else WORLD  # noqa: PLR2004  # alpha-2


def _subregion_key(row: Row) -> str:
    return f"{row['zone']}-OFFICIAL" if row["scheme"] == _OFFICIAL else row["zone"].upper()


def _plain(text: str) -> str:
    letters = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in letters).lower().split())


def _begins_a_word(wanted: str, name: str) -> bool:
    return len(wanted) > 2 and f" {_plain(name)}".find(f" {wanted}") >= 0  # noqa: PLR2004
