"""Which power reading of an NVIDIA GPU to integrate, where it counts no energy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from greencell.sources.nvml_device import NvmlDevice
from greencell.sources.nvml_library import Handle, Nvml, NvmlLibrary

AVERAGE_LAG_S: Final = 0.5
"""A mean over the last second, which is how ``nvml.h`` describes it, is half of that late."""
_FIELD_POWER_AVERAGE: Final = 185
_FIELD_POWER_INSTANT: Final = 186
"""``NVML_FI_DEV_POWER_AVERAGE`` and ``NVML_FI_DEV_POWER_INSTANT`` of ``nvml.h``."""
_SCOPE_GPU: Final = 0
_SCOPE_MODULE: Final = 1
"""``NVML_POWER_SCOPE_…`` of ``nvml.h``; a module is a superchip, CPU and GPU."""
_ARCH_AMPERE: Final = 7
"""``NVML_DEVICE_ARCH_AMPERE``; newer architectures have higher numbers."""
_GA100_CAPABILITY: Final = (8, 0)
"""CUDA compute capability of GA100; Ampere's other chips have 8.6 and 8.7."""

PowerReader = Callable[[Handle], int]


@dataclass(frozen=True, slots=True)
class PowerReading:
    """A way to read power.

    Attributes:
        read_mw: power of a handle, in mW.
        what: for a person.
        lag_s: by how much it is late.
        whole_module: whether it holds the CPU of a superchip too.
    """

    read_mw: PowerReader
    what: str
    lag_s: float = 0.0
    whole_module: bool = False


def power_readings(device: NvmlDevice) -> list[PowerReading]:
    """All readings that a GPU may have, the best first.

    Instant power; on superchips that show it for the whole module only, that; else the mean of
    the last second, which is late.
    """
    nvml = device.library.nvml
    usage_lag_s = AVERAGE_LAG_S if _usage_is_averaged(device) else 0.0
    module = "NVML power of the whole superchip, CPU included"
    return [
        PowerReading(_field_mw(nvml, _FIELD_POWER_INSTANT, _SCOPE_GPU), "NVML power"),
        PowerReading(
            _field_mw(nvml, _FIELD_POWER_INSTANT, _SCOPE_MODULE), module, whole_module=True
        ),
        PowerReading(
            _field_mw(nvml, _FIELD_POWER_AVERAGE, _SCOPE_GPU), "NVML mean power", AVERAGE_LAG_S
        ),
        PowerReading(nvml.nvmlDeviceGetPowerUsage, "NVML power", usage_lag_s),
    ]


def choose_power(device: NvmlDevice) -> PowerReading | Exception:
    """The best reading that works, or why the last one does not."""
    failure: Exception | None = None
    for reading in power_readings(device):
        failure = device.library.failure(reading.read_mw, device.handle)
        if failure is None:
            return reading
    assert failure is not None  # the list is not empty
    return failure


def _field_mw(nvml: Nvml, field: int, scope: int) -> PowerReader:
    # The bindings have taken a bare number for longer than a pair.
    request = field if scope == _SCOPE_GPU else (field, scope)

    def field_mw(handle: Handle) -> int:
        (value,) = nvml.nvmlDeviceGetFieldValues(handle, [request])
        if value.nvmlReturn != nvml.NVML_SUCCESS:
            raise nvml.NVMLError(value.nvmlReturn)
        return int(value.value.uiVal)

    return field_mw


def _usage_is_averaged(device: NvmlDevice) -> bool:
    """``nvmlDeviceGetPowerUsage`` is a mean from Ampere on, except on GA100 (``nvml.h``).

    A driver that does not know architectures is older than Ampere.
    """
    library: NvmlLibrary = device.library
    architecture = library.call(library.nvml.nvmlDeviceGetArchitecture, device.handle)
    if architecture is None or architecture < _ARCH_AMPERE:
        return False
    capability = library.call(library.nvml.nvmlDeviceGetCudaComputeCapability, device.handle)
    return capability is None or tuple(capability) != _GA100_CAPABILITY
