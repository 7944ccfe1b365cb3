"""Sources that are nothing but numbers in files: a gauge over some, a counter over one."""

from __future__ import annotations

import errno
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from greencell.errors import Asleep, ReadFailed
from greencell.model import Skipped, SourceInfo
from greencell.sources.plausible import most_w, read_possible_w
from greencell.sources.sysfs_file import SysfsNumber
from greencell.units import J_PER_UJ

MAX_ENERGY_UJ: Final = 2**63 - 1
"""hwmon shows energies as a C ``long``; more than that is no reading."""


@dataclass(frozen=True, slots=True)
class Rail:
    """A wire whose power is the product of numbers in files, e.g. of voltage and current.

    Attributes:
        w_per_unit: watts in one unit of that product.
    """

    files: tuple[SysfsNumber, ...]
    w_per_unit: float

    def read_w(self) -> float:
        """Power now, in W; of a signed current only the size counts."""
        return abs(math.prod(file.read() for file in self.files)) * self.w_per_unit


class FileGauge:
    """Power as the sum over rails.

    Args:
        info: what it is.
        rails: what adds up to it; one for a device that shows its power itself.
        max_power_w: highest plausible power; more is no reading.
    """

    def __init__(self, info: SourceInfo, rails: Sequence[Rail], max_power_w: float) -> None:
        self.info = info
        self._rails = rails
        self.max_power_w = max_power_w

    def read_w(self) -> float:
        return sum(rail.read_w() for rail in self._rails)

    def close(self) -> None:
        for rail in self._rails:
            for file in rail.files:
                file.close()


class FileCounter:
    """Energy in µJ in one file.

    Args:
        info: what it is.
        file: holds µJ.
        max_power_w: highest plausible power; a step that implies more is a reset.
        range_units: µJ after which nothing can be said of a step; see ``EnergyCounter``.
    """

    joules_per_unit = J_PER_UJ

    def __init__(
        self,
        info: SourceInfo,
        file: SysfsNumber,
        max_power_w: float,
        range_units: int | None = None,
    ) -> None:
        self.info = info
        self.max_power_w = max_power_w
        self.range_units = range_units
        self._file = file

    def read(self) -> int:
        energy_uj = self._file.read()
        if energy_uj > MAX_ENERGY_UJ:
            raise ReadFailed(f"{self.info.id} shows {energy_uj} µJ, which cannot be")
        return energy_uj

    def close(self) -> None:
        self._file.close()


def refusal(
    source: FileGauge | FileCounter, remedy: str = "", caution: str = "", benefit: str = ""
) -> Skipped | None:
    """Why a source does not answer; ``None`` if it does, or will once its device is awake.

    Args:
        source: is read once, and closed if it is refused.
        remedy: what would open its files, should they be kept from this user.
        caution: what that would open besides.
        benefit: what would change with it.
    """
    try:
        if isinstance(source, FileGauge):
            read_possible_w(source, most_w(source))
        else:
            source.read()
    except Asleep:
        return None
    except ReadFailed as error:
        cause = error.__cause__
        if isinstance(cause, PermissionError) and cause.errno == errno.EPERM:
            # amdgpu's word, since Linux 6.15, for a GPU that sleeps; file modes say EACCES.
            return None
        source.close()
        if isinstance(cause, PermissionError):
            reason = "its file may not be read by this user"
            return Skipped(source.info.id, reason, remedy, "no-permission", caution, benefit)
        return Skipped(source.info.id, f"it does not answer: {error}")
    return None
