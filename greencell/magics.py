"""The magics ``%greencell`` and ``%%greencell``: parse, call, show."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any, Final

from greencell import report
from greencell.errors import UsageError
from greencell.extension import Extension
from greencell.report.html_format import cells_html, summary_html
from greencell.report.shape import legible, visible
from greencell.report.sources_text import sources_text
from greencell.report.text_formats import SORTS, cells_text, to_text
from greencell.settings import PROVIDERS, TABLE

_LABEL_MAX: Final = 200
HELP: Final[Mapping[str, str]] = {
    "": "session summary",
    "cells": f"table of cells   [--sort {'|'.join(SORTS)}]",
    "status": "health of the measurement   [--json]",
    "sources": "what meters what; what is not used, why, and what would enable it",
    "export": f"write the session   PATH [--force]   ({' '.join('.' + f for f in report.FORMATS)})",
    "zone": "show or set where the electricity comes from   [CODE]",
    "live": f"show or set who is asked for live grid figures   [{'|'.join(PROVIDERS)}|off]",
    "label": "name the next cell   NAME",
    "pause": "stop counting",
    "resume": "count again",
    "reset": "begin a new session",
    "help": "this list",
}


class Shown:
    """What a magic shows: HTML in a notebook, text everywhere."""

    def __init__(self, text: str, html: str | None = None) -> None:
        self._text = text
        self._html = html

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str | None:
        return self._html


class Magics:
    """The commands behind ``%greencell``, over one extension."""

    def __init__(self, extension: Extension, show: Callable[[Shown], None]) -> None:
        self._extension = extension
        self._session = extension.session
        self._show = show
        self._commands: Mapping[str, Callable[[list[str]], None]] = {
            "": self._summary,
            "cells": self._cells,
            "status": self._status,
            "sources": self._sources,
            "export": self._export,
            "zone": self._zone,
            "live": self._live,
            "label": self._label,
            "pause": self._pause,
            "resume": self._resume,
            "reset": self._reset,
            "help": self._help,
        }

    def line(self, line: str) -> None:
        """``%greencell [COMMAND …]``; a user's mistake prints one line."""
        try:
            words = _words(line)
            name, arguments = (words[0], words[1:]) if words else ("", [])
            command = self._commands.get(name)
            if command is None:
                choices = ", ".join(name for name in self._commands if name)
                raise UsageError(f"Unknown command {name[:40]!r}; choose one of {choices}.")
            command(arguments)
        except UsageError as error:
            print(f"greencell: {visible(str(error))}")

    def cell(self, line: str, cell: str) -> None:
        """``%%greencell NAME`` where it is not a cell's first line: name the run, go on."""
        label = line.strip()[:_LABEL_MAX]
        run = self._extension.hooks.current_run
        if label and run is not None:
            self._session.label_run(run, label)
        self._extension.run_code(cell)

    # -- commands ------------------------------------------------------------------------------

    def _summary(self, arguments: list[str]) -> None:
        _none(arguments, "")
        document = self._session.to_dict()
        self._show(Shown(to_text(document), summary_html(document)))

    def _cells(self, arguments: list[str]) -> None:
        sort = _option(arguments, "--sort", SORTS) or "order"
        _none(arguments, "cells")
        document = self._session.to_dict()
        self._show(Shown(cells_text(document, sort), cells_html(document, sort)))

    def _status(self, arguments: list[str]) -> None:
        as_json = _flag(arguments, "--json")
        _none(arguments, "status")
        status = self._extension.status()
        if as_json:
            self._show(Shown(json.dumps(status, indent=2)))
            return
        width = max(len(name) for name in status)
        lines = [
            f"{name.replace('_', ' ').ljust(width)}  {_plain(v)}" for name, v in status.items()
        ]
        self._show(Shown("\n".join(lines)))

    def _sources(self, arguments: list[str]) -> None:
        _none(arguments, "sources")
        document = legible(self._session.to_dict())
        self._show(Shown(sources_text(document["sources"], document["skipped"])))

    def _export(self, arguments: list[str]) -> None:
        force = _flag(arguments, "--force")
        if len(arguments) != 1:
            raise UsageError("Usage: %greencell export PATH [--force], e.g. session.json.")
        path = self._session.export(arguments[0], force=force)
        print(f"greencell: wrote {visible(str(path))}")

    def _zone(self, arguments: list[str]) -> None:
        if arguments:
            self._extension.place.move(" ".join(arguments))
            self._extension.tell_pages()
        print(f"greencell: {self._extension.place_words()}")

    def _live(self, arguments: list[str]) -> None:
        if len(arguments) > 1:
            raise UsageError(f"Usage: %greencell live [{'|'.join(PROVIDERS)}|off].")
        for name in arguments:
            self._extension.place.ask(TABLE if name.lower() == "off" else name.lower())
            self._extension.tell_pages()
        print(f"greencell: {visible(self._extension.live_words())}")

    def _label(self, arguments: list[str]) -> None:
        label = " ".join(arguments)
        if not label or len(label) > _LABEL_MAX:
            raise UsageError(f"Usage: %greencell label NAME, at most {_LABEL_MAX} characters.")
        self._session.label_next(label)

    def _pause(self, arguments: list[str]) -> None:
        _none(arguments, "pause")
        self._session.pause()
        self._extension.tell_pages()
        print("greencell: paused; %greencell resume counts again")

    def _resume(self, arguments: list[str]) -> None:
        _none(arguments, "resume")
        self._session.resume()
        self._extension.tell_pages()
        print("greencell: counting again")

    def _reset(self, arguments: list[str]) -> None:
        _none(arguments, "reset")
        self._session.reset(keep_running=False)
        self._extension.say_hello()
        print("greencell: a new session begins with the next cell")

    def _help(self, _arguments: list[str]) -> None:
        lines = [f"%greencell {name:<8} {words}" for name, words in HELP.items()]
        lines.append("%%greencell NAME    run this cell under a name")
        lines.append("%energy, %%energy   what a statement costs, repeated until it can be told")
        print("\n".join(lines))


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"That line does not parse: {str(error).lower()}.") from error


def _none(arguments: list[str], command: str) -> None:
    if arguments:
        name = f"%greencell {command}".strip()
        shown = " ".join(arguments)[:60]
        raise UsageError(f"{name} does not take {shown!r}; %greencell help lists what there is.")


def _flag(arguments: list[str], name: str) -> bool:
    if name in arguments:
        arguments.remove(name)
        return True
    return False


def _option(arguments: list[str], name: str, choices: tuple[str, ...]) -> str | None:
    for index, word in enumerate(arguments):
        found, separator, value = word.partition("=")
        if found != name:
            continue
        del arguments[index]
        if not separator:
            value = arguments.pop(index) if index < len(arguments) else ""
        if value not in choices:
            raise UsageError(f"{name} takes one of {', '.join(choices)}.")
        return value
    return None


def _plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "; ".join(visible(str(item)) for item in value) or "none"
    return "none" if value is None else visible(str(value))
