"""Marks texts that are said to a person by the pages, so that their catalogues have them.

The kernel itself says everything in English; a page looks a text up as it stands.
"""

from __future__ import annotations


def translatable(text: str) -> str:
    """The same text; ``scripts/messages.py`` finds it by this call.

    In an f-string a page knows only the whole text and the one part that is a name or a figure.
    So of a text with more such parts none is translatable.
    """
    return text
