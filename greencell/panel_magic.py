"""``%greencell panel``: the live panel in an output, and what is shown where there can be none."""

from __future__ import annotations

import time

from greencell.channel import NOT_LIVE, serves_pages
from greencell.extension import Extension
from greencell.magic_words import Shown
from greencell.report.html_format import cells_html, summary_html
from greencell.report.text_formats import to_text

INSTALL = '%pip install "greencell[widget]"'
NO_WIDGETS = f"the live panel in an output needs anywidget: {INSTALL}"


def panel(extension: Extension) -> tuple[str, object]:
    """What to show, and before it the line that says why it is not live, if it is not.

    Whoever cannot run a widget, such as GitHub, shows the figures of now as text or HTML.
    """
    document = extension.session.to_dict()
    as_of = time.strftime("%H:%M", time.localtime(extension.session.wall_s()))
    again = "shows them live" if extension.channel is not None else "shows those of then"
    words = f"As of {as_of}; %greencell panel {again}."
    html = f"{summary_html(document)}{cells_html(document, 'order')}<p><small>{words}</small></p>"
    shown = Shown(to_text(document), html)
    if extension.channel is None:
        return (NOT_LIVE if serves_pages(extension.shell) else ""), shown
    try:
        from greencell.widget import in_output
    except ImportError:
        return NO_WIDGETS, shown
    return "", in_output(extension, shown)
