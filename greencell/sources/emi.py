"""Windows' Energy Meter Interface: RAPL for every user, without a driver of one's own.

Windows 11 shows the counters of Intel's and AMD's processors there on bare metal, in picowatt
hours; Windows 10 only those of meters that a machine's maker built in.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from greencell.errors import ReadFailed, SourceGone, SourceUnavailable
from greencell.model import Component, Skipped, SourceInfo
from greencell.sources.emi_buffers import (
    MEASUREMENT_BYTES,
    SIZE_BYTES,
    UNIT_PICOWATT_HOURS,
    VERSION_BYTES,
    Channel,
    Malformed,
    parse_energies,
    parse_metadata,
    parse_metadata_size,
    parse_version,
)
from greencell.sources.emi_device import (
    ACCESS_DENIED,
    GONE,
    IOCTL_GET_MEASUREMENT,
    IOCTL_GET_METADATA,
    IOCTL_GET_METADATA_SIZE,
    IOCTL_GET_VERSION,
    EmiDevice,
    OpenDevice,
    Windows,
    WindowsRefusal,
    device_paths,
)
from greencell.sources.shared_reading import SharedReading

J_PER_PWH: Final = 3.6e-9
"""Joules in one picowatt hour (exact)."""
UPDATE_PERIOD_S: Final = 0.001
UNIT_J: Final = 61.035e-6
"""Period and commonest step of the RAPL registers behind it: Intel SDM volume 3B 14.9."""
MAX_POWER_W: Final = 1_000.0
"""More than any package draws; a step that implies more is a reset."""
GAIN_INTEL: Final = 0.03
GAIN_AMD: Final = 0.05
GAIN_DRAM: Final = 0.10
"""Standard gain errors: judgement after Hackenberg 2015, Khan 2018, Desrochers 2016."""
_CHANNEL: Final = re.compile(r"RAPL_Package(\d{1,4})_(PKG|DRAM)", re.ASCII)
_INSIDE: Final = re.compile(r"RAPL_Package\d+_(PP0|PP1|Core\d+_CORE)", re.ASCII)
"""Cores and graphics, which lie inside the package."""
_COMPONENTS: Final[Mapping[str, Component]] = {"PKG": "cpu", "DRAM": "dram"}
_REFUSED: Final = "this user may not read the energy meter"

Opener = Callable[[], Iterable[tuple[str, EmiDevice | WindowsRefusal]]]


class _Meter:
    """One device: all its channels come with one measurement; closed with its last channel."""

    def __init__(self, device: EmiDevice) -> None:
        self._device = device
        self._users = 0
        version = parse_version(device.control(IOCTL_GET_VERSION, VERSION_BYTES))
        size = parse_metadata_size(device.control(IOCTL_GET_METADATA_SIZE, SIZE_BYTES))
        self.channels: tuple[Channel, ...] = parse_metadata(
            version, device.control(IOCTL_GET_METADATA, size)
        )
        self.reading = SharedReading(self.energies_pwh, UPDATE_PERIOD_S)

    def energies_pwh(self) -> tuple[int, ...]:
        """The energy of each channel, in pWh."""
        count = len(self.channels)
        try:
            data = self._device.control(IOCTL_GET_MEASUREMENT, count * MEASUREMENT_BYTES)
            return parse_energies(data, count)
        except WindowsRefusal as error:
            if error.code in GONE:
                raise SourceGone(f"energy meter: {error}") from error
            raise ReadFailed(f"energy meter: {error}") from error
        except Malformed as error:
            raise ReadFailed(f"energy meter: {error}") from error

    def enter(self) -> None:
        self._users += 1

    def leave(self) -> None:
        self._users -= 1
        if self._users == 0:
            self._device.close()


class EmiCounter:
    """One channel of a device, in pWh.

    Attributes:
        first_units: what it showed when it was found, with all others of its device at the same
            moment. Two packages that show the same are dies which mirror one socket.
    """

    joules_per_unit = J_PER_PWH
    range_units: int | None = None  # 64 bits of pWh are 66 GJ
    max_power_w = MAX_POWER_W

    def __init__(self, meter: _Meter, index: int, first_units: int, *, amd: bool) -> None:
        self.first_units = first_units
        self._meter = meter
        self._index = index
        self._closed = False
        name = meter.channels[index].name
        match = _CHANNEL.fullmatch(name)
        assert match is not None  # only such channels become counters
        socket, component = match[1], _COMPONENTS[match[2]]
        kind = "package" if component == "cpu" else component
        gains = {"cpu": GAIN_AMD if amd else GAIN_INTEL, "dram": GAIN_DRAM}
        self.info = SourceInfo(
            f"emi:{kind}-{socket}", component, "counter", "measured", UPDATE_PERIOD_S, UNIT_J,
            gains[component], detail=f"Windows energy meter {name}",
            parts=(f"{component}:{int(socket)}",),
        )  # fmt: skip
        meter.enter()

    def read(self) -> int:
        if self._closed:
            raise ReadFailed(f"{self.info.id} is closed")
        return self._meter.reading.get(self.info.id)[self._index]

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._meter.leave()


def find_emi(
    system: str = sys.platform, *, amd: bool, open_devices: Opener | None = None
) -> tuple[list[EmiCounter], list[Skipped]]:
    """Counters of all packages and memories that Windows meters.

    Args:
        system: the platform, as in ``sys.platform``.
        amd: whether AMD made the processor.
        open_devices: stands in for the machine's energy meters.

    Raises:
        SourceUnavailable: this is not Windows, or it has no energy meter.
    """
    if system != "win32":
        raise SourceUnavailable("not Windows")
    counters: list[EmiCounter] = []
    skipped: list[Skipped] = []
    found = False
    try:
        for path, device in (open_devices or _open_devices)():
            found = True
            if isinstance(device, WindowsRefusal):
                skipped.append(_left_out(path, device))
            else:
                counters += _counters(path, device, skipped, amd=amd)
    except WindowsRefusal as error:
        raise SourceUnavailable(f"Windows does not list its energy meters: {error}") from error
    if not found:
        raise SourceUnavailable(
            "Windows has no energy meter here, as on virtual machines and before Windows 11"
        )
    if not counters and not skipped:
        skipped.append(Skipped("emi", "Windows' energy meters count no package here"))
    return counters, skipped


def _counters(
    path: str, device: EmiDevice, skipped: list[Skipped], *, amd: bool
) -> list[EmiCounter]:
    counters: list[EmiCounter] = []
    try:
        meter = _Meter(device)
        first_pwh = meter.energies_pwh()
        for index, channel in enumerate(meter.channels):
            if _INSIDE.fullmatch(channel.name):
                continue
            if not _CHANNEL.fullmatch(channel.name):
                reason = "what this channel of an energy meter holds is not known"
                skipped.append(Skipped(f"emi:{channel.name}", reason))
            elif channel.unit != UNIT_PICOWATT_HOURS:
                reason = f"its unit of energy, number {channel.unit}, is not known"
                skipped.append(Skipped(f"emi:{channel.name}", reason))
            else:
                counters.append(EmiCounter(meter, index, first_pwh[index], amd=amd))
    except (WindowsRefusal, Malformed, ReadFailed, SourceGone) as error:
        skipped.append(_left_out(path, error))
    if not counters:
        device.close()
    return counters


def _left_out(path: str, error: Exception) -> Skipped:
    if isinstance(error, WindowsRefusal) and error.code == ACCESS_DENIED:
        return Skipped(f"emi:{path}", _REFUSED, flag="no-permission")
    return Skipped(f"emi:{path}", f"the energy meter does not answer: {error}")


def _open_devices() -> Iterable[tuple[str, EmiDevice | WindowsRefusal]]:
    windows = Windows()
    for path in device_paths(windows):
        device: EmiDevice | WindowsRefusal
        try:
            device = OpenDevice(windows, path)
        except WindowsRefusal as refusal:
            device = refusal
        yield path, device
