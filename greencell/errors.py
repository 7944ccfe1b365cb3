"""Errors, named by what the caller should do.

GreencellError
├── UsageError          show its one line to the user; nothing else happened
├── SourceUnavailable   leave this source out; its remedy says how to enable it
├── ReadFailed          no sample this time; keep the baseline and try again
│   └── Asleep          the same, and nothing is wrong: the device draws next to nothing
└── SourceGone          no sample ever again; stop reading, keep what was counted
"""

from __future__ import annotations


class GreencellError(Exception):
    """Base of all errors that greencell raises on purpose."""


class UsageError(GreencellError):
    """A user's mistake. ``str(error)`` is one line that says what to do."""


class SourceUnavailable(GreencellError):
    """A source cannot be used on this machine.

    Args:
        reason: why, in a few words.
        remedy: the one command or setting that would enable it; empty if there is none.
        flag: the session document's flag for this state, e.g. ``no-permission``.
    """

    def __init__(self, reason: str, remedy: str = "", flag: str = "unsupported") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.flag = flag


class ReadFailed(GreencellError):
    """A read yielded nothing this time. It is never replaced by a number."""


class Asleep(ReadFailed):
    """The device sleeps and is not to be woken by a read."""


class SourceGone(GreencellError):
    """The hardware behind a source went away for good, e.g. a GPU fell off the bus."""
