"""One NVIDIA GPU: what it is called, which hardware it is, and how its numbers are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from greencell.attribution import DeviceUse
from greencell.errors import ReadFailed, SourceGone
from greencell.sources.nvml_library import GONE, Handle, NvmlLibrary, code_of, text_of
from greencell.sources.nvml_use import UseReader
from greencell.sources.plausible import MOST_BOARD_W
from greencell.units import W_PER_MW

LIMIT_MARGIN: Final = 2.0
"""Highest plausible power over the enforced limit, which is kept on average only; judgement."""
_LONG_DOMAIN: Final = "0000"
"""NVML writes PCI domains with 8 digits, Linux with 4 as long as they fit."""
_DOMAIN_DIGITS: Final = 8


class NvmlDevice:
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
        self.uuid = text_of(library.call(nvml.nvmlDeviceGetUUID, handle))
        self.name = text_of(library.call(nvml.nvmlDeviceGetName, handle)) or f"GPU {index}"
        self.id = f"nvml:{self.uuid[:12]}" if self.uuid else f"nvml:{index}"
        self.part = f"gpu:{self._pci_bus_id() or self.uuid or index}"
        self.mig = _mig_enabled(library, handle)
        limit_mw = library.call(nvml.nvmlDeviceGetEnforcedPowerLimit, handle)
        limit_w = LIMIT_MARGIN * limit_mw * W_PER_MW if limit_mw else MOST_BOARD_W
        self.max_power_w = min(limit_w, MOST_BOARD_W)
        self._use = UseReader(library, handle, splits=not self.mig)

    @property
    def flags(self) -> tuple[str, ...]:
        """States that every figure of this GPU carries."""
        return ("mig",) if self.mig else ()

    @property
    def virtual(self) -> bool:
        """Whether it is a part of a GPU that a hypervisor lends to this machine."""
        nvml = self.library.nvml
        mode = self.library.call(nvml.nvmlDeviceGetVirtualizationMode, self.handle)
        return bool(mode == nvml.NVML_GPU_VIRTUALIZATION_MODE_VGPU)

    def read_units(self, function: Callable[[Handle], int]) -> int:
        """What an NVML function says of this GPU.

        Raises:
            ReadFailed: no answer this time.
            SourceGone: the GPU will never answer again.
        """
        try:
            return int(function(self.handle))
        except self.library.nvml.NVMLError as error:
            if code_of(error) in GONE:
                raise SourceGone(f"{self.id}: {error}") from error
            raise ReadFailed(f"{self.id}: {error}") from error

    def use(self, own_pids: frozenset[int]) -> DeviceUse | None:
        """Who used the GPU since the last call; ``None`` if that cannot be told."""
        return self._use.read(own_pids) if self._sees_pids else None

    def close(self) -> None:
        """Leave the library to its other users; idempotent."""
        if not self._closed:
            self._closed = True
            self.library.leave()

    def _pci_bus_id(self) -> str:
        """As Linux writes it, e.g. ``0000:01:00.0``; empty if the driver does not tell."""
        info = self.library.call(self.library.nvml.nvmlDeviceGetPciInfo, self.handle)
        bus_id = text_of(getattr(info, "busId", None)).lower()
        if bus_id.startswith(_LONG_DOMAIN) and bus_id.find(":") == _DOMAIN_DIGITS:
            return bus_id[len(_LONG_DOMAIN) :]
        return bus_id


def _mig_enabled(library: NvmlLibrary, handle: Handle) -> bool:
    modes = library.call(library.nvml.nvmlDeviceGetMigMode, handle)
    return bool(modes and modes[0] == library.nvml.NVML_DEVICE_MIG_ENABLE)
