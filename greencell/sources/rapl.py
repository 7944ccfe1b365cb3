"""RAPL through the Linux powercap tree: energy of CPU packages and of memory.

Units and wraps: Linux ``drivers/powercap/intel_rapl_common.c``. The zones are found in
``powercap.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from greencell.model import Skipped, SourceInfo
from greencell.sources.powercap import Zone, readable_zones
from greencell.sources.sysfs_file import Opener, SysfsNumber, number_or_none, open_readonly
from greencell.units import J_PER_UJ

UPDATE_PERIOD_S: Final = 0.001
"""Intel SDM volume 3B 14.9: "updated every ~1 msec"; AMD the same."""
UNIT_J: Final = 61.035e-6
"""The commonest energy unit, 2^-14 J; the tree does not tell."""
KNOWN_RANGES_UJ: Final = (65_532_610_987, 65_712_999_613, 262_143_328_850)
"""``max_energy_range_uj`` of all common parts, for kernels that keep the file from us."""
MAX_POWER_W: Final = 1_000.0
"""More than any package draws; a step that implies more is a reset."""
MAX_NODE_POWER_W: Final = 5_000.0
"""More than any machine with a ``psys`` zone draws."""
GAIN_INTEL: Final = 0.03
GAIN_AMD: Final = 0.05
GAIN_DRAM: Final = 0.10
GAIN_NODE: Final = 0.10
"""Standard gain errors: judgement after Hackenberg 2015, Khan 2018, Desrochers 2016; ``psys``
holds what the maker of the board chose to put into it."""


class RaplCounter:
    """The energy counter of one zone, over a descriptor that is kept open."""

    joules_per_unit = J_PER_UJ

    def __init__(self, zone: Zone, relative_error: float, opener: Opener = open_readonly) -> None:
        node = zone.component == "node"
        self.max_power_w = MAX_NODE_POWER_W if node else MAX_POWER_W
        self.first_units = zone.first_uj
        self._energy_uj = SysfsNumber(zone.path / "energy_uj", zone.id, opener)
        self.range_units: int | None = _range_uj(zone, opener)
        self.info = SourceInfo(
            id=zone.id,
            component=zone.component,
            kind="counter",
            provenance="measured",
            period_s=UPDATE_PERIOD_S,
            resolution_j=UNIT_J,
            relative_error=relative_error,
            detail=f"RAPL {zone.name}",
            scope="node" if node else "component",
            parts=(zone.part,),
        )

    def read(self) -> int:
        return self._energy_uj.read()

    def close(self) -> None:
        self._energy_uj.close()


def find_counters(
    sysfs_roots: Sequence[Path],
    *,
    amd: bool,
    container: bool = False,
    opener: Opener = open_readonly,
) -> tuple[list[RaplCounter], list[Skipped]]:
    """Counters of all packages, memories and the platform, twins included, and what is closed.

    Args:
        sysfs_roots: where to look; the first root with a tree that can be read is used.
        amd: whether AMD made the processor.
        container: whether an empty tree is a masked one.
        opener: opens a file for reading, given its path.

    Raises:
        SourceUnavailable: there is no tree, or it is empty.
    """
    zones, skipped = readable_zones(sysfs_roots, opener, container=container)
    gains = {"cpu": GAIN_AMD if amd else GAIN_INTEL, "dram": GAIN_DRAM, "node": GAIN_NODE}
    return [RaplCounter(zone, gains[zone.component], opener) for zone in zones], skipped


def _range_uj(zone: Zone, opener: Opener) -> int:
    """What the tree tells; else the smallest known range above the counter.

    A range that is too small makes a wrap look like a reset, which loses a step and says so.
    """
    range_uj = number_or_none(zone.path / "max_energy_range_uj", opener)
    if range_uj:
        return range_uj
    energy_uj = number_or_none(zone.path / "energy_uj", opener) or 0
    return next((known for known in KNOWN_RANGES_UJ if known > energy_uj), KNOWN_RANGES_UJ[-1])
