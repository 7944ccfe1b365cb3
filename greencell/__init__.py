"""greencell: the energy and CO2 of every notebook cell, with honest intervals."""

from __future__ import annotations

import sys
from typing import Any

from greencell.api import measure, measured, session
from greencell.version import __version__

__all__ = ["__version__", "measure", "measured", "session"]


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext greencell``."""
    if "greencell.load" in sys.modules and not hasattr(shell, "_greencell_extension"):
        from greencell.generations import import_anew_if_mixed
        from greencell.guard import Guard

        Guard("reload").run(import_anew_if_mixed)
    from greencell.load import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext greencell``."""
    from greencell.load import unload

    unload(shell)
