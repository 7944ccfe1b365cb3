"""Models for machines without meters: power from CPU utilisation, and from installed memory.

Formulas, intervals and how wrong they are:

* CPU with known thermal design power: ``P = TDP (0.12 + 0.63 u^0.6)``, 0.5 to 2 times. Fitted to
  RAPL against load of four CPUs; leaving one CPU out, the truth lies inside in 92 %. Where the
  turbo power is known, the high end is 1.2 times that, if it is more (judgement). On a virtual
  machine TDP is that of its share of the processor's threads, 0.4 to 2 times (judgement).
* Virtual CPU: ``P = n (idle + (full - idle) u^0.8)`` with the microarchitecture's watts per
  virtual CPU: medians of SPECpower results of servers with 64 threads and more. The interval
  holds the 10th to 90th percentile of these, at idle and at full load, with a tenth to spare, and
  at least 0.45 to 1.5 times: other published figures, of processor and memory alone, are about
  half as high. Not among them: Cloud Carbon Footprint's watts, 0.5 to 2 times; microarchitecture
  unknown: 0.65 and 3.3 W (SPECpower 2017 to 2026), 0.4 to 2 times. Of some of ARM's cores the
  tables hold only what was copied from a similar processor; such watts have the wide interval. All
  are shares of a whole server at the wall, fans and usual memory included: what a virtual machine
  has above 1.5 GB (1 to 2) per virtual CPU is added as memory. Exponent and intervals are
  judgement. Stolen time is in no utilisation ``u``, as it was not run here; a host that steals
  has lent more virtual CPUs than it has threads, so each is less than one thread, and the low
  end is lowered by the share of the time asked for that was stolen.
* Memory: 0.30 W per GB, 0.5 to 2 times (Boavizta 0.284, Green Algorithms 0.3725). Where a control
  group limits it, of so much; that is the group's own, however many CPUs it may use.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from greencell.attribution import (
    DYNAMIC_EXPONENT,
    DYNAMIC_SHARE_OF_FULL,
    IDLE_SHARE_OF_FULL,
)
from greencell.data import DATA
from greencell.model import Component, SourceInfo
from greencell.sources.host import CpuInfo

TDP_FACTORS = (0.5, 2.0)
_TURBO_SPARE = 1.2
VCPU_FACTORS = (0.4, 2.0)
VCPU_KNOWN_FACTORS = (0.5, 2.0)
_LEAST_SPREAD = (0.45, 1.5)
_SPARE = 1.1
CORE_FACTORS = (0.4, 2.5)
RAM_FACTORS = (0.5, 2.0)
VCPU_ID = "model:vcpu"
VCPU_IDLE_W = 0.65
VCPU_FULL_W = 3.3
VCPU_EXPONENT = 0.8
RAM_W_PER_GB = 0.30
_HELD_GB_PER_VCPU = (1.0, 1.5, 2.0)
"""Memory per thread of the servers whose watts those of a virtual CPU are: least, usual, most
(Cloud Carbon Footprint's GB per chip over the threads of such chips: 1.1 to 1.9)."""
TDP_PER_CPU_W = 4.0
"""Design power per logical CPU where the processor is in no table (codecarbon's constant)."""
_STEAL_TOLD = 0.01
"""From this share on stolen time is mentioned; judgement."""
_MAX_STEAL = 0.9
"""More than this is not believed: a machine that gets so little does not run notebooks."""
_CPU_TICK_S = 0.01
_KEY, _TDP_W, _THREADS, _TURBO_W = 1, 3, 5, 10
"""Columns of cpu_tdp.csv."""

_FAMILY_WORDS = frozenset({
    "amd", "apple", "intel", "atom", "celeron", "core", "epyc", "itanium", "pentium", "phi",
    "ryzen", "threadripper", "ultra", "xeon", "bronze", "silver", "gold", "platinum", "max", "pro",
    "x2", "x3", "x4", "i3", "i5", "i7", "i9", "3", "5", "7", "9",
})  # fmt: skip
"""They say what kind of processor it is, and not which."""

# (vendor, family): ((models), (lowest stepping), microarchitecture as in the tables of watts)
_MICROARCHITECTURES: dict[tuple[str, int], tuple[tuple[range, int, str], ...]] = {
    ("AuthenticAMD", 23): ((range(0x30), 0, "Zen"), (range(0x30, 0x100), 0, "Zen 2")),
    ("AuthenticAMD", 26): ((range(0x100), 0, "Zen 5"),),
    ("AuthenticAMD", 25): ((range(0x10), 0, "Zen 3"), (range(0x10, 0x20), 0, "Zen 4"),
                           (range(0xA0, 0xB0), 0, "Zen 4")),
    ("GenuineIntel", 6): (
        (range(45, 46), 0, "Sandy Bridge"), (range(62, 63), 0, "Ivy Bridge"),
        (range(63, 64), 0, "Haswell"), (range(79, 80), 0, "Broadwell"),
        (range(85, 86), 5, "Cascade Lake"), (range(85, 86), 0, "Skylake"),
        (range(106, 107), 0, "Ice Lake"), (range(143, 144), 0, "Sapphire Rapids"),
        (range(207, 208), 0, "Emerald Rapids"), (range(173, 175), 0, "Granite Rapids"),
        (range(175, 176), 0, "Sierra Forest"),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CurveModel:
    """``P = idle + (full - idle) u^exponent``, in W, at CPU utilisation ``u``."""

    info: SourceInfo
    idle_w: float
    full_w: float
    exponent: float

    def power_w(self, utilisation: float) -> float:
        bounded = min(1.0, max(0.0, utilisation))
        return self.idle_w + (self.full_w - self.idle_w) * float(bounded**self.exponent)

    def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True, slots=True)
class DesignPower:
    """What the table knows of a processor; ``None`` where it does not tell.

    Attributes:
        tdp_w: design power, at the base clock.
        threads: of one processor.
        turbo_w: what it may draw for as long as it is cooled.
    """

    tdp_w: float
    threads: int | None = None
    turbo_w: float | None = None


@dataclass(frozen=True, slots=True)
class _VcpuWatts:
    """Of one virtual CPU; ``proxy`` if they were copied from a similar processor."""

    idle_w: float
    full_w: float
    factors: tuple[float, float]
    proxy: bool = False


def tdp_model(
    tdp_w: float, detail: str, *, turbo_w: float | None = None, virtual: bool = False
) -> CurveModel:
    """The model of CPUs whose thermal design power, all together, is known.

    Args:
        turbo_w: what they may draw for long; with a fifth to spare it is within the interval.
    """
    full = IDLE_SHARE_OF_FULL + DYNAMIC_SHARE_OF_FULL
    low, high = VCPU_FACTORS if virtual else TDP_FACTORS
    factors = (low, max(high, _TURBO_SPARE * (turbo_w or 0.0) / (tdp_w * full)))
    flags = ("virtual",) if virtual else ()
    info = _info("model:tdp", "cpu", factors, f"{detail}, {tdp_w:.3g} W design power", flags)
    return CurveModel(info, tdp_w * IDLE_SHARE_OF_FULL, tdp_w * full, DYNAMIC_EXPONENT)


def core_model(logical_cpus: int, name: str) -> CurveModel:
    """The model of a CPU that is in no table."""
    tdp_w = TDP_PER_CPU_W * logical_cpus
    full = IDLE_SHARE_OF_FULL + DYNAMIC_SHARE_OF_FULL
    detail = f"{name or 'unknown CPU'}, in no table; {TDP_PER_CPU_W:g} W per logical CPU assumed"
    info = _info("model:core", "cpu", CORE_FACTORS, detail)
    return CurveModel(info, tdp_w * IDLE_SHARE_OF_FULL, tdp_w * full, DYNAMIC_EXPONENT)


def vcpu_model(vcpus: int, cpu: CpuInfo, data: Path | None = None) -> CurveModel:
    """The model of a virtual machine's CPUs, charged for these and never for the socket."""
    microarchitecture = microarchitecture_of(cpu)
    known = _vcpu_watts(microarchitecture, data or DATA) if microarchitecture else None
    watts = known or _VcpuWatts(VCPU_IDLE_W, VCPU_FULL_W, VCPU_FACTORS)
    idle_w, full_w, (low, high) = watts.idle_w, watts.full_w, watts.factors
    kind = f" ({microarchitecture})" if known else ""
    plural = "" if vcpus == 1 else "s"
    like = ", as a similar processor" if known and known.proxy else ""
    detail = f"{vcpus} virtual CPU{plural}{kind}, {idle_w:.2g} to {full_w:.2g} W each{like}"
    if cpu.steal_share >= _STEAL_TOLD:
        detail += f"; its host gave {cpu.steal_share:.0%} of their time to other machines"
    factors = (low * (1.0 - min(_MAX_STEAL, cpu.steal_share)), high)
    info = _info(VCPU_ID, "cpu", factors, detail, flags=("virtual",))
    return CurveModel(info, vcpus * idle_w, vcpus * full_w, VCPU_EXPONENT)


def ram_model(ram_gb: float, limit_gb: float | None = None) -> CurveModel:
    """The model of installed memory: constant, whatever the CPU does.

    Args:
        limit_gb: what the control group may use; the rest of the machine's is none of its.
    """
    own_gb = ram_gb if limit_gb is None else min(ram_gb, limit_gb)
    is_own = own_gb < ram_gb
    watts = RAM_W_PER_GB * own_gb
    amount = f"{own_gb:.2g} of {ram_gb:.0f} GB" if is_own else f"{ram_gb:.0f} GB"
    info = _info("model:ram", "dram", RAM_FACTORS, f"{amount} memory, {RAM_W_PER_GB} W per GB")
    return CurveModel(replace(info, is_own=is_own), watts, watts, 1.0)


def more_ram_model(ram_gb: float, vcpus: int) -> CurveModel | None:
    """The model of a virtual machine's memory beyond what the watts of its CPUs hold.

    ``None`` where they hold it all.
    """
    least, usual, most = (ram_gb - held_gb * vcpus for held_gb in reversed(_HELD_GB_PER_VCPU))
    if usual <= 0.0:
        return None
    low, high = RAM_FACTORS
    factors = (low * max(0.0, least) / usual, high * most / usual)
    detail = f"{usual:.0f} of {ram_gb:.0f} GB memory, which the CPUs' figure does not hold"
    watts = RAM_W_PER_GB * usual
    return CurveModel(_info("model:ram", "dram", factors, detail, ("virtual",)), watts, watts, 1.0)


def microarchitecture_of(cpu: CpuInfo) -> str | None:
    """The microarchitecture behind a CPU's numbers, even where its name is hidden."""
    if cpu.core:
        return cpu.core
    if cpu.family is None or cpu.model is None:
        return None
    for models, stepping, name in _MICROARCHITECTURES.get((cpu.vendor, cpu.family), ()):
        if cpu.model in models and (cpu.stepping or 0) >= stepping:
            return name
    return None


def design_power_of(name: str, data: Path | None = None) -> DesignPower | None:
    """The table's row of a CPU by its name; ``None`` if it is not there.

    A PRO without a row of its own is the same processor with more keys.
    """
    key = match_key(name)
    for wanted in dict.fromkeys((key, key.replace(" pro ", " "))):
        found = _row_of(wanted, data or DATA) if is_distinct(wanted) else None
        if found is not None:
            return found
    return None


def _row_of(key: str, data: Path) -> DesignPower | None:
    with (data / "cpu_tdp.csv").open(encoding="utf-8") as lines:
        for line in lines:
            # Splitting four thousand lines is the cost; the key as a substring is the sieve.
            if f",{key}," in line:
                row = next(csv.reader([line]))
                if row[_KEY] == key:
                    threads, turbo_w = row[_THREADS], row[_TURBO_W]
                    return DesignPower(
                        float(row[_TDP_W]),
                        int(threads) if threads else None,
                        float(turbo_w) if turbo_w else None,
                    )
    return None


def is_distinct(key: str) -> bool:
    """Whether a key names one processor and not a whole family, as hypervisors' names do."""
    rest = [word for word in key.split() if word not in _FAMILY_WORDS]
    return len(key.split()) > 1 and any(any(c.isdigit() for c in word) for word in rest)


def match_key(name: str) -> str:
    """A CPU's name as the table's key: marks, clock, core counts and graphics removed."""
    text = re.sub(r"\((r|tm)\)|@.*$|^\d+th gen ", " ", name.lower())
    text = re.sub(r"\b(\d+-cores?|\w+-core processor|processor|cpu|apu)\b", " ", text)
    text = re.sub(r"\s(with|w/)?\s*radeon\b.*$", " ", text)
    text = re.sub(r"(-\d{4}l?) 0\s*$", r"\1", text)  # its first version, as E5-2670 0
    return " ".join(re.sub(r"[^a-z0-9+]+", " ", text).split())


def _vcpu_watts(microarchitecture: str, data: Path) -> _VcpuWatts | None:
    """Of published results; else the mean over the providers that state it, copies last of all."""
    for row in _rows(data / "spec_generations.csv", microarchitecture):
        return _spec_watts(row)
    rows = _rows(data / "microarch_watts.csv", microarchitecture)
    for quality, factors in (("ok", VCPU_KNOWN_FACTORS), ("proxy", VCPU_FACTORS)):
        watts = [
            (float(row["min_w_per_vcpu"]), float(row["max_w_per_vcpu"]))
            for row in rows
            if row["quality"] == quality
        ]
        if watts:
            idle_w, full_w = (sum(column) / len(watts) for column in zip(*watts, strict=True))
            return _VcpuWatts(idle_w, full_w, factors, proxy=quality == "proxy")
    return None


def _rows(path: Path, microarchitecture: str) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["microarch"] == microarchitecture]


def _spec_watts(row: Mapping[str, str]) -> _VcpuWatts:
    """Medians, with an interval that holds what most servers of the generation draw."""
    middle_w = {load: float(row[f"{load}_w_median"]) for load in ("idle", "full")}
    low = min(float(row[f"{load}_w_p10"]) / watts for load, watts in middle_w.items())
    high = max(float(row[f"{load}_w_p90"]) / watts for load, watts in middle_w.items())
    least_low, least_high = _LEAST_SPREAD
    factors = (min(least_low, low / _SPARE), max(least_high, high * _SPARE))
    return _VcpuWatts(middle_w["idle"], middle_w["full"], factors)


def _info(
    id: str,  # noqa: A002  # the field's name
    component: Component,
    factors: tuple[float, float],
    detail: str,
    flags: tuple[str, ...] = (),
) -> SourceInfo:
    low, high = factors
    return SourceInfo(
        id=id, component=component, kind="model", provenance="estimated", period_s=_CPU_TICK_S,
        resolution_j=0.0, relative_error=(high - low) / 2, low_factor=low, high_factor=high,
        detail=detail, flags=flags,
    )  # fmt: skip
