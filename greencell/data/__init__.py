"""Tables: grids, clouds, time zones, processors. ``DATA_LICENSES.md`` says whose they are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

DATA: Final = Path(__file__).parent
"""The folder of the tables."""
