"""Batteries: the power of the whole machine, screen included, while it runs on them.

Linux ``Documentation/ABI/testing/sysfs-class-power``: ``power_now`` in µW, or ``current_now`` in
µA times ``voltage_now`` in µV. The ABI has the current negative while discharging, which not all
drivers heed; some have the power so. The size counts and ``status`` tells the direction.
Supplies are told by ``type``, as not all machines call theirs ``BAT0``; those of ``scope``
Device belong to mice.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from greencell.errors import ReadFailed, SourceUnavailable
from greencell.model import Skipped, SourceInfo
from greencell.sources.file_source import FileGauge, Rail, refusal
from greencell.sources.sysfs_file import Opener, SysfsNumber, open_readonly, text_or_none
from greencell.units import W_PER_UW

ON_MAINS: Final = "on mains power; a battery shows the machine's power only while it discharges"
PERIOD_S: Final = 5.0
"""Judgement. Firmware renews its values every 1 to 30 s and does not tell how often."""
GAIN: Final = 0.05
"""Standard gain error; judgement."""
MAX_POWER_W: Final = 500.0
"""More than a portable machine draws: the largest power supplies give 330 W."""
_W_PER_UA_UV: Final = 1e-12
"""Watts in one microampere times one microvolt."""
_OUTSIDE: Final = ("Mains", "USB", "Wireless", "BrickID")
"""Types of supplies that feed the machine from outside."""


@dataclass(frozen=True, slots=True)
class _Supplies:
    """All batteries of the machine, and all that feeds it from outside."""

    batteries: tuple[Path, ...]
    outside: tuple[Path, ...]
    opener: Opener

    def why_not(self) -> str | None:
        """Why the batteries do not show the machine's power now; ``None`` if they do."""
        for supply in self.outside:
            if (text_or_none(supply / "online", self.opener) or "0") != "0":
                return ON_MAINS
        statuses = [text_or_none(one / "status", self.opener) or "gone" for one in self.batteries]
        # Of two batteries one often rests, full or empty, while the other is drained.
        if "Discharging" in statuses and not {"Charging", "gone"}.intersection(statuses):
            return None
        return ON_MAINS if "gone" not in statuses else "a battery was taken out"


class BatteryGauge:
    """Power drawn from all batteries together, and only while nothing else feeds the machine."""

    def __init__(self, gauge: FileGauge, supplies: _Supplies) -> None:
        self._gauge = gauge
        self._supplies = supplies
        self.info = gauge.info

    def read_w(self) -> float:
        power_w = self._gauge.read_w()
        # Asked after the read: a plug that came in between makes it invalid.
        if (reason := self._supplies.why_not()) is not None:
            raise ReadFailed(f"{self.info.id}: {reason}")
        return power_w

    def close(self) -> None:
        self._gauge.close()


def find_battery(
    sysfs_root: Path, *, opener: Opener = open_readonly
) -> tuple[list[BatteryGauge], list[Skipped]]:
    """A gauge over all batteries, or why they tell nothing now.

    Raises:
        SourceUnavailable: the machine has no battery.
    """
    supplies = _supplies(sysfs_root, opener)
    if not supplies.batteries:
        raise SourceUnavailable("this machine has no battery")
    name = "battery:" + "+".join(battery.name for battery in supplies.batteries)
    if (reason := supplies.why_not()) is not None:
        return [], [Skipped(name, reason)]
    info = SourceInfo(
        name, "node", "gauge", "measured", PERIOD_S, 0.0, GAIN,
        detail=f"drain of the battery, renewed about every {PERIOD_S:g} s",
        scope="node", parts=("node:*",),
    )  # fmt: skip
    rails = [_rail(battery, name, opener) for battery in supplies.batteries]
    gauge = FileGauge(info, rails, MAX_POWER_W)
    if (left_out := refusal(gauge)) is not None:
        return [], [left_out]
    return [BatteryGauge(gauge, supplies)], []


def _supplies(sysfs_root: Path, opener: Opener) -> _Supplies:
    batteries: list[Path] = []
    outside: list[Path] = []
    for supply in sorted((sysfs_root / "class/power_supply").glob("*")):
        kind = text_or_none(supply / "type", opener)
        if text_or_none(supply / "scope", opener) == "Device":
            continue
        if kind == "Battery" and text_or_none(supply / "present", opener) != "0":
            batteries.append(supply)
        elif kind in _OUTSIDE:
            outside.append(supply)
    return _Supplies(tuple(batteries), tuple(outside), opener)


def _rail(battery: Path, owner: str, opener: Opener) -> Rail:
    power = battery / "power_now"
    if power.exists():
        return Rail((SysfsNumber(power, owner, opener, signed=True),), W_PER_UW)
    current = SysfsNumber(battery / "current_now", owner, opener, signed=True)
    voltage = SysfsNumber(battery / "voltage_now", owner, opener)
    return Rail((current, voltage), _W_PER_UA_UV)
