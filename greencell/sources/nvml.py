"""NVIDIA GPUs through NVML, with the maintained bindings ``nvidia-ml-py`` (module ``pynvml``).

Volta and newer count energy in mJ since the driver was loaded; older ones only show power,
which is integrated; those that show neither but how busy they are have a model. Every call may
fail at any time, and each failure has one meaning: later again, or never again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from greencell.attribution import DeviceUse
from greencell.model import Skipped, SourceInfo
from greencell.sources.cuda_visible import PCI_ORDER_REMEDY, is_order_uncertain, visible_gpus
from greencell.sources.nvml_device import NvmlDevice
from greencell.sources.nvml_library import (
    Nvml,
    NvmlLibrary,
    code_of,
    left_out,
    open_library,
    text_of,
    unavailable,
)
from greencell.sources.nvml_model import NvmlModel, board_of, shows_utilisation
from greencell.sources.nvml_power import PowerReading, choose_power
from greencell.sources.plausible import MOST_BOARD_W
from greencell.units import J_PER_MJ, W_PER_MW

COUNTER_PERIOD_S: Final = 0.1
"""The counter's update period: 20 to 100 ms by device (PETSc manual, ml.energy)."""
GAUGE_PERIOD_S: Final = 0.1
GAIN: Final = 0.05
"""Standard gain error: arXiv 2312.02741, s.d. 4.6 % over 16 boards."""
EVERY_CPU: Final = "cpu:*"
VIRTUAL_REASON: Final = "a virtual GPU shows neither energy nor power"
UNKNOWN_BOARD: Final = "and {} is in no table of design powers, so there is no model of it either"
UNKNOWN_LOAD: Final = "and does not tell how busy it is, so there is no model of it either"
_NOT_SUPPORTED: Final = 3
"""``NVML_ERROR_NOT_SUPPORTED``."""
_INITIAL_PID_NAMESPACE: Final = "pid:[4026531836]"
"""``PROC_PID_INIT_INO`` of Linux ``include/linux/proc_ns.h``."""


class NvmlCounter:
    """The energy counter of one GPU, in mJ."""

    joules_per_unit = J_PER_MJ
    range_units: int | None = None  # 64 bits of mJ: longer than any machine lives

    def __init__(self, device: NvmlDevice) -> None:
        self._device = device
        self._function = device.library.nvml.nvmlDeviceGetTotalEnergyConsumption
        self.max_power_w = device.max_power_w
        self.info = SourceInfo(
            device.id, "gpu", "counter", "measured", COUNTER_PERIOD_S, J_PER_MJ, GAIN,
            detail=f"{device.name}, NVML energy counter", flags=device.flags,
            parts=(device.part,),
        )  # fmt: skip

    def read(self) -> int:
        return self._device.read_units(self._function)

    def use(self, own_pids: frozenset[int]) -> DeviceUse | None:
        return self._device.use(own_pids)

    def close(self) -> None:
        self._device.close()


class NvmlGauge:
    """A power reading of one GPU without an energy counter."""

    def __init__(self, device: NvmlDevice, power: PowerReading) -> None:
        self._device = device
        self.max_power_w = MOST_BOARD_W if power.whole_module else device.max_power_w
        self._function = power.read_mw
        parts = (device.part, EVERY_CPU) if power.whole_module else (device.part,)
        self.info = SourceInfo(
            device.id, "gpu", "gauge", "measured", GAUGE_PERIOD_S, 0.0, GAIN,
            detail=f"{device.name}, {power.what}, integrated", flags=device.flags,
            parts=parts, lag_s=power.lag_s,
        )  # fmt: skip

    def read_w(self) -> float:
        return self._device.read_units(self._function) * W_PER_MW

    def use(self, own_pids: frozenset[int]) -> DeviceUse | None:
        return self._device.use(own_pids)

    def close(self) -> None:
        self._device.close()


NvmlSource = NvmlCounter | NvmlGauge | NvmlModel


def find_gpus(
    environment: Mapping[str, str], nvml: Nvml | None = None, procfs_root: Path = Path("/proc")
) -> tuple[list[NvmlSource], list[Skipped]]:
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
) -> list[NvmlDevice | None]:
    """All GPUs by index; ``None`` for those that do not open."""
    devices: list[NvmlDevice | None] = []
    for index in range(count):
        try:
            handle = library.nvml.nvmlDeviceGetHandleByIndex(index)
        except library.nvml.NVMLError as error:
            skipped.append(left_out(f"nvml:{index}", error, "the driver does not open this GPU"))
            devices.append(None)
        else:
            devices.append(NvmlDevice(library, handle, index, sees_pids=sees_pids))
    return devices


def _sources(
    library: NvmlLibrary,
    devices: Sequence[NvmlDevice | None],
    environment: Mapping[str, str],
    skipped: list[Skipped],
) -> list[NvmlSource]:
    sources: list[NvmlSource] = []
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


def _source(library: NvmlLibrary, device: NvmlDevice, skipped: list[Skipped]) -> NvmlSource | None:
    """The energy counter; else the best power reading; else, if it has neither, a model."""
    counter_mj = library.nvml.nvmlDeviceGetTotalEnergyConsumption
    if library.failure(counter_mj, device.handle) is None:
        return NvmlCounter(device)
    power = choose_power(device)
    if isinstance(power, PowerReading):
        return NvmlGauge(device, power)
    if code_of(power) != _NOT_SUPPORTED:  # it may have a meter, and the user can do something
        what = f"{device.name} shows neither energy nor power"
        skipped.append(left_out(device.id, power, what))
        return None
    board = board_of(device.name)
    virtual = device.virtual
    if board is not None and shows_utilisation(device):
        return NvmlModel(device, board, virtual=virtual)
    reason = VIRTUAL_REASON if virtual else f"{device.name} shows neither energy nor power"
    why = UNKNOWN_BOARD.format(device.name) if board is None else UNKNOWN_LOAD
    flag = "virtual" if virtual else "unsupported"
    skipped.append(Skipped(device.id, f"{reason}, {why}", flag=flag))
    return None


def _parent_uuid(library: NvmlLibrary, mig_uuid: str) -> str:
    """The UUID of the GPU that holds a MIG instance; empty if the driver does not tell."""
    nvml = library.nvml
    instance = library.call(nvml.nvmlDeviceGetHandleByUUID, mig_uuid)
    if instance is None:
        return ""
    parent = library.call(nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle, instance)
    return "" if parent is None else text_of(library.call(nvml.nvmlDeviceGetUUID, parent))


def _sees_pids(procfs_root: Path) -> bool:
    """Whether process numbers of the driver, which are the host's, are the same here.

    In a PID namespace of its own (a container) they are not, or the driver shows none.
    """
    try:
        return os.readlink(procfs_root / "self/ns/pid") == _INITIAL_PID_NAMESPACE
    except OSError:
        return True  # no namespaces on this system
