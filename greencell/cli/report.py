"""``greencell report``: an exported session, or the figures in a notebook, in another format."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any, Final, NoReturn

from greencell import report
from greencell.document import SCHEMA
from greencell.errors import UsageError
from greencell.report.notebook import is_notebook, notebook_document
from greencell.report.shape import legible
from greencell.report.terminal import one_line, say
from greencell.report.text_formats import cells_text, to_text

NAME = "report"
HELP = "an exported session (.json), or the figures in a notebook, as text or in another format"
_MAX_BYTES: Final = 100 * 1024 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "session", type=Path, metavar="NOTEBOOK_OR_JSON",
        help="a session exported as .json, or a notebook in which the panel embedded figures",
    )  # fmt: skip
    parser.add_argument("-o", "--output", help="file to write; its suffix is the format")
    parser.add_argument(
        "--as", dest="form", choices=tuple(report.FORMATS), metavar="NAME",
        help=f"a format by its name: {', '.join(report.STATEMENTS)}",
    )  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def run(options: argparse.Namespace) -> int:
    """Show or write it."""
    document = read(options.session)
    if options.output is None and options.form == "json":
        say(json.dumps(document, indent=2))  # in ASCII: the same in every encoding
    elif options.output is None and options.form is not None:
        say(report.render(document, options.form).rstrip("\n"))
    elif options.output is None:
        say(f"{to_text(document)}\n\n{cells_text(document)}")
    else:
        form, force = options.form, options.force
        path = report.write(document, options.output, force=force, form=form)
        say(f"wrote {one_line(str(path), most=1_000)}")
    return 0


def read(path: Path) -> dict[str, Any]:
    """The session document in a file, as it is there, or made of a notebook's figures.

    Raises:
        UsageError: there is none that can be shown.
    """
    value = _json(path)
    if is_notebook(value):
        document = notebook_document(value, path.name)
    elif value.get("schema") == SCHEMA:
        document = value
    else:
        raise UsageError(f"{path} is no session of greencell ({SCHEMA}) and no notebook.")
    legible(document)
    return document


def _json(path: Path) -> dict[str, Any]:
    """The object in a file; anything else that is JSON is as good as an empty one."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise UsageError(f"{path} is larger than 100 MiB; clear its outputs first.")
        value = json.loads(content.decode("utf-8"), parse_constant=_refuse, parse_float=_finite)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON; export a session as .json first.") from error
    return value if isinstance(value, dict) else {}


def _finite(digits: str) -> float:
    """1e999 is JSON, and no number of Python's."""
    value = float(digits)
    return value if math.isfinite(value) else _refuse(digits)


def _refuse(constant: str) -> NoReturn:
    """NaN and Infinity are no JSON, though Python reads them."""
    raise ValueError(constant)
