"""AMD's SMI library behind its Python bindings: opened once, shut down with its last user."""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from greencell.errors import ReadFailed, SourceGone, SourceUnavailable
from greencell.sources.shared_library import SharedLibrary

LIBRARY_NAME: Final = "libamd_smi.so"
INSTALL_REMEDY: Final = "pip install /opt/rocm/share/amd_smi"
_NO_PERMISSION: Final = 10
_NOT_FOUND: Final = 31
"""``AMDSMI_STATUS_NO_PERM`` and ``AMDSMI_STATUS_NOT_FOUND``, the device is not there
(``amdsmi.h``)."""

AmdSmi = ModuleType | Any
Handle = Any


class AmdSmiLibrary(SharedLibrary):
    """The library, initialised."""

    def __init__(self, amdsmi: AmdSmi) -> None:
        super().__init__(self._shut_down_quietly)
        self.amdsmi = amdsmi

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The result of a call.

        Raises:
            ReadFailed: it failed this time.
            SourceGone: the device is not there any more.
        """
        try:
            return function(*arguments)
        except self.amdsmi.AmdSmiException as error:
            if code_of(error) == _NOT_FOUND:
                raise SourceGone(f"AMD SMI: {error}") from error
            raise ReadFailed(f"AMD SMI: {error}") from error

    def call_or_none(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The result of a call, or ``None`` if it failed in any way; for decorations."""
        try:
            return function(*arguments)
        except self.amdsmi.AmdSmiException:
            return None

    def _shut_down_quietly(self) -> None:
        self.call_or_none(self.amdsmi.amdsmi_shut_down)


def open_library(amdsmi: AmdSmi | None, environment: Mapping[str, str]) -> AmdSmiLibrary:
    """The library behind these bindings, ``None`` being the module ``amdsmi``.

    Raises:
        SourceUnavailable: there is none, or it does not answer.
    """
    bindings = amdsmi if amdsmi is not None else load_bindings(environment)
    try:
        bindings.amdsmi_init()
    except bindings.AmdSmiException as error:
        if code_of(error) == _NO_PERMISSION:
            raise SourceUnavailable(
                "this user may not ask AMD's driver; the remedy counts from the next login on",
                'sudo usermod -aG render,video "$USER"', "no-permission",
            ) from error  # fmt: skip
        raise SourceUnavailable(
            f"AMD's driver does not answer: {error}", "sudo modprobe amdgpu"
        ) from error
    return AmdSmiLibrary(bindings)


def load_bindings(
    environment: Mapping[str, str], load: Callable[[str], object] = ctypes.CDLL
) -> AmdSmi:
    """The module ``amdsmi``, imported only where its library loads: without it, it prints.

    Args:
        environment: tells where ROCm is.
        load: loads a library by its path or name.

    Raises:
        SourceUnavailable: the module or its library is missing, or they do not fit each other.
    """
    try:
        spec = importlib.util.find_spec("amdsmi")
    except ValueError:  # a module of that name was put together by hand
        spec = None
    if spec is None:
        raise SourceUnavailable("the AMD SMI bindings are not installed", INSTALL_REMEDY)
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    for variable in ("ROCM_HOME", "ROCM_PATH"):
        if environment.get(variable):
            folders.append(Path(environment[variable]) / "lib")
    folders.append(Path("/opt/rocm/lib"))
    names = [str(path) for folder in folders if (path := folder / LIBRARY_NAME).exists()]
    if not any(_loads(name, load) for name in (*names, LIBRARY_NAME)):
        raise SourceUnavailable(
            f"the AMD SMI bindings are there, but {LIBRARY_NAME} of ROCm is not",
            "set ROCM_PATH to where ROCm is installed",
        )
    try:
        import amdsmi  # slow, so only where there is an AMD GPU
    except (ImportError, OSError, AttributeError) as error:
        # A function that the library lacks is an attribute that the bindings miss.
        raise SourceUnavailable(
            f"the AMD SMI bindings do not fit the installed ROCm: {error}", INSTALL_REMEDY
        ) from error
    return amdsmi


def code_of(error: Exception) -> int | None:
    """AMD SMI's code of an error of the bindings."""
    code = getattr(error, "err_code", None)
    return abs(code) if isinstance(code, int) else None


def _loads(name: str, load: Callable[[str], object]) -> bool:
    try:
        load(name)
    except OSError:
        return False
    return True
