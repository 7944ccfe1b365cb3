"""The words after ``%greencell COMMAND``: options and flags, and what is shown in return."""

from __future__ import annotations

import math
import os
import re
from typing import Final

from greencell.errors import UsageError
from greencell.report.terminal import printable, visible

_SPACE: Final = r"(?!)" if os.name == "nt" else r"\\( )"
_PIECE: Final = re.compile(rf"""(?<!\w)"([^"]*)"|(?<!\w)'([^']*)'|{_SPACE}|((?<=\w)["']|[^\s"'])""")
"""Quoted text, a space after a backslash, or one letter; a quote within a word is an apostrophe."""


class Shown:
    """What a magic shows: HTML in a notebook, text everywhere; neither steers what shows it."""

    def __init__(self, text: str, html: str | None = None) -> None:
        self._text = visible(text)
        self._html = None if html is None else visible(html)

    def __repr__(self) -> str:
        return printable(self._text)

    def _repr_html_(self) -> str | None:
        return self._html


def words_of(line: str) -> list[str]:
    r"""The words of a line as they were typed: ``C:\Users\Jo`` stays what it is.

    Quotes hold words with spaces together; but for a space, and not on Windows, no backslash
    means anything.

    Raises:
        UsageError: a quote is not closed.
    """
    words: list[str] = []
    at, inside = 0, False
    while at < len(line):
        if line[at].isspace():
            at, inside = at + 1, False
            continue
        found = _PIECE.match(line, at)
        if found is None:
            raise UsageError("That line does not parse: a quote is not closed.")
        piece = found[found.lastindex or 0]
        if inside:
            words[-1] += piece
        else:
            words.append(piece)
        at, inside = found.end(), True
    return words


def none_left(arguments: list[str], command: str) -> None:
    """Nothing may be left of the arguments.

    Raises:
        UsageError: something is.
    """
    if arguments:
        name = f"%greencell {command}".strip()
        shown = " ".join(arguments)[:60]
        raise UsageError(f"{name} does not take {shown!r}; %greencell help lists what there is.")


def flag(arguments: list[str], name: str) -> bool:
    """Whether a flag is among the arguments; it is taken out."""
    if name in arguments:
        arguments.remove(name)
        return True
    return False


def option(arguments: list[str], name: str, choices: tuple[str, ...] = ()) -> str | None:
    """The value of ``--name VALUE`` or ``--name=VALUE``, taken out; ``None`` if it is not there.

    Raises:
        UsageError: it has no value, or none of the choices.
    """
    for index, word in enumerate(arguments):
        found, separator, value = word.partition("=")
        if found != name:
            continue
        del arguments[index]
        if not separator:
            value = arguments.pop(index) if index < len(arguments) else ""
        if choices and value not in choices:
            raise UsageError(f"{name} takes one of {', '.join(choices)}.")
        if not value:
            raise UsageError(f"{name} needs a value.")
        return value
    return None


def number_option(arguments: list[str], name: str, high: float) -> float | None:
    """The number of an option, above 0 and up to ``high``.

    Raises:
        UsageError: it is none.
    """
    text = option(arguments, name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value <= high:
        raise UsageError(f"{name} takes a number above 0 and up to {high:g}, not {text[:20]!r}.")
    return value
