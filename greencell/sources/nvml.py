"""NVIDIA GPUs through NVML, with the maintained bindings ``nvidia-ml-py`` (module ``pynvml``).

Volta and newer count energy in mJ since the driver was loaded; older ones only show power,
which is integrated. Every call may fail at any time, and each failure has one meaning: later
again, or never again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from greencell.errors import ReadFailed, SourceGone
from greencell.model import Skipped, SourceInfo
from greencell.sources.cuda_visible import PCI_ORDER_REMEDY, is_order_uncertain, visible_gpus
from greencell.sources.nvml_library import (
    GONE,
    Handle,
    Nvml,
    NvmlLibrary,
    code_of,
    left_out,
    open_library,
    unavailable,
)
from greencell.units import J_PER_MJ, W_PER_MW

COUNTER_PERIOD_S: Final = 0.1
"""The counter's update period: 20 to 100 ms by device (PETSc manual, ml.energy)."""
GAUGE_PERIOD_S: Final = 0.1
GAIN: Final = 0.05
"""Standard gain error: arXiv 2312.02741, s.d. 4.6 % over 16 boards."""
MAX_POWER_W: Final = 2_000.0
LIMIT_MARGIN: Final = 1.5
"""Highest plausible power over the enforced limit, which is kept on average only; judgement."""
_FIELD_POWER_INSTANT: Final = 186
"""``NVML_FI_DEV_POWER_INSTANT`` of ``nvml.h``; ``nvmlDeviceGetPowerUsage`` averages over 1 s."""
_INITIAL_PID_NAMESPACE: Final = "pid:[4026531836]"
"""``PROC_PID_INIT_INO`` of Linux ``include/linux/proc_ns.h``."""


class _Device:
    """What the counter and the gauge of a GPU have in common."""

    def __init__(
        self, library: NvmlLibrary, handle: Handle, index: int, *, sees_pids: bool
    ) -> None:
        nvml = library.nvml
        self.library = library
        self.handle = handle
        self._sees_pids = sees_pids
        self._closed = False
        library.enter()
        self.uuid = _text(library.call(nvml.nvmlDeviceGetUUID, handle))
        self.name = _text(library.call(nvml.nvmlDeviceGetName, handle)) or f"GPU {index}"
        self.id = f"nvml:{self.uuid[:12]}" if self.uuid else f"nvml:{index}"
        self.mig = _mig_enabled(library, handle)
        limit_mw = library.call(nvml.nvmlDeviceGetEnforcedPowerLimit, handle)
        self.max_power_w = LIMIT_MARGIN * limit_mw * W_PER_MW if limit_mw else MAX_POWER_W

    @property
    def flags(self) -> tuple[str, ...]:
        return ("mig",) if self.mig else ()

    def read_units(self, function: Callable[[Handle], int]) -> int:
        try:
            return int(function(self.handle))
        except self.library.nvml.NVMLError as error:
            if code_of(error) in GONE:
                raise SourceGone(f"{self.id}: {error}") from error
            raise ReadFailed(f"{self.id}: {error}") from error

    def other_processes(self, own_pids: frozenset[int]) -> bool | None:
        if not self._sees_pids:
            return None
        nvml = self.library.nvml
        running = self.library.call(nvml.nvmlDeviceGetComputeRunningProcesses, self.handle)
        if running is None:
            return None
        return any(process.pid not in own_pids for process in running)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.library.leave()


class NvmlCounter:
    """The energy counter of one GPU, in mJ."""

    joules_per_unit = J_PER_MJ
    range_units: int | None = None  # 64 bits of mJ: longer than any machine lives

    def __init__(self, device: _Device) -> None:
        self._device = device
        self._function = device.library.nvml.nvmlDeviceGetTotalEnergyConsumption
        self.max_power_w = device.max_power_w
        self.info = SourceInfo(
            device.id, "gpu", "counter", "measured", COUNTER_PERIOD_S, J_PER_MJ, GAIN,
            detail=f"{device.name}, NVML energy counter", flags=device.flags,
        )  # fmt: skip

    def read(self) -> int:
        return self._device.read_units(self._function)

    def other_processes(self, own_pids: frozenset[int]) -> bool | None:
        return self._device.other_processes(own_pids)

    def close(self) -> None:
        self._device.close()


class NvmlGauge:
    """The power reading of one GPU without an energy counter."""

    def __init__(self, device: _Device, function: Callable[[Handle], int]) -> None:
        self._device = device
        self._function = function
        self.info = SourceInfo(
            device.id, "gpu", "gauge", "measured", GAUGE_PERIOD_S, 0.0, GAIN,
            detail=f"{device.name}, NVML power, integrated", flags=device.flags,
        )  # fmt: skip

    def read_w(self) -> float:
        return self._device.read_units(self._function) * W_PER_MW

    def other_processes(self, own_pids: frozenset[int]) -> bool | None:
        return self._device.other_processes(own_pids)

    def close(self) -> None:
        self._device.close()


