"""The magics ``%greencell`` and ``%%greencell``: parse, call, show."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from greencell import report
from greencell.carbon_magics import HELP as CARBON_HELP
from greencell.carbon_magics import CarbonMagics
from greencell.errors import UsageError
from greencell.extension import Extension
from greencell.magic_words import Shown, flag, none_left, number_option, option, words_of
from greencell.panel_magic import panel
from greencell.report import Asked
from greencell.report.history_text import history_text
from greencell.report.html_format import cells_html, summary_html
from greencell.report.shape import legible
from greencell.report.sources_text import sources_text
from greencell.report.terminal import one_line, say
from greencell.report.text_formats import SORTS, cells_text, to_text
from greencell.settings import PROVIDERS, TABLE

_LABEL_MAX: Final = 200
HELP: Final[Mapping[str, str]] = {
    "": "session summary",
    "panel": "the live panel here, where JupyterLab's side panel is not",
    "cells": f"table of cells   [--sort {'|'.join(SORTS)}]",
    "status": "health of the measurement   [--json]",
    "sources": "what meters what; what is not used, why, and what would enable it",
    "export": "write the session   PATH [--as NAME] [--force]   (.json .csv .md .html …)",
    "statement": "text to paste into a card, a paper or a form   [NAME]",
    "history": "what past sessions cost   [--notebook PATH] [--days N]",
    "zone": "show or set where the electricity comes from   [CODE]",
    "live": "show or set who is asked for live grid figures   [PROVIDER|off]",
    **CARBON_HELP,
    "label": "name the next cell   NAME",
    "pause": "stop counting",
    "resume": "count again",
    "reset": "begin a new session",
    "help": "this list",
}


class Magics:
    """The commands behind ``%greencell``, over one extension."""

    def __init__(self, extension: Extension, show: Callable[[object], None]) -> None:
        self._extension = extension
        self._session = extension.session
        self._show = show
        self._commands: Mapping[str, Callable[[list[str]], None]] = {
            "": self._summary,
            "panel": self._panel,
            "cells": self._cells,
            "status": self._status,
            "sources": self._sources,
            "export": self._export,
            "statement": self._statement,
            "history": self._history,
            "zone": self._zone,
            "live": self._live,
            **CarbonMagics(extension, show).commands,
            "label": self._label,
            "pause": self._pause,
            "resume": self._resume,
            "reset": self._reset,
            "help": self._help,
        }

    def line(self, line: str) -> None:
        """``%greencell [COMMAND …]``; a user's mistake prints one line."""
        try:
            words = words_of(line)
            name, arguments = (words[0], words[1:]) if words else ("", [])
            command = self._commands.get(name)
            if command is None:
                choices = ", ".join(name for name in self._commands if name)
                raise UsageError(f"Unknown command {name[:40]!r}; choose one of {choices}.")
            command(arguments)
        except UsageError as error:
            say(f"greencell: {one_line(str(error), most=None)}")

    def cell(self, line: str, cell: str) -> None:
        """``%%greencell NAME`` where it is not a cell's first line: name the run, go on."""
        label = line.strip()[:_LABEL_MAX]
        run = self._extension.hooks.current_run
        if label and run is not None:
            self._session.label_run(run, label)
        self._extension.run_code(cell)

    # -- commands ------------------------------------------------------------------------------

    def _summary(self, arguments: list[str]) -> None:
        none_left(arguments, "")
        document = self._session.to_dict()
        self._show(Shown(to_text(document), summary_html(document)))

    def _panel(self, arguments: list[str]) -> None:
        none_left(arguments, "panel")
        problem, shown = panel(self._extension)
        if problem:
            say(f"greencell: {problem}")
        self._show(shown)

    def _cells(self, arguments: list[str]) -> None:
        sort = option(arguments, "--sort", SORTS) or "order"
        none_left(arguments, "cells")
        document = self._session.to_dict()
        self._show(Shown(cells_text(document, sort), cells_html(document, sort)))

    def _status(self, arguments: list[str]) -> None:
        as_json = flag(arguments, "--json")
        none_left(arguments, "status")
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
        none_left(arguments, "sources")
        document = legible(self._session.to_dict())
        self._show(Shown(sources_text(document["sources"], document["skipped"])))

    def _export(self, arguments: list[str]) -> None:
        force, asked = flag(arguments, "--force"), _asked(arguments)
        form = option(arguments, "--as", tuple(report.FORMATS))
        if len(arguments) != 1:
            raise UsageError("Usage: %greencell export PATH [--force], e.g. session.json.")
        document = self._session.to_dict()
        path = report.write(document, arguments[0], force=force, form=form, asked=asked)
        say(f"greencell: wrote {one_line(str(path), most=1_000)}")

    def _statement(self, arguments: list[str]) -> None:
        asked = _asked(arguments)
        name = arguments.pop(0) if arguments else ""
        none_left(arguments, f"statement {name}".strip())
        if name not in report.STATEMENTS:
            width = max(map(len, report.STATEMENTS))
            lines = [f"  {n.ljust(width)}  {f.title}" for n, f in report.STATEMENTS.items()]
            lead = (
                f"There is no statement {name[:40]!r}; there are" if name else "Statements to paste"
            )
            say("\n".join([f"greencell: {one_line(lead)}:", *lines]))
            return
        self._show(Shown(report.render(self._session.to_dict(), name, asked).rstrip("\n")))

    def _history(self, arguments: list[str]) -> None:
        notebook = option(arguments, "--notebook")
        days = number_option(arguments, "--days", 36_500.0)
        none_left(arguments, "history")
        history = self._extension.history
        if history is None:
            raise UsageError("The history is off; GREENCELL_HISTORY=on keeps it.")
        from greencell.history.past import Wanted, past_sessions

        wanted = Wanted.of(self._session.wall_s(), days, notebook)
        self._show(Shown(history_text(past_sessions(history.path, wanted))))

    def _zone(self, arguments: list[str]) -> None:
        if arguments:
            self._extension.place.move(" ".join(arguments))
            self._extension.tell_pages()
            say(f"greencell: {self._extension.place_words()}")
        else:
            self._show(Shown(self._extension.place_lines()))

    def _live(self, arguments: list[str]) -> None:
        if len(arguments) > 1:
            raise UsageError(f"Usage: %greencell live [{'|'.join(PROVIDERS)}|off].")
        for name in arguments:
            self._extension.place.ask(TABLE if name.lower() == "off" else name.lower())
            self._extension.tell_pages()
        say(f"greencell: {self._extension.live_words()}")

    def _label(self, arguments: list[str]) -> None:
        label = " ".join(arguments)
        if not label or len(label) > _LABEL_MAX:
            raise UsageError(f"Usage: %greencell label NAME, at most {_LABEL_MAX} characters.")
        self._session.label_next(label)

    def _pause(self, arguments: list[str]) -> None:
        none_left(arguments, "pause")
        self._session.pause()
        self._extension.tell_pages()
        say("greencell: paused; %greencell resume counts again")

    def _resume(self, arguments: list[str]) -> None:
        none_left(arguments, "resume")
        self._session.resume()
        self._extension.tell_pages()
        say("greencell: counting again")

    def _reset(self, arguments: list[str]) -> None:
        none_left(arguments, "reset")
        self._session.reset(keep_running=False)
        self._extension.say_hello()
        say("greencell: a new session begins with the next cell")

    def _help(self, _arguments: list[str]) -> None:
        lines = [f"%greencell {name:<14} {words}" for name, words in HELP.items()]
        lines.append("%%greencell NAME          run this cell under a name")
        lines.append(
            "%energy, %%energy         what a statement costs, repeated until it can be told"
        )
        say("\n".join(lines))


def _asked(arguments: list[str]) -> Asked:
    """What only the author knows, as far as a statement takes it."""
    training_type, per = option(arguments, "--training-type"), option(arguments, "--per")
    return Asked(training_type, per) if per else Asked(training_type)


def _plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "; ".join(one_line(str(item), most=None) for item in value) or "none"
    return "none" if value is None else one_line(str(value), most=None)
