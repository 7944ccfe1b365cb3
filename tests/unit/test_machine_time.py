"""CPU time of the machine: what is busy, and what was stolen."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from greencell.errors import ReadFailed
from greencell.machine_time import ProcStatClock, PsutilMachineClock, machine_clock, steal_share

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no ticks")

TICKS_PER_S = os.sysconf("SC_CLK_TCK") if sys.platform != "win32" else 1


def write(root: Path, *ticks: int) -> Path:
    root.mkdir(exist_ok=True)
    text = " ".join(map(str, ticks))
    (root / "stat").write_text(f"cpu  {text}\ncpu0 1 2 3 4 5 6 7 8 9 10\nintr 1\n")
    return root


def test_busy_is_what_ran_here(tmp_path: Path) -> None:
    """Not idle, not waiting for disks, not stolen; guests' time is in the user's already."""
    clock = ProcStatClock(write(tmp_path, 100, 20, 30, 5_000, 900, 4, 6, 250, 70, 10))

    assert clock.read_s() == pytest.approx(160 / TICKS_PER_S)
    assert clock.steal_s == pytest.approx(250 / TICKS_PER_S)
    clock.close()
    clock.close()


def test_stolen_time_is_not_in_the_utilisation(tmp_path: Path) -> None:
    """Half a second was asked for, half of it given: a quarter is busy, all CPUs are the capacity."""
    clock = ProcStatClock(write(tmp_path, 0, 0, 0, 0, 0, 0, 0, 0))
    begin_s = clock.read_s()
    write(tmp_path, 25, 0, 0, 50, 0, 0, 0, 25)

    assert clock.read_s() - begin_s == pytest.approx(25 / TICKS_PER_S)
    assert clock.logical_cpus == os.cpu_count()
    assert steal_share(tmp_path) == 0.5
    clock.close()


def test_old_kernels_tell_no_steal(tmp_path: Path) -> None:
    """Seven fields are enough."""
    clock = ProcStatClock(write(tmp_path, 1, 2, 3, 4, 5, 6, 7))

    assert clock.read_s() == pytest.approx(19 / TICKS_PER_S)
    assert clock.steal_s == 0.0
    clock.close()


@pytest.mark.parametrize("text", ["", "cpu\n", "cpu 1 2 3\n", "cpu a b c d e f g h\n"])
def test_what_is_no_time_is_a_failed_read(tmp_path: Path, text: str) -> None:
    """And no steal is known."""
    (tmp_path / "stat").write_text(text)
    with pytest.raises(ReadFailed):
        ProcStatClock(tmp_path).read_s()
    with pytest.raises(ReadFailed):
        ProcStatClock(tmp_path / "nowhere").read_s()

    assert steal_share(tmp_path) == steal_share(tmp_path / "nowhere") == 0.0


def test_this_machine_has_a_clock() -> None:
    """Whichever it is, it goes on, and psutil's agrees with it."""
    clock, other = machine_clock(Path("/proc")), PsutilMachineClock()

    first_s, other_s = clock.read_s(), other.read_s()

    assert clock.read_s() >= first_s > 0
    assert other_s == pytest.approx(first_s, rel=0.01, abs=2.0)
    assert clock.steal_s == pytest.approx(other.steal_s, rel=0.01, abs=2.0)
    clock.close()
    other.close()
