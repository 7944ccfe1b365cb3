"""Apple Silicon through ``zeus-apple-silicon``, which reads macOS's own energy counters.

They are the "Energy Model" group of IOReport, in mJ since the start of the machine, and need no
privilege. The package's authors believe them to be computed by a model in the chip, not measured.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from greencell.errors import ReadFailed, SourceUnavailable
from greencell.model import Component, Skipped, SourceInfo
from greencell.sources.shared_reading import SharedReading
from greencell.units import J_PER_MJ

UPDATE_PERIOD_S: Final = 0.01
"""Windows shorter than that are noise of the 1 mJ step (README of zeus-apple-silicon)."""
GAIN: Final = 0.10
"""Standard gain error; judgement, for values believed to be a model's."""
MAX_POWER_W: Final = 1_000.0
"""More than any machine with these chips draws; a step that implies more is a reset."""
REMEDY: Final = "pip install zeus-apple-silicon"
_MAX_AGE_S: Final = UPDATE_PERIOD_S / 2


@dataclass(frozen=True, slots=True)
class _Domain:
    """What one counter sums.

    Attributes:
        fields: the metrics that belong to it; the first must be there.
        always_on: whether 0 since the start of the machine means that it is not counted.
    """

    component: Component
    part: str
    fields: tuple[str, ...]
    name: str
    always_on: bool = False


_DOMAINS: Final = (
    # Clusters and cores are parts of the CPU's total.
    _Domain("cpu", "cpu:*", ("cpu_total_mj",), "CPU", always_on=True),
    _Domain("dram", "dram:*", ("dram_mj",), "memory", always_on=True),
    _Domain("gpu", "gpu:soc", ("gpu_mj", "gpu_sram_mj"), "GPU and its SRAM"),
    _Domain("ane", "ane:*", ("ane_mj",), "neural engine"),
)

Metrics = Any
"""``AppleEnergyMetrics``: attributes in mJ, ``None`` where the chip has none."""


class Monitor(Protocol):
    """``AppleEnergyMonitor``, as far as it is used."""

    def get_cumulative_energy(self) -> Metrics:
        """All counters now."""
        ...


class AppleCounter:
    """One part of the chip, in mJ."""

    joules_per_unit = J_PER_MJ
    range_units: int | None = None  # 64 bits of mJ: longer than any machine lives
    max_power_w = MAX_POWER_W

    def __init__(
        self, domain: _Domain, fields: tuple[str, ...], reading: SharedReading[Mapping[str, int]]
    ) -> None:
        self._fields = fields
        self._reading = reading
        self._closed = False
        self.info = SourceInfo(
            f"apple:{domain.component}", domain.component, "counter", "measured",
            UPDATE_PERIOD_S, J_PER_MJ, GAIN,
            detail=f"Apple Silicon {domain.name}, believed to be model-based",
            parts=(domain.part,),
        )  # fmt: skip

    def read(self) -> int:
        if self._closed:
            raise ReadFailed(f"{self.info.id} is closed")
        metrics_mj = self._reading.get(self.info.id)
        missing = [field for field in self._fields if field not in metrics_mj]
        if missing:
            raise ReadFailed(f"{self.info.id}: {missing[0]} is missing this time")
        return sum(metrics_mj[field] for field in self._fields)

    def close(self) -> None:
        self._closed = True


def find_apple(
    system: str = sys.platform,
    machine: str | None = None,
    open_monitor: Callable[[], Monitor] | None = None,
    clock_s: Callable[[], float] = time.monotonic,
) -> tuple[list[AppleCounter], list[Skipped]]:
    """Counters of the chip's parts.

    Args:
        system: the platform, as in ``sys.platform``.
        machine: its processor, as ``platform.machine()`` says.
        open_monitor: stands in for ``AppleEnergyMonitor``.
        clock_s: monotonic time in s.

    Raises:
        SourceUnavailable: this is no Apple Silicon, or its counters do not open.
    """
    if (system, machine or platform.machine()) != ("darwin", "arm64"):
        raise SourceUnavailable("not Apple Silicon")
    monitor = _open(open_monitor or _monitor_class())

    def read() -> Mapping[str, int]:
        return _metrics_mj(monitor)

    reading = SharedReading(read, _MAX_AGE_S, clock_s)
    try:
        first_mj = read()
    except ReadFailed as error:
        raise SourceUnavailable(f"macOS's energy counters do not answer: {error}") from error
    counters: list[AppleCounter] = []
    skipped: list[Skipped] = []
    for domain in _DOMAINS:
        fields = tuple(field for field in domain.fields if field in first_mj)
        name = f"apple:{domain.component}"
        if fields[:1] != domain.fields[:1]:
            skipped.append(Skipped(name, f"this chip does not count its {domain.name}"))
        elif domain.always_on and first_mj[fields[0]] == 0:
            skipped.append(Skipped(name, f"this chip counts nothing for its {domain.name}"))
        else:
            counters.append(AppleCounter(domain, fields, reading))
    return counters, skipped


def _metrics_mj(monitor: Monitor) -> Mapping[str, int]:
    """The metrics that are numbers.

    Raises:
        ReadFailed: the monitor raises, or yields something that is no energy.
    """
    try:
        metrics = monitor.get_cumulative_energy()
    except (RuntimeError, OSError) as error:  # what the C++ under it throws
        raise ReadFailed(f"macOS's energy counters: {error}") from error
    energies_mj: dict[str, int] = {}
    for domain in _DOMAINS:
        for field in domain.fields:
            value = getattr(metrics, field, None)
            if value is None:
                continue
            if not isinstance(value, int) or value < 0:
                raise ReadFailed(f"macOS's energy counters: {field} is no energy")
            energies_mj[field] = value
    return energies_mj


def _open(open_monitor: Callable[[], Monitor]) -> Monitor:
    try:
        return open_monitor()
    except (RuntimeError, OSError) as error:
        raise SourceUnavailable(f"macOS's energy counters do not open: {error}") from error


def _monitor_class() -> Callable[[], Monitor]:
    try:
        import zeus_apple_silicon  # there is a wheel for this platform only
    except ImportError as error:
        raise SourceUnavailable("zeus-apple-silicon is not installed", REMEDY) from error
    opener: Callable[[], Monitor] = zeus_apple_silicon.AppleEnergyMonitor
    return opener
