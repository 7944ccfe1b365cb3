"""The NVML library: opened once, shut down with its last user; what its error codes mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Final

from greencell.errors import SourceUnavailable
from greencell.model import Skipped
from greencell.sources.shared_library import SharedLibrary

_PROBES: Final = 2
_NO_PERMISSION, _NOT_LOADED, _NO_LIBRARY, _LOST, _RESET, _MISMATCH = 4, 9, 12, 15, 16, 18
GONE: Final = (_LOST, _RESET)
"""Codes after which a GPU does not come back in this process."""

_MEANINGS: Final[Mapping[int, tuple[str, str, str]]] = {
    _NO_PERMISSION: (
        "this user may not ask the NVIDIA driver",
        "give this user access to /dev/nvidia*, e.g. through their group", "no-permission"),
    _NOT_LOADED: ("the NVIDIA driver is not loaded", "sudo modprobe nvidia", "unsupported"),
    _NO_LIBRARY: ("no NVIDIA driver on this machine", "", "unsupported"),
    _LOST: ("the GPU has fallen off the bus", "restart the machine", "lost"),
    _RESET: ("the GPU must be reset", "sudo nvidia-smi --gpu-reset", "lost"),
    _MISMATCH: (
        "the NVIDIA driver and its library are of different versions, as after an update",
        "restart the machine", "unsupported"),
}  # fmt: skip
"""Reason, remedy and flag of the codes of ``nvml.h`` that a user can do something about."""
_ELSE_REMEDY: Final = "nvidia-smi shows what is wrong with it"

Nvml = ModuleType | Any
Handle = Any


class NvmlLibrary(SharedLibrary):
    """The library, initialised; shut down when its last device is closed."""

    def __init__(self, nvml: Nvml) -> None:
        super().__init__(self._shut_down_quietly)
        self.nvml = nvml

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The result of an NVML call, or ``None`` if it failed in any way; for decorations."""
        try:
            return function(*arguments)
        except (self.nvml.NVMLError, UnicodeDecodeError):
            return None

    def failure(self, function: Callable[..., Any], *arguments: Any) -> Exception | None:
        """The error of an NVML call that fails however often it is tried; ``None`` if it works."""
        failure: Exception | None = None
        for _ in range(_PROBES):
            try:
                function(*arguments)
            except self.nvml.NVMLError as error:
                failure = error
            else:
                return None
        return failure

    def _shut_down_quietly(self) -> None:
        self.call(self.nvml.nvmlShutdown)


def open_library(nvml: Nvml | None) -> NvmlLibrary:
    """The library behind these bindings, ``None`` being the module ``pynvml``.

    Raises:
        SourceUnavailable: there is no driver, or it does not answer.
    """
    bindings = nvml if nvml is not None else _bindings()
    try:
        bindings.nvmlInit()
    except bindings.NVMLError as error:
        raise unavailable(error) from error
    return NvmlLibrary(bindings)


def code_of(error: Exception) -> int | None:
    """The NVML code of an error of the bindings."""
    return getattr(error, "value", None)


def text_of(value: str | bytes | None) -> str:
    """A text of the bindings, which older ones leave in bytes; empty for ``None``."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value or ""


def unavailable(error: Exception) -> SourceUnavailable:
    """What an error of the whole library means for the user."""
    otherwise = (f"the NVIDIA driver does not answer: {error}", _ELSE_REMEDY, "unsupported")
    return SourceUnavailable(*_MEANINGS.get(code_of(error) or 0, otherwise))


def left_out(id: str, error: Exception, what: str) -> Skipped:  # noqa: A002  # the field's name
    """What an error of one GPU means for the user; ``what`` names it where the code does not."""
    otherwise = (f"{what}: {error}", _ELSE_REMEDY, "unsupported")
    return Skipped(id, *_MEANINGS.get(code_of(error) or 0, otherwise))


def _bindings() -> Nvml:
    try:
        import pynvml  # large, and asked for only where there is a driver
    except ImportError as error:
        raise SourceUnavailable(
            "the NVML bindings are not installed", "pip install nvidia-ml-py"
        ) from error
    if not hasattr(pynvml, "_nvmlGetFunctionPointer_cache"):
        raise SourceUnavailable(
            "an old package pynvml stands in the place of nvidia-ml-py",
            "pip uninstall -y pynvml && pip install --force-reinstall nvidia-ml-py",
        )
    return pynvml
