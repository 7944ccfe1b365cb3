"""Counter steps: how raw readings become joules. Pure.

A step says what kind it is, so a caller can neither forget a first reading nor hide a wrap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StepKind = Literal["first", "difference", "wrapped", "reset", "ambiguous"]


@dataclass(frozen=True, slots=True)
class Step:
    """What happened between two readings of a counter.

    ``energy_j`` is ``None`` where nothing can be said: at the first reading, after a reset, and
    where a counter may have wrapped more than once.
    """

    kind: StepKind
    energy_j: float | None


@dataclass(frozen=True, slots=True)
class CounterScale:
    """How to read a raw counter.

    Attributes:
        joules_per_unit: J in one raw unit.
        range_units: raw units after which it restarts at 0; ``None`` if it never does.
        max_power_w: highest plausible power, to tell a wrap from a reset.
    """

    joules_per_unit: float
    range_units: int | None
    max_power_w: float


SURE_S = 10.0
"""No counter in use wraps twice in so short a time (65 kJ at 1 kW: 65 s)."""
LATE_S = 1.0
"""A counter may show at once what it counted over this time: it ticks, or was kept from ticking."""
LATE_WRAP_S = 0.05
"""The same where the counter went round: less, because a reset must not be taken for that."""
FIRST = Step("first", None)
_RESET = Step("reset", None)
_AMBIGUOUS = Step("ambiguous", None)


def counter_step(
    previous_units: int | None, now_units: int, elapsed_s: float, scale: CounterScale
) -> Step:
    """The energy between two readings of a counter.

    A smaller value is a wrap only if the implied power is plausible; otherwise the counter was
    reset (driver reload, resume) and nothing is known about the time between. The same holds for
    a larger value that no power can explain, and for the way back from it. Over a long time
    nearly any power is plausible: then a wrap must also come from the upper half of the range,
    and where the counter could have gone round more often than seen, the step is ambiguous: a
    wrong number is worse than none.
    """
    if previous_units is None:
        return FIRST
    difference = now_units - previous_units
    if difference < 0:
        return _fall(previous_units, difference, elapsed_s, scale)
    if difference * scale.joules_per_unit > scale.max_power_w * (elapsed_s + LATE_S):
        return _RESET
    return _unless_ambiguous("difference", difference, elapsed_s, scale)


def _fall(previous_units: int, difference: int, elapsed_s: float, scale: CounterScale) -> Step:
    """A smaller value than before: a wrap, or a reset."""
    if scale.range_units is None:
        return _RESET
    if elapsed_s > SURE_S and 2 * previous_units <= scale.range_units:
        return _RESET
    wrapped = difference + scale.range_units
    limit_j = scale.max_power_w * (elapsed_s + LATE_WRAP_S)
    if wrapped < 0 or wrapped * scale.joules_per_unit > limit_j:
        return _RESET
    return _unless_ambiguous("wrapped", wrapped, elapsed_s, scale)


def _unless_ambiguous(
    kind: StepKind, difference_units: int, elapsed_s: float, scale: CounterScale
) -> Step:
    if scale.range_units is not None and elapsed_s > SURE_S:
        once_more_j = (difference_units + scale.range_units) * scale.joules_per_unit
        if once_more_j <= scale.max_power_w * elapsed_s:
            return _AMBIGUOUS
    return Step(kind, difference_units * scale.joules_per_unit)
