"""Equipment: from settings to everything a session measures with, as found on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from greencell.carbon.carbon_info import Wishes, carbon_info
from greencell.carbon.grid_table import GridTable
from greencell.carbon.location import locate
from greencell.clock import SystemClock
from greencell.errors import UsageError
from greencell.machine_time import machine_clock
from greencell.meter import Meter
from greencell.model import CarbonInfo
from greencell.processes import reserved_share, tree_clock
from greencell.running_session import Equipment
from greencell.settings import ReadSettings, Settings
from greencell.sources.discovery import Places, discover

_MOUNTED: Final = (Path("/host/sys"), Path("/zeus_sys"))
"""Where containers are often given the host's tree, which their engine hides from them."""


@dataclass(frozen=True, slots=True)
class Equipped:
    """The equipment, with one line for each setting that could not be used."""

    equipment: Equipment
    problems: tuple[str, ...]


def equip(read: ReadSettings, environment: Mapping[str, str], table: GridTable) -> Equipped:
    """Find the sources and the place. Never raises for what the machine lacks."""
    settings = read.settings
    places = Places(
        sysfs_root=settings.sysfs_root,
        procfs_root=settings.procfs_root,
        environment=environment,
        cpu_model=settings.cpu_model,
        cpu_tdp_w=settings.cpu_tdp_w,
        vcpus=settings.vcpus_shared,
        more_sysfs_roots=_MOUNTED,
    )
    found = discover(places)
    meter = Meter(
        found.sources,
        tree_clock(settings.sysfs_root, settings.procfs_root),
        machine_clock(settings.procfs_root),
        SystemClock(),
        reserved_share(settings.sysfs_root, settings.procfs_root),
    )
    carbon, problems = _carbon(settings, environment, table)
    equipment = Equipment(
        meter, found.host, found.skipped, carbon, settings.attribution, settings.interval_s,
        found.absent,
    )  # fmt: skip
    return Equipped(equipment, (*read.problems, *problems))


def _carbon(
    settings: Settings, environment: Mapping[str, str], table: GridTable
) -> tuple[CarbonInfo, tuple[str, ...]]:
    wishes = Wishes(settings.zone, settings.intensity_g_per_kwh, settings.pue)
    try:
        return carbon_info(locate(settings.zone, environment, table), wishes), ()
    except UsageError as error:
        located = carbon_info(locate(None, environment, table), wishes)
        return located, (f"greencell: {error} Using {located.zone_name}.",)
