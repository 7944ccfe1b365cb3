"""Search: from what a person types to the code of a zone, the candidates, or the nearest names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from greencell.carbon.zone import AmbiguousZone, UnknownZone

_MAX_SUGGESTIONS = 5
_ZONES = (re.compile(r"(.*[a-z]-?\d{1,2})-?[a-f]"), re.compile(r"(.*[a-z])-\d"))
_LEAST_PART = 3
"""A shorter part of a name hints at nothing."""


class Region(NamedTuple):
    """What names a cloud region."""

    code: str
    region: str
    location: str
    country: str


class Index:
    """Names of zones, to be searched.

    Args:
        names: code and name of every zone.
        regions: every cloud region.
        cities: towns outside the tables, with the codes of where they lie.
    """

    def __init__(
        self,
        names: Iterable[tuple[str, str]],
        regions: Iterable[Region],
        cities: Iterable[tuple[str, tuple[str, ...]]],
    ) -> None:
        self._names = {code: name for code, name in names if name}
        self._places: dict[str, list[str]] = {}
        # A town's country comes before the data centres in it.
        for city, codes in cities:
            self._put(plain(city), *codes)
        self._countries: dict[str, str] = {}
        for code, region, location, country in regions:
            self._countries[code] = country
            parts = {plain(part) for part in (location, *re.split("[,()]", location))}
            for place in parts | {plain(region)}:
                self._put(place, code)

    def _put(self, place: str, *codes: str) -> None:
        if place:
            known = self._places.setdefault(place, [])
            known.extend(code for code in codes if code not in known)

    def one(self, wanted: str) -> str:
        """The code of the one zone of this name.

        Raises:
            UnknownZone: nothing fits; with the nearest names.
            AmbiguousZone: several fit.
        """
        found = self._at(plain(wanted))
        for region in regions_of_zone(wanted.lower()):
            found = found or self._at(plain(region))
        if len(found) == 1:
            return found[0]
        # A part of a name chooses nothing, it hints: "Hampshire" is not New Hampshire.
        parts = found or self._parts(plain(wanted))
        if len(parts) > 1:
            raise AmbiguousZone(wanted, [(code, self._names.get(code, code)) for code in parts])
        near = [f"{code} ({self._names[code]})" for code in parts or self._beginning(wanted)]
        raise UnknownZone(wanted, near or self.near(wanted))

    def _beginning(self, wanted: str) -> list[str]:
        """The country that a code of another list begins with, and the parts of it that are known.

        Electricity Maps has ids such as US-CENT-SWPP, markets such as DE-LU.
        """
        from greencell.carbon.countries import US_MARKETS  # only where nothing was found

        country, *parts = wanted.strip().upper().replace("_", "-").split("-")
        if not parts or country not in self._names:
            return []
        inner = [code for code in self._names if code.startswith(f"{country}-")]
        if country == "US":
            inner = [code for code in US_MARKETS.get(parts[-1], ()) if code in self._names]
        # So many that they say nothing are not named.
        return [country, *(inner if len(inner) < _MAX_SUGGESTIONS else [])]

    def all(self, wanted: str) -> list[str]:
        """The codes of all zones whose name has these words."""
        place = plain(wanted)
        return list(dict.fromkeys([*self._at(place), *self._parts(place)]))

    def beginning(self, typed: str) -> list[str]:
        """The codes of all zones of which a name has a word that begins so; first names first."""
        wanted = plain(typed)
        if not wanted:
            return []
        names = [(plain(name), code) for code, name in self._names.items()]
        first = [code for name, code in names if name.startswith(wanted)]
        towns = [c for place, cs in self._places.items() if place.startswith(wanted) for c in cs]
        inner = [code for name, code in names if f" {wanted}" in name]
        return list(dict.fromkeys([*first, *towns, *inner]))

    def near_codes(self, wanted: str) -> list[str]:
        """The codes of the nearest names."""
        import difflib  # only where somebody mistyped

        names = {plain(name): code for code, name in self._names.items()}
        near = difflib.get_close_matches(plain(wanted), names, _MAX_SUGGESTIONS, 0.7)
        return [names[name] for name in near]

    def near(self, wanted: str) -> list[str]:
        """The nearest names, with their codes."""
        import difflib  # likewise

        if ":" in wanted:
            return difflib.get_close_matches(wanted, self._names, _MAX_SUGGESTIONS, 0.6)
        names = {plain(name): f"{code} ({name})" for code, name in self._names.items()}
        near = difflib.get_close_matches(plain(wanted), names, _MAX_SUGGESTIONS, 0.7)
        return [names[name] for name in near]

    def _at(self, place: str) -> list[str]:
        """The zones of a town; its country first, where several data centres agree on one."""
        found = self._places.get(place, [])
        countries = {self._countries.get(code, "") for code in found}
        return found if len(found) == 1 or len(countries) != 1 else [*countries, *found]

    def _parts(self, wanted: str) -> list[str]:
        if len(wanted) < _LEAST_PART:
            return []
        return [code for code, name in self._names.items() if f" {wanted}" in f" {plain(name)}"]


def regions_of_zone(zone: str) -> list[str]:
    """The region that an availability zone may be in, the likeliest first; empty if it is none.

    AWS has eu-west-3b, Google europe-west9-a, Scaleway fr-par-1.
    """
    found = [pattern.fullmatch(zone.strip()) for pattern in _ZONES]
    return [match[1] for match in found if match]


def plain(text: str) -> str:
    """A name without case, accents and punctuation."""
    letters = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in letters).lower().split())
