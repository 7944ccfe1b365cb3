"""The commands of ``%greencell`` about carbon beyond the zone: what if, footprint, score."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from greencell.carbon.embodied import Embodied, EmbodiedWishes, embodied
from greencell.carbon.sci import FunctionalUnit, sci
from greencell.carbon.tables import Tables
from greencell.errors import UsageError
from greencell.extension import Extension
from greencell.magic_words import Shown, flag, none_left, number_option, option
from greencell.report.carbon_text import (
    ahead_words,
    cells_footprint_text,
    comparison_text,
    equivalents_text,
    footprint_text,
    sci_text,
)
from greencell.report.html_format import comparison_html
from greencell.report.shape import legible
from greencell.report.work import Work, hardware_of
from greencell.what_if import NO_FORECAST, WhatIf

HELP: Final[Mapping[str, str]] = {
    "compare-zones": "the same session in other places   [CODE …]",
    "ahead": "when the same work would cause less CO2   [HOURS]",
    "footprint": "the parts of its CO2   [--cells] [--embodied] [--water]",
    "sci": "software carbon intensity   --per NAME [--count N] [--embodied]",
    "equivalents": "the session in everyday things",
}
_EMBODIED_OPTIONS: Final = ("--embodied-kg", "--lifetime-years", "--share")
_MAX_HOURS: Final = 240.0


class CarbonMagics:
    """Commands over one extension's session and place."""

    def __init__(self, extension: Extension, show: Callable[[Shown], None]) -> None:
        self._extension = extension
        self._show = show
        self.commands: Mapping[str, Callable[[list[str]], None]] = {
            "compare-zones": self._compare,
            "ahead": self._ahead,
            "footprint": self._footprint,
            "sci": self._sci,
            "equivalents": self._equivalents,
        }

    def _what_if(self) -> WhatIf:
        return WhatIf(self._extension.session.to_dict(), self._extension.place)

    def _compare(self, arguments: list[str]) -> None:
        what_if = self._what_if()
        comparison = what_if.elsewhere(arguments)
        text = comparison_text(comparison, what_if.work)
        self._show(Shown(text, comparison_html(comparison)))

    def _ahead(self, arguments: list[str]) -> None:
        hours = None
        if arguments:
            hours = number_option(["HOURS", arguments.pop(0)], "HOURS", _MAX_HOURS)
        none_left(arguments, "ahead")
        forecast = self._extension.place.forecast
        if forecast is None:
            raise UsageError(NO_FORECAST)
        now_s = time.time()
        best = self._what_if().ahead(now_s, hours * 3_600.0 if hours else None)
        self._show(Shown(ahead_words(best, forecast, now_s)))

    def _footprint(self, arguments: list[str]) -> None:
        made, water = _embodied_asked(arguments), flag(arguments, "--water")
        cells = flag(arguments, "--cells")
        none_left(arguments, "footprint")
        if cells:
            document = legible(self._extension.session.to_dict())
            share = _embodied_rate(document, made)
            self._show(Shown(cells_footprint_text(document, share)))
            return
        work = self._what_if().work
        self._show(Shown(footprint_text(work, _made(work, made), water=water)))

    def _sci(self, arguments: list[str]) -> None:
        made = _embodied_asked(arguments)
        name = option(arguments, "--per") or ""
        count = number_option(arguments, "--count", 1e15)
        none_left(arguments, "sci")
        unit = FunctionalUnit(name, 1.0 if count is None else count)
        work = self._what_if().work
        share = _made(work, made)
        score = sci(work.footprint, share.mass_g if share is not None else None, unit)
        self._show(Shown(sci_text(score, work, share)))

    def _equivalents(self, arguments: list[str]) -> None:
        none_left(arguments, "equivalents")
        self._show(Shown(equivalents_text(self._what_if().equivalents())))


def _embodied_asked(arguments: list[str]) -> EmbodiedWishes | None:
    """What was asked about the hardware's making; naming a figure of it asks for it."""
    asked = flag(arguments, "--embodied")
    total_kg, years, share = (number_option(arguments, n, 1e6) for n in _EMBODIED_OPTIONS)
    if not asked and total_kg is None and years is None and share is None:
        return None
    return EmbodiedWishes(total_kg, years, share)


def _embodied_rate(
    document: Mapping[str, Any], wishes: EmbodiedWishes | None
) -> Callable[[float], Embodied] | None:
    """The hardware's share of so many seconds."""
    if wishes is None:
        return None
    hardware, tables = hardware_of(document), Tables()
    return lambda duration_s: embodied(hardware, duration_s, wishes, tables)


def _made(work: Work, wishes: EmbodiedWishes | None) -> Embodied | None:
    if wishes is None:
        return None
    return embodied(work.hardware, work.duration_s, wishes, Tables())
