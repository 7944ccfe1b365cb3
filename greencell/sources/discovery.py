"""Discovery: each component's best source that works here, and why the others do not.

Every finder is asked, in the order of preference; ``selection`` keeps each joule once; models
stand in for what no meter holds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from greencell.cgroup import memory_limit_gb
from greencell.deadline import within
from greencell.errors import SourceUnavailable
from greencell.model import Component, HostInfo, Skipped
from greencell.sources import estimate
from greencell.sources.base import EnergyCounter, Source
from greencell.sources.host import (
    CONTAINER_MARKS,
    NO_DRIVER_REMEDY,
    POWERCAP_TREES,
    CpuInfo,
    is_container,
    read_cpu,
    read_host,
    read_sockets,
)
from greencell.translation import translatable

VIRTUAL_REASON: Final = translatable(
    "this machine is virtual, and its host shares no power meter with it"
)
VIRTUAL_REMEDY: Final = translatable(
    "run on bare metal (at some clouds, instances named .metal); until then a model stands in, "
    "and the interval says how well it knows"
)
_AMD_VENDORS: Final = ("AuthenticAMD", "HygonGenuine")
_RAPL_VENDORS: Final = ("GenuineIntel", *_AMD_VENDORS)
_ORDER: Final = ("cpu", "dram", "soc", "gpu")
"""The order in which components are shown; others follow."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look, and what the user said about the machine.

    Attributes:
        sysfs_root, procfs_root: where the host's ``/sys`` and ``/proc`` are mounted.
        environment: the process's, for ``CUDA_VISIBLE_DEVICES`` and its like.
        cpu_model, cpu_tdp_w, vcpus: what the model of the CPU shall take for granted.
        nvml: stands in for the module ``pynvml``.
        more_sysfs_roots: looked under where ``sysfs_root`` has no power meter.
        container_marks: files that exist in containers only.
        scaphandre: where a host may have mounted this virtual machine's share.
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
    scaphandre: Path = Path("/var/scaphandre")


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found.

    Attributes:
        sources: what is measured with; no joule is in two of them.
        skipped: what this machine has or could have, and why it is not used.
        absent: kinds of meters that other machines have.
    """

    sources: tuple[Source, ...]
    skipped: tuple[Skipped, ...]
    absent: tuple[Skipped, ...]
    host: HostInfo


@dataclass(frozen=True, slots=True)
class _Machine:
    """What the finders are told."""

    places: Places
    cpu: CpuInfo
    host: HostInfo

    @property
    def amd(self) -> bool:
        return self.cpu.vendor in _AMD_VENDORS

    @property
    def container(self) -> bool:
        # In a virtual machine an empty tree is the rule, container or not.
        places = self.places
        return not self.host.virtual and is_container(
            places.sysfs_root, places.procfs_root, places.container_marks
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """What one finder brings."""

    sources: Sequence[Source] = ()
    skipped: Sequence[Skipped] = ()
    absent: Sequence[Skipped] = ()


def discover(places: Places) -> Discovery:
    """Look for every kind of source, in order of preference. Never raises for what is missing."""
    cpu = read_cpu(places.procfs_root)
    machine = _Machine(places, cpu, read_host(cpu, places.sysfs_root, places.procfs_root, ()))
    sources: list[Source] = []
    skipped: list[Skipped] = []
    absent: list[Skipped] = []
    asked_until_s = time.monotonic() + FIND_S
    for name, find in _FINDERS.items():
        found = _ask_in_time(name, find, machine, asked_until_s)
        sources.extend(found.sources)
        skipped.extend(found.skipped)
        absent.extend(found.absent)
    used, left_out = _each_once(sources)
    skipped = [*_told(skipped, used, machine), *left_out]
    used += _models(machine, used)
    used.sort(key=_place)
    skipped = [replace(one, benefit=one.benefit or _benefit(one, used)) for one in skipped]
    gpus = tuple(s.info.detail.split(",")[0] for s in used if s.info.component == "gpu")
    return Discovery(tuple(used), tuple(skipped), tuple(absent), replace(machine.host, gpus=gpus))


def _each_once(sources: Sequence[Source]) -> tuple[list[Source], Sequence[Skipped]]:
    """The sources to use; the others are closed, and told why."""
    if not sources:
        return [], ()
    from greencell.sources.selection import Candidate, select

    selection = select([Candidate(source.info, _first_j(source)) for source in sources])
    for index, source in enumerate(sources):
        if index not in selection.used:
            source.close()
    return [sources[index] for index in selection.used], selection.skipped


def _first_j(source: Source) -> float | None:
    first_units = getattr(source, "first_units", None)
    if first_units is None or not isinstance(source, EnergyCounter):
        return None
    return float(first_units) * source.joules_per_unit


def _place(source: Source) -> tuple[bool, int]:
    """Components in their order, whole machines last; within one as it was found."""
    component = source.info.component
    known = _ORDER.index(component) if component in _ORDER else len(_ORDER)
    return (source.info.scope == "node", known)


# -- finders -------------------------------------------------------------------------------------

_Sources = tuple[Sequence[Source], Sequence[Skipped]]


# A kind of meter is imported only where there is something to look at: a kernel waits for the
# imports, and a folder that is not there tells the same in microseconds.


def _nvml(machine: _Machine) -> _Sources:
    places = machine.places
    if places.nvml is None and sys.platform == "linux" and not _loads(_NVML_LIBRARY):
        raise SourceUnavailable("no NVIDIA driver on this machine")
    from greencell.sources.nvml import find_gpus

    return find_gpus(places.environment, places.nvml, places.procfs_root)


def _rapl(machine: _Machine) -> _Sources:
    places = machine.places
    roots = (places.sysfs_root, *places.more_sysfs_roots)
    if not any((root / tree).is_dir() for root in roots for tree in POWERCAP_TREES):
        raise SourceUnavailable(f"no powercap tree under {roots[0]}", NO_DRIVER_REMEDY)
    from greencell.sources.rapl import find_counters

    return find_counters(roots, amd=machine.amd, container=machine.container)


def _perf(machine: _Machine) -> _Sources:
    places = machine.places
    _there(places.sysfs_root / "bus/event_source/devices/power")
    from greencell.sources.perf import find_perf, ticking

    counters, skipped = find_perf(
        places.sysfs_root, amd=machine.amd, procfs_root=places.procfs_root
    )
    living, dead = ticking(counters)
    return living, [*skipped, *dead]


def _emi(machine: _Machine) -> _Sources:
    if sys.platform != "win32":
        raise SourceUnavailable("not Windows")
    from greencell.sources.emi import find_emi  # type: ignore[unreachable]  # checked on Linux

    return find_emi(amd=machine.amd)


def _apple(_: _Machine) -> _Sources:
    if sys.platform != "darwin":
        raise SourceUnavailable("not Apple Silicon")
    from greencell.sources.apple import find_apple  # type: ignore[unreachable]  # likewise

    return find_apple()


def _amdsmi(machine: _Machine) -> _Sources:
    places = machine.places
    _there(places.sysfs_root / "class/drm", "card*")
    from greencell.sources.amdsmi import find_amdsmi

    return find_amdsmi(places.sysfs_root, places.environment)


def _hwmon(machine: _Machine) -> _Sources:
    _there(machine.places.sysfs_root / "class/hwmon", "hwmon*")
    from greencell.sources.hwmon import find_hwmon

    return find_hwmon(machine.places.sysfs_root)


def _jetson(machine: _Machine) -> _Sources:
    sysfs_root = machine.places.sysfs_root
    _there(sysfs_root / "bus/i2c/drivers", "ina3221*")
    from greencell.sources.jetson import find_jetson

    return find_jetson(sysfs_root)


def _raspberry_pi(machine: _Machine) -> _Sources:
    places = machine.places
    if not (places.procfs_root / "device-tree/model").exists():
        _there(places.sysfs_root / "firmware/devicetree/base/model")
    from greencell.sources.raspberry_pi import find_raspberry_pi

    return find_raspberry_pi(places.sysfs_root, places.procfs_root)


def _scaphandre(machine: _Machine) -> _Sources:
    mount = machine.places.scaphandre
    _there(mount, "intel-rapl:*/energy_uj")
    from greencell.sources.scaphandre import find_scaphandre

    return find_scaphandre(mount)


def _battery(machine: _Machine) -> _Sources:
    _there(machine.places.sysfs_root / "class/power_supply", "*")
    from greencell.sources.battery import find_battery

    return find_battery(machine.places.sysfs_root)


def _there(path: Path, *patterns: str) -> None:
    """Refuse unless there is something at ``path``, or under it by one of the patterns."""
    found = any(any(path.glob(pattern)) for pattern in patterns) if patterns else path.exists()
    if not found:
        raise SourceUnavailable(f"nothing at {path}")


def _loads(library: str) -> bool:
    """Whether the dynamic linker finds a library, as ``ctypes`` would ask it."""
    from _ctypes import dlopen  # the package around it takes longer than all else here

    try:
        dlopen(library, 0)
    except OSError:
        return False
    return True


_NVML_LIBRARY: Final = "libnvidia-ml.so.1"
_Finder = Callable[[_Machine], _Sources]
_FINDERS: Final[Mapping[str, _Finder]] = {
    # First, because the module of a superchip holds its processor.
    "nvml": _nvml,
    "rapl": _rapl,
    "perf": _perf,
    "emi": _emi,
    "apple": _apple,
    "amdsmi": _amdsmi,
    "hwmon": _hwmon,
    "jetson": _jetson,
    "raspberry_pi": _raspberry_pi,
    "scaphandre": _scaphandre,
    "battery": _battery,
}
"""Finders in order of preference."""
FIND_S: Final = 1.2
_LEAST_S: Final = 0.05
"""All finders together have so long, and each at least a moment."""
_HANGS: Final = "it did not answer while greencell was loaded"
_FAILED: Final = "looking for it failed"
_LOAD_AGAIN: Final = "%reload_ext greencell"
_ALWAYS_TOLD: Final = ("rapl", "nvml")
"""Kinds whose absence is worth a word on every machine: most people look for them."""


def _ask_in_time(name: str, find: _Finder, machine: _Machine, until_s: float) -> _Found:
    """What a finder brings; opening a meter can hang, and loading greencell must not.

    A finder that fails as nobody foresaw takes no other with it.
    """
    answer = within(max(_LEAST_S, until_s - time.monotonic()), partial(_ask, name, find, machine))
    if answer.value is not None:
        return answer.value
    if answer.is_late:
        return _Found((), (Skipped(name, _HANGS, _LOAD_AGAIN, "gap"),), ())
    return _Found((), (Skipped(name, f"{_FAILED} ({answer.failure})", _LOAD_AGAIN, "gap"),), ())


def _ask(name: str, find: _Finder, machine: _Machine) -> _Found:
    try:
        sources, skipped = find(machine)
    except SourceUnavailable as error:
        refusal = Skipped(name, error.reason, error.remedy, error.flag)
        if name == "rapl":
            refusal = _no_rapl(refusal, machine)
        told = name in _ALWAYS_TOLD or bool(refusal.remedy and name not in _RAPL_DOORS)
        return _Found((), (refusal,), ()) if told else _Found((), (), (refusal,))
    return _Found(sources, skipped)


_CPU_DOORS: Final = ("rapl", "perf", "scaphandre")
_RAPL_DOORS: Final = ("perf",)
"""Other doors to RAPL: where it has no counters, what is missing is told of RAPL."""


def _no_rapl(refusal: Skipped, machine: _Machine) -> Skipped:
    if refusal.flag == "unsupported" and machine.host.virtual:
        return Skipped("rapl", VIRTUAL_REASON, VIRTUAL_REMEDY, "virtual")
    hopeless = machine.container or machine.cpu.vendor not in _RAPL_VENDORS
    if refusal.remedy == NO_DRIVER_REMEDY and hopeless:
        return replace(refusal, remedy="")
    return refusal


def _told(skipped: Iterable[Skipped], used: Sequence[Source], machine: _Machine) -> list[Skipped]:
    """What is worth telling: a second door to what is metered already is not."""
    metered = any(source.info.component == "cpu" for source in used)
    held = _holds(used, "cpu")
    told = [
        one
        for one in skipped
        if one.id not in _CPU_DOORS or not (metered or (held and not one.remedy))
    ]
    rapl_used = any(source.info.id.startswith("rapl:") for source in used)
    no_dram = not _holds(used, "dram") and not any(":dram" in one.id for one in told)
    if rapl_used and no_dram and not machine.host.virtual:
        told.append(Skipped("rapl:dram", "this processor counts no memory; a model stands in"))
    return told


def _holds(sources: Sequence[Source], kind: str) -> bool:
    return any(
        part.startswith(f"{kind}:")
        for source in sources
        if source.info.scope == "component"
        for part in source.info.parts
    )


# -- models --------------------------------------------------------------------------------------


def _models(machine: _Machine, used: Sequence[Source]) -> list[Source]:
    """Models of what no meter holds."""
    cpu = None if _holds(used, "cpu") else _cpu_model(machine)
    ram = None if _holds(used, "dram") else _ram_model(machine, cpu)
    return [model for model in (cpu, ram) if model is not None]


def _ram_model(machine: _Machine, cpu: estimate.CurveModel | None) -> Source | None:
    """The memory that is in no other figure."""
    host, places = machine.host, machine.places
    limit_gb = memory_limit_gb(places.sysfs_root, places.procfs_root)
    if cpu is not None and cpu.info.id == estimate.VCPU_ID:
        own_gb = host.ram_gb if limit_gb is None else min(host.ram_gb, limit_gb)
        return estimate.more_ram_model(own_gb, places.vcpus or host.logical_cpus)
    if cpu is None and host.virtual:
        return None  # it is in what the host shares
    return estimate.ram_model(host.ram_gb, limit_gb)


def _cpu_model(machine: _Machine) -> estimate.CurveModel:
    """By design power if it is known, by virtual CPU on virtual machines, else by core."""
    places, cpu, host = machine.places, machine.cpu, machine.host
    name = places.cpu_model or cpu.name
    if places.cpu_tdp_w is not None:
        return estimate.tdp_model(places.cpu_tdp_w, name, virtual=host.virtual)
    if places.vcpus is not None:
        return estimate.vcpu_model(places.vcpus, cpu)
    if host.virtual:
        return _virtual_model(machine)
    known = estimate.design_power_of(name)
    if known is None:
        return estimate.core_model(host.logical_cpus, name)
    sockets = read_sockets(places.sysfs_root)
    detail = name if sockets == 1 else f"{sockets} × {name}"
    turbo_w = None if known.turbo_w is None else sockets * known.turbo_w
    return estimate.tdp_model(sockets * known.tdp_w, detail, turbo_w=turbo_w)


def _virtual_model(machine: _Machine) -> estimate.CurveModel:
    """A name is believed only from the user: hypervisors show whichever they like."""
    name, vcpus = machine.places.cpu_model, machine.host.logical_cpus
    known = estimate.design_power_of(name) if name else None
    if known is None or known.threads is None:
        return estimate.vcpu_model(vcpus, machine.cpu)
    share = min(1.0, vcpus / known.threads)
    return estimate.tdp_model(known.tdp_w * share, f"{vcpus} virtual CPUs of {name}", virtual=True)


# -- what a remedy would change ------------------------------------------------------------------

_BROUGHT: Final[Mapping[str, Component]] = {
    "rapl:dram": "dram", "rapl": "cpu", "perf": "cpu", "nvml": "gpu",
}  # fmt: skip
"""What a door would bring."""


def _benefit(skipped: Skipped, used: Sequence[Source]) -> str:
    """What would change with the remedy, told against what stands in now."""
    component = next((c for name, c in _BROUGHT.items() if skipped.id.startswith(name)), None)
    if not skipped.remedy or component is None or skipped.flag == "virtual":
        return ""
    measured = f"{component} measured to about ± {200 * _gain(component):.0f} %"
    now = next((s.info for s in used if s.info.component == component), None)
    if now is None:
        return measured
    if now.provenance == "measured":
        return ""
    low, high = f"{now.low_factor:.2g}", f"{now.high_factor:.2g}"
    return f"{measured} instead of estimated between {low} and {high} times"


def _gain(component: Component) -> float:
    """The standard error of what a door would bring."""
    if component == "gpu":
        from greencell.sources.nvml import GAIN

        return GAIN
    from greencell.sources.rapl import GAIN_DRAM, GAIN_INTEL

    return GAIN_DRAM if component == "dram" else GAIN_INTEL
