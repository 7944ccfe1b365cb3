"""The chips under ``class/hwmon``, found by their name: numbers change from boot to boot.

Layout and units: Linux ``Documentation/hwmon/sysfs-interface.rst``. Old drivers, and with them
``acpi_power_meter``, keep ``name`` and values not in ``hwmonN`` but in ``hwmonN/device``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from greencell.errors import Asleep
from greencell.sources.file_source import Rail
from greencell.sources.sysfs_file import Opener, SysfsNumber, open_readonly, text_or_none
from greencell.units import W_PER_UW

_PCI_ADDRESS: Final = re.compile(r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")


@dataclass(frozen=True, slots=True)
class Chip:
    """A chip of hwmon.

    Attributes:
        name: the driver's, e.g. ``amdgpu``.
        folder: where its values lie.
        device: what the chip measures, or the chip's folder where the tree does not tell.
    """

    name: str
    folder: Path
    device: Path

    @property
    def pci_address(self) -> str | None:
        """For example ``0000:03:00.0``; ``None`` if it is no PCI device."""
        return self.device.name if _PCI_ADDRESS.fullmatch(self.device.name) else None

    @property
    def place(self) -> str:
        """The device's name on its bus: the same after each boot, unlike the chip's number."""
        return self.device.name

    def has(self, file: str) -> bool:
        """Whether the chip has a file of this name."""
        return (self.folder / file).exists()

    def text(self, file: str, opener: Opener = open_readonly) -> str:
        """The text of a file; empty if there is none."""
        return text_or_none(self.folder / file, opener) or ""

    def number(self, file: str, owner: str, opener: Opener) -> SysfsNumber:
        """The number in a file, for the source ``owner``; read only while the device is awake."""
        return _WakefulNumber(self, file, owner, opener)

    def power(self, file: str, owner: str, opener: Opener) -> Rail:
        """The power in a file, in µW as everywhere in hwmon, for the source ``owner``."""
        return Rail((self.number(file, owner, opener),), W_PER_UW)


class _WakefulNumber(SysfsNumber):
    """A number of a device that is not woken for it.

    Many drivers wake a sleeping GPU to answer, which costs a laptop more than it tells. The
    state of any device stands in ``power/runtime_status`` (Linux
    ``Documentation/ABI/testing/sysfs-devices-power``), which wakes nothing.
    """

    def __init__(self, chip: Chip, file: str, owner: str, opener: Opener) -> None:
        super().__init__(chip.folder / file, owner, opener)
        self._status = chip.device / "power/runtime_status"
        self._opener = opener

    def read(self) -> int:
        if text_or_none(self._status, self._opener) in {"suspended", "suspending"}:
            raise Asleep("the device sleeps")
        return super().read()


def find_chips(sysfs_root: Path, opener: Opener = open_readonly) -> list[Chip]:
    """All chips, in the order of their numbers."""
    folders = sorted((sysfs_root / "class/hwmon").glob("hwmon*"), key=_number)
    return [chip for folder in folders if (chip := chip_in(folder, opener)) is not None]


def chip_in(hwmon: Path, opener: Opener = open_readonly) -> Chip | None:
    """The chip of one ``hwmonN`` folder; ``None`` if it has no name."""
    link = hwmon / "device"
    device = link.resolve() if link.exists() else hwmon
    for folder in (hwmon, link):
        if name := text_or_none(folder / "name", opener):
            return Chip(name, folder, device)
    return None


def _number(folder: Path) -> tuple[int, str]:
    digits = folder.name.removeprefix("hwmon")
    return (int(digits) if digits.isdecimal() else 0, folder.name)
