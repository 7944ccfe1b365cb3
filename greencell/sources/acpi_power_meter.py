"""ACPI power meters: the whole machine on many servers, the sockets of NVIDIA Grace.

Linux ``drivers/hwmon/acpi_power_meter.c``: ``power1_average`` in µW over the last
``power1_average_interval`` in ms, ``power1_is_battery``, and in ``power1_oem_info`` whatever the
maker says. On Grace and Grace Hopper that is ``KIND Power Socket N`` (NVIDIA Grace Performance
Tuning Guide, Power Telemetry), where ``Module`` holds ``Grace``, the GPU and its memory, and
``Grace`` holds ``CPU``, ``SysIO``, the memory and the losses of the regulators.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from greencell.model import Skipped, SourceInfo
from greencell.sources.file_source import FileGauge, refusal
from greencell.sources.hwmon_chip import Chip
from greencell.sources.sysfs_file import Opener, number_or_none, open_readonly
from greencell.units import S_PER_MS

GAIN: Final = 0.05
"""Standard gain error; judgement: makers state from 1 to 10 % in ``power1_accuracy``."""
DEFAULT_INTERVAL_S: Final = 1.0
"""Where the meter does not tell; the longest that Grace's firmware offers."""
MAX_INTERVAL_S: Final = 60.0
"""A meter that averages over longer says nothing of a cell."""
MAX_NODE_POWER_W: Final = 20_000.0
"""More than a machine with eight GPUs draws; firmware shows 4 MW where it knows nothing."""
MAX_SOCKET_POWER_W: Final = 1_000.0
_POWER: Final = "power1_average"
_GRACE: Final = re.compile(r"(Module|Grace|CPU|SysIO) Power Socket (\d+)", re.IGNORECASE)

_Sockets = dict[str, dict[str, Chip]]
"""Chips by kind, then by socket."""


def find_acpi_meters(
    chips: Sequence[Chip], opener: Opener = open_readonly
) -> tuple[list[FileGauge], list[Skipped]]:
    """Gauges of the whole machine and, on Grace, of its sockets, and the meters left out."""
    sockets: _Sockets = {}
    found: list[FileGauge] = []
    skipped: list[Skipped] = []
    for chip in chips:
        if chip.name != "power_meter":
            continue
        grace = _GRACE.fullmatch(chip.text("power1_oem_info", opener))
        if grace is not None:
            sockets.setdefault(grace[1].lower(), {})[grace[2]] = chip
        elif chip.text("power1_is_battery", opener) == "1":
            skipped.append(Skipped(f"acpi:{chip.place}", "this meter is that of a battery"))
        else:
            found.append(_gauge(f"acpi:{chip.place}", [chip], "ACPI power meter", opener))
    found += _grace_gauges(sockets, skipped, opener)
    refusals = [(gauge, refusal(gauge)) for gauge in found]
    skipped += [reason for _, reason in refusals if reason is not None]
    return [gauge for gauge, reason in refusals if reason is None], skipped


def _grace_gauges(sockets: _Sockets, skipped: list[Skipped], opener: Opener) -> list[FileGauge]:
    gauges: list[FileGauge] = []
    modules = sockets.get("module", {})
    if modules:
        what = "Grace Hopper modules with GPUs and memory"
        gauges.append(_gauge("acpi:modules", list(modules.values()), what, opener))
    grace = sockets.get("grace", {})
    for socket, chip in grace.items():
        gauges.append(_socket_gauge(chip, socket, "Grace socket with memory", opener))
    for socket, chip in sockets.get("cpu", {}).items():
        if socket in grace:
            reason = f"inside the Grace socket {socket}, which is read"
            skipped.append(Skipped(f"acpi:cpu-{socket}", reason))
        else:
            gauges.append(_socket_gauge(chip, socket, "CPU rail of Grace", opener, memory=False))
    for socket in sockets.get("sysio", {}):
        reason = "inside the Grace socket" if socket in grace else "feeds neither CPU nor memory"
        skipped.append(Skipped(f"acpi:sysio-{socket}", reason))
    return gauges


def _gauge(name: str, chips: Sequence[Chip], what: str, opener: Opener) -> FileGauge:
    """The whole machine, as the sum of these meters."""
    interval_s = max(_interval_s(chip, opener) for chip in chips)
    info = SourceInfo(
        name, "node", "gauge", "measured", interval_s, 0.0, GAIN,
        detail=f"{what}, averaged over {interval_s:g} s",
        scope="node", parts=("node:*",), lag_s=interval_s / 2,
    )  # fmt: skip
    rails = [chip.power(_POWER, name, opener) for chip in chips]
    return FileGauge(info, rails, MAX_NODE_POWER_W)


def _socket_gauge(
    chip: Chip, socket: str, what: str, opener: Opener, *, memory: bool = True
) -> FileGauge:
    name = f"acpi:{'grace' if memory else 'cpu'}-{socket}"
    interval_s = _interval_s(chip, opener)
    info = SourceInfo(
        name, "cpu", "gauge", "measured", interval_s, 0.0, GAIN,
        detail=f"{what}, averaged over {interval_s:g} s",
        parts=(f"cpu:{socket}", f"dram:{socket}") if memory else (f"cpu:{socket}",),
        lag_s=interval_s / 2,
    )  # fmt: skip
    return FileGauge(info, [chip.power(_POWER, name, opener)], MAX_SOCKET_POWER_W)


def _interval_s(chip: Chip, opener: Opener) -> float:
    """Over how long the meter averages; the mean over it is late by half of that."""
    interval_ms = number_or_none(chip.folder / f"{_POWER}_interval", opener)
    interval_s = (interval_ms or 0) * S_PER_MS
    return interval_s if 0 < interval_s <= MAX_INTERVAL_S else DEFAULT_INTERVAL_S
