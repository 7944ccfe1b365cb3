"""Why there is no live figure. Each text goes after a provider's name: "RTE does not answer".

LiveFailure
├── NotCovered    the provider has nothing for this place; ask no more
├── Refused       401, 403: a token is missing or wrong; ask no more
├── NoData        404, or nothing recent
├── TooOften      429; ``retry_after_s`` says until when it wants to be left alone
├── Unavailable   5xx, time-out, no name, no connection, no certificate
└── Nonsense      an answer that is no figure

No text holds anything that a server sent or that stood in a header: it may hold a token.
"""

from __future__ import annotations

from greencell.errors import GreencellError


class LiveFailure(GreencellError):
    """No live figure this time; ``str`` says what the provider did."""


class NotCovered(LiveFailure):
    """The provider has no figure for such a place."""


class Refused(LiveFailure):
    """The provider lets us not in."""


class NoData(LiveFailure):
    """The provider has no figure now."""


class TooOften(LiveFailure):
    """The provider wants to be left alone.

    Args:
        retry_after_s: for so long, where it said so.
    """

    def __init__(self, retry_after_s: float | None) -> None:
        super().__init__("was asked too often (429)")
        self.retry_after_s = retry_after_s


class Unavailable(LiveFailure):
    """The provider does not answer."""


class Nonsense(LiveFailure):
    """The answer cannot be a figure."""
