"""The calls to Windows, on libraries that are simulated at the level of ctypes."""

# ruff: noqa: N802  # the calls have the names that Windows gave them

from __future__ import annotations

import ctypes
import struct
from types import SimpleNamespace
from typing import Any

import pytest

from greencell.sources.emi_device import (
    IOCTL_GET_VERSION,
    OpenDevice,
    Windows,
    WindowsRefusal,
    device_paths,
)

INVALID = ctypes.c_void_p(-1).value
LISTING, HANDLE = 0x1234_5678_9ABC, 0x7777_0000_1111  # wider than 32 bits, as on 64-bit Windows


class FakeLibrary:
    """Answers calls as ctypes passes them on."""

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths
        self.answer = b"\x02\x00"
        self.vanished = False
        self.listing: int | None = LISTING
        self.handle: int | None = HANDLE
        self.calls: list[str] = []
        self.opened: list[Any] = []

    def load(self, name: str) -> Any:
        functions = [n for n in dir(self) if n[0].isupper()]
        return SimpleNamespace(**{n: self._function(n) for n in functions})

    def _function(self, name: str) -> Any:
        """A callable that takes a ``restype``, as ctypes' do."""
        method = getattr(self, name)

        def function(*arguments: Any) -> Any:
            self.calls.append(name)
            return method(*arguments)

        return function

    def SetupDiGetClassDevsW(self, guid: Any, *rest: Any) -> int | None:
        assert bytes(guid._obj) == bytes.fromhex("4483bd45d67ecf49a440c276c933b053")
        assert rest[-1].value == 0x12
        return self.listing

    def SetupDiEnumDeviceInterfaces(
        self, listing: Any, _: None, guid: Any, index: Any, data: Any
    ) -> int:
        assert listing.value == LISTING
        assert data._obj.cbSize == ctypes.sizeof(data._obj)
        data._obj.flags = index.value
        return int(index.value < len(self.paths))

    def SetupDiGetDeviceInterfaceDetailW(
        self, listing: Any, data: Any, detail: Any, size: Any, needed: Any, _: None
    ) -> int:
        path = f"{self.paths[data._obj.flags]}\0".encode("utf-16-le")
        if detail is None:
            needed._obj.value = 4 + len(path)
            return 0
        assert struct.unpack_from("<I", detail.raw)[0] in {6, 8}
        assert size.value == 4 + len(path)
        ctypes.memmove(ctypes.addressof(detail) + 4, path, len(path))
        return int(not self.vanished)

    def SetupDiDestroyDeviceInfoList(self, listing: Any) -> int:
        assert listing.value == LISTING
        return 1

    def CreateFileW(self, path: Any, *rest: Any) -> int | None:
        self.opened.append(path.value)
        assert rest[0].value == 0x80000000  # reading only
        return self.handle

    def DeviceIoControl(self, handle: Any, code: Any, *rest: Any) -> int:
        assert handle.value == HANDLE
        _, _, buffer, size, written, _ = rest
        if code.value != IOCTL_GET_VERSION:
            return 0
        answer = self.answer[: size.value]
        ctypes.memmove(buffer, answer, len(answer))
        written._obj.value = len(self.answer)
        return 1

    def CloseHandle(self, handle: Any) -> int:
        assert handle.value == HANDLE
        return 1


def windows(library: FakeLibrary) -> Windows:
    return Windows(library.load, lambda: 5)


def test_all_meters_are_listed_and_the_listing_is_released() -> None:
    """By the paths that open them."""
    library = FakeLibrary([r"\\?\acpi#emi0", r"\\?\acpi#emi1#ß"])

    assert list(device_paths(windows(library))) == library.paths
    assert library.calls[-1] == "SetupDiDestroyDeviceInfoList"


def test_a_meter_that_went_away_while_it_was_listed_is_passed_over() -> None:
    """The listing goes on."""
    library = FakeLibrary(["a", "b"])
    library.vanished = True

    assert list(device_paths(windows(library))) == []


@pytest.mark.parametrize("listing", [None, INVALID])
def test_a_listing_that_is_refused_says_the_code(listing: int | None) -> None:
    """Of the call that has failed."""
    library = FakeLibrary([])
    library.listing = listing

    with pytest.raises(WindowsRefusal, match="SetupDiGetClassDevsW: Windows error 5"):
        list(device_paths(windows(library)))


def test_a_device_answers_with_as_many_bytes_as_it_wrote() -> None:
    """At most as many as there is room for; and is closed once."""
    library = FakeLibrary([])
    device = OpenDevice(windows(library), "a path")
    assert library.opened == ["a path"]
    assert device.control(IOCTL_GET_VERSION, 16) == b"\x02\x00"
    assert device.control(IOCTL_GET_VERSION, 1) == b"\x02"
    with pytest.raises(WindowsRefusal) as refusal:
        device.control(0x224008, 16)
    device.close()
    device.close()

    assert refusal.value.code == 5
    assert library.calls.count("CloseHandle") == 1


@pytest.mark.parametrize("handle", [None, INVALID])
def test_a_device_that_does_not_open_says_the_code(handle: int | None) -> None:
    """It has no handle to be closed."""
    library = FakeLibrary([])
    library.handle = handle

    with pytest.raises(WindowsRefusal) as refusal:
        OpenDevice(windows(library), "a path")

    assert refusal.value.code == 5
