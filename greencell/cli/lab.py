"""``greencell lab``: JupyterLab, which has the extension on once greencell is installed."""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys

from greencell.errors import UsageError

NAME = "lab"
HELP = "start JupyterLab; further arguments go to it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(options: argparse.Namespace) -> int:
    """Start it and wait for its end.

    Raises:
        UsageError: JupyterLab is not installed here.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise UsageError('JupyterLab is not installed here: pip install "greencell[lab]".')
    command = [sys.executable, "-m", "jupyterlab", *options.rest]
    # The user's own arguments, on the user's own command line.
    return subprocess.run(command, check=False).returncode  # noqa: S603
