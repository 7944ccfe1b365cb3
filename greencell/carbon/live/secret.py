"""Tokens and passwords: from the environment into a request's header, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from greencell.errors import UsageError

_MAX_BYTES: Final = 4_096


class Secret:
    """A text that no ``repr``, ``str``, format, pickle or message shows.

    Args:
        text: printable ASCII, not blank, at most 4 KiB.

    Raises:
        ValueError: it cannot stand in a header. The words do not show it.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not text.strip():
            raise ValueError("is blank")
        if len(text) > _MAX_BYTES:
            raise ValueError("is longer than 4 KiB")
        # A line break in it would begin another header.
        if not (text.isascii() and text.isprintable()):
            raise ValueError("has characters in it that no token has, as a line break")
        self._text = text

    def reveal(self) -> str:
        """The text itself: for the header it belongs in."""
        return self._text

    def __repr__(self) -> str:
        return "<secret>"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not stored")


def secret_from(environment: Mapping[str, str], variable: str) -> Secret:
    """The secret in a variable.

    Raises:
        UsageError: there is none, or it cannot be one.
    """
    text = environment.get(variable)
    if not text:
        raise UsageError(f"{variable} is not set, so no live figure can be asked for.")
    try:
        return Secret(text)
    except ValueError as problem:
        raise UsageError(f"{variable} {problem}; no live figure is asked for.") from None
