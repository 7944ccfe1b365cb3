"""All sources that hwmon offers: GPUs, ACPI power meters, AMD's processors.

One finder for each kind lies beside this one, for whoever needs only that kind.
"""

from __future__ import annotations

from pathlib import Path

from greencell.errors import SourceUnavailable
from greencell.model import Skipped
from greencell.sources.acpi_power_meter import find_acpi_meters
from greencell.sources.amd_energy import find_amd_energy
from greencell.sources.file_source import FileCounter, FileGauge
from greencell.sources.hwmon_chip import find_chips
from greencell.sources.hwmon_gpu import find_hwmon_gpus
from greencell.sources.sysfs_file import Opener, open_readonly


def find_hwmon(
    sysfs_root: Path, *, opener: Opener = open_readonly
) -> tuple[list[FileGauge | FileCounter], list[Skipped]]:
    """Sources of all known chips, and those left out.

    Some share hardware, with one another or with RAPL; ``info.parts`` tells.

    Raises:
        SourceUnavailable: no chip here counts or shows what anything draws.
    """
    chips = find_chips(sysfs_root, opener)
    gpus, skipped_gpus = find_hwmon_gpus(chips, opener)
    meters, skipped_meters = find_acpi_meters(chips, opener)
    counters, skipped_counters = find_amd_energy(chips, opener)
    sources = [*gpus, *meters, *counters]
    skipped = [*skipped_gpus, *skipped_meters, *skipped_counters]
    if not sources and not skipped:
        raise SourceUnavailable(f"no chip under {sysfs_root}/class/hwmon is a power meter")
    return sources, skipped
