"""A powercap tree in a temporary folder whose counter ticks every ms in real time, truth known.

A small C program writes the counter's file, so that no Python thread's turn decides when a tick
comes; what it writes follows from the schedule of power alone (``rapl_ticker.c``).
"""

from __future__ import annotations

import bisect
import mmap
import shutil
import struct
import subprocess
import time
from pathlib import Path

from greencell.testing import NoCompiler

_SOURCE = Path(__file__).with_name("rapl_ticker.c")
_HEADER, _STEP = struct.Struct("<QQQQ"), struct.Struct("<QQQ")
_STEPS = 65_536
_START_UJ = 123_456_789
_RANGE_UJ = 262_143_328_850
PERIOD_NS = 1_000_000


class RealTimeRapl:
    """One package, laid out as Linux does: zones under ``devices``, links under ``class``.

    Args:
        sysfs_root: stands in for ``/sys``.
        power_w: drawn from the start.

    Raises:
        NoCompiler: there is none on the PATH.
    """

    def __init__(self, sysfs_root: Path, power_w: float) -> None:
        self.root = sysfs_root
        self.powercap = sysfs_root / "class" / "powercap"
        control = sysfs_root / "devices" / "virtual" / "powercap" / "intel-rapl"
        zone = control / "intel-rapl:0"
        zone.mkdir(parents=True)
        self.powercap.mkdir(parents=True)
        (self.powercap / "intel-rapl").symlink_to(control)
        (self.powercap / "intel-rapl:0").symlink_to(zone)
        (zone / "name").write_text("package-0\n")
        (zone / "max_energy_range_uj").write_text(f"{_RANGE_UJ}\n")
        (zone / "energy_uj").write_text(f"{_START_UJ:>20}\n")
        self._times_ns: list[int] = []
        self._steps: list[tuple[int, int]] = []  # power in mW, energy so far in pJ
        self._start_ticker(zone / "energy_uj", power_w)

    def _start_ticker(self, energy_file: Path, power_w: float) -> None:
        schedule = self.root / "schedule"
        size = _HEADER.size + _STEPS * _STEP.size
        schedule.write_bytes(bytes(size))
        with schedule.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), size)
        self.set_power(power_w)
        command = [str(_build(self.root)), str(schedule), str(energy_file), str(size),
                   str(PERIOD_NS), str(_START_UJ)]  # fmt: skip
        self._ticker = subprocess.Popen(command)

    def set_power(self, power_w: float) -> int:
        """Draw another power from now on; when that is, in ns of the monotonic clock."""
        now_ns = time.monotonic_ns()
        energy_pj = self._energy_pj(now_ns)
        power_mw = round(power_w * 1000)
        count = len(self._steps)
        self._times_ns.append(now_ns)
        self._steps.append((power_mw, energy_pj))
        _STEP.pack_into(
            self._shared, _HEADER.size + count * _STEP.size, now_ns, power_mw, energy_pj
        )
        struct.pack_into("<Q", self._shared, 0, count + 1)
        return now_ns

    def _energy_pj(self, t_ns: int) -> int:
        index = bisect.bisect_right(self._times_ns, t_ns) - 1
        if index < 0:
            return 0
        power_mw, energy_pj = self._steps[index]
        return energy_pj + power_mw * (t_ns - self._times_ns[index])

    def true_j(self, begin_ns: int, end_ns: int) -> float:
        """The exact energy between two moments."""
        return (self._energy_pj(end_ns) - self._energy_pj(begin_ns)) / 1e12

    @property
    def late_ticks(self) -> float:
        """Share of ticks that were written more than 0.2 ms late."""
        _, ticks, late, _ = _HEADER.unpack_from(self._shared, 0)
        return float(late / ticks) if ticks else 0.0

    def close(self) -> None:
        """End the ticker."""
        struct.pack_into("<Q", self._shared, 0, 0)
        self._ticker.wait(5)


def _build(folder: Path) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NoCompiler("no C compiler for the simulated RAPL counter")
    program = folder / "rapl_ticker"
    done = subprocess.run(
        [compiler, "-O1", "-o", str(program), str(_SOURCE)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise NoCompiler(f"{compiler} cannot compile the simulated RAPL counter: {done.stderr}")
    return program
