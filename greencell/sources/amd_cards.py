"""Which AMD GPUs a machine has, from sysfs alone: tells whether asking for more is worth it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

VENDOR: Final = "0x1002"
"""AMD's PCI vendor number."""
_CARD: Final = re.compile(r"card\d+", re.ASCII)
_APU_VOLTAGE: Final = "vddnb"
"""Voltage of the northbridge, which amdgpu shows for APUs only (Linux ``amdgpu_pm.c``)."""


@dataclass(frozen=True, slots=True)
class Card:
    """An AMD GPU.

    Attributes:
        bdf: its place on the PCI bus, e.g. ``0000:03:00.0``; empty if it is not told.
        apu: whether it is in one chip with the CPU.
    """

    bdf: str
    apu: bool


def read_cards(sysfs_root: Path) -> list[Card]:
    """All AMD GPUs that have a kernel driver."""
    cards: list[Card] = []
    for path in sorted((sysfs_root / "class/drm").glob("card*")):
        device = path / "device"
        if _CARD.fullmatch(path.name) and _text(device / "vendor") == VENDOR:
            voltages = [_text(label) for label in device.glob("hwmon/hwmon*/in*_label")]
            cards.append(Card(_bdf(device), _APU_VOLTAGE in voltages))
    return cards


def _bdf(device: Path) -> str:
    for line in _text(device / "uevent").splitlines():
        key, _, value = line.partition("=")
        if key == "PCI_SLOT_NAME":
            return value.strip().lower()
    return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
