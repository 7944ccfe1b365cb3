"""Chips of hwmon, power rails and batteries in a folder, with known truth and faults."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

_ABSURD = 10**19
"""More than any file shows: 10^13 W in µW, and beyond a ``long`` of µJ."""


@dataclass
class _Sensor:
    file: Path
    power_w: float
    number: Callable[[_Sensor], int]
    true_j: float = 0.0
    frozen: bool = False
    locked: bool = False


class HwmonTree:
    """Writes chips under a folder that stands in for ``/sys``.

    A sensor is called ``CHIP/FILE``, where ``CHIP`` is the key that ``add_chip`` was given.

    ::

        tree = HwmonTree(tmp_path)
        tree.add_chip("amdgpu", pci="0000:03:00.0", texts={"freq2_input": "96000000"})
        tree.add_power("amdgpu", "power1_average", power_w=60.0)
        tree.advance(2.0)
        assert tree.true_j("amdgpu/power1_average") == 120.0
    """

    def __init__(self, sysfs_root: Path) -> None:
        self.root = sysfs_root
        self._chips: dict[str, Path] = {}
        self._sensors: dict[str, _Sensor] = {}

    def add_chip(
        self,
        name: str,
        *,
        key: str | None = None,
        pci: str | None = None,
        folder: str | None = None,
        texts: Mapping[str, str] | None = None,
        device_texts: Mapping[str, str] | None = None,
    ) -> Path:
        """Add a chip and return its folder.

        Args:
            name: the driver's name, as in the chip's file ``name``.
            key: tells chips of one name apart.
            pci: address of the device that the chip belongs to.
            folder: where it lies under the root, instead of the next ``class/hwmon/hwmonN``.
            texts: files of the chip that never change.
            device_texts: files of its device that never change; needs ``pci``.
        """
        chip = self.root / (folder or f"class/hwmon/hwmon{len(self._chips)}")
        chip.mkdir(parents=True)
        self._chips[key or name] = chip
        _write_all(chip, {"name": name, **(texts or {})})
        if pci is not None:
            device = self.root / "devices/pci0000:00" / pci
            device.mkdir(parents=True, exist_ok=True)
            (chip / "device").symlink_to(device)
            _write_all(device, device_texts or {})
        return chip

    def add_power(self, chip: str, file: str, power_w: float = 0.0, unit_w: float = 1e-6) -> None:
        """Add a file that shows power, in µW unless ``unit_w`` says otherwise."""
        self._add(chip, file, power_w, lambda sensor: round(sensor.power_w / unit_w))

    def add_energy(
        self, chip: str, file: str, power_w: float = 0.0, *, start_uj: int = 123_456_789
    ) -> None:
        """Add a file that counts energy in µJ."""
        self._add(chip, file, power_w, lambda sensor: start_uj + round(sensor.true_j * 1e6))

    def add_rail(
        self, chip: str, channel: int, label: str, power_w: float = 0.0, voltage_mv: int = 5_000
    ) -> None:
        """Add a rail: ``inN_label``, ``inN_input`` in mV and the sensor ``currN_input`` in mA."""
        texts = {f"in{channel}_label": label, f"in{channel}_input": str(voltage_mv)}
        _write_all(self._chips[chip], texts)
        file = f"curr{channel}_input"
        self._add(chip, file, power_w, lambda sensor: round(sensor.power_w * 1e6 / voltage_mv))

    def set_text(self, chip: str, file: str, text: str) -> None:
        """Write a file that is no sensor, e.g. a battery's ``status``."""
        _write_all(self._chips[chip], {file: text})

    def set_power(self, sensor: str, power_w: float) -> None:
        """Draw another power from now on."""
        self._sensors[sensor].power_w = power_w
        self._write(self._sensors[sensor])

    def advance(self, seconds: float) -> None:
        """Let time pass and write all sensors."""
        for sensor in self._sensors.values():
            sensor.true_j += sensor.power_w * seconds
            self._write(sensor)

    def true_j(self, *sensors: str) -> float:
        """The exact energy of these sensors, of all if none is named."""
        return sum(self._sensors[key].true_j for key in sensors or self._sensors)

    # -- faults --------------------------------------------------------------------------------

    def garbage(self, sensor: str, text: str = "oops\n") -> None:
        """The sensor's file holds something else until the next ``advance``."""
        self._sensors[sensor].file.write_text(text)

    def negative(self, sensor: str) -> None:
        """The sensor shows less than nothing until the next ``advance``."""
        self.garbage(sensor, "-1000000\n")

    def absurd(self, sensor: str) -> None:
        """The sensor shows more than there can be until the next ``advance``."""
        self.garbage(sensor, f"{_ABSURD}\n")

    def vanish(self, sensor: str) -> None:
        """The sensor's file is gone until ``come_back``."""
        self._sensors[sensor].file.unlink()
        self._sensors[sensor].frozen = True

    def come_back(self, sensor: str) -> None:
        """The sensor's file is there again, as a new file, and moves again."""
        self._sensors[sensor].frozen = False
        self._write(self._sensors[sensor])

    def freeze(self, sensor: str) -> None:
        """The file stands still while energy goes on, until ``come_back``."""
        self._sensors[sensor].frozen = True

    def lock(self, sensor: str, *, locked: bool = True) -> None:
        """Keep the sensor from users.

        Modes do not stop root; pass ``open_readonly`` of this tree as the opener, which does.
        """
        self._sensors[sensor].locked = locked
        self._sensors[sensor].file.chmod(0 if locked else 0o644)

    def open_readonly(self, path: str) -> int:
        """Open a file as a user who is not root would."""
        if any(os.fspath(one.file) == path for one in self._sensors.values() if one.locked):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def _add(self, chip: str, file: str, power_w: float, number: Callable[[_Sensor], int]) -> None:
        sensor = _Sensor(self._chips[chip] / file, power_w, number)
        self._sensors[f"{chip}/{file}"] = sensor
        self._write(sensor)

    @staticmethod
    def _write(sensor: _Sensor) -> None:
        if not sensor.frozen:
            sensor.file.write_text(f"{sensor.number(sensor)}\n")


def _write_all(folder: Path, texts: Mapping[str, str]) -> None:
    for file, text in texts.items():
        (folder / file).write_text(f"{text}\n")
