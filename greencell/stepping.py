"""Debuggers pass over greencell: a step off the end of a cell must not land in its hooks.

ipykernel tells its debugger to pass over the modules that were there when the kernel started;
those of greencell came later. A debugger that is on already has been told what it was told.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).resolve().parent
_METER_LIBRARIES: Final = ("pynvml", "amdsmi", "zeus_apple_silicon")
"""What hooks call into, imported by greencell or by the user."""


class PassedOver:
    """The files that the kernel's debugger is told to pass over.

    Args:
        kernel: the running kernel; one without a debugger is fine.
    """

    def __init__(self, kernel: object) -> None:
        told = getattr(getattr(kernel, "debugger", None), "kernel_modules", None)
        self._told: list[str] = told if isinstance(told, list) else []
        self._ours: list[str] = []

    def open(self) -> None:
        """Add ours."""
        self._ours = [f"{_FOLDER}/**", *filter(None, map(_file, _METER_LIBRARIES))]
        self._told.extend(self._ours)

    def close(self) -> None:
        """Take ours out again; idempotent."""
        while self._ours:
            path = self._ours.pop()
            if path in self._told:
                self._told.remove(path)


def _file(module: str) -> str | None:
    return getattr(sys.modules.get(module), "__file__", None)
