"""The simulated chips are what they say: files in hwmon's units, with known truth."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from greencell.testing import HwmonTree


def tree_of_all(root: Path) -> HwmonTree:
    tree = HwmonTree(root)
    tree.add_chip("amdgpu", pci="0000:03:00.0", device_texts={"device": "0x744c"})
    tree.add_power("amdgpu", "power1_average", 60.0)
    tree.add_chip("xe")
    tree.add_energy("xe", "energy1_input", 100.0, start_uj=1_000)
    tree.add_chip("ina3221", folder="bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon9")
    tree.add_rail("ina3221", 1, "VDD_IN", 10.0, voltage_mv=5_000)
    return tree


def number(path: Path) -> int:
    return int(path.read_text())


def test_files_hold_the_units_of_hwmon(tmp_path: Path) -> None:
    """µW, µJ, mV and mA, in the folders where drivers have them."""
    tree = tree_of_all(tmp_path)
    tree.advance(2.0)
    hwmon = tmp_path / "class/hwmon"
    monitor = tmp_path / "bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon9"

    assert (hwmon / "hwmon0/name").read_text() == "amdgpu\n"
    assert (hwmon / "hwmon0/device/device").read_text() == "0x744c\n"
    assert (hwmon / "hwmon0/device").resolve().name == "0000:03:00.0"
    assert number(hwmon / "hwmon0/power1_average") == 60_000_000
    assert number(hwmon / "hwmon1/energy1_input") == 200_001_000
    assert number(monitor / "in1_input") * number(monitor / "curr1_input") == 10_000_000


def test_the_truth_is_known_for_each_sensor(tmp_path: Path) -> None:
    """Power may change in between, and a frozen file changes no truth."""
    tree = tree_of_all(tmp_path)
    tree.advance(2.0)
    tree.set_power("xe/energy1_input", 50.0)
    tree.freeze("xe/energy1_input")
    tree.advance(1.0)
    energy = tmp_path / "class/hwmon/hwmon1/energy1_input"

    assert tree.true_j("xe/energy1_input") == 250.0
    assert tree.true_j() == 250.0 + 180.0 + 30.0
    assert number(energy) == 200_001_000
    tree.come_back("xe/energy1_input")
    assert number(energy) == 250_001_000


def test_faults_change_the_file_until_time_goes_on(tmp_path: Path) -> None:
    """Garbage, less than nothing, too much and nothing at all."""
    tree = tree_of_all(tmp_path)
    sensor, file = "amdgpu/power1_average", tmp_path / "class/hwmon/hwmon0/power1_average"
    tree.garbage(sensor)
    assert file.read_text() == "oops\n"
    tree.negative(sensor)
    assert number(file) < 0
    tree.absurd(sensor)
    assert number(file) > 2**63
    tree.advance(0.0)
    assert number(file) == 60_000_000
    tree.vanish(sensor)
    tree.advance(1.0)
    assert not file.exists()
    tree.come_back(sensor)
    assert number(file) == 60_000_000


def test_a_lock_keeps_users_out(tmp_path: Path) -> None:
    """Also where the tests run as root."""
    tree = tree_of_all(tmp_path)
    path = os.fspath(tmp_path / "class/hwmon/hwmon1/energy1_input")
    tree.lock("xe/energy1_input")
    with pytest.raises(PermissionError):
        tree.open_readonly(path)
    tree.lock("xe/energy1_input", locked=False)

    os.close(tree.open_readonly(path))
