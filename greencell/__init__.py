"""greencell: the energy and CO2 of every notebook cell, with honest intervals."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from greencell.version import __version__

if TYPE_CHECKING:  # at run time by ``__getattr__``: a kernel waits for what is imported
    from greencell.api import measure, measured, session

__all__ = ["__version__", "measure", "measured", "session"]


def __getattr__(name: str) -> Any:
    """The Python interface, imported when it is first used.

    No module may bear one of these names: importing it would put it in the function's place.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from greencell import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


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
