"""Where am I? From settings and files of this machine alone; the network is never asked.

First hit wins: setting, cloud region in the environment, time zone (a guess, and marked so),
world average. A country is never picked in silence.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from greencell.carbon.grid_table import GridTable, Zone
from greencell.carbon.tables import BadTable
from greencell.errors import UsageError
from greencell.model import CarbonInfo

_MAX_NAME = 60
DEFAULT_PUE = 1.0
"""At home or in an office there is no data centre around the computer."""
# Variable that only the provider's machines have → (provider, variables that name the region).
# The variables of a client library (AWS_REGION) alone prove nothing: a laptop has them, too.
_CLOUD_EVIDENCE = (
    ("AWS_EXECUTION_ENV", "aws", ("AWS_REGION", "AWS_DEFAULT_REGION")),
    ("SAGEMAKER_INTERNAL_IMAGE_URI", "aws", ("AWS_REGION", "AWS_DEFAULT_REGION")),
    ("ECS_CONTAINER_METADATA_URI_V4", "aws", ("AWS_REGION", "AWS_DEFAULT_REGION")),
    ("VERTEX_PRODUCT", "gcp", ("GOOGLE_CLOUD_REGION", "CLOUD_ML_REGION")),
    ("CLOUD_ML_JOB_ID", "gcp", ("CLOUD_ML_REGION", "GOOGLE_CLOUD_REGION")),
    ("AZUREML_RUN_ID", "azure", ("AZUREML_REGION", "REGION_NAME")),
)
_AZURE_ML_ENDPOINT = re.compile(r"https://([a-z0-9]+)(\.experiments)?\.(api\.)?azureml\.")
"""On Azure ML compute, ``AZUREML_SERVICE_ENDPOINT`` begins with the region."""


@dataclass(frozen=True, slots=True)
class Location:
    """A zone, how it was found, and a line for a person where it is a guess or a stand-in."""

    zone: Zone
    located_by: str
    note: str = ""
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user set about carbon; ``None`` means: found out."""

    zone: str | None = None
    intensity_g_per_kwh: float | None = None
    pue: float | None = None


def locate(
    wished: str | None, environment: Mapping[str, str], table: GridTable, root: Path = Path("/")
) -> Location:
    """Where this machine's electricity comes from.

    Args:
        wished: the setting.
        root: of the file system, for the system's time zone.

    Raises:
        UsageError: the setting names no zone.
    """
    if wished is not None:
        return Location(table.find(wished), "setting")
    region = cloud_region(environment)
    if region is None:
        return _by_clock(environment, table, root)
    try:
        return Location(table.find(region), "cloud")
    except UsageError:
        # A region newer than the table: the clock must do, and the note says why.
        place = _by_clock(environment, table, root)
        note = f"The cloud region {region} is in no table. {place.note}"
        return replace(place, note=note)


def carbon_info(location: Location, wishes: Wishes) -> CarbonInfo:
    """The location as what turns energy into CO2."""
    zone = location.zone
    pue = wishes.pue if wishes.pue is not None else (zone.pue or DEFAULT_PUE)
    given = wishes.intensity_g_per_kwh
    return CarbonInfo(
        factor=zone.factor(pue, given),
        zone_name=zone.name,
        basis="set by the user" if given else zone.basis_words,
        year=None if given else zone.year,
        source="set by the user" if given else zone.source,
        located_by=location.located_by,
        note="" if given else location.note or zone.note,
        candidates=location.candidates,
        pue_source="set by the user" if wishes.pue is not None else zone.pue_source,
        wue_l_per_kwh=zone.wue_l_per_kwh,
    )


def cloud_region(environment: Mapping[str, str]) -> str | None:
    """The cloud region that the environment proves, as ``provider:region``."""
    for evidence, provider, variables in _CLOUD_EVIDENCE:
        if not environment.get(evidence):
            continue
        for variable in variables:
            region = environment.get(variable, "").strip().lower()
            if region:
                return f"{provider}:{region[:_MAX_NAME]}"
    azure = _AZURE_ML_ENDPOINT.match(environment.get("AZUREML_SERVICE_ENDPOINT", ""))
    return f"azure:{azure[1][:_MAX_NAME]}" if azure else None


def system_timezone(environment: Mapping[str, str], root: Path) -> str | None:
    """The name of the machine's time zone; ``None`` if it has none."""
    named = environment.get("TZ", "").strip().lstrip(":")
    if named:
        return _timezone_name(named)
    try:
        text = (root / "etc/timezone").read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        text = ""
    if text:
        return _timezone_name(text)
    try:
        target = os.readlink(root / "etc/localtime")
    except OSError:
        return None
    return _timezone_name(target) if "zoneinfo/" in target else None


def _timezone_name(text: str) -> str:
    """The bare name, as in the table; the system also takes a path into its database."""
    name = text.rpartition("zoneinfo/")[2]
    return name.removeprefix("posix/").removeprefix("right/")[:_MAX_NAME]


def _by_clock(environment: Mapping[str, str], table: GridTable, root: Path) -> Location:
    timezone = system_timezone(environment, root)
    try:
        place = _by_timezone(timezone, table) if timezone is not None else None
    except BadTable as error:
        return Location(table.world, "default", f"{error} Until then the world average is used.")
    if place is not None:
        return place
    where = f"the time zone {timezone} names no country" if timezone else "no time zone is set"
    return Location(table.world, "default", f"Place unknown ({where}); world average used.")


def _by_timezone(timezone: str, table: GridTable) -> Location | None:
    found = table.zone_of_timezone(timezone)
    if found is None:
        return None
    code, others = found
    zone = table.country_or_none(code) or table.world
    also = f" It could also be {', '.join(others[:8])}." if others else ""
    note = f"{zone.name} is guessed from the time zone {timezone}.{also} {zone.note}".rstrip()
    return Location(zone, "timezone", note, others)
