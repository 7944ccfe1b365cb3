"""The tools that are compared, each behind ``begin`` and ``end``, on simulated hardware.

How each is pointed at it: greencell by its own setting (``Places.sysfs_root``); codecarbon by its
parameter ``rapl_dir``, which no tracker passes on, so two names are patched; zeus by its module
constant ``RAPL_DIR``. All three read GPUs through the real bindings ``pynvml``, whose library is
the simulated one; codecarbon also wants to find a program ``nvidia-smi``.
"""

from __future__ import annotations

import os
import time
import warnings
from pathlib import Path
from typing import Any, Protocol

J_PER_KWH = 3.6e6
SETTLED_S = 1.5


class Tool(Protocol):
    """One way to meter a cell. Energies are asked for when all cells have run."""

    def begin(self) -> None: ...

    def end(self) -> None: ...

    def energies_j(self) -> list[float]: ...


class Greencell:
    """A session as a kernel has it: discovery, bindings, hooks' calls, background thread."""

    def __init__(self, sysfs_root: Path | None, nvml: Any, component: str) -> None:
        from greencell.clock import SystemClock
        from greencell.machine_time import machine_clock
        from greencell.meter import Meter
        from greencell.model import CarbonFactor, CarbonInfo
        from greencell.processes import tree_clock
        from greencell.running_session import Equipment, Session
        from greencell.sources.discovery import Places, discover

        self._component = component
        # Where a part has no such hardware, its folder is empty and its bindings find nothing.
        places = Places(sysfs_root=sysfs_root or Path("/nonexistent"), nvml=nvml)
        found = discover(places)
        sources = [one for one in found.sources if one.info.component == component]
        assert all(one.info.kind == "counter" for one in sources), sources
        meter = Meter(sources, tree_clock(), machine_clock(Path("/proc")), SystemClock())
        factor = CarbonFactor("FR", 41.4)
        carbon = CarbonInfo(factor, "France", "annual average", 2025, "test", "setting")
        equipment = Equipment(meter, found.host, found.skipped, carbon, "machine", 1.0)
        self._session = Session(equipment)
        self._session.start()
        self._run = ""

    def begin(self) -> None:
        opening = self._session.open_run("cell")
        self._run = opening.run
        self._session.begin(opening)

    def end(self) -> None:
        session = self._session
        session.end(self._run, session.take(), "ok", 1)
        session.wake()

    def energies_j(self) -> list[float]:
        time.sleep(SETTLED_S)
        cells = self._session.cells
        self._session.close()
        return [cell.by_component_j.get(self._component, 0.0) for cell in cells]


class Codecarbon:
    """``start_task`` and ``stop_task`` of an offline tracker with its defaults."""

    def __init__(self, powercap: Path | None, component: str) -> None:
        from codecarbon import OfflineEmissionsTracker
        from codecarbon.core import cpu
        from codecarbon.external import hardware

        if powercap is not None:
            folder, look = str(powercap), cpu.is_rapl_available
            cpu.is_rapl_available = lambda: look(folder)
            real = cpu.IntelRAPL
            hardware.IntelRAPL = lambda **options: real(**{**options, "rapl_dir": folder})
        self._component = component
        self._tracker = OfflineEmissionsTracker(
            country_iso_code="FRA", save_to_file=False, log_level="critical",
            allow_multiple_runs=True,
        )  # fmt: skip
        self._energies_j: list[float] = []
        self.begin()  # the first task sets everything up
        self.end()
        self._energies_j.clear()

    def begin(self) -> None:
        self._tracker.start_task()

    def end(self) -> None:
        data = self._tracker.stop_task()
        kwh = data.gpu_energy if self._component == "gpu" else data.cpu_energy
        self._energies_j.append(kwh * J_PER_KWH)

    def energies_j(self) -> list[float]:
        return self._energies_j


class Zeus:
    """``begin_window`` and ``end_window`` of a ``ZeusMonitor``."""

    def __init__(self, powercap: Path | None, component: str) -> None:
        if powercap is not None:
            from zeus.device.cpu import rapl

            rapl.RAPL_DIR = str(powercap / "intel-rapl")
        from zeus.monitor import ZeusMonitor

        warnings.simplefilter("ignore")
        self._gpu = component == "gpu"
        self._monitor = ZeusMonitor(
            gpu_indices=[0] if self._gpu else [], cpu_indices=[] if self._gpu else [0]
        )
        self._energies_j: list[float] = []
        self.begin()  # the first window starts its helper process
        self.end()
        self._energies_j.clear()

    def begin(self) -> None:
        self._monitor.begin_window("cell", sync_execution=False)

    def end(self) -> None:
        measured = self._monitor.end_window("cell", sync_execution=False)
        parts = measured.gpu_energy if self._gpu else measured.cpu_energy or {}
        self._energies_j.append(sum(parts.values()))

    def energies_j(self) -> list[float]:
        return self._energies_j


TOOLS = ("greencell", "codecarbon", "zeus")


def make(name: str, component: str, sysfs_root: Path | None, nvml: Any) -> Tool:
    """A tool by name, on this hardware."""
    powercap = sysfs_root / "class" / "powercap" if sysfs_root is not None else None
    if name == "greencell":
        return Greencell(sysfs_root, nvml, component)
    if name == "codecarbon":
        return Codecarbon(powercap, component)
    return Zeus(powercap, component)


def dummy_nvidia_smi(folder: Path) -> None:
    """A program of that name on the PATH, which codecarbon takes for a sign of a GPU."""
    program = folder / "nvidia-smi"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
