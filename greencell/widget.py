"""The panel as a widget of an output: the same messages, on a channel of its own.

Imported only where somebody asks for it: anywidget is an extra. What the page asks comes to the
main thread in most front ends, so it is answered when the running cell has ended.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

import anywidget
import traitlets

from greencell.channel import Channel
from greencell.errors import UsageError
from greencell.extension import Extension
from greencell.magic_words import Shown
from greencell.wire import REPLY_TYPE, REQUEST_TYPE, Message

_RECORDS: Final = 200
"""So many runs travel with the widget; a page fetches the others."""
_MAX_ID: Final = 64


class PanelWidget(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget's base has no types
    """The panel. One for each kernel, however many outputs show it.

    Attributes:
        picture: the whole picture as of when it was shown last.
        gone: whether a page closed it.
    """

    picture = traitlets.Dict().tag(sync=True)

    def __init__(self, extension: Extension, channel: Channel) -> None:
        self._extension = extension
        self._channel = channel
        static = files("greencell") / "static"
        try:
            self._esm = (static / "panel.js").read_text(encoding="utf-8")
            self._css = (static / "panel.css").read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(
                "This greencell was built without its panel (npm run build)."
            ) from error
        super().__init__(picture=self.whole())
        self.on_msg(self._asked)
        self.gone = self.comm is None  # without a kernel that takes widgets
        if self.comm is not None:
            self.comm.on_close(self._closed)

    def whole(self) -> Message:
        """The picture as of now, with the latest runs."""
        feed = self._extension.session.feed
        if feed is None:
            return {}
        picture = feed.snapshot()
        return {**picture, "cells": picture["cells"][-_RECORDS:]}

    def push(self, message: Message, parent: dict[str, Any]) -> None:
        """Push one message to the pages that show it; nothing once they closed it."""
        if not self.gone:
            data = {"method": "custom", "content": message}
            self._channel.send_to(self.model_id, data, parent)

    def _closed(self, _message: object) -> None:
        self.gone = True

    def _asked(self, _widget: object, content: object, _buffers: object) -> None:
        control = self._extension.control
        if not isinstance(content, dict) or REQUEST_TYPE not in content or control is None:
            return
        ident = content.get("id")
        if isinstance(ident, str) and len(ident) <= _MAX_ID:
            self.send({"id": ident, REPLY_TYPE: control.answer(content[REQUEST_TYPE])})


class WidgetOutlet:
    """The feed's second outlet."""

    def __init__(self, widget: PanelWidget) -> None:
        self.widget = widget

    def send(self, message: Message, parent: dict[str, Any]) -> None:
        """Push one message to the pages that show the widget."""
        self.widget.push(message, parent)


class InOutput:
    """The widget with what is shown where no widget can be."""

    def __init__(self, widget: PanelWidget, shown: Shown) -> None:
        self._widget = widget
        self._shown = shown

    def __repr__(self) -> str:
        return repr(self._shown)

    def _repr_mimebundle_(self, **_wanted: object) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = self._widget._repr_mimebundle_()  # IPython's protocol
        static = {"text/plain": repr(self._shown), "text/html": self._shown._repr_html_()}
        return {**data, **static}, metadata


def in_output(extension: Extension, shown: Shown) -> InOutput:
    """The kernel's one widget, made where there is none, with the picture of now.

    Raises:
        UsageError: this build has no panel.
    """
    outlet, channel = extension.outlet.widget, extension.channel
    assert channel is not None  # asked before
    if isinstance(outlet, WidgetOutlet) and not outlet.widget.gone:
        outlet.widget.picture = outlet.widget.whole()
    else:
        outlet = WidgetOutlet(PanelWidget(extension, channel))
        extension.outlet.widget = outlet
    if extension.session.feed is not None:
        extension.session.feed.asked = True
    return InOutput(outlet.widget, shown)
