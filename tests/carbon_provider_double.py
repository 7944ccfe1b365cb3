"""A double of the providers of live figures, over real HTTP on this machine's loopback.

It answers as their documentation says; a ``Reply`` in place of an answer is any other thing that
a server may do: refuse, hang, drip, break off, send a flood.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from greencell.units import G_PER_KWH_PER_LB_PER_MWH

TOKEN = "sesame-4711-open"
USER, PASSWORD = "alibaba-user", "forty-thieves-word"
BEARER = "bearer-of-half-an-hour"
ENVIRONMENT = {
    "GREENCELL_ELECTRICITYMAPS_TOKEN": TOKEN,
    "GREENCELL_WATTTIME_USER": USER,
    "GREENCELL_WATTTIME_PASSWORD": PASSWORD,
    "GREENCELL_WATTTIME_REGION": "CAISO_NORTH",
}
ZONES = {"electricitymaps": "FR", "uk": "GB", "rte": "FR", "energinet": "DK", "watttime": "US-CA"}
VALUES = {
    "electricitymaps": "carbonIntensity", "uk": "actual", "rte": "taux_co2",
    "energinet": "CO2Emission", "watttime": "value",
}  # fmt: skip
"""The field that holds the intensity."""
TIMES = {
    "electricitymaps": "datetime", "uk": "from", "rte": "date_heure",
    "energinet": "Minutes5UTC", "watttime": "point_time",
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True)
class Reply:
    """What a server does.

    Attributes:
        length: what ``Content-Length`` says; ``None``: nothing, and the end of it closes.
        drip_s: pause after each byte, headers and all.
        hangs: it accepts, and says nothing.
        resets: it breaks the connection off.
        flood: so many more bytes after the body.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = -1
    drip_s: float = 0.0
    hangs: bool = False
    resets: bool = False
    flood: int = 0


class Double:
    """The server.

    Attributes:
        answer: what it does for a request.
        asked: all requests.
        sent: bytes of floods that went out.
        released: once set, what hangs and drips ends.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answer: Callable[[Asked], Reply] = lambda _asked: Reply(404)
        self.asked: list[Asked] = []
        self.sent = 0
        self.released = threading.Event()
        self._closed = False
        double = self

        class Handler(_Handler):
            owner = double

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            self.url = f"https://localhost:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Nobody listens there any more; idempotent."""
        if self._closed:
            return
        self._closed = True
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextlib.contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[Double]:
    double = Double(tls)
    try:
        yield double
    finally:
        double.close()


