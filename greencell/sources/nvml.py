"""NVIDIA GPUs through NVML, with the maintained bindings ``nvidia-ml-py`` (module ``pynvml``).

Volta and newer count energy in mJ since the driver was loaded; older ones only show power,
which is integrated. Every call may fail at any time, and each failure has one meaning: later
again, or never again.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Final

from greencell.errors import ReadFailed, SourceGone, SourceUnavailable
from greencell.model import Skipped, SourceInfo
from greencell.units import J_PER_MJ, W_PER_MW

COUNTER_PERIOD_S: Final = 0.1
"""The counter's update period: 20 to 100 ms by device (PETSc manual, ml.energy)."""
GAUGE_PERIOD_S: Final = 0.1
GAIN: Final = 0.05
"""Standard gain error: arXiv 2312.02741, s.d. 4.6 % over 16 boards."""
MAX_POWER_W: Final = 2_000.0
_FIELD_POWER_INSTANT: Final = 186
"""``NVML_FI_DEV_POWER_INSTANT`` of ``nvml.h``; ``nvmlDeviceGetPowerUsage`` averages over 1 s."""

Nvml = ModuleType | Any
Handle = Any


class NvmlLibrary:
    """The library, initialised; shut down when its last device is closed."""

    def __init__(self, nvml: Nvml) -> None:
        self.nvml = nvml
        self._users = 0

    def enter(self) -> None:
        """One more device uses the library."""
        self._users += 1

    def leave(self) -> None:
        """One device less."""
        self._users -= 1
        if self._users == 0:
            self.call(self.nvml.nvmlShutdown)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The result of an NVML call, or ``None`` if it failed in any way; for decorations."""
        try:
            return function(*arguments)
        except self.nvml.NVMLError:
            return None


class _Device:
    """What the counter and the gauge of a GPU have in common."""

    def __init__(self, library: NvmlLibrary, handle: Handle, index: int) -> None:
        nvml = library.nvml
        self.library = library
        self.handle = handle
        self._closed = False
        library.enter()
        self.uuid = _text(library.call(nvml.nvmlDeviceGetUUID, handle))
        self.name = _text(library.call(nvml.nvmlDeviceGetName, handle)) or f"GPU {index}"
        self.id = f"nvml:{self.uuid[:12]}" if self.uuid else f"nvml:{index}"
        self.mig = _mig_enabled(library, handle)
        limit_mw = library.call(nvml.nvmlDeviceGetEnforcedPowerLimit, handle)
        self.max_power_w = 3 * limit_mw * W_PER_MW if limit_mw else MAX_POWER_W

    @property
    def flags(self) -> tuple[str, ...]:
        return ("mig",) if self.mig else ()

    def read_units(self, function: Callable[[Handle], int]) -> int:
        nvml = self.library.nvml
        try:
            return int(function(self.handle))
        except nvml.NVMLError as error:
            code = getattr(error, "value", None)
            if code in (nvml.NVML_ERROR_GPU_IS_LOST, nvml.NVML_ERROR_RESET_REQUIRED):
                raise SourceGone(f"{self.id}: {error}") from error
            raise ReadFailed(f"{self.id}: {error}") from error

    def other_processes(self, own_pids: frozenset[int]) -> bool | None:
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

    def __init__(self, device: _Device) -> None:
        self._device = device
        self._function = _power_function(device)
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
    environment: Mapping[str, str], nvml: Nvml | None = None
) -> tuple[list[NvmlCounter | NvmlGauge], list[Skipped]]:
    """A source for each GPU this process may use, and the reason for each that has none.

    ``CUDA_VISIBLE_DEVICES`` is honoured. Its indices are taken in PCI order, NVML's own, which
    is CUDA's too when ``CUDA_DEVICE_ORDER=PCI_BUS_ID``.

    Raises:
        SourceUnavailable: there is no driver, or no GPU.
    """
    library = _initialised(nvml if nvml is not None else _bindings())
    try:
        count = int(library.nvml.nvmlDeviceGetCount())
    except library.nvml.NVMLError as error:
        library.call(library.nvml.nvmlShutdown)
        raise SourceUnavailable(f"NVML does not count its GPUs: {error}") from error
    library.enter()  # keeps the library while devices come and go
    try:
        return _sources(library, count, environment)
    finally:
        library.leave()


def _sources(
    library: NvmlLibrary, count: int, environment: Mapping[str, str]
) -> tuple[list[NvmlCounter | NvmlGauge], list[Skipped]]:
    sources: list[NvmlCounter | NvmlGauge] = []
    skipped: list[Skipped] = []
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    for index in range(count):
        handle = library.call(library.nvml.nvmlDeviceGetHandleByIndex, index)
        if handle is None:
            skipped.append(Skipped(f"nvml:{index}", "the driver does not open this GPU"))
            continue
        device = _Device(library, handle, index)
        if not is_visible(visible, index, device.uuid):
            skipped.append(Skipped(device.id, "CUDA_VISIBLE_DEVICES leaves it out"))
            device.close()
            continue
        source = _source(library, device)
        if source is None:
            skipped.append(Skipped(device.id, f"{device.name} shows neither energy nor power"))
            device.close()
            continue
        sources.append(source)
    if count == 0:
        skipped.append(Skipped("nvml", "the driver knows no GPU"))
    return sources, skipped


def _source(library: NvmlLibrary, device: _Device) -> NvmlCounter | NvmlGauge | None:
    nvml = library.nvml
    if library.call(nvml.nvmlDeviceGetTotalEnergyConsumption, device.handle) is not None:
        return NvmlCounter(device)
    if library.call(nvml.nvmlDeviceGetPowerUsage, device.handle) is not None:
        return NvmlGauge(device)
    return None


def is_visible(visible: str | None, index: int, uuid: str) -> bool:
    """Whether ``CUDA_VISIBLE_DEVICES`` shows a GPU; an entry is an index or a UUID's beginning.

    As in CUDA, what stands behind an entry that means nothing is not seen.
    """
    if visible is None:
        return True
    for entry in (part.strip() for part in visible.split(",")):
        if entry.isdigit():
            if int(entry) == index:
                return True
        elif entry.startswith(("GPU-", "MIG-")):
            if uuid.startswith(entry):
                return True
        else:
            return False
    return False


def _bindings() -> Nvml:
    if sys.platform == "linux" and not _library_is_there():
        raise SourceUnavailable("no NVIDIA driver on this machine")
    try:
        import pynvml  # large, so only where there is a driver
    except ImportError as error:
        raise SourceUnavailable(
            "the NVML bindings are not installed", "pip install nvidia-ml-py"
        ) from error
    return pynvml


def _library_is_there() -> bool:
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return False
    return True


def _initialised(nvml: Nvml) -> NvmlLibrary:
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        if getattr(error, "value", None) == nvml.NVML_ERROR_LIBRARY_NOT_FOUND:
            raise SourceUnavailable("no NVIDIA driver on this machine") from error
        raise SourceUnavailable(
            f"the NVIDIA driver does not answer: {error}", "nvidia-smi shows what is wrong with it"
        ) from error
    return NvmlLibrary(nvml)


def _power_function(device: _Device) -> Callable[[Handle], int]:
    """Instant power where the driver knows it, else the reading that averages over a second."""
    nvml = device.library.nvml

    def instant_mw(handle: Handle) -> int:
        (value,) = nvml.nvmlDeviceGetFieldValues(handle, [_FIELD_POWER_INSTANT])
        if value.nvmlReturn != nvml.NVML_SUCCESS:
            raise nvml.NVMLError(value.nvmlReturn)
        return int(value.value.uiVal)

    if device.library.call(instant_mw, device.handle) is not None:
        return instant_mw
    function: Callable[[Handle], int] = nvml.nvmlDeviceGetPowerUsage
    return function


def _mig_enabled(library: NvmlLibrary, handle: Handle) -> bool:
    modes = library.call(library.nvml.nvmlDeviceGetMigMode, handle)
    return bool(modes and modes[0] == library.nvml.NVML_DEVICE_MIG_ENABLE)


def _text(value: str | bytes | None) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value or ""
