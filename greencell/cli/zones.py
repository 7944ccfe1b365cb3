"""``greencell zones``: the places whose electricity is known."""

from __future__ import annotations

import argparse

from greencell.carbon.grid_table import GridTable
from greencell.cli.terminal import say
from greencell.report import figures

NAME = "zones"
HELP = "places and the carbon intensity of their electricity"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("query", nargs="?", help="a code or a name; all of them if left out")


def run(options: argparse.Namespace) -> int:
    """Show one zone or all."""
    table = GridTable()
    codes = [options.query] if options.query else table.codes()
    for code in codes:
        zone = table.find(code)
        intensity = figures.digits(zone.intensity_g_per_kwh)
        say(f"{zone.code:<22} {intensity:>6} g/kWh  {zone.name} ({zone.basis_words}, {zone.year})")
    return 0
