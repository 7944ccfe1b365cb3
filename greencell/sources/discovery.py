"""Discovery: for each component the best source that works here, and why the others do not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from greencell.errors import SourceUnavailable
from greencell.model import HostInfo, Skipped
from greencell.sources import estimate, nvml, rapl
from greencell.sources.base import Source
from greencell.sources.host import CpuInfo, read_cpu, read_host

VIRTUAL_REMEDY = (
    "run on bare metal, or have the host share its counters with the guest (Scaphandre's qemu "
    "exporter) and set GREENCELL_SYSFS_ROOT"
)


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look, and what the user said about the machine.

    ``nvml`` stands in for the module ``pynvml``.
    """

    sysfs_root: Path = Path("/sys")
    procfs_root: Path = Path("/proc")
    environment: Mapping[str, str] = field(default_factory=dict)
    cpu_model: str | None = None
    cpu_tdp_w: float | None = None
    vcpus: int | None = None
    nvml: Any = None


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found. ``sources`` never hold a joule twice."""

    sources: tuple[Source, ...]
    skipped: tuple[Skipped, ...]
    host: HostInfo


def discover(places: Places) -> Discovery:
    """Look for every kind of source, in order of preference per component. Never raises.

    CPU: RAPL, else a model by design power, on virtual machines by virtual CPU. Memory: RAPL,
    else a model, except on virtual machines, whose CPU model has it inside. GPU: NVML.
    """
    skipped: list[Skipped] = []
    cpu = read_cpu(places.procfs_root)
    gpus = _gpus(places, skipped)
    names = tuple(source.info.detail.split(",")[0] for source in gpus)
    host = read_host(cpu, places.sysfs_root, places.procfs_root, names)
    counters = _rapl(places, cpu, host, skipped)
    measured = {counter.info.component for counter in counters}
    sources: list[Source] = [*counters, *gpus]
    if "cpu" not in measured:
        sources.insert(0, _cpu_model(places, cpu, host))
    if "dram" not in measured and not host.virtual:
        sources.append(estimate.ram_model(host.ram_gb))
        skipped.append(Skipped("rapl:dram", "this processor counts no memory; a model stands in"))
    return Discovery(tuple(sources), tuple(skipped), host)


def _rapl(
    places: Places, cpu: CpuInfo, host: HostInfo, skipped: list[Skipped]
) -> list[rapl.RaplCounter]:
    try:
        return rapl.find_counters(places.sysfs_root, amd=cpu.vendor == "AuthenticAMD")
    except SourceUnavailable as error:
        if host.virtual and error.flag == "unsupported":
            reason = "this machine is virtual, and its host shares no power meter with it"
            skipped.append(Skipped("rapl", reason, VIRTUAL_REMEDY, "virtual"))
        else:
            skipped.append(Skipped("rapl", error.reason, error.remedy, error.flag))
        return []


def _gpus(places: Places, skipped: list[Skipped]) -> list[nvml.NvmlCounter | nvml.NvmlGauge]:
    try:
        sources, left_out = nvml.find_gpus(places.environment, places.nvml)
    except SourceUnavailable as error:
        skipped.append(Skipped("nvml", error.reason, error.remedy, error.flag))
        return []
    skipped.extend(left_out)
    return sources


def _cpu_model(places: Places, cpu: CpuInfo, host: HostInfo) -> estimate.CurveModel:
    name = places.cpu_model or cpu.name
    if places.cpu_tdp_w is not None:
        return estimate.tdp_model(places.cpu_tdp_w, name)
    if places.vcpus is not None or (host.virtual and places.cpu_model is None):
        return estimate.vcpu_model(places.vcpus or host.logical_cpus, cpu)
    tdp_w = estimate.tdp_w_of(name)
    if tdp_w is not None:
        return estimate.tdp_model(tdp_w, name)
    return estimate.core_model(os.cpu_count() or 1, name)
