"""Where am I? From settings and evidence on this machine alone; the network is never asked.

First hit wins: setting, platform, cloud-init, firmware, resolver, time zone (a guess, and marked
so), world average. What told it is kept, and a country is never picked in silence.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from greencell.carbon.evidence.base import Evidence, read_text
from greencell.carbon.evidence.machine import (
    cloud_init_evidence,
    dmi_evidence,
    resolver_evidence,
)
from greencell.carbon.evidence.platforms import platform_evidence, variable_regions
from greencell.carbon.grid_table import GridTable, Zone, provider_name
from greencell.carbon.tables import BadTable
from greencell.errors import UsageError
from greencell.translation import translatable

_MAX_NAME: Final = 60
_MAX_CANDIDATES: Final = 8


@dataclass(frozen=True, slots=True)
class Location:
    """A zone, how it was found, and a line for a person where it is a guess or a stand-in.

    Attributes:
        located_by: ``setting``, ``cloud``, ``timezone`` or ``default``.
        reason: what told it, in one line.
        candidates: codes of other places that it may as well be.
        pue: of a cloud whose region is not known, its average; the zone has its own otherwise.
        pue_source: whose figure that is.
    """

    zone: Zone
    located_by: str
    reason: str
    note: str = ""
    candidates: tuple[str, ...] = ()
    pue: float | None = None
    pue_source: str = ""


def locate(
    wished: str | None, environment: Mapping[str, str], table: GridTable, root: Path = Path("/")
) -> Location:
    """Where this machine's electricity comes from.

    Args:
        wished: the setting.
        root: of the file system that holds the evidence.

    Raises:
        UsageError: the setting names no zone, or a damaged row.
    """
    if wished is not None:
        return Location(table.find(wished), "setting", "set by the user")
    evidence = _collect(environment, root)
    provider = next((one.provider for one in evidence if one.provider), None)
    if provider is None:
        for one in evidence:
            named = _named_place(one, table) if one.place else None
            if named is not None:
                return named
        platform = next((one.platform for one in evidence if one.platform), "")
        place = _by_clock(environment, table, root)
        return replace(place, note=_joined(f"Runs on {platform}." if platform else "", place.note))
    return _in_cloud(provider, evidence, environment, table, root)


def system_timezone(environment: Mapping[str, str], root: Path) -> str | None:
    """The name of the machine's time zone; ``None`` if it has none."""
    named = environment.get("TZ", "").strip().lstrip(":")
    if named.startswith("/") and "zoneinfo/" not in named:
        return _linked(root / named.lstrip("/"))  # a file, such as /etc/localtime itself
    if named:
        return _timezone_name(named)
    text = read_text(root / "etc/timezone").strip()
    return _timezone_name(text) if text else _linked(root / "etc/localtime")


def _linked(path: Path) -> str | None:
    """The time zone whose rules a file is a link to; ``None`` if it is a copy of them."""
    try:
        target = os.readlink(path)
    except (OSError, ValueError):
        return None
    return _timezone_name(target) if "zoneinfo/" in target else None


def _collect(environment: Mapping[str, str], root: Path) -> list[Evidence]:
    finders: tuple[Callable[[], Evidence | None], ...] = (
        lambda: platform_evidence(environment, root),
        lambda: cloud_init_evidence(root),
        lambda: dmi_evidence(root),
        lambda: resolver_evidence(root),
    )
    return [found for find in finders if (found := find()) is not None]


def _in_cloud(
    provider: str,
    evidence: Sequence[Evidence],
    environment: Mapping[str, str],
    table: GridTable,
    root: Path,
) -> Location:
    """In a cloud that is known: in the region that the first witness names, if the table has it."""
    cloud = provider_name(provider)
    doubt = _contradiction(provider, evidence)
    told = [
        (region, one.witness)
        for one in evidence
        if one.provider == provider
        for region in one.regions
    ]
    told += [
        (region, "its client's variable") for region in variable_regions(provider, environment)
    ]
    try:
        known = set(table.regions_of(provider))
        for region, witness in told:
            if f"{provider}:{region}" in known:
                zone = table.find(f"{provider}:{region}")
                reason = f"{_capital(witness)} names {cloud} {region}"
                return Location(zone, "cloud", reason, _joined(doubt, zone.note))
        pue, pue_source = table.facility_of(provider)
    except BadTable as error:
        doubt, pue, pue_source = _joined(doubt, str(error)), None, ""
    # A region newer than the table, or none: the clock must do, and the note says why.
    platform = next((one.platform for one in evidence if one.platform), "")
    where = f"{cloud} ({platform})" if platform else cloud
    region_words = f"its region {told[0][0]} is in no table" if told else "its region is not known"
    place = _by_clock(environment, table, root)
    return replace(
        place,
        reason=f"{place.reason}; {where}, {region_words}",
        note=_joined(f"{where}: {region_words}.", doubt, place.note),
        pue=pue,
        pue_source=pue_source,
    )


def _named_place(one: Evidence, table: GridTable) -> Location | None:
    """The country or state that a platform names itself, if the table has it."""
    try:
        zone = table.find(one.place)
    except UsageError:
        return None
    note = _joined(f"Runs on {one.platform}.", zone.note)
    return Location(zone, "cloud", f"{one.witness} names {zone.name}", note)


def _contradiction(provider: str, evidence: Sequence[Evidence]) -> str:
    for one in evidence:
        if one.provider is not None and one.provider != provider:
            return f"{_capital(one.witness)} speaks of {provider_name(one.provider)} instead."
    return ""


def _by_clock(environment: Mapping[str, str], table: GridTable, root: Path) -> Location:
    timezone = system_timezone(environment, root)
    damage = ""
    try:
        place = _by_timezone(timezone, table) if timezone is not None else None
        if place is not None:
            return place
    except BadTable as error:
        damage = f"{error} Until then the"
    where = f"the time zone {timezone} names no country" if timezone else "no time zone is set"
    if damage:
        note = f"{damage} world average is used."
    elif timezone:
        note = f"Place unknown ({where}); world average used."
    else:
        note = translatable("Place unknown (no time zone is set); world average used.")
    return Location(table.world, "default", where, note)


def _by_timezone(timezone: str, table: GridTable) -> Location | None:
    found = table.zone_of_timezone(timezone)
    if found is None:
        return None
    code, others = found
    zone = table.country_or_none(code) or table.world
    also = f"It could also be {', '.join(others[:_MAX_CANDIDATES])}." if others else ""
    guess = f"{zone.name} is guessed from the time zone {timezone}."
    reason = f"guessed from the time zone {timezone}"
    return Location(zone, "timezone", reason, _joined(guess, also, zone.note), others)


def _timezone_name(text: str) -> str:
    """The bare name, as in the table; the system also takes a path into its database."""
    name = text.rpartition("zoneinfo/")[2].removeprefix("posix/").removeprefix("right/")
    return "".join(c if c.isprintable() else "?" for c in name[:_MAX_NAME])


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
