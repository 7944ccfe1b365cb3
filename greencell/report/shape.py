"""What a session document must hold to be shown.

A document comes from a file that anybody may have made. ``legible`` gives it back complete:
what an older greencell did not write is there as unknown, no text steers a terminal, turns the
reading direction or begins a line of its own, and every figure lies within its interval.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from greencell.errors import UsageError
from greencell.report.figures import UNKNOWN_WORD
from greencell.report.terminal import one_line

Document = Mapping[str, Any]
_Reader = Callable[[object, str], Any]
"""Takes a value and its place in the document, and gives the value as it may be shown."""

MAX_NUMBER: Final = 1e15
MIN_NUMBER: Final = 1e-30
"""No session holds more or, but for 0, less. In between, products and quotients are numbers too."""
_DUST: Final = 1e-12
"""So little below 0 is what a subtraction leaves."""
_SLACK: Final = 1e-9
"""Ends of an interval may be off by this part of the figure: they were rounded and rescaled."""


def legible(document: Document) -> dict[str, Any]:
    """The document with all that a report shows of it.

    Raises:
        UsageError: it holds something that is not what it should be; the line names the place.
    """
    shown: dict[str, Any] = _DOCUMENT(document, "")
    return shown


# -- readers -----------------------------------------------------------------------------------


def _wrong(value: object, place: str, wanted: str) -> UsageError:
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (type(None), "null"), (bool, "true or false"), ((int, float), "a number"),
        (str, "a text"), ((list, tuple), "a list"), (Mapping, "an object"),
    )  # fmt: skip
    found = next((words for kind, words in kinds if isinstance(value, kind)), "something else")
    return UsageError(f"In this session {_named_place(place)} should be {wanted}, but is {found}.")


def _named_place(place: str) -> str:
    """A place on one line; names of metrics are whatever the file's maker wrote."""
    return one_line(" ".join(place.split()), most=80) or "the document"


