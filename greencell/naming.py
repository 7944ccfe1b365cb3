"""What an export is of, and the names that the user wants in it: they are kept nowhere. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from greencell.document import JsonObject
from greencell.errors import UsageError

MAX_NAME: Final = 200
MAX_NAMES: Final = 10_000
"""No notebook has as many cells."""


@dataclass(frozen=True, slots=True)
class Naming:
    """Names for one export.

    Attributes:
        notebook: its file's name.
        cells: the first line of each cell, by the cell's id.
    """

    notebook: str | None = None
    cells: Mapping[str, str] = field(default_factory=dict)


NAMELESS: Final = Naming()


def session_of(content: Mapping[object, object]) -> str:
    """The id of the session that a page wants exported; empty is the running one.

    Raises:
        UsageError: it can be no id.
    """
    session = content.get("session")
    if session is None:
        return ""
    if not isinstance(session, str) or not (session.isascii() and session.isalnum()):
        raise UsageError("export takes session: the id of a session")
    return session[:MAX_NAME]


def naming_of(content: Mapping[object, object]) -> Naming:
    """The names that a page sent, each one line without controls.

    Raises:
        UsageError: they are no names, too long or too many.
    """
    notebook, cells = content.get("notebook"), content.get("names")
    if cells is None:
        return Naming(_name(notebook))
    if not isinstance(cells, dict) or len(cells) > MAX_NAMES:
        raise UsageError(f"export takes names: at most {MAX_NAMES} lines by the ids of their cells")
    named = {_text(cell_id): _name(line) for cell_id, line in cells.items()}
    return Naming(_name(notebook), {key: name for key, name in named.items() if name is not None})


def named(document: JsonObject, naming: Naming) -> JsonObject:
    """The document with its notebook's name, and its cells' first lines for want of a label."""
    if naming.notebook is None and not naming.cells:
        return document
    session = document["session"]
    return {
        **document,
        "session": {**session, "notebook": naming.notebook or session["notebook"]},
        "cells": [_named_cell(cell, naming) for cell in document["cells"]],
    }


def _named_cell(cell: JsonObject, naming: Naming) -> JsonObject:
    name = naming.cells.get(cell["cell_id"] or "")
    return {**cell, "label": name} if name is not None and not cell["label"] else cell


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_NAME:
        raise UsageError(f"export takes names of at most {MAX_NAME} characters")
    return value


def _name(value: object) -> str | None:
    """What is left of a name on one line, if anything is."""
    if value is None:
        return None
    signs = (sign if sign.isprintable() else " " for sign in _text(value))
    return " ".join("".join(signs).split()) or None
