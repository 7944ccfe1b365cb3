"""The grid tables: carbon intensity by country, subdivision and cloud region. No network.

Every table is parsed, and every room beside this one imported, only when a question needs it: at
a start that is one of 200 rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final

from greencell.carbon.tables import MAX_INTENSITY_G_PER_KWH, BadTable, Row, Tables
from greencell.carbon.zone import RELATIVE_ERRORS, AmbiguousZone, UnknownZone, Zone
from greencell.model import Basis

if TYPE_CHECKING:
    from greencell.carbon.facilities import Facilities
    from greencell.carbon.search import Index, Region

__all__ = ["WORLD", "AmbiguousZone", "GridTable", "UnknownZone", "Zone"]

WORLD: Final = "WORLD"
_WORLD_STAND_IN: Final = Zone(
    WORLD, "World", 458.3, "life-cycle", 2025, "EcoLogits world mix", WORLD,
    note="The table of countries is damaged; pip install --force-reinstall greencell restores it.",
)  # fmt: skip
"""So that no damage to a table keeps a session from starting."""
_BASES: Final[Mapping[str, Basis]] = {"lifecycle": "life-cycle", "direct": "direct"}
_CREDITS: Final = {
    "ember-owid-2026": "Ember via Our World in Data (2026), CC BY 4.0",
    "ecologits": "EcoLogits world mix",
}
_ABBREVIATIONS: Final = frozenset({"CET", "EET", "MET", "WET", "EST", "HST", "MST"})
"""Hours of the clock, kept for old systems: one city's rules stand for a third of a continent."""
_OFFICIAL: Final = "country-official"
"""A state's own figure, direct basis: only for who asks for it, as ``GB-OFFICIAL``."""
_QUALITY_NOTES: Final = {
    "ok": "",
    "stale": "No newer figure is published.",
    "rounded": "This grid is so small that its published figure is rounded roughly.",
    "substituted": "The published figure is 0; that of its hydropower stands in.",
}


