"""``greencell zones``: the places whose electricity is known."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from greencell.carbon.grid_table import GridTable, Zone
from greencell.report import figures
from greencell.report.terminal import say

NAME = "zones"
HELP = "places and the carbon intensity of their electricity"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("query", nargs="*", help="a code or a name; all of them if left out")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace) -> int:
    """Show what a text may mean, or all zones. Nothing that fits: the nearest names, and 1."""
    table, query = GridTable(), " ".join(options.query)
    zones = table.search(query) if query else tuple(table.find(code) for code in table.codes())
    if not zones:
        table.find(query)  # raises, with the nearest names
    if options.json:
        say(json.dumps([_object(zone) for zone in zones], indent=2))
        return 0
    width = max(len(zone.code) for zone in zones)
    for zone in zones:
        intensity = figures.digits(zone.intensity_g_per_kwh)
        pue = f", PUE {zone.pue:g}" if zone.pue is not None else ""
        say(
            f"{zone.code:<{width}} {intensity:>6} g/kWh  {zone.name} "
            f"({zone.basis_words}, {zone.year}{pue})"
        )
        if len(zones) == 1 and zone.note:
            say(zone.note, sys.stdout)
    return 0


def _object(zone: Zone) -> dict[str, Any]:
    return {
        "zone": zone.code,
        "zone_name": zone.name,
        "country": zone.country,
        "intensity_g_per_kwh": zone.intensity_g_per_kwh,
        "relative_error": zone.relative_error,
        "basis": zone.basis,
        "year": zone.year,
        "source": zone.source,
        "pue": zone.pue,
        "pue_source": zone.pue_source,
        "wue_l_per_kwh": zone.wue_l_per_kwh,
        "note": zone.note,
    }
