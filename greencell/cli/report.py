"""``greencell report``: an exported session in another format."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from greencell import report
from greencell.cli.terminal import say
from greencell.document import SCHEMA
from greencell.errors import UsageError
from greencell.report.shape import legible
from greencell.report.text_formats import cells_text, to_text

NAME = "report"
HELP = "an exported session (.json) as text or in another format"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("session", type=Path, help="a session exported as .json")
    parser.add_argument("-o", "--output", type=Path, help="file to write; its suffix is the format")
    parser.add_argument(
        "--as", dest="form", choices=tuple(report.FORMATS), metavar="NAME",
        help=f"a format by its name: {', '.join(report.STATEMENTS)}",
    )  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def run(options: argparse.Namespace) -> int:
    """Show or write it."""
    document = read(options.session)
    if options.output is None and options.form is not None:
        say(report.render(document, options.form).rstrip("\n"))
    elif options.output is None:
        say(f"{to_text(document)}\n\n{cells_text(document)}")
    else:
        form, force = options.form, options.force
        say(f"wrote {report.write(document, options.output, force=force, form=form)}")
    return 0


def read(path: Path) -> dict[str, Any]:
    """The session document in a file, as it is there.

    Raises:
        UsageError: there is none that can be shown.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON; export a session as .json first.") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise UsageError(f"{path} is no session of greencell ({SCHEMA}).")
    legible(document)
    return document


def _refuse(constant: str) -> None:
    """NaN and Infinity are no JSON, though Python reads them."""
    raise ValueError(constant)
