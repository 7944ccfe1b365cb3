"""Which addresses a provider may be asked at: https, or http on this machine. Pure."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

_MAX_ADDRESS = 500


def base_address(text: str) -> str:
    """The address without a slash at its end.

    Raises:
        ValueError: it is none; the words say which are.
    """
    base = text.strip().rstrip("/")
    if not base.isascii() or not base.isprintable() or " " in base or len(base) > _MAX_ADDRESS:
        raise ValueError("it must be one address, as https://mirror.example.org")
    parts = urlsplit(base)
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("it must have no user, password, query or fragment in it")
    host, port = parts.hostname, parts.port  # a port out of range is a ValueError, too
    if not host or port == 0:
        raise ValueError("it must name a host, as https://mirror.example.org")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise ValueError("it must begin with https://, or with http:// on this machine alone")
    return base


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
