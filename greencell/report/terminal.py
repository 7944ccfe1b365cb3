"""What is shown: text that steers nothing and that any terminal, pipe or file can take.

The only place that prints. A text from elsewhere may hold controls, which are written out.
A stream may know few letters: a pipe on Windows, a container without a locale, Python told so by
``PYTHONIOENCODING``. What it cannot take is spelled in ASCII.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any, Final

_ALIKE: Final[Mapping[str, str]] = {
    "≈": "~", "±": "+/-", "≥": ">=", "≤": "<=", "<": "<", "–": "-", "—": "-", "−": "-", "×": "x",
    "·": "-", "…": "...", "µ": "u", "μ": "u", "↳": ">", "▸": ">", "→": "->", "’": "'", "‘": "'",
    "“": '"', "”": '"', "ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "ł": "l", "Ł": "L",
    "€": "EUR", "£": "GBP", "°": "deg", "Δ": "d", "\u200b": "", "\u200d": "", "\ufe0f": "",
    **dict.fromkeys("▏▎▍▌", "-"), **dict.fromkeys("▋▊▉█", "#"),
}  # fmt: skip
"""What ASCII has instead; accents and small digits are taken off by Unicode's own rules."""
_UNKNOWN: Final = "?"
UNSAFE: Final = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb"
    "\ud800-\udfff]"
)
"""Controls (ESC and its kin), bidirectional controls, line separators, halves of characters."""
_LINE_ENDS: Final = re.compile("[\t\n\r]")
"""What is no harm in a text of several lines, and breaks one of one line."""


def say(text: str, stream: Any = None) -> None:
    """Print a text, as well as the stream allows. No character makes it fail."""
    out = sys.stdout if stream is None else stream
    text = visible(text)
    try:
        print(printable(text, out), file=out)
    except UnicodeError:  # one that does not tell what it takes
        print(_in(text, "ascii"), file=out)


def visible(text: str) -> str:
    r"""A text whose controls are written out, e.g. ``\x1b``; tabs and line ends stay."""
    return UNSAFE.sub(_written_out, text)


def one_line(text: str, most: int | None = 120) -> str:
    """A text from elsewhere as part of a line: visible, without line ends, cut if it is longer."""
    shown = visible(_LINE_ENDS.sub(lambda found: repr(found[0])[1:-1], text))
    if most is None or len(shown) <= most:
        return shown
    return f"{shown[: most // 2]}…{shown[-(most // 2) :]}"


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004  # one byte


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
    import unicodedata  # a library of its own, only where letters are missing

    parts = unicodedata.normalize("NFKD", letter)
    alike = "".join(part for part in parts if not unicodedata.combining(part))
    return alike if alike and alike.isascii() and _fits(alike, encoding) else _UNKNOWN


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeError, LookupError):  # no such letters, or no such encoding
        return False
    return True
