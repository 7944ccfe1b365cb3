"""The extension on one shell: everything that greencell has put into it, and how to take it out.

The shell owns it, in one attribute, so that a reload finds the old one.
"""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from greencell.carbon.carbon_info import Wishes
from greencell.carbon.grid_table import GridTable
from greencell.channel import NOT_LIVE, Channel, kernel_of, serves_pages
from greencell.clock import SystemClock
from greencell.document import carbon_object
from greencell.equipment import Equipped
from greencell.feed import Feed, Outlet
from greencell.guard import Guard
from greencell.hooks import Hooks
from greencell.keeping import keep
from greencell.model import CarbonInfo
from greencell.report.place_text import place_line
from greencell.report.terminal import one_line, visible
from greencell.running_session import Session
from greencell.settings import TABLE, Settings
from greencell.stepping import PassedOver
from greencell.wire import WIRE_VERSION

if TYPE_CHECKING:  # imported when somebody asks
    from greencell.answers import Answers, Reply
    from greencell.carbon.live.provider import Provider
    from greencell.control import Control
    from greencell.place import Place

ATTRIBUTE = "_greencell_extension"
_AT_FORK = "_greencell_at_fork"
_ASKED = "_greencell_asked"
_EXIT_TIMEOUT_S = 0.5
_HISTORY_TIMEOUT_S = 0.4
Shell = Any  # IPython comes without types


