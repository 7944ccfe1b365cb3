"""The share of a host's energy that Scaphandre hands to its virtual machines.

Scaphandre on the host (``scaphandre qemu``) adds up, every few seconds, the host's RAPL energy by
this machine's share of CPU time, in ``intel-rapl:0/energy_uj`` of a folder that the host mounts
into the guest at ``/var/scaphandre`` (Scaphandre's documentation, "Propagate power consumption
metrics from hypervisor to virtual machines"; ``src/exporters/qemu.rs``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from greencell.errors import SourceUnavailable
from greencell.model import Skipped, SourceInfo
from greencell.sources.file_source import FileCounter, refusal
from greencell.sources.sysfs_file import Opener, SysfsNumber, open_readonly

PERIOD_S: Final = 5.0
"""The exporter's own step."""
GAIN: Final = 0.20
"""Standard gain error; judgement: a share by CPU time alone, of a counter with 3 to 5 %."""
MAX_POWER_W: Final = 5_000.0


def find_scaphandre(
    mount: Path, *, opener: Opener = open_readonly
) -> tuple[list[FileCounter], list[Skipped]]:
    """One counter for each zone of the folder; of the whole host's RAPL, memory included.

    Raises:
        SourceUnavailable: the host shares nothing.
    """
    files = sorted(mount.glob("intel-rapl:*/energy_uj"))
    if not files:
        raise SourceUnavailable(f"the host shares no energy under {mount}")
    sources: list[FileCounter] = []
    skipped: list[Skipped] = []
    for file in files:
        which = file.parent.name.rpartition(":")[2]
        info = SourceInfo(
            f"scaphandre:{which}", "cpu", "counter", "measured", PERIOD_S, 1e-6, GAIN,
            detail="this virtual machine's share of the host's RAPL, by Scaphandre",
            flags=("virtual",), parts=(f"cpu:{which}", f"dram:{which}"),
        )  # fmt: skip
        source = FileCounter(info, SysfsNumber(file, info.id, opener), MAX_POWER_W)
        refused = refusal(source, "mount the folder with access for this user")
        if refused is None:
            sources.append(source)
        else:
            skipped.append(refused)
    return sources, skipped
