"""The system call ``perf_event_open``, for events that count on a whole CPU.

Layout of the attribute and the call's arguments: Linux ``include/uapi/linux/perf_event.h`` and
perf_event_open(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Mapping
from typing import Final, Protocol

ATTR_BYTES: Final = 64
"""``PERF_ATTR_SIZE_VER0``, which every kernel takes; what newer ones added is then 0."""
COUNT_BYTES: Final = 8
"""A read of an event with ``read_format`` 0 yields one 64-bit number."""
_SYSCALL_NUMBERS: Final[Mapping[str, int]] = {"x86_64": 298, "aarch64": 241}
"""``__NR_perf_event_open`` of ``asm/unistd_64.h`` and of ``asm-generic/unistd.h``."""
_FLAG_CLOEXEC: Final = 8
"""``PERF_FLAG_FD_CLOEXEC``."""
_EVERY_PROCESS: Final = -1
_NO_GROUP: Final = -1
_HEAD: Final = struct.Struct("=IIQ")


class PerfKernel(Protocol):
    """The kernel, as far as events go."""

    def open(self, attr: bytes, cpu: int) -> int:
        """A descriptor of an event that counts all processes on ``cpu``.

        Raises:
            OSError: the kernel refuses.
        """
        ...

    def read(self, fd: int) -> bytes:
        """What a read of the descriptor yields: ``COUNT_BYTES``, or none at its end.

        Raises:
            OSError: the kernel refuses.
        """
        ...

    def close(self, fd: int) -> None:
        """Release the descriptor."""
        ...


class LinuxKernel:
    """The kernel that runs us."""

    def open(self, attr: bytes, cpu: int) -> int:
        number = _SYSCALL_NUMBERS.get(platform.machine())
        if number is None:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        syscall = ctypes.CDLL(None, use_errno=True).syscall
        syscall.restype = ctypes.c_long
        buffer = ctypes.create_string_buffer(attr, len(attr))
        fd = int(
            syscall(
                ctypes.c_long(number), buffer, ctypes.c_long(_EVERY_PROCESS), ctypes.c_long(cpu),
                ctypes.c_long(_NO_GROUP), ctypes.c_ulong(_FLAG_CLOEXEC),
            )
        )  # fmt: skip
        if fd < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        return fd

    def read(self, fd: int) -> bytes:
        return os.read(fd, COUNT_BYTES)

    def close(self, fd: int) -> None:
        os.close(fd)


def counting_attr(event_type: int, config: int) -> bytes:
    """The attribute of an event that only counts.

    All else stays 0: energy events refuse sampling and every ``exclude_`` bit.
    """
    return _HEAD.pack(event_type, ATTR_BYTES, config).ljust(ATTR_BYTES, b"\0")


def count_of(data: bytes) -> int | None:
    """The number that a read yielded; ``None`` if it is none."""
    return int.from_bytes(data, "little") if len(data) == COUNT_BYTES else None
