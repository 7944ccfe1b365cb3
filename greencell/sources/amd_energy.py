"""Energy of AMD's processors through the driver ``amd_energy``.

It was in Linux from 5.8 to 5.12 and lives on at github.com/amd/amd_energy. It adds up 64 bits of
µJ for each core (``Ecore000``) and each socket (``Esocket0``); a socket holds its cores.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from greencell.model import Skipped, SourceInfo
from greencell.sources.file_source import FileCounter, refusal
from greencell.sources.hwmon_chip import Chip
from greencell.sources.sysfs_file import Opener, SysfsNumber, open_readonly, text_or_none

UPDATE_PERIOD_S: Final = 0.001
"""Linux ``Documentation/hwmon/amd_energy.rst``: the registers are updated every 1 ms."""
UNIT_J: Final = 2.0**-16
"""The energy unit of all Zen processors."""
GAIN: Final = 0.05
"""Standard gain error, as for AMD's RAPL, which reads the same registers."""
MAX_POWER_W: Final = 1_000.0
CAUTION: Final = (
    "it lets every user of this machine read a counter from which other programs' secrets can "
    "be guessed (CVE-2020-12912)"
)
BENEFIT: Final = "cpu measured instead of estimated"
_SOCKET: Final = re.compile(r"Esocket(\d+)")


def find_amd_energy(
    chips: Sequence[Chip], opener: Opener = open_readonly
) -> tuple[list[FileCounter], list[Skipped]]:
    """A counter for each socket, and those left out."""
    found: list[FileCounter] = []
    skipped: list[Skipped] = []
    for chip in chips:
        if chip.name != "amd_energy":
            continue
        for label in sorted(chip.folder.glob("energy*_label")):
            socket = _SOCKET.fullmatch(text_or_none(label, opener) or "")
            if socket is None:
                continue
            file = label.with_name(label.name.replace("_label", "_input"))
            counter = _counter(file, socket[1], opener)
            reason = refusal(counter, f"sudo chmod a+r {file}", CAUTION, BENEFIT)
            if reason is None:
                found.append(counter)
            else:
                skipped.append(reason)
    return found, skipped


def _counter(file: Path, socket: str, opener: Opener) -> FileCounter:
    info = SourceInfo(
        f"amd_energy:socket-{socket}", "cpu", "counter", "measured", UPDATE_PERIOD_S, UNIT_J, GAIN,
        detail=f"amd_energy, socket {socket}", parts=(f"cpu:{socket}",),
    )  # fmt: skip
    return FileCounter(info, SysfsNumber(file, info.id, opener), MAX_POWER_W)
