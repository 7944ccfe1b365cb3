"""Good inputs, from which odd ones are made."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, Final

from greencell.report.cell_entry import source_hash

SESSION: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "session.json").read_text("utf-8")
)
REQUEST: Final = {"wire": 1, "op": "set-zone", "zone": "FR", "format": "csv", "zones": "FR DE"}
SETTINGS: Final = {
    "zone": "FR", "intensity_g_per_kwh": "41.4", "intensity_provider": "uk", "pue": "1.2",
    "intensity_provider_url": "https://example.org/x", "attribution": "machine", "interval_s": "2",
    "history": "off", "history_max_days": "30", "history_max_mb": "10", "data_dir": "/tmp",
    "store_source": "no", "sysfs_root": "/sys", "procfs_root": "/proc", "cpu_model": "EPYC",
    "cpu_tdp_w": "120", "vcpus_shared": "4",
}  # fmt: skip
CLOUD: Final = {
    "v1": {"cloud_name": "aws", "region": "eu-west-3", "availability_zone": "eu-west-3a"}
}
LEFTOVER: Final = [["session", {"id": "s"}], ["cell", {"run": "r", "number": 1}]]


def _entry(number: int, **values: Any) -> dict[str, Any]:
    return {
        "schema": "greencell.cell.v1", "cell_id": f"c{number}", "source_hash": source_hash("x = 1"),
        "run": f"s:{number}", "status": "ok", "started_at": f"2026-01-31T09:00:0{number}.000Z",
        "duration_s": 2.0, "energy_kwh": 1e-5, "energy_low_kwh": 5e-6, "energy_high_kwh": 2e-5,
        "co2_kg": 4.14e-7, "co2_low_kg": 1e-7, "co2_high_kg": 9e-7, "provenance": "measured",
        "zone": "FR", "intensity_g_per_kwh": 41.4, "flags": ["gap"], **values,
    }  # fmt: skip


def _cell(number: int, **values: Any) -> dict[str, Any]:
    return {
        "cell_type": "code", "id": f"c{number}", "execution_count": number, "source": "x = 1",
        "metadata": {"greencell": _entry(number, **values)}, "outputs": [],
    }  # fmt: skip


NOTEBOOK: Final[dict[str, Any]] = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [
        _cell(1),
        _cell(2, provenance="estimated", zone="aws:eu-west-3"),
        {**_cell(3), "source": ["y", " = 1"]},
        {**_cell(4), "id": "copy"},
        {"cell_type": "markdown", "metadata": {}, "source": "#"},
    ],
}


def short_session() -> dict[str, Any]:
    """The session with one cell, which mutations reach more often than each of many."""
    made = copy.deepcopy(SESSION)
    del made["cells"][1:], made["skipped"][1:]
    return made
