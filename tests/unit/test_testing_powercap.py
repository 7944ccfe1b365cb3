"""The simulated powercap tree is true to its word, and to the kernel's layout."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from greencell.testing import PowercapTree


def energy_uj(path: Path) -> int:
    return int((path / "energy_uj").read_text())


def test_energy_is_power_times_time(tmp_path: Path) -> None:
    """In the files as in the truth."""
    tree = PowercapTree(tmp_path)
    tree.add("package-0", power_w=20.0, start_uj=5)
    tree.add("dram", power_w=3.0, parent="package-0", start_uj=0)
    tree.advance(1.5)
    package = tmp_path / "class/powercap/intel-rapl:0"

    assert tree.true_j("package-0") == 30.0
    assert tree.true_j() == 34.5
    assert energy_uj(package) == 30_000_005
    assert energy_uj(package / "intel-rapl:0:0") == 4_500_000
    tree.close()


def test_a_small_range_wraps(tmp_path: Path) -> None:
    """The file holds the remainder, the truth goes on."""
    tree = PowercapTree(tmp_path)
    tree.add("package-0", power_w=100.0, range_uj=1_000_000_000, start_uj=900_000_000)
    tree.advance(2.0)

    assert energy_uj(tmp_path / "class/powercap/intel-rapl:0") == 100_000_000
    assert tree.true_j() == 200.0
    tree.close()


def test_a_concurrent_reader_sees_whole_values(tmp_path: Path) -> None:
    """Each write replaces all digits at once, for a kept descriptor too, and never falls."""
    tree = PowercapTree(tmp_path)
    tree.add("package-0", power_w=1e4, start_uj=0)
    fd = os.open(tmp_path / "class/powercap/intel-rapl:0/energy_uj", os.O_RDONLY)
    writer = threading.Thread(target=lambda: [tree.advance(0.001) for _ in range(3_000)])
    writer.start()
    readings = []
    while writer.is_alive():
        readings.append(int(os.pread(fd, 64, 0)))
    writer.join()
    os.close(fd)
    tree.close()

    assert readings == sorted(readings)


def test_each_fault_and_its_end(tmp_path: Path) -> None:
    """Vanish, come back, garbage, freeze, reset, lock."""
    tree = PowercapTree(tmp_path)
    tree.add("package-0", power_w=10.0, start_uj=0)
    zone = tmp_path / "class/powercap/intel-rapl:0"
    path = zone / "energy_uj"
    tree.vanish("package-0")
    tree.advance(1.0)
    assert not path.exists()
    tree.come_back("package-0")
    assert energy_uj(zone) == 10_000_000
    tree.garbage("package-0")
    assert path.read_text() == "oops\n"
    tree.advance(1.0)
    assert energy_uj(zone) == 20_000_000
    tree.freeze("package-0")
    tree.advance(1.0)
    assert energy_uj(zone) == 20_000_000
    tree.freeze("package-0", frozen=False)
    tree.advance(0.0)
    assert energy_uj(zone) == 30_000_000
    tree.reset("package-0")
    assert energy_uj(zone) == 0
    tree.lock("package-0")
    with pytest.raises(PermissionError):
        tree.open_readonly(str(path))
    with pytest.raises(PermissionError):
        tree.open_readonly(str(zone / "max_energy_range_uj"))
    os.close(tree.open_readonly(str(zone / "name")))
    tree.lock("package-0", locked=False)
    os.close(tree.open_readonly(str(path)))
    tree.close()
    tree.close()


def test_faults_hold_while_the_tree_runs(tmp_path: Path) -> None:
    """The thread must not bring back a file that a test took away."""
    tree = PowercapTree(tmp_path)
    tree.add("package-0", power_w=50.0)
    path = tmp_path / "class/powercap/intel-rapl:0/energy_uj"
    tree.run(0.0005)
    for _ in range(50):
        tree.vanish("package-0")
        assert not path.exists()
        time.sleep(0.002)
        assert not path.exists()
        tree.come_back("package-0")
    time.sleep(0.1)
    true_j = tree.true_j()
    tree.close()

    assert true_j >= 50.0 * 0.1
