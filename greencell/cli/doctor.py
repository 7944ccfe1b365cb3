"""``greencell doctor``: what can be measured here, and what would enable the rest."""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

from greencell.carbon.grid_table import GridTable
from greencell.document import carbon_object, host_object, skipped_object, source_object
from greencell.equipment import equip
from greencell.settings import read_settings

NAME = "doctor"
HELP = "what can be measured here, and what would enable the rest"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace) -> int:
    """Look, and tell."""
    equipped = equip(read_settings(os.environ, {}), os.environ, GridTable())
    equipment = equipped.equipment
    found: dict[str, Any] = {
        "host": host_object(equipment.host),
        "sources": [source_object(source.info) for source in equipment.meter.sources],
        "skipped": [skipped_object(skipped) for skipped in equipment.skipped],
        "carbon": carbon_object(equipment.carbon),
        "problems": list(equipped.problems),
    }
    equipment.meter.close()
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    for source in found["sources"]:
        print(
            f"{source['component']:<5} {source['provenance']:<9} {source['id']}: {source['detail']}"
        )
    for skipped in found["skipped"]:
        print(f"not used  {skipped['id']}: {skipped['reason']}")
        if skipped["remedy"]:
            print(f"          to enable: {skipped['remedy']}")
    carbon = equipment.carbon
    print(
        f"carbon    {carbon.zone_name} ({carbon.factor.zone}), "
        f"{carbon.factor.intensity_g_per_kwh:g} g/kWh, by {carbon.located_by}"
    )
    for problem in equipped.problems:
        print(problem)
    return 0
