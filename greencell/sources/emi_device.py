"""Energy meter devices of Windows: finding them and asking them, through ctypes.

Calls: SetupAPI (``SetupDiGetClassDevsW`` and those around it) and ``DeviceIoControl``.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

IOCTL_GET_VERSION: Final = 0x224000
IOCTL_GET_METADATA_SIZE: Final = 0x224004
IOCTL_GET_METADATA: Final = 0x224008
IOCTL_GET_MEASUREMENT: Final = 0x22400C
"""``CTL_CODE(FILE_DEVICE_UNKNOWN, 0 to 3, METHOD_BUFFERED, FILE_READ_ACCESS)`` of ``emi.h``."""
ACCESS_DENIED: Final = 5
GONE: Final = (433, 1167, 1617)
"""``ERROR_NO_SUCH_DEVICE``, ``…_DEVICE_NOT_CONNECTED``, ``…_DEVICE_REMOVED`` (``winerror.h``)."""
_PRESENT_INTERFACES: Final = 0x2 | 0x10  # DIGCF_PRESENT | DIGCF_DEVICEINTERFACE
_GENERIC_READ: Final = 0x80000000
_SHARE_READ_WRITE: Final = 0x1 | 0x2
_OPEN_EXISTING: Final = 3
_INVALID_HANDLE: Final = ctypes.c_void_p(-1).value
_DETAIL_HEAD_BYTES: Final = 4
"""Where the path begins in ``SP_DEVICE_INTERFACE_DETAIL_DATA_W``."""
_DETAIL_CB_SIZE: Final = 8 if ctypes.sizeof(ctypes.c_void_p) == 8 else 6  # noqa: PLR2004  # bytes
"""What ``cbSize`` of that structure must be: its size without the path, padded on 64 bits."""


class WindowsRefusal(Exception):
    """Windows refused a call.

    Args:
        code: of ``winerror.h``.
    """

    def __init__(self, call: str, code: int) -> None:
        super().__init__(f"{call}: Windows error {code}")
        self.code = code


class EmiDevice(Protocol):
    """A device that is open."""

    def control(self, code: int, size: int) -> bytes:
        """What the device answers to an IOCTL, at most ``size`` bytes.

        Raises:
            WindowsRefusal: it does not answer.
        """
        ...

    def close(self) -> None:
        """Release it; idempotent."""
        ...


class _Guid(ctypes.Structure):
    _fields_ = [
        ("data1", ctypes.c_uint32), ("data2", ctypes.c_uint16), ("data3", ctypes.c_uint16),
        ("data4", ctypes.c_ubyte * 8),
    ]  # fmt: skip


class _InterfaceData(ctypes.Structure):
    _fields_ = [
        ("cbSize", ctypes.c_uint32), ("guid", _Guid), ("flags", ctypes.c_uint32),
        ("reserved", ctypes.c_void_p),
    ]  # fmt: skip


_ENERGY_METER: Final = _Guid(
    0x45BD8344, 0x7ED6, 0x49CF,
    (ctypes.c_ubyte * 8)(0xA4, 0x40, 0xC2, 0x76, 0xC9, 0x33, 0xB0, 0x53),
)  # fmt: skip
"""``GUID_DEVICE_ENERGY_METER`` of ``emi.h``."""


class Windows:
    """The two libraries, and the code of their last error.

    Args:
        load: yields a system library by its name.
        last_error: the code of this thread's last failed call.
    """

    def __init__(
        self, load: Callable[[str], Any] | None = None, last_error: Callable[[], int] | None = None
    ) -> None:
        ffi: Any = ctypes  # what is Windows' own in it has no type elsewhere
        load = load or (lambda name: ffi.WinDLL(name, use_last_error=True))
        self.last_error = last_error or ffi.get_last_error
        self.setup = load("setupapi")
        self.kernel = load("kernel32")
        self.setup.SetupDiGetClassDevsW.restype = ctypes.c_void_p
        self.kernel.CreateFileW.restype = ctypes.c_void_p

    def refusal(self, call: str) -> WindowsRefusal:
        """The error that the call has just met."""
        return WindowsRefusal(call, self.last_error())


class OpenDevice:
    """A device, by its handle."""

    def __init__(self, windows: Windows, path: str) -> None:
        self._windows = windows
        handle = windows.kernel.CreateFileW(
            ctypes.c_wchar_p(path), ctypes.c_uint32(_GENERIC_READ),
            ctypes.c_uint32(_SHARE_READ_WRITE), None, ctypes.c_uint32(_OPEN_EXISTING), 0, None,
        )  # fmt: skip
        if handle in {None, _INVALID_HANDLE}:
            raise windows.refusal("CreateFileW")
        self._handle: int | None = handle

    def control(self, code: int, size: int) -> bytes:
        buffer = ctypes.create_string_buffer(size)
        written = ctypes.c_uint32()
        done = self._windows.kernel.DeviceIoControl(
            ctypes.c_void_p(self._handle), ctypes.c_uint32(code), None, 0, buffer,
            ctypes.c_uint32(size), ctypes.byref(written), None,
        )  # fmt: skip
        if not done:
            raise self._windows.refusal("DeviceIoControl")
        return buffer.raw[: min(written.value, size)]

    def close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            self._windows.kernel.CloseHandle(ctypes.c_void_p(handle))


def device_paths(windows: Windows) -> Iterator[str]:
    """The paths of all energy meters that are there.

    Raises:
        WindowsRefusal: they cannot be listed.
    """
    setup = windows.setup
    guid = ctypes.byref(_ENERGY_METER)
    listing = setup.SetupDiGetClassDevsW(guid, None, None, ctypes.c_uint32(_PRESENT_INTERFACES))
    if listing in {None, _INVALID_HANDLE}:
        raise windows.refusal("SetupDiGetClassDevsW")
    devices = ctypes.c_void_p(listing)
    try:
        index = 0
        data = _InterfaceData(cbSize=ctypes.sizeof(_InterfaceData))
        while setup.SetupDiEnumDeviceInterfaces(
            devices, None, guid, ctypes.c_uint32(index), ctypes.byref(data)
        ):
            path = _path(windows, devices, data)
            if path:
                yield path
            index += 1
    finally:
        setup.SetupDiDestroyDeviceInfoList(devices)


def _path(windows: Windows, devices: ctypes.c_void_p, data: _InterfaceData) -> str:
    needed = ctypes.c_uint32()
    ask = windows.setup.SetupDiGetDeviceInterfaceDetailW
    ask(devices, ctypes.byref(data), None, 0, ctypes.byref(needed), None)  # tells the size
    size = max(needed.value, _DETAIL_CB_SIZE)
    detail = ctypes.create_string_buffer(size)
    ctypes.c_uint32.from_buffer(detail).value = _DETAIL_CB_SIZE
    if not ask(devices, ctypes.byref(data), detail, ctypes.c_uint32(size), None, None):
        return ""  # it went away meanwhile
    return detail.raw[_DETAIL_HEAD_BYTES:].decode("utf-16-le", "replace").partition("\0")[0]
