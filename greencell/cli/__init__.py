"""The command line: ``greencell COMMAND``, also ``python -m greencell``.

A user's mistake is one line on stderr; exit code 2 for usage, 1 for failure.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from greencell.cli import doctor, history, lab, report, zones
from greencell.errors import UsageError
from greencell.report.terminal import one_line, say
from greencell.settings import read_settings
from greencell.version import __version__

_COMMANDS = (doctor, report, history, zones, lab)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="greencell", description="Energy and CO2 of notebook cells."
    )
    parser.add_argument("--version", action="version", version=f"greencell {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        own = commands.add_parser(command.NAME, help=command.HELP)
        command.add_arguments(own)
        own.set_defaults(run=command.run)
    options, rest = parser.parse_known_args(arguments)
    if rest and options.command != lab.NAME:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest
    if options.command != doctor.NAME:  # which tells them among what it found
        for problem in read_settings(os.environ, {}).problems:
            say(one_line(problem, most=None), sys.stderr)
    try:
        return int(options.run(options))
    except UsageError as error:
        # One line, whatever is in the name of a file.
        say(f"greencell: {' '.join(str(error).splitlines())}", sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read us has seen enough (``| head``); Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
