"""``greencell history``: what past sessions cost."""

from __future__ import annotations

import argparse
import json
import os
import time

from greencell.errors import UsageError
from greencell.keeping import history_path
from greencell.report.history_text import history_csv, history_text
from greencell.report.terminal import say
from greencell.settings import read_settings

NAME = "history"
HELP = "what past sessions cost, or forget them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--notebook", help="only sessions of this notebook")
    parser.add_argument("--days", type=float, help="only the last so many days")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--csv", action="store_true", help="for spreadsheets")
    parser.add_argument(
        "--forget", action="store_true", help="delete these sessions from the history"
    )


def run(options: argparse.Namespace) -> int:
    """Show them, or delete them."""
    from greencell.history.past import Wanted, forget, past_sessions

    if options.days is not None and not options.days > 0:
        raise UsageError("--days takes a number above 0.")
    try:
        path = history_path(read_settings(os.environ, {}).settings.data_dir)
    except RuntimeError as error:
        raise UsageError("There is no home folder; set GREENCELL_DATA_DIR.") from error
    wanted = Wanted.of(time.time(), options.days, options.notebook)
    if options.forget:
        count = forget(path, wanted)
        say(f"forgot {count} session{'' if count == 1 else 's'}")
        return 0
    sessions = past_sessions(path, wanted)
    if options.json:
        say(json.dumps(sessions, indent=2))
    elif options.csv:
        say(history_csv(sessions).rstrip("\n"))
    else:
        say(history_text(sessions))
    return 0
