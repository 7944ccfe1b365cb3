"""A driver's library that several devices share: shut down with its last user."""

from __future__ import annotations

from collections.abc import Callable


class SharedLibrary:
    """Counts the users of a library that is initialised.

    Args:
        shut_down: called once the last one has left; must not raise.
    """

    def __init__(self, shut_down: Callable[[], object]) -> None:
        self._shut_down = shut_down
        self._users = 0

    def enter(self) -> None:
        """One more device uses the library."""
        self._users += 1

    def leave(self) -> None:
        """One device less; the last one shuts it down."""
        self._users -= 1
        if self._users == 0:
            self._shut_down()