class _Handler(BaseHTTPRequestHandler):
    owner: ClassVar[Double]

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        asked = Asked(parts.path, query, {k.lower(): v for k, v in self.headers.items()})
        self.owner.asked.append(asked)
        with contextlib.suppress(OSError):
            self._do(self.owner.answer(asked))

    def _do(self, reply: Reply) -> None:
        self.close_connection = True
        if reply.hangs:
            self.owner.released.wait(30.0)
            return
        if reply.resets:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            return
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        if reply.length is not None:
            length = len(reply.body) + reply.flood if reply.length == -1 else reply.length
            self.send_header("Content-Length", str(length))
        if reply.drip_s:
            head = b"".join(self._headers_buffer) + b"\r\n"  # type: ignore[attr-defined]
            for byte in head + reply.body:
                if self.owner.released.wait(reply.drip_s):
                    return
                self.wfile.write(bytes([byte]))
            return
        self.end_headers()
        self.wfile.write(reply.body)
        chunk = b"9" * 65_536
        for _ in range(reply.flood // len(chunk)):
            self.wfile.write(chunk)
            self.owner.sent += len(chunk)

    def log_message(self, *_args: Any) -> None:
        """Nothing is printed."""


# -- what each provider says ------------------------------------------------------------------


def says(value: object) -> Reply:
    """JSON; NaN goes out as JavaScript would print it."""
    return Reply(body=json.dumps(value).encode())


def provider(
    name: str, g_per_kwh: float, at_s: float, change: Callable[[Any], Any] | None = None
) -> Callable[[Asked], Reply]:
    """Answers of one provider: this figure now, and a forecast of a day from it.

    Args:
        change: what is wrong with the answer to "what is it now?".
    """
    mend = change or (lambda body: body)

    def answer(asked: Asked) -> Reply:
        body, is_latest = _BODIES[name](asked, g_per_kwh, at_s)
        return says(mend(body) if is_latest else body)

    return answer


def set_everywhere(key: str, value: object) -> Callable[[Any], Any]:
    """A change: whatever is called ``key`` holds ``value``."""

    def change(body: Any) -> Any:
        if isinstance(body, dict):
            return {k: value if k == key else change(v) for k, v in body.items()}
        return [change(item) for item in body] if isinstance(body, list) else body

    return change


def drop_everywhere(key: str) -> Callable[[Any], Any]:
    """A change: nothing is called ``key``."""

    def change(body: Any) -> Any:
        if isinstance(body, dict):
            return {k: change(v) for k, v in body.items() if k != key}
        return [change(item) for item in body] if isinstance(body, list) else body

    return change


def time_of(name: str, at_s: float) -> str:
    """A time as this provider writes it."""
    at = datetime.fromtimestamp(at_s, tz=timezone.utc)
    if name == "electricitymaps":
        return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    if name == "uk":
        return at.strftime("%Y-%m-%dT%H:%MZ")
    return at.strftime("%Y-%m-%dT%H:%M:%S") + ("" if name == "energinet" else "+00:00")


def _ahead(name: str, at_s: float, value: float, step_s: float) -> Iterator[tuple[str, float]]:
    for index in range(int(86_400 / step_s)):
        yield time_of(name, at_s + index * step_s), value + index


def _electricity_maps(asked: Asked, value: float, at_s: float) -> tuple[Any, bool]:
    name, zone = "electricitymaps", asked.query.get("zone", "CLOUD")
    if asked.path.endswith("/forecast"):
        points = [{"carbonIntensity": v, "datetime": t} for t, v in _ahead(name, at_s, value, 3600)]
        return {"zone": zone, "forecast": points, "updatedAt": time_of(name, at_s)}, False
    return {
        "zone": zone, "carbonIntensity": value, "datetime": time_of(name, at_s),
        "updatedAt": time_of(name, at_s), "createdAt": time_of(name, at_s),
        "emissionFactorType": "lifecycle", "isEstimated": False, "estimationMethod": None,
        "temporalGranularity": "hourly",
    }, True  # fmt: skip


def _uk(asked: Asked, value: float, at_s: float) -> tuple[Any, bool]:
    def half(at: str, v: float, actual: float | None) -> Any:
        return {
            "from": at, "to": at,
            "intensity": {"forecast": v, "actual": actual, "index": "moderate"},
        }  # fmt: skip

    if "fw24h" in asked.path:
        return {"data": [half(t, v, None) for t, v in _ahead("uk", at_s, value, 1800)]}, False
    return {"data": [half(time_of("uk", at_s), value + 3, value)]}, True


def _rte(asked: Asked, value: float, at_s: float) -> tuple[Any, bool]:
    row = {"date_heure": time_of("rte", at_s), "taux_co2": value}
    return {"total_count": 1, "results": [row]}, True


def _energinet(asked: Asked, value: float, at_s: float) -> tuple[Any, bool]:
    areas = json.loads(asked.query["filter"])["PriceArea"]
    # The mean of both areas is the value.
    shift = {"DK1": -10.0, "DK2": 10.0} if len(areas) == 2 else {areas[0]: 0.0}
    is_latest = asked.path.endswith("CO2Emis")
    times = _ahead("energinet", at_s, value, 300)
    moments = [(time_of("energinet", at_s), value)] if is_latest else list(times)
    records = [
        {"Minutes5UTC": t, "Minutes5DK": t, "PriceArea": area, "CO2Emission": v + shift[area]}
        for t, v in moments
        for area in areas
    ]
    return {"total": len(records), "dataset": "x", "records": records}, is_latest


def _watttime(asked: Asked, value: float, at_s: float) -> tuple[Any, bool]:
    if asked.path == "/login":
        return {"token": BEARER}, False
    if asked.path.endswith("region-from-loc"):
        return {"region": "CAISO_NORTH", "region_full_name": "x", "signal_type": "x"}, False
    data = [
        {"point_time": t, "value": v / G_PER_KWH_PER_LB_PER_MWH}
        for t, v in _ahead("watttime", at_s, value, 300)
    ]
    meta = {
        "data_point_period_seconds": 300, "region": asked.query["region"],
        "signal_type": "co2_moer", "units": "lbs_co2_per_mwh", "warnings": [],
    }  # fmt: skip
    return {"data": data, "meta": meta}, True


_BODIES: dict[str, Callable[[Asked, float, float], tuple[Any, bool]]] = {
    "electricitymaps": _electricity_maps, "uk": _uk, "rte": _rte, "energinet": _energinet,
    "watttime": _watttime,
}  # fmt: skip
