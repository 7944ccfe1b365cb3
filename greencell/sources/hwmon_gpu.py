"""GPUs of AMD and Intel through their drivers' hwmon chips.

* ``amdgpu`` shows power in µW, averaged (``power1_average``), instantaneous (``power1_input``),
  both or neither: Linux ``drivers/gpu/drm/amd/pm/amdgpu_pm.c``.
* ``i915`` (6.2) and ``xe`` (6.5) show energy in µJ. Of ``xe``, ``energy1_input`` is the card and
  ``energy2_input`` (6.8) the package on it; the card holds the package, so one of them is read:
  Linux ``Documentation/ABI/testing/sysfs-driver-intel-xe-hwmon``. Chips ``i915_gtN`` are tiles
  of the chip ``i915`` and are not looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from greencell.model import Skipped, SourceInfo
from greencell.sources.file_source import FileCounter, FileGauge, refusal
from greencell.sources.hwmon_chip import Chip
from greencell.sources.sysfs_file import Opener, open_readonly, text_or_none

AMDGPU_PERIOD_S: Final = 0.1
"""Judgement: the driver asks the card's firmware, whose averaging time is not published."""
INTEL_PERIOD_S: Final = 0.001
"""A register of RAPL's kind, which Intel's SDM (3B 14.9) has updated about every 1 ms."""
INTEL_UNIT_J: Final = 2.0**-14
"""The example of ``hwm_energy`` in Linux ``i915_hwmon.c``; the tree does not tell."""
INTEL_RANGE_UJ: Final = 262_144_000_000
"""2^32 units of 2^-14 J.

The file itself goes on for centuries, but the driver adds up a 32-bit register only when
somebody reads it. After a longer silence than the register takes to go round, turns are missing
from the file; this range has such a step come out as ambiguous, not as too little.
"""
GAIN: Final = 0.05
"""Standard gain error; judgement, as for NVIDIA's GPUs."""
AMDGPU_MAX_POWER_W: Final = 2_000.0
INTEL_MAX_POWER_W: Final = 1_000.0
"""More than any card of theirs draws (MI355X 1400 W, Ponte Vecchio 600 W)."""
_POWERS: Final = ("power1_average", "power1_input")
_INTEL_ENERGIES: Final = {"i915": ("energy1_input",), "xe": ("energy2_input", "energy1_input")}
_INTEL_INTEGRATED: Final = "0000:00:02.0"
"""Where Intel's processors have their own GPU, on all generations."""
_CARDLIKE_APUS: Final = ("0x74a0",)
"""PCI device of the MI300A, the only APU whose chip shows the files of a card."""


def find_hwmon_gpus(
    chips: Sequence[Chip], opener: Opener = open_readonly
) -> tuple[list[FileGauge | FileCounter], list[Skipped]]:
    """One source for each GPU that ``amdgpu``, ``i915`` or ``xe`` drives, and those left out."""
    sources: list[FileGauge | FileCounter] = []
    skipped: list[Skipped] = []
    for chip in chips:
        source: FileGauge | FileCounter | Skipped
        if chip.name == "amdgpu":
            source = _amd_gauge(chip, opener)
        elif chip.name in _INTEL_ENERGIES:
            source = _intel_counter(chip, opener)
        else:
            continue
        if isinstance(source, Skipped):
            skipped.append(source)
        elif (reason := refusal(source)) is not None:
            skipped.append(reason)
        else:
            sources.append(source)
    return sources, skipped


def is_apu(chip: Chip, opener: Opener = open_readonly) -> bool:
    """Whether an ``amdgpu`` chip sits in a processor, so that its power includes the CPU's.

    Told by what the driver (``hwmon_attributes_visible`` in ``amdgpu_pm.c``) shows of either
    kind only: the voltage ``in1_input`` of APUs, the memory clock ``freq2_input`` and the fan of
    cards; then by ``mem_info_vram_vendor``, since only a card's memory has a maker. What shows
    none of these is taken for an APU: a GPU that is left out costs less than a CPU counted twice.
    """
    if text_or_none(chip.device / "device", opener) in _CARDLIKE_APUS:
        return True
    if chip.has("in1_input"):
        return True
    if chip.has("freq2_input") or chip.has("fan1_input"):
        return False
    return (text_or_none(chip.device / "mem_info_vram_vendor", opener) or "unknown") == "unknown"


def _amd_gauge(chip: Chip, opener: Opener) -> FileGauge | Skipped:
    name = f"hwmon:amdgpu-{chip.place}"
    power = next((file for file in _POWERS if chip.has(file)), None)
    if power is None:
        return Skipped(name, "this GPU's driver shows no power")
    apu = is_apu(chip, opener)
    gpu = f"gpu:{chip.pci_address or chip.place}"
    info = SourceInfo(
        name, "gpu", "gauge", "measured", AMDGPU_PERIOD_S, 0.0, GAIN,
        detail=f"amdgpu {power}" + (", which includes the CPU of this APU" if apu else ""),
        parts=(gpu, "cpu:*") if apu else (gpu,),
    )  # fmt: skip
    return FileGauge(info, [chip.power(power, name, opener)], AMDGPU_MAX_POWER_W)


def _intel_counter(chip: Chip, opener: Opener) -> FileCounter | Skipped:
    name = f"hwmon:{chip.name}-{chip.place}"
    energy = next((file for file in _INTEL_ENERGIES[chip.name] if chip.has(file)), None)
    if energy is None:
        return Skipped(name, "this GPU's driver shows no energy")
    gpu = f"gpu:{chip.pci_address or chip.place}"
    integrated = chip.pci_address == _INTEL_INTEGRATED
    info = SourceInfo(
        name, "gpu", "counter", "measured", INTEL_PERIOD_S, INTEL_UNIT_J, GAIN,
        detail=f"{chip.name} {energy}" + (", inside the CPU package" if integrated else ""),
        parts=(gpu, "cpu:*") if integrated else (gpu,),
    )  # fmt: skip
    file = chip.number(energy, name, opener)
    return FileCounter(info, file, INTEL_MAX_POWER_W, INTEL_RANGE_UJ)
