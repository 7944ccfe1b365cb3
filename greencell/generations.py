"""Whether our modules still fit each other, and how to have them fit again.

Autoreload replaces one module after another. One that is reloaded before a module it imports from
keeps the old classes, with parts of the new ones in them, and those work no more.
"""

from __future__ import annotations

import importlib
import sys
from types import FunctionType, ModuleType
from typing import Final

_PACKAGE: Final = __name__.partition(".")[0]


def import_anew_if_mixed() -> None:
    """Have all our modules read again, if not all of them are of one reading."""
    if are_mixed():
        forget()
        importlib.reload(sys.modules[_PACKAGE])


def are_mixed() -> bool:
    """Whether one of our modules holds a class or function that its own module has replaced."""
    modules = dict(_ours())
    for module in modules.values():
        for found in list(vars(module).values()):
            if not isinstance(found, (type, FunctionType)) or "." in found.__qualname__:
                continue
            home = modules.get(found.__module__)
            now = found if home is None else vars(home).get(found.__name__, found)
            if now is not found:
                return True
    return False


def forget() -> None:
    """Have all our modules but the package itself imported anew when they are next asked for."""
    package = sys.modules[_PACKAGE]
    for name, module in _ours():
        if module is package:
            continue
        del sys.modules[name]
        parent, _, attribute = name.rpartition(".")
        vars(sys.modules.get(parent, package)).pop(attribute, None)


def _ours() -> list[tuple[str, ModuleType]]:
    return [
        (name, module)
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] == _PACKAGE and isinstance(module, ModuleType)
    ]
