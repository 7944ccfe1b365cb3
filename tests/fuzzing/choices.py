"""Values that nobody meant, made from a string of bytes.

The bytes are the choices: atheris varies them towards code that no input has reached yet, the
tests take them from a seed, and the same bytes bring the same value back.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

T = TypeVar("T")

ODD_TEXTS: Final = (
    "", " ", "\0", "\x1b[2J", "\u202e", "\ud800", "=1+1", "<script>", "../../x", "__proto__", "nan",
    "1e999", "-0", "9" * 400, "é" * 300, "FR", "aws:eu-west-3", "a\nb", "null", "%s%n", "\uffff",
    "on", "kernel", "~", "~no-such-user/x", "http://x", "https://a@b", "²", "٣",
)  # fmt: skip
ODD_NUMBERS: Final = (
    0, -1, 1, 2**31, 2**64, -(2**63), 10**400, 1e308, -1e308, 5e-324, float("nan"), float("inf"),
    float("-inf"), 0.1, True, 1e9, 1e15, 1e-30,
)  # fmt: skip


class Choices:
    """Choices that are read off a string of bytes; where it ends, each is the first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        """The next bytes, at most so many."""
        taken = self._data[self._at : self._at + count]
        self._at += len(taken)
        return taken

    def rest(self) -> bytes:
        """All that was not chosen by."""
        return self.take(len(self._data))

    def below(self, count: int) -> int:
        """A number from 0 to below ``count``, which is at most 256."""
        return int.from_bytes(self.take(1), "big") % count

    def one_of(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def in_256(self, count: int) -> bool:
        """True ``count`` times of 256; where nothing is left to choose, False."""
        return int.from_bytes(self.take(1), "big") >= 256 - count

    def text(self) -> str:
        """Any characters; bytes that are none become halves of characters."""
        return self.take(self.below(40)).decode("utf-8", "surrogateescape")

    def number(self) -> float:
        """Any of all floats."""
        number: float = struct.unpack("<d", self.take(8).ljust(8, b"\0"))[0]
        return number


def value(choices: Choices, depth: int = 3) -> Any:
    """Anything that JSON or Python may bring."""
    kind = choices.below(9 if depth else 6)
    plain: tuple[Callable[[], Any], ...] = (
        lambda: choices.one_of((None, True, False)),
        lambda: choices.one_of(ODD_NUMBERS),
        lambda: choices.one_of(ODD_TEXTS),
        choices.text,
        choices.number,
        lambda: choices.below(256) - 128,
    )
    if kind < len(plain):
        return plain[kind]()
    count = choices.below(4)
    if kind == len(plain):
        return [value(choices, depth - 1) for _ in range(count)]
    return {_name(choices): value(choices, depth - 1) for _ in range(count)}


def _name(choices: Choices) -> str:
    return choices.text() if choices.in_256(128) else choices.one_of(ODD_TEXTS)


def broken(choices: Choices, good: Any, places: int = 3) -> Any:
    """A good value with something wrong in one place, or in a few."""
    for _ in range(1 + choices.below(places)):
        good = _broken_once(choices, good)
    return good


def _broken_once(choices: Choices, good: Any) -> Any:
    if isinstance(good, dict) and good and not choices.in_256(24):
        name = choices.one_of(list(good))
        changed = dict(good)
        if choices.in_256(32):
            del changed[name]
        else:
            changed[name] = _broken_once(choices, good[name])
        return changed
    if isinstance(good, list) and good and not choices.in_256(24):
        index = choices.below(len(good))
        return [*good[:index], _broken_once(choices, good[index]), *good[index + 1 :]]
    if isinstance(good, float) and choices.in_256(96):
        return good * choices.one_of((0.5, 2, -1, 1e-9, 1e9))
    return value(choices)
