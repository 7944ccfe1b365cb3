"""Discovery: for each component the best source that works here, and why the others do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from greencell.errors import SourceUnavailable
from greencell.model import Component, HostInfo, Skipped
from greencell.sources import estimate, nvml, rapl
from greencell.sources.base import Source
from greencell.sources.host import (
    CONTAINER_MARKS,
    CpuInfo,
    is_container,
    read_cpu,
    read_host,
    read_sockets,
)
from greencell.sources.powercap import NO_DRIVER_REMEDY

VIRTUAL_REASON: Final = "this machine is virtual, and its host shares no power meter with it"
VIRTUAL_REMEDY: Final = (
    "run on bare metal (at some clouds, instances named .metal); until then a model stands in, "
    "and the interval says how well it knows"
)
_AMD_VENDORS: Final = ("AuthenticAMD", "HygonGenuine")
_RAPL_VENDORS: Final = ("GenuineIntel", *_AMD_VENDORS)


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look, and what the user said about the machine.

    Attributes:
        sysfs_root, procfs_root: where the host's ``/sys`` and ``/proc`` are mounted.
        environment: the process's, for ``CUDA_VISIBLE_DEVICES``.
        cpu_model, cpu_tdp_w, vcpus: what the model of the CPU shall take for granted.
        nvml: stands in for the module ``pynvml``.
        more_sysfs_roots: looked under where ``sysfs_root`` has no power meter.
        container_marks: files that exist in containers only.
    """

    sysfs_root: Path = Path("/sys")
    procfs_root: Path = Path("/proc")
    environment: Mapping[str, str] = field(default_factory=dict)
    cpu_model: str | None = None
    cpu_tdp_w: float | None = None
    vcpus: int | None = None
    nvml: Any = None
    more_sysfs_roots: tuple[Path, ...] = ()
    container_marks: tuple[Path, ...] = CONTAINER_MARKS


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found. ``sources`` never hold a joule twice."""

    sources: tuple[Source, ...]
    skipped: tuple[Skipped, ...]
    host: HostInfo


@dataclass(frozen=True, slots=True)
class _Machine:
    """What the finders are told."""

    places: Places
    cpu: CpuInfo
    host: HostInfo


@dataclass(frozen=True, slots=True)
class _Found:
    """What one finder brings."""

    sources: tuple[Source, ...] = ()
    skipped: tuple[Skipped, ...] = ()


def discover(places: Places) -> Discovery:
    """Look for every kind of source, in order of preference. Never raises for what is missing."""
    cpu = read_cpu(places.procfs_root)
    machine = _Machine(places, cpu, read_host(cpu, places.sysfs_root, places.procfs_root, ()))
    sources: list[Source] = []
    skipped: list[Skipped] = []
    metered: set[Component] = set()
    for components, find in _PRECEDENCE:
        if metered.issuperset(components):
            continue
        found = find(machine)
        sources.extend(found.sources)
        skipped.extend(found.skipped)
        metered.update(source.info.component for source in found.sources)
    gpus = tuple(s.info.detail.split(",")[0] for s in sources if s.info.component == "gpu")
    return Discovery(tuple(sources), tuple(skipped), replace(machine.host, gpus=gpus))


def _rapl(machine: _Machine) -> _Found:
    places, cpu, host = machine.places, machine.cpu, machine.host
    # In a virtual machine an empty tree is the rule, container or not.
    container = not host.virtual and is_container(
        places.sysfs_root, places.procfs_root, places.container_marks
    )
    try:
        counters, skipped = rapl.find_counters(
            (places.sysfs_root, *places.more_sysfs_roots),
            amd=cpu.vendor in _AMD_VENDORS,
            container=container,
        )
    except SourceUnavailable as error:
        return _Found((), (_no_rapl(error, machine, container=container),))
    named = {counter.info.component for counter in counters}
    if "dram" not in named and not host.virtual and not any(":dram" in one.id for one in skipped):
        skipped.append(Skipped("rapl:dram", "this processor counts no memory; a model stands in"))
    return _Found(tuple(counters), tuple(skipped))


def _no_rapl(error: SourceUnavailable, machine: _Machine, *, container: bool) -> Skipped:
    if error.flag == "unsupported" and machine.host.virtual:
        return Skipped("rapl", VIRTUAL_REASON, VIRTUAL_REMEDY, "virtual")
    hopeless = container or machine.cpu.vendor not in _RAPL_VENDORS
    remedy = "" if error.remedy == NO_DRIVER_REMEDY and hopeless else error.remedy
    return Skipped("rapl", error.reason, remedy, error.flag)


def _gpus(machine: _Machine) -> _Found:
    places = machine.places
    try:
        sources, skipped = nvml.find_gpus(places.environment, places.nvml, places.procfs_root)
    except SourceUnavailable as error:
        return _Found((), (Skipped("nvml", error.reason, error.remedy, error.flag),))
    return _Found(tuple(sources), tuple(skipped))


def _cpu_model(machine: _Machine) -> _Found:
    """By design power if it is known, by virtual CPU on virtual machines, else by core."""
    places, cpu, host = machine.places, machine.cpu, machine.host
    name = places.cpu_model or cpu.name
    if places.cpu_tdp_w is not None:
        return _Found((estimate.tdp_model(places.cpu_tdp_w, name, virtual=host.virtual),))
    if places.vcpus is not None:
        return _Found((estimate.vcpu_model(places.vcpus, cpu),))
    if host.virtual:
        return _Found((_virtual_model(machine),))
    known = estimate.design_power_of(name)
    if known is None:
        return _Found((estimate.core_model(host.logical_cpus, name),))
    sockets = read_sockets(places.sysfs_root)
    detail = name if sockets == 1 else f"{sockets} × {name}"
    return _Found((estimate.tdp_model(sockets * known.tdp_w, detail),))


def _virtual_model(machine: _Machine) -> estimate.CurveModel:
    """A name is believed only from the user: hypervisors show whichever they like."""
    name, vcpus = machine.places.cpu_model, machine.host.logical_cpus
    known = estimate.design_power_of(name) if name else None
    if known is None or known.threads is None:
        return estimate.vcpu_model(vcpus, machine.cpu)
    share = min(1.0, vcpus / known.threads)
    return estimate.tdp_model(known.tdp_w * share, f"{vcpus} virtual CPUs of {name}", virtual=True)


def _ram_model(machine: _Machine) -> _Found:
    """Installed memory; a virtual machine's share of it is in the watts per virtual CPU."""
    if machine.host.virtual:
        return _Found()
    return _Found((estimate.ram_model(machine.host.ram_gb),))


_PRECEDENCE: Final[tuple[tuple[frozenset[Component], Callable[[_Machine], _Found]], ...]] = (
    (frozenset({"cpu", "dram"}), _rapl),
    (frozenset({"cpu"}), _cpu_model),
    (frozenset({"gpu"}), _gpus),
    (frozenset({"dram"}), _ram_model),
)
"""Finders in order of preference. One is asked if a component that it can bring has no source."""