def _text_if_any(value: object, place: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong(value, place, "a text")
    # A line end in it would make what follows look like a line of ours.
    return one_line(value, most=None)


def _text(value: object, place: str) -> str:
    text = _text_if_any(value, place)
    return UNKNOWN_WORD if text is None else text


def _any_number(value: object, place: str, most: float = MAX_NUMBER) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong(value, place, "a number")
    if not abs(value) <= most:  # NaN is in no order
        raise UsageError(f"In this session {_named_place(place)} is beyond all numbers.")
    return 0.0 if 0 < abs(value) < MIN_NUMBER else value


def _number(value: object, place: str) -> float | None:
    """A figure of ours: none of them is below 0."""
    number = _any_number(value, place)
    if number is None or number >= 0:
        return number
    if number < -_DUST:
        raise UsageError(f"In this session {_named_place(place)} is below 0, which nothing can be.")
    return 0.0


def _whole(value: object, place: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(value, place, "a whole number")
    _number(value, place)
    return value


def _truth(value: object, place: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise _wrong(value, place, "true or false")


def _each(read: _Reader, *, needed: bool = False) -> _Reader:
    """A list; one that is not there is empty unless it is needed."""

    def items(value: object, place: str) -> list[Any]:
        if value is None and not needed:
            return []
        if not isinstance(value, (list, tuple)):
            raise _wrong(value, place, "a list")
        return [read(item, f"{place}[{index}]") for index, item in enumerate(value)]

    return items


def _named(
    value: object, place: str, read: Callable[[object, str], float | None] = _number
) -> dict[str, float | None]:
    """Numbers by name."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _wrong(value, place, "an object")
    return {
        one_line(str(name), most=None): read(item, f"{place}.{name}")
        for name, item in value.items()
    }


def _metrics(value: object, place: str) -> dict[str, float | None]:
    """Figures of the user's own, as large as they like: nothing is computed from them."""
    return _named(value, place, lambda item, at: _any_number(item, at, sys.float_info.max))


def _object(**readers: _Reader) -> _Reader:
    """An object with at least these names; others are left out."""

    def fields(value: object, place: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise _wrong(value, place, "an object")
        above = f"{place}." if place else ""
        return {name: read(value.get(name), above + name) for name, read in readers.items()}

    return fields


def _within(read: _Reader, *quantities: tuple[str, str]) -> _Reader:
    """An object whose figures lie within their intervals; what is not known bounds nothing."""

    def ordered(value: object, place: str) -> dict[str, Any]:
        found: dict[str, Any] = read(value, place)
        for quantity, unit in quantities:
            names = [f"{quantity}{end}_{unit}" for end in ("_low", "", "_high")]
            known = [(name, found[name]) for name in names if found[name] is not None]
            for (lower, low), (upper, high) in itertools.pairwise(known):
                if low > high + _SLACK * abs(high):
                    at = _named_place(f"{place}.{lower}")
                    raise UsageError(f"In this session {at} is above {upper}.")
        return found

    return ordered


def _factors(read: _Reader) -> _Reader:
    """A source, whose low factor is no more than its high one."""

    def ordered(value: object, place: str) -> dict[str, Any]:
        found: dict[str, Any] = read(value, place)
        low, high = found["low_factor"], found["high_factor"]
        if low is not None and high is not None and low > high:
            raise UsageError(
                f"In this session {_named_place(f'{place}.low_factor')} is above high_factor."
            )
        return found

    return ordered


def _if_any(read: _Reader) -> _Reader:
    """Something that may be missing."""
    return lambda value, place: None if value is None else read(value, place)


_FIGURES: Final[dict[str, _Reader]] = dict.fromkeys(
    (
        "energy_kwh", "energy_low_kwh", "energy_high_kwh", "co2_kg", "co2_low_kg", "co2_high_kg",
        "machine_energy_kwh", "others_energy_kwh", "idle_energy_kwh", "node_energy_kwh",
    ),
    _number,
)  # fmt: skip
SESSION: Final = _object(
    id=_text, started_at=_text, ended_at=_text_if_any, duration_s=_number, notebook=_text_if_any,
    label=_text_if_any, greencell_version=_text, python_version=_text,
)  # fmt: skip
HOST: Final = _object(
    os=_text, cpu=_text, logical_cpus=_whole, ram_gb=_number, gpus=_each(_text), virtual=_truth
)
SOURCE: Final = _factors(_object(
    id=_text, component=_text, kind=_text, provenance=_text, period_s=_number,
    resolution_j=_number, relative_error=_number, low_factor=_number,
    high_factor=_number, lag_s=_number, scope=_text_if_any,
    baseline_w=_number, detail=_text_if_any,
))  # fmt: skip
SKIPPED: Final = _object(
    id=_text, reason=_text, remedy=_text_if_any, flag=_text, caution=_text_if_any,
    benefit=_text_if_any,
)  # fmt: skip
_READING: Final = _object(
    provider=_text, zone=_text, intensity_g_per_kwh=_number, basis=_text, at=_text,
    is_estimated=_truth,
)  # fmt: skip
CARBON: Final = _object(
    zone=_text, zone_name=_text, intensity_g_per_kwh=_number, basis=_text, year=_whole,
    source=_text, located_by=_text, pue=_number, note=_text_if_any, reason=_text_if_any,
    candidates=_each(_text), relative_error=_number, pue_source=_text_if_any,
    wue_l_per_kwh=_number, live=_if_any(_READING), marginal=_if_any(_READING),
)  # fmt: skip
_INTERVALS: Final = (("energy", "kwh"), ("co2", "kg"))
TOTALS: Final = _within(_object(
    cells=_whole, **_FIGURES, cells_energy_kwh=_number, between_cells_energy_kwh=_number,
    by_component_kwh=_named, provenance=_text, flags=_each(_text), bases=_each(_text),
    grid_relative_error=_number, cells_not_listed=_whole, blocks_not_listed=_whole,
), *_INTERVALS)  # fmt: skip
_RUN: Final[dict[str, _Reader]] = {
    "label": _text_if_any, "status": _text, "started_at": _text, "duration_s": _number, **_FIGURES,
    "zone": _text, "intensity_g_per_kwh": _number, "pue": _number, "basis": _text_if_any,
    "grid_relative_error": _number, "parent": _whole, "final": _truth, "mean_power_w": _number,
    "peak_power_w": _number, "by_component_kwh": _named, "provenance": _text,
    "flags": _each(_text),
}  # fmt: skip
CELL: Final = _within(_object(
    number=_whole, cell_id=_text_if_any, execution_count=_whole, metrics=_metrics, **_RUN,
), *_INTERVALS)  # fmt: skip
BLOCKS: Final = _each(_within(_object(**_RUN), *_INTERVALS))
"""Of ``measure``; a session that has none does not tell."""
_DOCUMENT: Final = _object(
    schema=_text, session=SESSION, host=HOST, attribution=_text, sources=_each(SOURCE),
    skipped=_each(SKIPPED), carbon=CARBON, totals=TOTALS, cells=_each(CELL, needed=True),
    blocks=BLOCKS, notes=_each(_text),
)  # fmt: skip
PAST_RUN: Final = _object(
    started_at=_number, label=_text_if_any, energy_j=_number, low_j=_number, high_j=_number,
    provenance=_text,
)  # fmt: skip
PAST_SESSION: Final = _object(id=_text, started_at=_number, zone=_text, zone_name=_text)
"""Columns of a row of the history, as far as they are shown."""
FOUND: Final = _object(
    host=HOST, sources=_each(SOURCE), skipped=_each(SKIPPED), carbon=CARBON, problems=_each(_text)
)
"""What ``greencell doctor`` tells."""
