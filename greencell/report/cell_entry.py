"""What a notebook's cell tells of its own last run, in its metadata under ``greencell``. Pure.

A notebook comes from anywhere, so an entry is read through a closed schema: what is not exactly
as it should be makes the whole entry none. Names that the schema does not know are left out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, cast, get_args

from greencell.model import FLAGS, CellStatus, Interval, Provenance

KEY: Final = "greencell"
SCHEMA: Final = "greencell.cell.v1"
MAX_NUMBER: Final = 1e9
"""No cell took more seconds, kWh, kg or g/kWh."""
_MAX_TEXT: Final = 200
_MAX_FLAGS: Final = 50
_HASH: Final = re.compile(r"[0-9a-f]{16}")
_HASH_DIGITS: Final = 16
_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?Z"
)
_HALF_CHARACTER: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class CellEntry:
    """The figures of one run, as the file tells them.

    Attributes:
        cell_id: of the cell that ran; a copy of that cell has another.
        source_hash: of the text that ran; see ``source_hash``.
        run: unique key of the run.
        started_at: ISO 8601 in UTC.
        zone, intensity_g_per_kwh: where it ran; ``None`` where that is not told.
    """

    cell_id: str
    source_hash: str
    run: str
    status: CellStatus
    started_at: str
    duration_s: float
    energy_kwh: Interval | None
    co2_kg: Interval | None
    provenance: Provenance
    zone: str | None
    intensity_g_per_kwh: float | None
    flags: tuple[str, ...]


def source_hash(source: str) -> str:
    """By which an edited cell is recognised; half a character counts as a page encodes it."""
    text = _HALF_CHARACTER.sub("\ufffd", source)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:_HASH_DIGITS]


def read_entry(value: object) -> CellEntry | None:
    """The entry in a cell's metadata; ``None`` if it is none that can be believed."""
    if not isinstance(value, Mapping) or value.get("schema") != SCHEMA:
        return None
    try:
        return CellEntry(
            cell_id=_text(value.get("cell_id")),
            source_hash=_matching(value.get("source_hash"), _HASH),
            run=_text(value.get("run")),
            status=cast("CellStatus", _one_of(value.get("status"), get_args(CellStatus))),
            started_at=_time(value.get("started_at")),
            duration_s=_number(value.get("duration_s")),
            energy_kwh=_interval(value, "energy", "kwh"),
            co2_kg=_interval(value, "co2", "kg"),
            provenance=cast("Provenance", _one_of(value.get("provenance"), get_args(Provenance))),
            zone=None if value.get("zone") is None else _text(value["zone"]),
            intensity_g_per_kwh=_number_if_any(value.get("intensity_g_per_kwh")),
            flags=_flags(value.get("flags")),
        )
    except _Unbelievable:
        return None


class _Unbelievable(Exception):
    """A value is not what the schema says."""


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _MAX_TEXT:
        raise _Unbelievable
    return value


def _matching(value: object, pattern: re.Pattern[str]) -> str:
    text = _text(value)
    if not pattern.fullmatch(text):
        raise _Unbelievable
    return text


def _one_of(value: object, words: tuple[str, ...]) -> str:
    text = _text(value)
    if text not in words:
        raise _Unbelievable
    return text


def _time(value: object) -> str:
    text = _matching(value, _TIME)
    try:
        datetime.fromisoformat(text[: len("2026-01-31T09:00:00")])
    except ValueError as error:
        raise _Unbelievable from error
    return text


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _Unbelievable
    if not 0 <= value <= MAX_NUMBER:  # NaN is in no order
        raise _Unbelievable
    return float(value)


def _number_if_any(value: object) -> float | None:
    return None if value is None else _number(value)


def _interval(
    entry: Mapping[str, Any], quantity: Literal["energy", "co2"], unit: str
) -> Interval | None:
    """All three numbers in their order, or none of them."""
    names = (f"{quantity}_low_{unit}", f"{quantity}_{unit}", f"{quantity}_high_{unit}")
    ends = [entry.get(name) for name in names]
    if all(end is None for end in ends):
        return None
    low, number, high = map(_number, ends)
    if not low <= number <= high:
        raise _Unbelievable
    return Interval(low, number, high)


def _flags(value: object) -> tuple[str, ...]:
    """Those of the closed list; a newer greencell's are left out."""
    if not isinstance(value, list) or len(value) > _MAX_FLAGS:
        raise _Unbelievable
    return tuple(sorted({_text(flag) for flag in value} & FLAGS))
