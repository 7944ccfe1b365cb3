"""Requests from a page: checked, answered, never an exception. Runs beside a running cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from greencell import report
from greencell.document import JsonObject, carbon_object
from greencell.earlier import HISTORY_OFF, Earlier
from greencell.errors import UsageError
from greencell.feed import Feed
from greencell.guard import Guard
from greencell.naming import named
from greencell.page_requests import Op, Request, decode_request
from greencell.place import Place
from greencell.running_session import Session
from greencell.version import __version__
from greencell.what_if import WhatIf
from greencell.wire import WIRE_VERSION, BadRequest, number, page

MAX_SUGGESTIONS: Final = 8


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
        self._ops: Mapping[Op, Callable[[Request], JsonObject]] = {
            "snapshot": self._snapshot,
            "cells": self._cells,
            "export": self._export,
            "zones": self._zones,
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
            answer = self._ops[request.op](request)
            return {"ok": True, **answer, **self._feed.totals()}
        except (BadRequest, UsageError) as refusal:
            return {"ok": False, "error": str(refusal)}

    # -- requests ---------------------------------------------------------------------------------

    def _snapshot(self, _request: Request) -> JsonObject:
        self._session.settle()
        return {"snapshot": self._feed.snapshot()}

    def _cells(self, request: Request) -> JsonObject:
        return page(self._session.cells, request.argument)

    def _export(self, request: Request) -> JsonObject:
        name = report.known_name(request.argument)
        document = named(self._document(request.session), request.naming)
        text = report.render(document, name)
        suffix = report.FORMATS[name].suffix
        kind = f"-{name}" if name in report.STATEMENTS else ""
        filename = f"greencell-{request.session or self._session.id}{kind}.{suffix}"
        return {"text": text, "format": name, "filename": filename}

    def _document(self, session: str) -> JsonObject:
        """The running session's, or one that the history holds."""
        if session in ("", self._session.id):
            return self._session.to_dict()
        if self._earlier is None:
            raise UsageError(HISTORY_OFF)
        return self._earlier.document(session)

    def _zones(self, request: Request) -> JsonObject:
        return {
            "zones": [
                {
                    "zone": zone.code,
                    "zone_name": zone.name,
                    "intensity_g_per_kwh": number(zone.intensity_g_per_kwh),
                }
                for zone in self._place.table.suggest(request.argument, MAX_SUGGESTIONS)
            ]
        }

    def _set_zone(self, request: Request) -> JsonObject:
        zone, pue = request.argument, request.pue
        if not zone and pue is not None:
            self._place.set_pue(pue)
        else:
            self._place.move(zone, pue)
        self._feed.changed()
        return {"carbon": carbon_object(self._place.carbon)}

    def _what_if(self, request: Request) -> JsonObject:
        what_if = WhatIf(self._session.to_dict(), self._place)
        return {"what_if": what_if.message(request.argument.split(), self._session.wall_s())}

    def _history(self, _request: Request) -> JsonObject:
        if self._earlier is None:
            raise UsageError(HISTORY_OFF)
        return {"history": self._earlier.message()}

    def _label(self, request: Request) -> JsonObject:
        self._session.label_next(request.argument)
        return {}

    def _pause(self, _request: Request) -> JsonObject:
        self._session.pause()
        self._feed.changed()
        return {"paused": self._session.paused}

    def _resume(self, _request: Request) -> JsonObject:
        self._session.resume()
        self._feed.changed()
        return {"paused": self._session.paused}

    def _reset(self, _request: Request) -> JsonObject:
        self._session.reset(keep_running=True)
        self._feed.hello(self._feed.parent)
        return {}
