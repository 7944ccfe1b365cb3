"""``greencell doctor``: what can be measured here, and what would enable the rest."""

from __future__ import annotations

import argparse
import json
import os
import shutil
from typing import Any

from greencell.carbon.grid_table import GridTable
from greencell.document import carbon_object, host_object, skipped_object, source_object
from greencell.equipment import Equipped, equip
from greencell.guard import Guard
from greencell.report import figures
from greencell.report.place_text import place_text
from greencell.report.shape import FOUND
from greencell.report.sources_text import NARROWEST, WIDTH, sources_text, wrapped
from greencell.report.terminal import say
from greencell.settings import read_settings
from greencell.version import __version__

NAME = "doctor"
HELP = "what can be measured here, and what would enable the rest"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace) -> int:
    """Look, and tell. What nobody foresaw is one line too: this is where people look for help."""
    guard = Guard("doctor")
    equipped = guard.run(equip, read_settings(os.environ, {}), os.environ, GridTable())
    if equipped is None:
        problem = f"Looking failed: {guard.last_failure or 'interrupted'}"
        found: dict[str, Any] = {
            "host": None, "sources": [], "skipped": [], "absent": [], "carbon": None,
            "problems": [problem],
        }  # fmt: skip
    else:
        found = finding(equipped)
        guard.run(equipped.equipment.meter.close)
    if options.json:
        say(json.dumps({"greencell_version": __version__, **found}, indent=2))
    else:
        say(finding_text(found, shutil.get_terminal_size((WIDTH, 24)).columns))
    return 0 if equipped is not None else 1


def finding(equipped: Equipped) -> dict[str, Any]:
    """All that was found, JSON-ready."""
    equipment = equipped.equipment
    return {
        "host": host_object(equipment.host),
        "sources": [source_object(source.info) for source in equipment.meter.sources],
        "skipped": [skipped_object(skipped) for skipped in equipment.skipped],
        "absent": [skipped_object(absent) for absent in equipment.absent],
        "carbon": carbon_object(equipment.carbon),
        "problems": list(equipped.problems),
    }


def finding_text(found: dict[str, Any], width: int) -> str:
    """What was found, for a terminal of ``width`` columns."""
    if found["host"] is None:
        return "\n".join(found["problems"])
    shown = FOUND(found, "")
    host, carbon = shown["host"], shown["carbon"]
    cpus = f"{figures.general(host['logical_cpus'])} logical CPUs"
    machine = [host["os"], host["cpu"], cpus, *host["gpus"], *(["virtual"] * bool(host["virtual"]))]
    width, inner = max(NARROWEST, width), " " * 9
    lines = wrapped(", ".join(machine), width, "machine  ", inner)
    lines += ["", "Electricity and its carbon"]
    for line in place_text(carbon).split("\n"):
        lines += wrapped(line, width, "  ", " " * 13)
    lines += ["", sources_text(shown["sources"], shown["skipped"], width)]
    if found["absent"]:
        kinds = ", ".join(one["id"].replace("_", " ") for one in found["absent"])
        lines += ["", "Looked for and not on this machine"]
        lines += wrapped(kinds, width, "  ")
    if shown["problems"]:
        lines += ["", "Settings"]
        for problem in shown["problems"]:
            lines += wrapped(problem, width, "  ")
    return "\n".join(lines)