class Extension:
    """Everything that greencell has put into one shell.

    Args:
        previous: the session to go on with, after a reload.

    Attributes:
        problems: one line for each setting that could not be used.
    """

    def __init__(
        self,
        shell: Shell,
        equipped: Equipped,
        settings: Settings,
        table: GridTable,
        previous: Session | None,
    ) -> None:
        self.shell = shell
        self.settings = settings
        self._table, self._home = table, equipped.equipment.carbon
        self.session = Session(
            replace(equipped.equipment, carbon=self._opening()), previous=previous
        )
        self.problem: str | None = None
        self.problems: tuple[str, ...] = ()
        self.channel: Channel | None = None
        self.outlet = Outgoing()
        self._building = threading.RLock()
        self._place: Place | None = None
        self._control: Control | None = None
        self._answers: Answers | None = None
        kernel = kernel_of(shell)
        if kernel is not None:
            self._connect(kernel)
        self.history = keep(self.session, settings)
        self.hooks = Hooks(shell, self.session, self.channel, SystemClock())
        self.session.guards += (self.hooks.guard,)
        place_guard = Guard("hooks' place")
        self.session.guards += (place_guard,)
        self.session.watchers.append(
            partial(place_guard.run_unless_resting, self.hooks.ensure_registered)
        )
        self.session.more_notices.append(lambda: self.hooks.notices)
        self._passed_over = PassedOver(kernel)
        self._exit: Callable[[], None] | None = None

    def _connect(self, kernel: Any) -> None:
        feed = Feed(self.session, self.outlet, SystemClock())
        feed.asked = getattr(self.shell, _ASKED, False)
        channel = Channel(kernel, self._ask, self._probed)
        opening = Guard("channel")
        opening.run(channel.open)
        if opening.failures:  # a kernel of another make: it measures all the same
            opening.run(channel.close)
            return
        self.outlet.channel = self.channel = channel
        self.session.feed = feed

    def _ask(self, content: object, reply: Reply) -> None:
        """A page's request, on the kernel's control thread: it is answered on another one."""
        if self.session.feed is not None:
            self.session.feed.asked = True
        if self._answers is None:
            from greencell.answers import Answers

            self._answers = Answers(self._answer)
            self.session.guards += (self._answers.guard,)
        self._answers.ask(content, reply)

    def _answer(self, content: object) -> dict[str, Any]:
        building = Guard("control")
        control = building.run(lambda: self.control)
        if control is None:
            error = f"greencell failed: {building.last_failure}"
            return {"wire": WIRE_VERSION, "ok": False, "error": error}
        return control.answer(content)

    @property
    def control(self) -> Control | None:
        """Who answers pages, built when the first one asks; ``None`` without a channel."""
        feed = self.session.feed
        if feed is None:
            return None
        from greencell.late import imported_late

        with self._building:
            if self._control is None:
                self._control = imported_late(lambda: self._new_control(feed))
            return self._control

    def _new_control(self, feed: Feed) -> Control:
        from greencell.control import Control
        from greencell.earlier import Earlier

        return Control(self.session, feed, self.place, Earlier(self.session, self.settings))

    def _probed(self) -> None:
        if self.session.feed is not None:
            self.session.feed.probe()
            self.session.wake()

    # -- the place -----------------------------------------------------------------------------

    def _opening(self) -> CarbonInfo:
        """What the session begins with."""
        if self.settings.intensity_provider == TABLE:
            return self._home
        from greencell.place import opening

        return opening(self._home, self._table, self.settings.intensity_provider)

    @property
    def place(self) -> Place:
        """Who knows the place and may change it, built when somebody does."""
        from greencell.late import imported_late

        with self._building:
            if self._place is None:
                self._place = imported_late(self._new_place)
                _left_alone_by_children(self.shell).append(weakref.ref(self._place))
            return self._place

    def _new_place(self) -> Place:
        from greencell.place import Place

        settings = self.settings
        wishes = Wishes(settings.zone, settings.intensity_g_per_kwh, settings.pue)
        return Place(self.session, self._table, wishes, home=self._home, providers=self._provider)

    def _provider(self, name: str) -> Provider:
        from greencell.carbon.live.choice import open_provider

        return open_provider(name, os.environ, self.settings.intensity_provider_url)

    def start(self) -> None:
        """Measure from now on."""
        self.session.start()
        self._passed_over.open()
        self.hooks.register()
        # The method as it is now: where our files are reloaded, the instance gets another one.
        self._exit = atexit.register(self._at_exit)
        parts = (self.session, self.history)
        _left_alone_by_children(self.shell)[:] = [
            weakref.ref(part) for part in parts if part is not None
        ]
        if self.settings.intensity_provider != TABLE:
            self.problem = self.place.begin(self.settings.intensity_provider)
        self.say_hello()

    def stop(self) -> None:
        """Take everything down; idempotent. What fails keeps nothing else from ending."""
        if self._exit is not None:
            atexit.unregister(self._exit)
        Guard("hook").run(self.hooks.unregister)
        self._passed_over.close()
        self._at_exit()
        _left_alone_by_children(self.shell).clear()
        if self.channel is not None:
            Guard("channel").run(self.channel.close)
        if self._answers is not None:
            Guard("answers").run(self._answers.close)
        if self.session.feed is not None:
            # Whoever has asked once in this kernel's life is told of what is loaded later.
            setattr(self.shell, _ASKED, self.session.feed.asked)

    def _at_exit(self) -> None:
        if self._place is not None:
            Guard("live").run(self._place.stop)
        Guard("session").run(self.session.close, _EXIT_TIMEOUT_S)
        if self.history is not None:
            Guard("history").run(self.history.close, self.session.id, _HISTORY_TIMEOUT_S)

    def say_hello(self) -> None:
        """Tell pages that a session began, in a cell; a kernel that starts has none to tell."""
        if self.channel is not None and self.session.feed is not None:
            parent = self.channel.parent()
            if parent:
                self.session.feed.hello(parent)

    def tell_pages(self) -> None:
        """Tell pages that something changed."""
        if self.session.feed is not None:
            self.session.feed.changed()

    def run_code(self, code: str) -> None:
        """Run code in the user's namespace as part of the current cell."""
        self.shell.run_cell(code, store_history=False)

    # -- words ---------------------------------------------------------------------------------

    def first_line(self) -> str:
        """What meters what, where the electricity comes from, and what is estimated."""
        view = self.session.view(live=True)
        names = {
            "cpu": "CPU", "gpu": "GPU", "dram": "memory", "soc": "SoC", "node": "whole machine",
        }  # fmt: skip
        parts: dict[str, str] = {}
        for info in view.sources:
            words = f"{names.get(info.component, info.component)} {info.provenance}"
            parts.setdefault(words, info.detail)
        metered = "; ".join(f"{words} ({detail})" for words, detail in parts.items())
        asked = self._place.provider if self._place is not None else None
        live = f"; {asked} is asked for live figures" if asked else ""
        page = f"; {NOT_LIVE}" if self._cannot_tell_pages else ""
        words = f"{metered or 'nothing to meter'}; {self.place_words()}{live}{page}"
        return visible(f"greencell: {words}")

    @property
    def _cannot_tell_pages(self) -> bool:
        return self.channel is None and serves_pages(self.shell)

    def _panel_words(self) -> str:
        if self.channel is not None:
            return "kernel channel open"
        return NOT_LIVE if self._cannot_tell_pages else "no kernel channel"

    def place_words(self) -> str:
        """Zone and carbon intensity in one line."""
        return one_line(place_line(carbon_object(self.session.carbon)), most=None)

    def place_lines(self) -> str:
        """All that is known of the place."""
        from greencell.report.place_text import place_text
        from greencell.report.shape import CARBON

        return place_text(CARBON(carbon_object(self.session.carbon), "carbon"))

    def live_words(self) -> str:
        """Who is asked for live figures, and what was last said, in one line."""
        from greencell.report.live_text import live_text

        told = [notice.text for notice in self.session.place_notices]
        return live_text(self.session.carbon, self.place.provider, told, self.session.wall_s())

    def status(self) -> dict[str, Any]:
        """Health in one look, JSON-ready."""
        document = self.session.to_dict()
        return {
            "session": self.session.id,
            "measuring": self.session.measuring_words,
            "cells": document["totals"]["cells"],
            "sources": [source["id"] for source in document["sources"]],
            "skipped": [f"{s['id']} ({s['reason']})" for s in document["skipped"]],
            "notices": [notice.text for notice in self.session.notices()],
            "settings": list(self.problems),
            **self.session.health,
            "hook_failures": self.hooks.guard.failures,
            "hook_last_failure": self.hooks.guard.last_failure,
            "live": self.live_words(),
            "live_figures": self.place.guard.words,
            "panel": self._panel_words(),
            "history": self.history.words if self.history else "off",
            "history_writer": self.history.writer_words if self.history else "off",
        }


