"""A model for NVIDIA GPUs without a meter: power from design power and utilisation.

``P = TDP (m 0.12 + 0.88 u)``, where ``u`` is NVML's utilisation and ``m`` the part of the board's
memory that a virtual GPU has, 1 for a whole board.

Nothing is published to fit this to. The idle share is judgement: boards idle at 5 to 15 % of
their design power, more with a context. The interval, 0.3 to 2 times, is judgement too: the
utilisation is the part of the time in which some kernel ran, however few of the processors it
used, so that power at 100 % spans from little above idle to the design power and, for moments,
beyond it. A virtual GPU may use the whole board while its neighbours idle, so only what the
board draws idle is split by memory.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from greencell.attribution import DeviceUse
from greencell.data import DATA
from greencell.model import SourceInfo
from greencell.sources.nvml_device import NvmlDevice
from greencell.sources.nvml_library import Handle, Nvml

IDLE_SHARE: Final = 0.12
"""Idle power over design power; judgement."""
FACTORS: Final = (0.3, 2.0)
"""The interval; judgement."""
SAMPLE_PERIOD_S: Final = 1 / 6
"""The shortest sample period of the utilisation; the longest is 1 s (``nvml.h``)."""
LAG_S: Final = 0.3
"""Half of a sample period in the middle between both."""
_GPUS_OF_BOARD: Final = {"nvidia a16": 4, "nvidia tesla k80": 2, "nvidia tesla m60": 2}
"""Boards with several GPUs, each of which NVML shows by the board's name; the table's power and
memory are of the board (NVIDIA datasheets)."""
_MAX_PERCENT: Final = 100
_PROFILE: Final = re.compile(r"-(?:\d+-)?(\d+)[abcq](?:me)?$", re.ASCII | re.IGNORECASE)
"""The end of a virtual GPU's name, e.g. ``-8Q``: its memory in GB and what it is licensed for
(NVIDIA Virtual GPU Software User Guide, "Virtual GPU Types")."""


@dataclass(frozen=True, slots=True)
class Board:
    """What the table knows of a GPU's board.

    Attributes:
        tdp_w: design power of one GPU.
        share: the part of its memory that a virtual GPU has.
    """

    model: str
    tdp_w: float
    share: float = 1.0


class NvmlModel:
    """Power of one GPU that shows its utilisation only; read as a gauge."""

    def __init__(self, device: NvmlDevice, board: Board, *, virtual: bool) -> None:
        self._device = device
        self._read_percent = partial(_percent, device.library.nvml)
        self._idle_w = board.tdp_w * IDLE_SHARE * board.share
        self._dynamic_w = board.tdp_w * (1.0 - IDLE_SHARE)
        low, high = FACTORS
        part = "" if board.share == 1.0 else f"{board.share:.0%} of the memory of "
        self.info = SourceInfo(
            device.id, "gpu", "model", "estimated", SAMPLE_PERIOD_S, 0.0, (high - low) / 2,
            low, high,
            detail=f"{device.name}, by utilisation; {part}{board.model}, {board.tdp_w:g} W "
            "design power",
            flags=(*device.flags, "virtual") if virtual else device.flags,
            parts=(device.part,), lag_s=LAG_S,
        )  # fmt: skip

    def read_w(self) -> float:
        percent = min(_MAX_PERCENT, self._device.read_units(self._read_percent))
        return self._idle_w + self._dynamic_w * percent / _MAX_PERCENT

    def use(self, own_pids: frozenset[int]) -> DeviceUse | None:
        return self._device.use(own_pids)

    def close(self) -> None:
        self._device.close()


def shows_utilisation(device: NvmlDevice) -> bool:
    """Whether the driver tells how busy the GPU is; with MIG it does not."""
    read_percent = partial(_percent, device.library.nvml)
    return device.library.failure(read_percent, device.handle) is None


def board_of(name: str, data: Path | None = None) -> Board | None:
    """The table's row of a GPU by its name; ``None`` if it is not there.

    A virtual GPU is named after its board, e.g. ``GRID T4-8Q``. Where boards of that name differ
    (``A100-10C``), none is guessed.
    """
    rows = _rows(data or DATA)
    row = _row(rows, name)
    if row is not None:
        return Board(row["model"], float(row["tdp_w"]) / _gpus(row))
    profile = _PROFILE.search(name)
    row = _row(rows, name[: profile.start()]) if profile else None
    if profile is None or row is None or not row["memory_gb"]:
        return None
    share = min(1.0, int(profile[1]) * _gpus(row) / float(row["memory_gb"]))
    return Board(row["model"], float(row["tdp_w"]) / _gpus(row), share)


def match_key(name: str) -> str:
    """A GPU's name as the table's key: lower case, marks removed, words apart by one space."""
    text = re.sub(r"\((r|tm)\)", " ", name.lower())
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text).split())


def _percent(nvml: Nvml, handle: Handle) -> int:
    return int(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)


def _row(rows: dict[str, dict[str, str]], name: str) -> dict[str, str] | None:
    """Drivers have written names with and without the maker and the former brand."""
    key = match_key(name).removeprefix("grid ").removeprefix("nvidia ")
    if not key:
        return None
    found = (rows.get(candidate) for candidate in (f"nvidia {key}", f"nvidia tesla {key}"))
    return next((row for row in found if row is not None), None)


def _gpus(row: dict[str, str]) -> int:
    return _GPUS_OF_BOARD.get(row["match_key"], 1)


def _rows(data: Path) -> dict[str, dict[str, str]]:
    with (data / "gpu_tdp.csv").open(encoding="utf-8", newline="") as file:
        return {row["match_key"]: row for row in csv.DictReader(file)}
