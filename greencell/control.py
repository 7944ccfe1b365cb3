"""Requests from a page: checked, answered, never an exception. Runs beside a running cell."""

from __future__ import annotations

from greencell import report
from greencell.document import JsonObject, carbon_object
from greencell.errors import UsageError
from greencell.feed import Feed
from greencell.guard import Guard
from greencell.place import Place
from greencell.session import Session
from greencell.wire import WIRE_VERSION, BadRequest, Request, decode_request


class Control:
    """Answers requests about one session and its place."""

    def __init__(self, session: Session, feed: Feed, place: Place) -> None:
        self._session = session
        self._feed = feed
        self._place = place
        self._guard = Guard("control")

    def answer(self, content: object) -> JsonObject:
        """The content of the reply to a request, whatever was asked."""
        reply = self._guard.run(self._answer, content)
        if reply is None:
            reply = {"ok": False, "error": f"greencell failed: {self._guard.last_failure}"}
        return {"wire": WIRE_VERSION, **reply}

    def _answer(self, content: object) -> JsonObject:
        try:
            return {"ok": True, **self._do(decode_request(content))}
        except (BadRequest, UsageError) as refusal:
            return {"ok": False, "error": str(refusal)}

    def _do(self, request: Request) -> JsonObject:
        session = self._session
        match request.op:
            case "snapshot":
                session.settle()
                return {"snapshot": self._feed.snapshot()}
            case "export":
                text = report.render(session.to_dict(), request.argument)
                name = f"greencell-{session.id}.{request.argument}"
                return {"text": text, "format": request.argument, "filename": name}
            case "set-zone":
                carbon = self._place.move(request.argument)
                self._feed.changed()
                return {"carbon": carbon_object(carbon)}
            case "label":
                session.label_next(request.argument)
                return {}
            case "pause":
                session.pause()
            case "resume":
                session.resume()
            case "reset":
                session.reset(keep_running=True)
                self._feed.hello({})
                return {}
        self._feed.changed()
        return {"paused": session.paused}
