"""Selection: which sources are used, so that no joule is counted twice. One pure function.

Sources hold pieces of hardware (``SourceInfo.parts``). In order of preference, a source is used
unless it shares a piece with one that is used already:

* a package holds its cores and its own GPU; it does not hold ``dram``;
* the memory-mapped copy of a package is the same ``cpu:0`` again, as is the same package through
  perf, and a model of all CPUs is ``cpu:*``;
* dies of one socket are different pieces, unless they mirror one counter: those show the same
  value at the same time (told by value, not by name: some processors do count each die);
* an APU's ``amdgpu`` and a superchip's module hold the CPU as well;
* meters of the whole machine (psys, battery, ACPI, a board's input) are a scope of their own,
  shown beside the sum; of these, too, one is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from greencell.model import Skipped, SourceInfo

_SAME_SHARE: Final = 1e-6
_SAME_J: Final = 1.0
"""Two reads of one counter, one after the other, differ by less than this."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A source that works.

    Attributes:
        first_j: its first reading in J, if it is a counter.
    """

    info: SourceInfo
    first_j: float | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """Indices of the candidates that are used, and why each of the others is not."""

    used: tuple[int, ...]
    skipped: tuple[Skipped, ...]


def select(candidates: Sequence[Candidate]) -> Selection:
    """The candidates to use, given in order of preference."""
    used: list[int] = []
    skipped: dict[str, Skipped] = {}
    for index, candidate in enumerate(candidates):
        twin = next(
            (candidates[i] for i in used if _share_hardware(candidates[i], candidate)), None
        )
        if twin is None:
            used.append(index)
        elif twin.info.id != candidate.info.id:
            reason = _why(candidate.info, twin.info)
            skipped.setdefault(candidate.info.id, Skipped(candidate.info.id, reason))
    return Selection(tuple(used), tuple(skipped.values()))


def _share_hardware(one: Candidate, other: Candidate) -> bool:
    if one.info.id == other.info.id:
        return True
    if one.info.scope != other.info.scope:
        return False
    if any(_overlap(a, b) for a in one.info.parts for b in other.info.parts):
        return True
    return _mirror(one, other)


def _overlap(one: str, other: str) -> bool:
    """Whether two pieces are one, or one holds the other: ``cpu:*``, ``cpu:0``, ``cpu:0/1``."""
    kind, _, which = one.partition(":")
    other_kind, _, other_which = other.partition(":")
    if kind != other_kind:
        return False
    if "*" in (which, other_which) or which == other_which:
        return True
    return which.startswith(f"{other_which}/") or other_which.startswith(f"{which}/")


def _mirror(one: Candidate, other: Candidate) -> bool:
    """Whether two dies of a socket show one counter."""
    if one.first_j is None or other.first_j is None:
        return False
    siblings = any(
        a != b and "/" in a and a.rpartition("/")[0] == b.rpartition("/")[0]
        for a in one.info.parts
        for b in other.info.parts
    )
    tolerance_j = max(_SAME_SHARE * one.first_j, _SAME_J)
    return siblings and abs(one.first_j - other.first_j) <= tolerance_j


def _why(info: SourceInfo, twin: SourceInfo) -> str:
    if info.scope == "node":
        return f"{twin.id} shows the whole machine already"
    if len(info.parts) > len(twin.parts) and info.component != twin.component:
        return f"it holds more than its {info.component}: {twin.id} counts a part of it already"
    return f"the same joules as {twin.id}"
