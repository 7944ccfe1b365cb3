"""Good inputs, from which odd ones are made."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, Final

_FILES: Final = Path(__file__).parents[1] / "fixtures"
SESSION: Final[dict[str, Any]] = json.loads((_FILES / "session.json").read_text("utf-8"))
NOTEBOOK: Final[dict[str, Any]] = json.loads((_FILES / "figures.ipynb").read_text("utf-8"))
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


def short_session() -> dict[str, Any]:
    """The session with one cell, which mutations reach more often than each of many."""
    made = copy.deepcopy(SESSION)
    del made["cells"][1:], made["skipped"][1:]
    return made
