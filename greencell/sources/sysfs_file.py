"""Files of sysfs: a number behind a descriptor that is kept open, and small texts.

The kernel checks who may read when a file is opened, and formats its value anew at each read
from offset 0. A kept-open descriptor therefore costs a tenth of opening the file each time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from greencell.errors import ReadFailed

Opener = Callable[[str], int]

_ATTEMPTS: Final = 3
_MAX_BYTES: Final = 256
_MAX_DIGITS: Final = 20
"""Those of 2^64."""


def open_readonly(path: str) -> int:
    """A file descriptor for reading."""
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


class SysfsNumber:
    """A whole number in a file, in the file's own unit.

    Args:
        path: the file; it need not be there yet.
        owner: the source's id, for error messages.
        opener: opens a file for reading, given its path.
        signed: whether a negative number means something.
    """

    def __init__(
        self, path: Path, owner: str, opener: Opener = open_readonly, *, signed: bool = False
    ) -> None:
        self._path = os.fspath(path)
        self._owner = owner
        self._open = opener
        self._signed = signed
        self._fd: int | None = None
        self._last: int | None = None
        self._closed = False

    def read(self) -> int:
        """The number now.

        Raises:
            ReadFailed: the file cannot be read, or holds something else.
        """
        number = self._read_patiently()
        if number == self._last and self._is_dead():
            self._release()
            number = self._read_patiently()
        self._last = number
        return number

    def close(self) -> None:
        """Close the file for good; idempotent."""
        self._closed = True
        self._release()

    def _is_dead(self) -> bool:
        """Whether the file was removed or replaced behind the descriptor.

        Asking costs as much as a read, so only a number that stands still is asked.
        """
        return self._fd is not None and os.fstat(self._fd).st_nlink == 0

    def _read_patiently(self) -> int:
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._read_once()
            except ReadFailed:
                continue  # caught between two states of the file
        return self._read_once()

    def _read_once(self) -> int:
        return parse_number(self._bytes(), self._owner, signed=self._signed)

    def _bytes(self) -> bytes:
        if self._closed:
            raise ReadFailed(f"{self._owner} is closed")
        try:
            if self._fd is None:
                self._fd = self._open(self._path)
            return os.pread(self._fd, _MAX_BYTES, 0)
        except OSError as error:
            # A stale descriptor stays stale; the next read opens the file again.
            self._release()
            raise ReadFailed(f"{self._owner}: {error.strerror}") from error

    def _release(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def parse_number(text: bytes, where: str, *, signed: bool = False) -> int:
    """The whole number that ``text`` holds, and nothing but that.

    Raises:
        ReadFailed: it holds something else.
    """
    number = text.strip()
    digits = number[1:] if signed and number.startswith(b"-") else number
    if not digits.isdigit() or len(digits) > _MAX_DIGITS:
        raise ReadFailed(f"{where} does not show a number it can mean")
    return int(number)


def read_number(path: Path, opener: Opener = open_readonly) -> int:
    """The whole number in a file, read once.

    Raises:
        ReadFailed: it holds something else.
        OSError: it cannot be read.
    """
    return parse_number(_read_bytes(path, opener), path.name)


def number_or_none(path: Path, opener: Opener = open_readonly) -> int | None:
    """The whole number in a file; ``None`` if there is none."""
    try:
        return read_number(path, opener)
    except (OSError, ReadFailed):
        return None


def text_or_none(path: Path, opener: Opener = open_readonly) -> str | None:
    """The text of a small file without the space around it; ``None`` if it cannot be read."""
    try:
        text = _read_bytes(path, opener)
    except OSError:
        return None
    # Texts of the device tree end with a NUL.
    return text.decode("ascii", errors="replace").strip("\0 \t\r\n")


def _read_bytes(path: Path, opener: Opener) -> bytes:
    fd = opener(os.fspath(path))
    try:
        return os.pread(fd, _MAX_BYTES, 0)
    finally:
        os.close(fd)