def _left_alone_by_children(shell: Shell) -> list[weakref.ref[Any]]:
    """The parts that a forked child abandons. One list for each shell, which every load fills anew.

    What is registered at forks stays for ever: so it is registered once, and holds on to nothing.
    """
    parts: list[weakref.ref[Any]] | None = getattr(shell, _AT_FORK, None)
    if parts is None:
        parts = []
        setattr(shell, _AT_FORK, parts)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=partial(_abandon, parts))
    return parts


def _abandon(parts: list[weakref.ref[Any]]) -> None:
    for reference in parts:
        part = reference()
        if part is not None:
            Guard("fork").run(part.abandon_after_fork)


class Outgoing:
    """The outlet of a feed; a channel needs its control, and that needs the feed, first.

    Attributes:
        widget: a second outlet, once ``%greencell panel`` has shown one.
    """

    channel: Channel | None = None
    widget: Outlet | None = None

    def send(self, message: dict[str, Any], parent: dict[str, Any]) -> None:
        """Push one message to every page."""
        if self.channel is not None:
            self.channel.send(message, parent)
        if self.widget is not None:
            self.widget.send(message, parent)


def extension_of(shell: Shell) -> Extension | None:
    """The extension on a shell, if it is loaded there."""
    extension: Extension | None = getattr(shell, ATTRIBUTE, None)
    return extension