def find_gpus(
    environment: Mapping[str, str], nvml: Nvml | None = None, procfs_root: Path = Path("/proc")
) -> tuple[list[NvmlCounter | NvmlGauge], list[Skipped]]:
    """A source for each GPU this process may use, and the reason for each that has none.

    ``CUDA_VISIBLE_DEVICES`` is honoured. Its indices are taken in PCI order, NVML's own, which
    is CUDA's too when ``CUDA_DEVICE_ORDER=PCI_BUS_ID``.

    Args:
        environment: the process's.
        nvml: stands in for the module ``pynvml``.
        procfs_root: tells whether the driver's process numbers mean ours.

    Raises:
        SourceUnavailable: there is no driver, or it does not answer.
    """
    library = open_library(nvml)
    try:
        count = int(library.nvml.nvmlDeviceGetCount())
    except library.nvml.NVMLError as error:
        library.call(library.nvml.nvmlShutdown)
        raise unavailable(error) from error
    library.enter()  # keeps the library while devices come and go
    skipped: list[Skipped] = []
    try:
        devices = _devices(library, count, skipped, sees_pids=_sees_pids(procfs_root))
        sources = _sources(library, devices, environment, skipped)
    finally:
        library.leave()
    if count == 0:
        skipped.append(Skipped("nvml", "the driver knows no GPU"))
    return sources, skipped


def _devices(
    library: NvmlLibrary, count: int, skipped: list[Skipped], *, sees_pids: bool
) -> list[_Device | None]:
    """All GPUs by index; ``None`` for those that do not open."""
    devices: list[_Device | None] = []
    for index in range(count):
        try:
            handle = library.nvml.nvmlDeviceGetHandleByIndex(index)
        except library.nvml.NVMLError as error:
            skipped.append(left_out(f"nvml:{index}", error, "the driver does not open this GPU"))
            devices.append(None)
        else:
            devices.append(_Device(library, handle, index, sees_pids=sees_pids))
    return devices


def _sources(
    library: NvmlLibrary,
    devices: Sequence[_Device | None],
    environment: Mapping[str, str],
    skipped: list[Skipped],
) -> list[NvmlCounter | NvmlGauge]:
    sources: list[NvmlCounter | NvmlGauge] = []
    uuids = [device.uuid if device is not None else "" for device in devices]
    names = [device.name for device in devices if device is not None]
    visible = visible_gpus(environment, uuids, lambda mig: _parent_uuid(library, mig))
    remedy = PCI_ORDER_REMEDY if is_order_uncertain(environment, names) else ""
    for index, device in enumerate(devices):
        if device is None:
            continue
        if index not in visible:
            skipped.append(Skipped(device.id, "CUDA_VISIBLE_DEVICES leaves it out", remedy))
            device.close()
            continue
        source = _source(library, device, skipped)
        if source is None:
            device.close()
        else:
            sources.append(source)
    return sources


def _source(
    library: NvmlLibrary, device: _Device, skipped: list[Skipped]
) -> NvmlCounter | NvmlGauge | None:
    """The energy counter; else instant power; else power that is averaged over a second."""
    nvml = library.nvml
    if library.failure(nvml.nvmlDeviceGetTotalEnergyConsumption, device.handle) is None:
        return NvmlCounter(device)
    instant_mw = _instant_mw(nvml)
    if library.failure(instant_mw, device.handle) is None:
        return NvmlGauge(device, instant_mw)
    failure = library.failure(nvml.nvmlDeviceGetPowerUsage, device.handle)
    if failure is None:
        return NvmlGauge(device, nvml.nvmlDeviceGetPowerUsage)
    what = f"{device.name} shows neither energy nor power"
    skipped.append(left_out(device.id, failure, what))
    return None


def _instant_mw(nvml: Nvml) -> Callable[[Handle], int]:
    def instant_mw(handle: Handle) -> int:
        (value,) = nvml.nvmlDeviceGetFieldValues(handle, [_FIELD_POWER_INSTANT])
        if value.nvmlReturn != nvml.NVML_SUCCESS:
            raise nvml.NVMLError(value.nvmlReturn)
        return int(value.value.uiVal)

    return instant_mw


def _parent_uuid(library: NvmlLibrary, mig_uuid: str) -> str:
    """The UUID of the GPU that holds a MIG instance; empty if the driver does not tell."""
    nvml = library.nvml
    instance = library.call(nvml.nvmlDeviceGetHandleByUUID, mig_uuid)
    if instance is None:
        return ""
    parent = library.call(nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle, instance)
    return "" if parent is None else _text(library.call(nvml.nvmlDeviceGetUUID, parent))


def _mig_enabled(library: NvmlLibrary, handle: Handle) -> bool:
    modes = library.call(library.nvml.nvmlDeviceGetMigMode, handle)
    return bool(modes and modes[0] == library.nvml.NVML_DEVICE_MIG_ENABLE)


def _sees_pids(procfs_root: Path) -> bool:
    """Whether process numbers of the driver, which are the host's, are the same here.

    In a PID namespace of its own (a container) they are not, or the driver shows none.
    """
    try:
        return os.readlink(procfs_root / "self/ns/pid") == _INITIAL_PID_NAMESPACE
    except OSError:
        return True  # no namespaces on this system


def _text(value: str | bytes | None) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value or ""
