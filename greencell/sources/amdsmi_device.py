"""One AMD GPU: what it is called, and how AMD SMI's answers about it become numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from greencell.errors import ReadFailed
from greencell.sources.amd_visible import uuid_of
from greencell.sources.amdsmi_library import AmdSmiLibrary, Handle
from greencell.units import J_PER_UJ

MAX_POWER_W: Final = 2_000.0
"""More than any board draws, and less than what stands for "unsupported", 65 535 and 2^32 - 1."""
_POWER_KEYS: Final = ("current_socket_power", "average_socket_power", "socket_power")
"""In W. The first is MI300's and newer, the second of those before (``amdsmi.h``)."""
_MAX_COUNT: Final = 2**64 - 1
_ENERGY_KEYS: Final = ("energy_accumulator", "power")
"""The second is what releases before ROCm 6.2 called the first."""


@dataclass(frozen=True, slots=True)
class Energy:
    """A reading of the counter, with the J in one of its units."""

    units: int
    joules_per_unit: float


class AmdDevice:
    """One GPU."""

    def __init__(self, library: AmdSmiLibrary, handle: Handle, index: int) -> None:
        amdsmi = library.amdsmi
        self._library = library
        self._handle = handle
        self._closed = False
        library.enter()
        bdf = library.call_or_none(amdsmi.amdsmi_get_gpu_device_bdf, handle)
        self.bdf = bdf.lower() if isinstance(bdf, str) else ""
        asic = library.call_or_none(amdsmi.amdsmi_get_gpu_asic_info, handle)
        told = asic if isinstance(asic, Mapping) else {}
        name = told.get("market_name")
        self.uuid = uuid_of(str(told.get("asic_serial", "")))
        self.name = name if isinstance(name, str) and name else f"AMD GPU {index}"
        self.id = f"amdsmi:{self.bdf or index}"
        self.part = f"gpu:{self.bdf or f'amd-{index}'}"

    def energy(self) -> Energy:
        """The energy counter now.

        Raises:
            ReadFailed, SourceGone: it does not answer, or not with an energy.
        """
        answer = self._library.call(self._library.amdsmi.amdsmi_get_energy_count, self._handle)
        units = _first(answer, _ENERGY_KEYS, _MAX_COUNT)
        resolution_uj = _first(answer, ("counter_resolution",), _MAX_COUNT)
        if units is None or not resolution_uj:
            raise ReadFailed(f"{self.id}: its energy counter yields no energy")
        return Energy(int(units), resolution_uj * J_PER_UJ)

    def power_w(self) -> float:
        """The power of its socket now.

        Raises:
            ReadFailed, SourceGone: it does not answer, or not with a power.
        """
        answer = self._library.call(self._library.amdsmi.amdsmi_get_power_info, self._handle)
        power_w = _first(answer, _POWER_KEYS, MAX_POWER_W)
        if power_w is None:
            raise ReadFailed(f"{self.id}: it shows no power")
        return power_w

    def close(self) -> None:
        """Leave the library to its other users; idempotent."""
        if not self._closed:
            self._closed = True
            self._library.leave()


def _first(answer: Any, keys: Sequence[str], highest: float) -> float | None:
    """The first of these that is a number other than 0; 0 if one of them is; else ``None``.

    The bindings write ``"N/A"``, or the highest number of its width, for what a GPU lacks.
    """
    if not isinstance(answer, Mapping):
        return None
    numbers = [answer.get(key) for key in keys]
    # What is not a number is neither above nor below one.
    valid = [
        number for number in numbers if isinstance(number, (int, float)) and 0 <= number <= highest
    ]
    return next((number for number in valid if number), valid[0] if valid else None)
