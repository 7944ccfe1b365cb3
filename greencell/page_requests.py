"""Requests of a page, which may be anything: checked, without I/O. See ``docs/wire.md``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from greencell.carbon.tables import MAX_PUE
from greencell.errors import UsageError
from greencell.naming import NAMELESS, Naming, naming_of, session_of
from greencell.wire import MAX_TEXT, WIRE_VERSION, BadRequest

Op = Literal[
    "snapshot", "cells", "export", "zones", "set-zone", "what-if", "history", "pause", "resume",
    "reset", "label",
]  # fmt: skip
OPS: Final[tuple[Op, ...]] = (
    "snapshot", "cells", "export", "zones", "set-zone", "what-if", "history", "pause", "resume",
    "reset", "label",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """A request of the page, checked.

    Attributes:
        argument: the format, zone, zones, label, query, or the number before which cells are meant.
        session: which session is exported; empty is the running one.
        pue: of the building, with a zone or alone.
        naming: what the page says that things are called, for this export only.
    """

    op: Op
    argument: str = ""
    session: str = ""
    naming: Naming = NAMELESS
    pue: float | None = None


def decode_request(content: object) -> Request:
    """Check what a page sent; it may be anything.

    Raises:
        BadRequest: with the one line that says what would have been right.
    """
    if not isinstance(content, dict):
        raise BadRequest("a request is an object with wire and op")
    version = content.get("wire")
    if version != WIRE_VERSION:
        raise BadRequest(
            f"this kernel speaks wire version {WIRE_VERSION}; update the older of the two sides"
        )
    op = content.get("op")
    for known in OPS:
        if op == known:
            argument = _argument(known, content)
            if known == "set-zone":
                return Request(known, argument, pue=_pue(content))
            if known != "export":
                return Request(known, argument)
            try:
                return Request(known, argument, session_of(content), naming_of(content))
            except UsageError as refusal:
                raise BadRequest(str(refusal)) from refusal
    raise BadRequest(f"unknown op; known are {', '.join(OPS)}")


_ARGUMENT_OF: Final[Mapping[str, str]] = {
    "cells": "before",
    "export": "format",
    "set-zone": "zone",
    "label": "label",
    "what-if": "zones",
    "zones": "query",
}
_OPTIONAL: Final = frozenset({"what-if"})


def _argument(op: Op, content: Mapping[object, object]) -> str:
    name = _ARGUMENT_OF.get(op)
    if name is None:
        return ""
    value = content.get(name)
    if value is None and (op in _OPTIONAL or (op == "set-zone" and "pue" in content)):
        return ""
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT:
        raise BadRequest(f"{op} needs {name}: a text of at most {MAX_TEXT} characters")
    return value.strip()


def _pue(content: Mapping[object, object]) -> float | None:
    pue = content.get("pue")
    if pue is None:
        return None
    if isinstance(pue, bool) or not isinstance(pue, (int, float)) or not 1 <= pue <= MAX_PUE:
        raise BadRequest(f"set-zone takes pue: a number from 1 to {MAX_PUE:g}")
    return float(pue)