class GridTable:
    """Answers "what zone is that?" from the tables in ``data``."""

    def __init__(self, tables: Tables | None = None) -> None:
        self._tables = tables or Tables()

    def find(self, query: str) -> Zone:
        """The zone a person means by a code or a name.

        Raises:
            UnknownZone: nothing fits.
            AmbiguousZone: several zones fit.
            BadTable: its row cannot be used.
        """
        wanted = " ".join(query.split())
        for code_of in (self._cloud_code, self._country_code, self._subregion_code):
            if code := code_of(wanted):
                return self._zone(code)
        return self._zone(self._index.one(wanted))

    def search(self, query: str) -> tuple[Zone, ...]:
        """All zones that a text may mean, the likeliest first; empty if there are none."""
        wanted = " ".join(query.split())
        exact = (self._cloud_code, self._country_code, self._subregion_code)
        codes = [code for code_of in exact if (code := code_of(wanted))]
        return tuple(self._zone(c) for c in dict.fromkeys([*codes, *self._index.all(wanted)]))

    def suggest(self, typed: str, most: int) -> tuple[Zone, ...]:
        """What somebody may be about to type, the likeliest first."""
        wanted = " ".join(typed.split())
        try:
            found = [zone.code for zone in self.search(wanted)]
        except UnknownZone:  # a provider, and half of a region
            found = []
        start = wanted.lower()
        begun = [code for code in self.codes() if wanted and code.lower().startswith(start)]
        codes = dict.fromkeys([*found, *begun, *self._index.beginning(wanted)])
        if not codes:
            codes = dict.fromkeys(self._index.near_codes(wanted))
        # A town stands for where it lies before the data centres in it.
        likely = sorted(codes, key=lambda code: ":" in code)
        return tuple(self._zone(code) for code in likely[:most])

    @property
    def world(self) -> Zone:
        """The world's average, for places that are not known."""
        try:
            return self._country(WORLD)
        except (BadTable, KeyError):
            return _WORLD_STAND_IN

    def country_or_none(self, code: str) -> Zone | None:
        """A country by alpha-2 code, ``None`` if there is no such country.

        Raises:
            BadTable: its row cannot be used.
        """
        return self._country(code) if self._is_country(code) else None

    def alpha3(self, country: str) -> str:
        """The three letters of a country's two; empty for what is no country."""
        if country in self._without_figure:
            return self._without_figure[country][0]
        row = self._countries.get(country)
        return row.fields.get("iso3", "") if row is not None and country != WORLD else ""

    def zone_of_timezone(self, timezone: str) -> tuple[str, tuple[str, ...]] | None:
        """The country of a time zone and other places it may be; ``None`` if it names none."""
        if timezone in _ABBREVIATIONS:
            return None
        for row in self._tables.rows("timezone_zone"):
            if row.fields.get("tz") == timezone:
                country = row.text("country")
                hint = row.text("zone_hint")
                others = dict.fromkeys([*([hint] if hint else []), *row.text("candidates").split()])
                return (country, tuple(c for c in others if c != country)) if country else None
        return None

    def codes(self) -> Iterator[str]:
        """Every code that ``find`` knows."""
        yield from self._countries
        yield from self._without_figure
        yield from self._subregions
        yield from self._clouds

    def regions_of(self, provider: str) -> tuple[str, ...]:
        """The codes of a cloud's regions."""
        return tuple(code for code in self._clouds if code.startswith(f"{provider}:"))

    def facility_of(self, provider: str) -> tuple[float | None, str]:
        """A cloud's average PUE, where it states one, and whose figure that is."""
        facility = self._facilities.of_provider(provider)
        return facility.pue, facility.pue_source

    def coordinates(self, code: str) -> tuple[float, float] | None:
        """Latitude and longitude in degrees of a cloud region's town; ``None`` for other places."""
        row = self._clouds.get(code.lower()) if ":" in code else None
        if row is None or not row.text("lat") or not row.text("lon"):
            return None
        return row.number("lat", -91.0, 90.0), row.number("lon", -181.0, 180.0)

    # -- tables --------------------------------------------------------------------------------

    def _keyed(self, name: str, key: Callable[[Row], str]) -> dict[str, Row]:
        """Rows by their key; one without is left out, and of twins the first counts."""
        rows: dict[str, Row] = {}
        for row in self._tables.rows(name):
            try:
                rows.setdefault(key(row), row)
            except BadTable:
                continue
        return rows

    @cached_property
    def _facilities(self) -> Facilities:
        from greencell.carbon.facilities import Facilities

        return Facilities(self._tables)

    @cached_property
    def _without_figure(self) -> Mapping[str, tuple[str, str]]:
        """Countries of which nothing is published: alpha-3 code and name."""
        from greencell.carbon.countries import WITHOUT_FIGURE

        return WITHOUT_FIGURE

    @cached_property
    def _countries(self) -> dict[str, Row]:
        return self._keyed("grid_intensity", _country_key)

    @cached_property
    def _country_names(self) -> dict[str, str]:
        """Codes by alpha-3 code and by name."""
        names = {}
        for code, row in self._countries.items():
            names[_plain(row.fields.get("iso3", ""))] = code
            names[_plain(row.fields.get("name", ""))] = code
        for code, others in self._without_figure.items():
            for name in others:
                names[_plain(name)] = code
        names.pop("", None)
        return names

    @cached_property
    def _subregions(self) -> dict[str, Row]:
        return self._keyed("grid_intensity_subregions", _subregion_key)

    @cached_property
    def _subregion_names(self) -> dict[str, str]:
        return {
            _plain(row.fields.get("name", "")): code
            for code, row in self._subregions.items()
            if row.fields.get("scheme") != _OFFICIAL
        }

    @cached_property
    def _clouds(self) -> dict[str, Row]:
        return self._keyed("cloud_regions", lambda r: f"{r.text('provider')}:{r.text('region')}")

    @cached_property
    def _index(self) -> Index:
        from greencell.carbon.search import Index

        return Index(self._names(), self._regions(), self._cities())

    @cached_property
    def _credits(self) -> dict[str, str]:
        return {
            row.fields.get("id", ""): f"{row.text('publisher')}: {row.text('title')} ({row.year()})"
            for row in self._tables.rows("sources")
        }

    def _credit(self, source: str) -> str:
        if source in _CREDITS:
            return _CREDITS[source]
        try:
            return self._credits.get(source, source)
        except BadTable:
            return source  # a credit with a hole is no reason to lose the figure

    # -- zones ---------------------------------------------------------------------------------

    def _zone(self, code: str) -> Zone:
        if ":" in code:
            return self._cloud(code)
        return self._country(code) if self._is_country(code) else self._subregion(code.upper())

    def _is_country(self, code: str) -> bool:
        return code in self._countries or code in self._without_figure

    def _country(self, code: str) -> Zone:
        if code in self._countries:
            return self._of_row(code, self._countries[code], code)
        name, world = self._without_figure[code][1], self.world
        return Zone(
            code, name, world.intensity_g_per_kwh, world.basis, world.year, world.source, code,
            relative_error=1.0, note=f"No figure is published for {name}; world average used.",
        )  # fmt: skip

    def _subregion(self, code: str) -> Zone:
        row = self._subregions[code]
        return self._of_row(code, row, row.text("country"))

    def _of_row(self, code: str, row: Row, country: str) -> Zone:
        quality = row.fields.get("quality", "ok")
        edition = row.fields.get("year_kind") == "edition"
        note = "Its year is that of publication." if edition else _QUALITY_NOTES.get(quality, "")
        return Zone(
            code=code
            if ":" in code or code.endswith("-OFFICIAL")
            else row.fields.get("zone", code),
            name=row.text("name"),
            intensity_g_per_kwh=row.number("g_per_kwh", 0.0, MAX_INTENSITY_G_PER_KWH),
            basis=_BASES.get(row.text("basis"), "unknown"),
            year=row.year(),
            source=self._credit(row.text("source")),
            country=country,
            relative_error=RELATIVE_ERRORS.get(quality, 1.0),
            note=note,
        )

    def _cloud(self, code: str) -> Zone:
        row = self._clouds[code]
        grid = self._grid_of(row)
        facility = self._facilities.of_region(row)
        location = row.text("location")
        place = location if grid.name in location else f"{location}, {grid.name}"
        return Zone(
            code=code,
            name=f"{place} ({row.text('provider')} {row.text('region')})",
            intensity_g_per_kwh=grid.intensity_g_per_kwh,
            basis=grid.basis,
            year=grid.year,
            source=grid.source,
            country=row.text("country"),
            pue=facility.pue,
            relative_error=grid.relative_error,
            pue_source=facility.pue_source,
            wue_l_per_kwh=facility.wue_l_per_kwh,
            note=grid.note,
        )

    def _grid_of(self, row: Row) -> Zone:
        zone = row.text("zone").upper()
        if zone in self._subregions:
            return self._subregion(zone)
        return self.country_or_none(row.text("country")) or self.world

    # -- what a person types -------------------------------------------------------------------

    def _cloud_code(self, wanted: str) -> str | None:
        if ":" not in wanted:
            return None
        provider, _, region = wanted.lower().partition(":")
        code = f"{provider.strip()}:{region.strip()}"
        if code not in self._clouds:
            from greencell.carbon.search import regions_of_zone

            for region in regions_of_zone(code):
                if region in self._clouds:
                    return region
            raise UnknownZone(wanted, self._index.near(code))
        return code

    def _country_code(self, wanted: str) -> str | None:
        from greencell.carbon.countries import ALIASES

        code = wanted.upper()
        code = ALIASES.get(code, code)
        if self._is_country(code):
            return code
        return self._country_names.get(_plain(wanted))

    def _subregion_code(self, wanted: str) -> str | None:
        code = wanted.upper().replace("_", "-")
        # eGRID and bidding zones also by their own bare codes: CAMX, SE3.
        for key in (code, f"EGRID-{code}", f"{code[:2]}-{code}"):
            if key in self._subregions:
                return key
        return self._subregion_names.get(_plain(wanted))

    def _names(self) -> Iterable[tuple[str, str]]:
        for code, row in self._countries.items():
            yield code, row.fields.get("name", "")
        for code, (_, name) in self._without_figure.items():
            yield code, name
        for code, row in self._subregions.items():
            if row.fields.get("scheme") != _OFFICIAL:
                yield row.fields.get("zone", code), row.fields.get("name", "")
        for code, row in self._clouds.items():
            yield code, row.fields.get("location", "")

    def _regions(self) -> Iterable[Region]:
        from greencell.carbon.search import Region

        for code, row in self._clouds.items():
            location, country = row.fields.get("location", ""), row.fields.get("country", "")
            yield Region(code, row.text("region"), location, country)

    def _cities(self) -> Iterable[tuple[str, tuple[str, ...]]]:
        """Countries in their own words; towns that time zones are named after, with theirs."""
        from greencell.carbon.countries import NATIVE_NAMES

        yield from ((name, (code,)) for name, code in NATIVE_NAMES.items())
        for row in self._tables.rows("timezone_zone"):
            country = row.fields.get("country", "")
            if country and "/" in row.fields.get("tz", ""):
                hint = row.fields.get("zone_hint", "")
                city = row.text("tz").rpartition("/")[2].replace("_", " ")
                yield city, (country, hint) if hint else (country,)


def provider_name(provider: str) -> str:
    """A cloud's name for people."""
    from greencell.carbon.facilities import PROVIDERS

    return PROVIDERS.get(provider, provider)


def _plain(name: str) -> str:
    from greencell.carbon.search import plain

    return plain(name)


def _country_key(row: Row) -> str:
    code = row.text("iso2")
    return code if len(code) == 2 else WORLD  # noqa: PLR2004  # alpha-2


def _subregion_key(row: Row) -> str:
    zone = row.text("zone")
    return f"{zone}-OFFICIAL" if row.text("scheme") == _OFFICIAL else zone.upper()
