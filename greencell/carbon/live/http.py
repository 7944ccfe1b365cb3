"""One GET of one JSON answer, within one deadline. The standard library's HTTP, on a short leash.

A time-out per read would let a server that drips bytes hold us for ever, so one deadline counts
for all reads and writes together. Redirects are not followed: a token goes to no other host.
"""

from __future__ import annotations

import email.utils
import http.client
import io
import json
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, cast
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from greencell.carbon.live.failures import (
    LiveFailure,
    NoData,
    Nonsense,
    Refused,
    TooOften,
    Unavailable,
)
from greencell.carbon.live.secret import Secret
from greencell.version import __version__

TIMEOUT_S: Final = 10.0
MAX_BODY: Final = 1 << 20
"""A day's forecast is 60 KB; more than 1 MiB is refused without being read."""
_OK: Final = 200
_REFUSED: Final = (401, 403)
_NO_DATA: Final = 404
_TOO_OFTEN: Final = 429
_REDIRECTS: Final = range(300, 400)
_SERVER_ERRORS: Final = range(500, 600)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a provider answers.

    Args:
        base: as ``greencell.carbon.address.base_address`` returns it.
        timeout_s: for a whole answer. Only a look-up of a name may take longer: the system
            knows no limit for it, and nothing waits for us.
    """

    base: str
    timeout_s: float = TIMEOUT_S

    def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, Secret] | None = None,
    ) -> object:
        """The JSON at ``path``.

        Raises:
            LiveFailure: there is none, and why.
        """
        parts = urlsplit(self.base)
        target = parts.path + path
        if query:
            target += "?" + urlencode(query, quote_via=quote)
        deadline_s = time.monotonic() + self.timeout_s
        try:
            with _connected(parts, deadline_s) as line:
                return _exchange(parts, _TimedLine(line, deadline_s), target, headers or {})
        except LiveFailure:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            # The cause is not chained: it may show what was sent.
            raise _failure(error) from None


def _connected(parts: SplitResult, deadline_s: float) -> socket.socket:
    host = parts.hostname or ""
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    last: Exception = OSError("no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
        line = socket.socket(family, kind, protocol)
        try:
            line.settimeout(_left_s(deadline_s))
            line.connect(address)
            if secure:
                line.settimeout(_left_s(deadline_s))
                return ssl.create_default_context().wrap_socket(line, server_hostname=host)
            return line
        except (OSError, ValueError) as error:
            line.close()
            last = error
    raise last


def _exchange(
    parts: SplitResult, line: _TimedLine, target: str, headers: Mapping[str, Secret]
) -> object:
    connection = http.client.HTTPConnection(parts.netloc)
    connection.sock = cast("Any", line)
    # The host is told as the address has it: no port where it has none.
    connection.putrequest("GET", target, skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", parts.netloc)
    connection.putheader("Accept", "application/json")
    connection.putheader("User-Agent", f"greencell/{__version__}")
    connection.putheader("Connection", "close")
    for name, secret in headers.items():
        connection.putheader(name, secret.reveal())
    connection.endheaders()
    response = connection.getresponse()
    if response.status != _OK:
        raise _by_status(response, token=bool(headers))
    if response.length is not None and response.length > MAX_BODY:
        raise Nonsense("sends more than 1 MiB, which no figure needs")
    body = response.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise Nonsense("sends more than 1 MiB, which no figure needs")
    try:
        return json.loads(body, parse_constant=_not_finite)
    except (ValueError, RecursionError):
        raise Nonsense("answers with something that is not JSON") from None


def _by_status(response: http.client.HTTPResponse, *, token: bool) -> LiveFailure:
    status = response.status
    if status in _REFUSED:
        return Refused(f"refused {'the token' if token else 'to answer'} ({status})")
    if status == _NO_DATA:
        return NoData("has no figure for this place (404)")
    if status == _TOO_OFTEN:
        return TooOften(_retry_after_s(response))
    if status in _SERVER_ERRORS:
        return Unavailable(f"is out of order ({status})")
    if status in _REDIRECTS:
        return Nonsense(f"sends us to another address ({status}), and no token goes there")
    return Nonsense(f"does not understand the question ({status})")


def _retry_after_s(response: http.client.HTTPResponse) -> float | None:
    """Seconds, or a date; the server's own date tells how far off that is, if ours is wrong."""
    text = (response.getheader("Retry-After") or "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    until_s = _http_date_s(text)
    if until_s is None:
        return None
    return max(0.0, until_s - (_http_date_s(response.getheader("Date")) or time.time()))


def _http_date_s(text: str | None) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(text or "").timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _failure(error: Exception) -> LiveFailure:
    if isinstance(error, TimeoutError):
        return Unavailable("does not answer in time")
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unavailable("shows no valid certificate")
    if isinstance(error, ssl.SSLError):
        return Unavailable("makes no secure connection")
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return Unavailable("cannot be found (its name leads nowhere)")
    if isinstance(error, OSError):
        return Unavailable("cannot be reached (no connection, or it broke off)")
    return Nonsense("does not speak HTTP")


def _not_finite(_text: str) -> NoReturn:
    raise ValueError


def _left_s(deadline_s: float) -> float:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0.0:
        raise TimeoutError
    return left_s


class _TimedLine:
    """What ``http.client`` needs of a socket, with the deadline over all of it."""

    def __init__(self, line: socket.socket, deadline_s: float) -> None:
        self._line = line
        self._deadline_s = deadline_s

    def sendall(self, data: bytes) -> None:
        self._line.settimeout(_left_s(self._deadline_s))
        self._line.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._line, self._deadline_s))

    def close(self) -> None:
        """Whoever connected closes; the answer is still to be read."""


class _TimedReader(io.RawIOBase):
    def __init__(self, line: socket.socket, deadline_s: float) -> None:
        super().__init__()
        self._line = line
        self._deadline_s = deadline_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._line.settimeout(_left_s(self._deadline_s))
        return self._line.recv_into(buffer)
