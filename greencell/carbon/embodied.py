"""Embodied carbon: the share of making the hardware, by the SCI's formula. Estimated throughout.

M = TE · (TiR / EL) · (RR / ToR): all of the hardware's footprint, times the part of its expected
life that was reserved, times the part of it that was reserved (ISO/IEC 21031:2024). TE comes from
``embodied.csv``; every assumption is a line of its own, and each can be replaced by the user.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from greencell.carbon.footprint import added, scaled
from greencell.carbon.tables import Row, Tables
from greencell.errors import UsageError
from greencell.model import Interval

HOURS_PER_YEAR: Final = 8_760.0
SERVER_LIFETIME_YEARS: Final = 4.0
"""Of a server: 35,040 h (Cloud Carbon Footprint, after Teads)."""
_HOST_THREADS: Final = (128.0, 64.0, 32.0)
"""Threads of the host of a virtual machine, for the low end, the value and the high end of a
guest's share: an assumption, from one socket of 16 cores to two of 32."""
_HOST_GB_PER_THREAD: Final = 4.0
"""The commonest shape of cloud instances (general purpose: 4 GB for each vCPU)."""
_GB_IN_BASE: Final = 16.0
_SERVER_CPU: Final = re.compile(
    r"xeon|epyc|graviton|ampere|neoverse|grace|power\d|opteron", re.IGNORECASE
)
_MAX_KG: Final = 100_000.0


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a session ran on; ``None`` where it is not known."""

    cpu: str
    logical_cpus: int | None
    ram_gb: float | None
    gpus: tuple[str, ...]
    is_virtual: bool


@dataclass(frozen=True, slots=True)
class EmbodiedWishes:
    """What the user knows better than the tables."""

    total_kg: float | None = None
    lifetime_years: float | None = None
    share: float | None = None

    def __post_init__(self) -> None:
        for name, value, top in (
            ("kilograms", self.total_kg, _MAX_KG),
            ("years of life", self.lifetime_years, 50.0),
            ("share", self.share, 1.0),
        ):
            if value is not None and not 0.0 < value <= top:
                raise UsageError(f"The {name} of the hardware must be above 0 and up to {top:g}.")


@dataclass(frozen=True, slots=True)
class Embodied:
    """A share of the hardware's making.

    Attributes:
        mass_g: the share, in g CO2e.
        total_kg: all of the hardware's, in kg CO2e.
        share: of the hardware, while it was used.
        assumptions: what was taken for granted, a line each.
    """

    mass_g: Interval
    total_kg: Interval
    lifetime_years: float
    share: Interval
    assumptions: tuple[str, ...]


def embodied(
    hardware: Hardware, duration_s: float, wishes: EmbodiedWishes, tables: Tables
) -> Embodied:
    """The share of the hardware's making that falls to ``duration_s`` seconds of it.

    Raises:
        BadTable: ``embodied.csv`` cannot be used.
    """
    made = _wished(_estimate(hardware, tables), wishes)
    hours = duration_s / 3_600.0
    of_life = hours / (made.lifetime_years * HOURS_PER_YEAR)
    mass_g = Interval(
        made.total_kg.low * made.share.low * of_life * 1e3,
        made.total_kg.value * made.share.value * of_life * 1e3,
        made.total_kg.high * made.share.high * of_life * 1e3,
    )
    return Embodied(mass_g, made.total_kg, made.lifetime_years, made.share, made.assumptions)


@dataclass(frozen=True, slots=True)
class _Making:
    total_kg: Interval
    lifetime_years: float
    share: Interval
    assumptions: tuple[str, ...]


def _wished(made: _Making, wishes: EmbodiedWishes) -> _Making:
    lines = list(made.assumptions)
    if wishes.total_kg is not None:
        made = replace(made, total_kg=Interval(*[wishes.total_kg] * 3))
        lines = [f"{wishes.total_kg:g} kg CO2e for all of the hardware, set by the user"]
    if wishes.lifetime_years is not None:
        made = replace(made, lifetime_years=wishes.lifetime_years)
        lines.append(f"{wishes.lifetime_years:g} years of life, set by the user")
    if wishes.share is not None:
        made = replace(made, share=Interval(*[wishes.share] * 3))
        lines.append(f"{wishes.share:.3g} of the hardware reserved, set by the user")
    return replace(made, assumptions=tuple(lines))


def _estimate(hardware: Hardware, tables: Tables) -> _Making:
    rows = list(tables.rows("embodied"))
    if hardware.is_virtual or _SERVER_CPU.search(hardware.cpu):
        return _server(hardware, rows)
    return _personal(hardware, rows)


def _server(hardware: Hardware, rows: Sequence[Row]) -> _Making:
    whole = {_text(row): _kg(row) for row in rows if row.text("category") == "server"}
    base_kg = next(kg for item, kg in whole.items() if item.startswith("server: base"))
    gb_kg = next(_kg(row) for row in rows if _text(row) == "server: memory, per GB")
    ram_gb, lines, share = hardware.ram_gb or _GB_IN_BASE, [], Interval(1.0, 1.0, 1.0)
    if hardware.is_virtual:
        guest = float(hardware.logical_cpus or 1)
        most, middle, least = (max(guest, threads) for threads in _HOST_THREADS)
        share = Interval(guest / most, guest / middle, guest / least)
        ram_gb = max(ram_gb, _HOST_GB_PER_THREAD * middle)
        lines.append(
            f"a host of {middle:.0f} threads ({least:.0f} to {most:.0f}) and {ram_gb:.0f} GB, "
            f"of which {guest:.0f} threads are this machine's"
        )
    value_kg = base_kg + gb_kg * max(0.0, ram_gb - _GB_IN_BASE)
    # How far makers' own figures for whole servers lie from the building blocks' base.
    spread = Interval(min(whole.values()) / base_kg, 1.0, max(whole.values()) / base_kg)
    total_kg = scaled(spread, value_kg)
    lines.insert(
        0,
        f"a server of {value_kg:,.0f} kg CO2e: {base_kg:g} kg and {gb_kg:g} kg per GB beyond "
        f"{_GB_IN_BASE:g} GB (Teads, Cloud Carbon Footprint; makers state "
        f"{min(whole.values()):g} to {max(whole.values()):g} kg)",
    )
    lines.append(
        f"{SERVER_LIFETIME_YEARS:g} years of life ({SERVER_LIFETIME_YEARS * HOURS_PER_YEAR:,.0f} h)"
    )
    gpus_kg, gpu_lines = _gpus(hardware.gpus, rows)
    if hardware.gpus:
        # GPUs are handed to a guest whole, whatever its share of the rest.
        shared_kg = Interval(
            *(t * s for t, s in zip(_fields(total_kg), _fields(share), strict=True))
        )
        return _Making(
            added(shared_kg, gpus_kg), SERVER_LIFETIME_YEARS, Interval(1.0, 1.0, 1.0),
            (*lines, *gpu_lines),
        )  # fmt: skip
    return _Making(total_kg, SERVER_LIFETIME_YEARS, share, tuple(lines))


def _personal(hardware: Hardware, rows: Sequence[Row]) -> _Making:
    apple = "apple" in hardware.cpu.lower()
    made = [row for row in rows if row.text("category") in ("laptop", "desktop")]
    used = [row for row in made if _text(row).startswith("Apple")] if apple else made
    masses_kg = sorted(_kg(row) for row in used)
    years = statistics.median(row.number("lifetime_years", 0.0, 50.0) for row in used)
    value_kg = statistics.median(masses_kg)
    makers = "Apple states" if apple else "makers state"
    gpus_kg, gpu_lines = _gpus(() if apple else hardware.gpus, rows)
    line = (
        f"a personal computer of {value_kg:.0f} kg CO2e: the median of {len(used)} that {makers} "
        f"({masses_kg[0]:g} to {masses_kg[-1]:g} kg); all of it reserved"
    )
    return _Making(
        added(Interval(masses_kg[0], value_kg, masses_kg[-1]), gpus_kg),
        years,
        Interval(1.0, 1.0, 1.0),
        (line, f"{years:g} years of life", *gpu_lines),
    )


def _gpus(gpus: Iterable[str], rows: Sequence[Row]) -> tuple[Interval, list[str]]:
    """All GPUs: a model's own row where there is one, else the generic card."""
    total_kg, lines = Interval(0.0, 0.0, 0.0), []
    cards = [row for row in rows if row.text("category") in ("gpu", "gpu-share")]
    generic = next(_kg(row) for row in cards if "generic" in _text(row))
    spread = (min(_kg(row) for row in cards), max(_kg(row) for row in cards))
    for gpu in gpus:
        model = next(
            (r for r in cards if (m := re.search(r"[AH]100", _text(r))) and m[0] in gpu), None
        )
        kg = _kg(model) if model is not None else generic
        total_kg = added(total_kg, Interval(min(kg, spread[0]), kg, max(kg, spread[1])))
        source = _text(model) if model is not None else "a generic card"
        lines.append(
            f"{kg:g} kg CO2e for {gpu} ({source}; others state {spread[0]:g} to {spread[1]:g} kg)"
        )
    return total_kg, lines


def _text(row: Row) -> str:
    return row.text("item")


def _kg(row: Row) -> float:
    return row.number("kgco2e", 0.0, _MAX_KG)


def _fields(interval: Interval) -> tuple[float, float, float]:
    return interval.low, interval.value, interval.high
