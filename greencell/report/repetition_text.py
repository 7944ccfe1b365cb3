"""What a repeated statement costs, in two lines: the figure, and what it does not say."""

from __future__ import annotations

from typing import Final

from greencell.repetition import ENOUGH_LEGS, PRECISE, TOLD, Repetition
from greencell.report import figures

_WEIGHTY: Final = 0.005
"""An uncertainty below this part of the figure is not worth words."""


def repetition_text(found: Repetition) -> str:
    """Both lines."""
    return f"{figure_line(found)}\n{context_line(found)}"


def figure_line(found: Repetition) -> str:
    """The median, its interval and how it was found; only a bound where no more can be told."""
    details = "; ".join([_scatter(found), _how_often(found), _by_what(found)])
    if not found.is_told:
        bound = figures.joules_below(found.most_j)
        return f"below what can be told: {bound} per run ({details})"
    estimated = found.provenance != "measured"
    sign = figures.ABOUT if estimated else ""
    return f"{sign}{figures.joules(found.energy_j, estimated=estimated)} per run ({details})"


def context_line(found: Repetition) -> str:
    """What the interval leaves out, why there were no more legs, and what else is to know."""
    words = [*_left_out(found), *_stopped(found), *found.notes]
    text = "; ".join(words)
    return text[:1].upper() + text[1:]


def _scatter(found: Repetition) -> str:
    if found.legs == 1:
        return "one leg, so no interval"
    estimated = found.provenance != "measured"
    ends = figures.joules_between(found.low_j, found.high_j, estimated=estimated)
    if found.drifts:
        return f"still drifting, legs from {ends}"
    return f"95{figures.NARROW_SPACE}% interval {ends}" if found.legs >= ENOUGH_LEGS else ends


def _how_often(found: Repetition) -> str:
    legs = "1 leg" if found.legs == 1 else f"{found.legs} legs"
    runs = "1 run" if found.runs == 1 else f"{found.runs:,} runs"
    if found.idle_w is None:
        return f"{legs} of {runs}, idle power not subtracted"
    idle = figures.power(found.idle_w, estimated=True)
    return f"{legs} of {runs}, idle {idle} subtracted"


def _by_what(found: Repetition) -> str:
    words = []
    if found.measured:
        words.append("measured: " + ", ".join(found.measured))
    if found.estimated:
        words.append("estimated: " + ", ".join(found.estimated))
    return "; ".join(words)


def _left_out(found: Repetition) -> list[str]:
    """The uncertainty that all legs share."""
    words = []
    if found.provenance == "estimated":
        words.append("estimated: the figure is proportional to CPU time")
    if found.provenance != "measured":
        low, high = (figures.digits(factor, 2) for factor in (found.low_factor, found.high_factor))
        words.append(f"the truth may be {low} to {high} times as much")
    shared = []
    if found.provenance == "measured":
        percent = f", about {_give_or_take(_percent(found.gain))}" if found.gain >= _WEIGHTY else ""
        shared.append("the meter's own error" + percent)
    idle_j = TOLD * found.u_idle_j
    if idle_j > _WEIGHTY * abs(found.energy_j):
        most = _give_or_take(figures.joules(idle_j, estimated=True))
        shared.append(f"that of the idle power, about {most}")
    if shared:
        verb = "are" if len(shared) > 1 else "is"
        words.append(f"{', and '.join(shared)}, {verb} not in this interval")
    return words


def _stopped(found: Repetition) -> list[str]:
    precision = _give_or_take(_percent(PRECISE))
    if found.stop == "time":
        spent = figures.duration(found.elapsed_s)
        return [f"stopped after {spent}, before the interval was within {precision}"]
    if found.stop == "legs":
        return [f"stopped after {found.legs} legs, before the interval was within {precision}"]
    return []


def _percent(part: float) -> str:
    return f"{max(1, round(100 * part))}{figures.NARROW_SPACE}%"


def _give_or_take(text: str) -> str:
    return f"±{figures.NARROW_SPACE}{text}"
