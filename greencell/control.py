"""Requests from a page: checked, answered, never an exception. Runs beside a running cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from greencell import report
from greencell.document import JsonObject, carbon_object
from greencell.earlier import HISTORY_OFF, Earlier
from greencell.errors import UsageError
from greencell.feed import Feed
from greencell.guard import Guard
from greencell.place import Place
from greencell.session import Session
from greencell.version import __version__
from greencell.what_if import WhatIf
from greencell.wire import WIRE_VERSION, BadRequest, Op, decode_request, page


class Control:
    """Answers requests about one session and its place."""

    def __init__(
        self, session: Session, feed: Feed, place: Place, earlier: Earlier | None = None
    ) -> None:
        self._session = session
        self._feed = feed
        self._place = place
        self._earlier = earlier
        self._guard = Guard("control")
        self._ops: Mapping[Op, Callable[[str], JsonObject]] = {
            "snapshot": self._snapshot,
            "cells": self._cells,
            "export": self._export,
            "set-zone": self._set_zone,
            "what-if": self._what_if,
            "history": self._history,
            "label": self._label,
            "pause": self._pause,
            "resume": self._resume,
            "reset": self._reset,
        }

    def answer(self, content: object) -> JsonObject:
        """The content of the reply to a request, whatever was asked."""
        reply = self._guard.run(self._answer, content)
        if reply is None:
            reply = {"ok": False, "error": f"greencell failed: {self._guard.last_failure}"}
        if not reply["ok"]:
            # A page of another version understands no more than this, and says what to update.
            reply["greencell_version"] = __version__
        return {"wire": WIRE_VERSION, **reply}

    def _answer(self, content: object) -> JsonObject:
        try:
            request = decode_request(content)
            return {"ok": True, **self._ops[request.op](request.argument)}
        except (BadRequest, UsageError) as refusal:
            return {"ok": False, "error": str(refusal)}

    # -- requests; each takes its argument, which is empty where it has none ----------------------

    def _snapshot(self, _argument: str) -> JsonObject:
        self._session.settle()
        return {"snapshot": self._feed.snapshot()}

    def _cells(self, before: str) -> JsonObject:
        return page(self._session.cells, before)

    def _export(self, name: str) -> JsonObject:
        name = report.known_name(name)
        text = report.render(self._session.to_dict(), name)
        suffix = report.FORMATS[name].suffix
        kind = f"-{name}" if name in report.STATEMENTS else ""
        filename = f"greencell-{self._session.id}{kind}.{suffix}"
        return {"text": text, "format": name, "filename": filename}

    def _set_zone(self, zone: str) -> JsonObject:
        carbon = self._place.move(zone)
        self._feed.changed()
        return {"carbon": carbon_object(carbon)}

    def _what_if(self, zones: str) -> JsonObject:
        what_if = WhatIf(self._session.to_dict(), self._place)
        return {"what_if": what_if.message(zones.split(), self._session.wall_s())}

    def _history(self, _argument: str) -> JsonObject:
        if self._earlier is None:
            raise UsageError(HISTORY_OFF)
        return {"history": self._earlier.message()}

    def _label(self, label: str) -> JsonObject:
        self._session.label_next(label)
        return {}

    def _pause(self, _argument: str) -> JsonObject:
        self._session.pause()
        self._feed.changed()
        return {"paused": self._session.paused}

    def _resume(self, _argument: str) -> JsonObject:
        self._session.resume()
        self._feed.changed()
        return {"paused": self._session.paused}

    def _reset(self, _argument: str) -> JsonObject:
        self._session.reset(keep_running=True)
        self._feed.hello({})
        return {}
