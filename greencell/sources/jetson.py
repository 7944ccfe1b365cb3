"""NVIDIA Jetson boards: the power rails behind their INA3221 monitors.

Jetson Linux 34 and later: hwmon, ``inN_label``, ``inN_input`` in mV, ``currN_input`` in mA;
channel 7 is the sum of the shunts' voltages and no rail (Linux
``Documentation/hwmon/ina3221.rst``). Before: IIO, ``rail_name_N`` and ``in_powerN_input`` in mW.
What a rail feeds stands in its name (Jetson Linux Developer Guide, Platform Power and
Performance), word by word:

=====================  =========  ================  ==========================================
words                  component  parts             e.g.
=====================  =========  ================  ==========================================
``CPU`` and ``GPU``    ``soc``    both of theirs    ``VDD_CPU_GPU_CV``
``CPU``                ``cpu``    ``cpu:*``         ``VDD_CPU``, ``VDD_CPU_CV``, ``SYS5V_CPU``
``GPU``                ``gpu``    ``gpu:soc``       ``VDD_GPU``, ``VDD_GPU_SOC``, ``POM_5V_GPU``
``DDR``, ``VDDQ`` …    ``dram``   ``dram:*``        ``VDD_SYS_DDR``, ``VDDQ_VDD2_1V8AO``
``SOC``                ``soc``    ``soc:core``      ``VDD_SOC``
``CV``                 ``soc``    ``soc:cv``        ``CV``, the vision accelerators
``VDD_IN`` …           ``node``   ``node:*``        ``POM_5V_IN``, ``5V_IN``; with ``VDD_MUX``
=====================  =========  ================  ==========================================

Each word adds its part, so ``VDD_CPU_CV`` is ``cpu:*`` and ``soc:cv``. ``VDD_MUX`` feeds the
carrier board of TX1 and TX2 beside ``VDD_IN``, which feeds the module: together they are the
board. All other rails feed peripherals, or feed the ones above and would count them twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from greencell.errors import SourceUnavailable
from greencell.model import Component, Skipped, SourceInfo
from greencell.sources.file_source import FileGauge, Rail, refusal
from greencell.sources.sysfs_file import (
    Opener,
    SysfsNumber,
    number_or_none,
    open_readonly,
    text_or_none,
)
from greencell.units import S_PER_MS, W_PER_MW, W_PER_UW

GAIN: Final = 0.05
"""Standard gain error; judgement: shunts of 1 to 5 % before a converter of 0.25 %."""
DEFAULT_PERIOD_S: Final = 0.1
"""Where ``update_interval`` does not tell; judgement."""
MAX_PERIOD_S: Final = 10.0
MAX_POWER_W: Final = 250.0
"""More than a Jetson draws: the largest, Thor, is made for 130 W."""
_DRIVERS: Final = "bus/i2c/drivers"
_MONITORS: Final = "ina3221*"
_SUM_OF_SHUNTS: Final = "7"
_BOARD: Final = ("VDD_IN", "POM_5V_IN", "5V_IN")
_CARRIER: Final = "VDD_MUX"
_PARTS: Final = {
    "CPU": "cpu:*", "GPU": "gpu:soc", "SOC": "soc:core", "CV": "soc:cv",
    "DDR": "dram:*", "DDRQ": "dram:*", "VDDQ": "dram:*", "VDDRQ": "dram:*",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Monitored:
    """A rail as the tree shows it."""

    label: str
    files: tuple[Path, ...]
    w_per_unit: float
    period_s: float

    def open(self, owner: str, opener: Opener) -> Rail:
        numbers = (SysfsNumber(file, owner, opener) for file in self.files)
        return Rail(tuple(numbers), self.w_per_unit)


def find_jetson(
    sysfs_root: Path, *, opener: Opener = open_readonly
) -> tuple[list[FileGauge], list[Skipped]]:
    """A gauge for each rail that feeds a known part, one for the board, and the rails left out.

    Raises:
        SourceUnavailable: there is no such monitor, or it watches no rail.
    """
    rails = [*_hwmon_rails(sysfs_root, opener), *_iio_rails(sysfs_root, opener)]
    if not rails:
        raise SourceUnavailable("no INA3221 power monitor, as Jetson boards have")
    board = [rail for rail in rails if rail.label in _BOARD]
    if board:
        board += [rail for rail in rails if rail.label == _CARRIER]
    gauges = [_gauge(board, "node", ("node:*",), opener)] if board else []
    skipped: list[Skipped] = []
    for rail in rails:
        parts, component = _fed(rail.label)
        if rail in board:
            continue
        if component is None:
            skipped.append(Skipped(f"jetson:{rail.label}", "it feeds neither CPU, GPU nor memory"))
        else:
            gauges.append(_gauge([rail], component, parts, opener))
    refusals = [(gauge, refusal(gauge)) for gauge in gauges]
    skipped += [reason for _, reason in refusals if reason is not None]
    return [gauge for gauge, reason in refusals if reason is None], skipped


def _fed(label: str) -> tuple[tuple[str, ...], Component | None]:
    """What a rail feeds, and where its joules are added."""
    words = [word for word in label.split("_") if word in _PARTS]
    parts = tuple(dict.fromkeys(_PARTS[word] for word in words))
    kinds = [part.partition(":")[0] for part in parts]
    if "cpu" in kinds and "gpu" in kinds:
        return parts, "soc"
    return parts, next((kind for kind in ("cpu", "gpu", "dram", "soc") if kind in kinds), None)


def _hwmon_rails(sysfs_root: Path, opener: Opener) -> Iterator[_Monitored]:
    for label in sorted((sysfs_root / _DRIVERS).glob(f"{_MONITORS}/*/hwmon/hwmon*/in*_label")):
        channel = re.fullmatch(r"in(\d+)_label", label.name)
        name = text_or_none(label, opener)
        if channel is None or channel[1] == _SUM_OF_SHUNTS or name in {None, "", "NC"}:
            continue  # NC: not connected
        files = tuple(label.with_name(f"{what}{channel[1]}_input") for what in ("in", "curr"))
        interval_ms = number_or_none(label.with_name("update_interval"), opener) or 0
        period_s = interval_ms * S_PER_MS
        if not 0 < period_s <= MAX_PERIOD_S:
            period_s = DEFAULT_PERIOD_S
        yield _Monitored(str(name), files, W_PER_UW, period_s)


def _iio_rails(sysfs_root: Path, opener: Opener) -> Iterator[_Monitored]:
    for label in sorted((sysfs_root / _DRIVERS).glob(f"{_MONITORS}/*/iio:device*/rail_name_*")):
        name = text_or_none(label, opener)
        if name in {None, "", "NC"}:
            continue
        channel = label.name.removeprefix("rail_name_")
        file = label.with_name(f"in_power{channel}_input")
        yield _Monitored(str(name), (file,), W_PER_MW, DEFAULT_PERIOD_S)


def _gauge(
    rails: list[_Monitored], component: Component, parts: tuple[str, ...], opener: Opener
) -> FileGauge:
    label = "+".join(rail.label for rail in rails)
    node = component == "node"
    info = SourceInfo(
        f"jetson:{label}", component, "gauge", "measured", rails[0].period_s, 0.0, GAIN,
        detail=f"INA3221 rail {label}" + (", the whole board" if node else ""),
        scope="node" if node else "component", parts=parts,
    )  # fmt: skip
    return FileGauge(info, [rail.open(info.id, opener) for rail in rails], MAX_POWER_W)
