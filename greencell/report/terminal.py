"""What is printed: text that any terminal, pipe or file can take. The only place that prints.

A stream may know few letters: a pipe on Windows, a container without a locale, Python told so by
``PYTHONIOENCODING``. What it cannot take is spelled in ASCII.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from greencell.report.shape import visible

_ALIKE: Final[Mapping[str, str]] = {
    "≈": "~", "±": "+/-", "≥": ">=", "≤": "<=", "<": "<", "–": "-", "—": "-", "−": "-", "×": "x",
    "·": "-", "…": "...", "µ": "u", "μ": "u", "↳": ">", "▸": ">", "→": "->", "’": "'", "‘": "'",
    "“": '"', "”": '"', "ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "ł": "l", "Ł": "L",
    "€": "EUR", "£": "GBP", "°": "deg", "Δ": "d", "\u200b": "", "\u200d": "", "\ufe0f": "",
    **dict.fromkeys("▏▎▍▌", "-"), **dict.fromkeys("▋▊▉█", "#"),
}  # fmt: skip
"""What ASCII has instead; accents and small digits are taken off by Unicode's own rules."""
_UNKNOWN: Final = "?"


def say(text: str, stream: Any = None) -> None:
    """Print a text, as well as the stream allows. No character makes it fail."""
    out = sys.stdout if stream is None else stream
    text = visible(text)
    try:
        print(printable(text, out), file=out)
    except UnicodeError:  # one that does not tell what it takes
        print(_in(text, "ascii"), file=out)


def printable(text: str, stream: Any = None) -> str:
    """A text as a stream can take it; of one that does not tell its encoding, all of it."""
    out = sys.stdout if stream is None else stream
    encoding = getattr(out, "encoding", None)
    return _in(text, encoding if isinstance(encoding, str) else "utf-8")


def _in(text: str, encoding: str) -> str:
    if _fits(text, encoding):
        return text
    return "".join(
        letter if letter.isascii() or _fits(letter, encoding) else _alike(letter, encoding)
        for letter in text
    )


def _alike(letter: str, encoding: str) -> str:
    """The nearest that the encoding has."""
    known = _ALIKE.get(letter)
    if known is not None:
        return known
    parts = unicodedata.normalize("NFKD", letter)
    alike = "".join(part for part in parts if not unicodedata.combining(part))
    return alike if alike and alike.isascii() and _fits(alike, encoding) else _UNKNOWN


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeError, LookupError):  # no such letters, or no such encoding
        return False
    return True
