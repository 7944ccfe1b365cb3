"""What a command prints: text that any terminal, pipe or file can take."""

from __future__ import annotations

import sys
from typing import Final, TextIO

from greencell.report.shape import visible

_PLAIN: Final = str.maketrans(
    {
        "\u202f": " ", "\u2009": " ", "≈": "~", "≥": ">=", "–": "-", "−": "-", "±": "+-",
        "…": "...", "µ": "u", "₂": "2", "×": "x", "↳": ">", "·": "-", "’": "'",
    }
)  # fmt: skip
"""For streams of another encoding than UTF-8, as pipes have it on Windows."""


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a text, as well as the encoding of the stream allows. Never raises for a character."""
    out = sys.stdout if stream is None else stream
    text = visible(text)
    encoding = out.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeError:
        text = text.translate(_PLAIN).encode(encoding, "replace").decode(encoding, "replace")
    print(text, file=out)
