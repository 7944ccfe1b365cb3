"""What a report costs grows as its cells do, in every format: an export of a long day is quick."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from greencell import report
from greencell.report.carbon_text import cells_footprint_text
from greencell.report.html_format import cells_html, summary_html
from greencell.report.shape import legible
from greencell.report.text_formats import cells_text, to_text
from tests_support import Bench, long_document

VIEWS: dict[str, Callable[[dict[str, Any]], object]] = {
    "text": to_text,
    "cells": lambda document: cells_text(document, "energy"),
    "summary": summary_html,
    "table": lambda document: cells_html(document, "co2"),
    "footprint": lambda document: cells_footprint_text(legible(document), None),
    **{name: lambda d, name=name: report.render(d, name) for name in report.FORMATS},  # type: ignore[misc]
}
FEW, MORE, MOST = 50, 100, 200


def lines_of(call: Callable[..., object], *arguments: object) -> int:
    """How many lines of Python a call takes, each turn of a loop counted: the same every time."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: object) -> Callable[..., Any]:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call(*arguments)
    finally:
        sys.settrace(before)
    return count


def growth(work: Callable[[int], int]) -> float:
    """By what work multiplies where cells double: 2 if it grows as they do, 4 if as their square.

    What it costs whatever the number of cells is taken off.
    """
    few, more, most = (work(count) for count in (FEW, MORE, MOST))
    return (most - more) / max(1, more - few)


@pytest.mark.parametrize("name", VIEWS)
def test_a_format_costs_as_much_for_each_cell(name: str) -> None:
    """Twice the cells, twice the work; nested runs, zones and figures of the user's among them."""
    documents = {count: long_document(count) for count in (2, FEW, MORE, MOST)}
    VIEWS[name](documents[2])  # imports, fills caches

    assert growth(lambda count: lines_of(VIEWS[name], documents[count])) < 2.2


def test_a_document_costs_as_much_for_each_cell() -> None:
    """What every export begins with."""
    benches = {count: Bench.make("kernel") for count in (2, FEW, MORE, MOST)}
    for count, bench in benches.items():
        for _ in range(count):
            bench.cell(1.0)
        bench.session.settle(force=True)
    benches[2].session.to_dict()

    assert growth(lambda count: lines_of(benches[count].session.to_dict)) < 2.2


def test_what_grows_as_the_square_is_seen() -> None:
    """The measure itself: a look at all cells for each cell."""
    cells = {count: list(range(count)) for count in (FEW, MORE, MOST)}

    def squared(count: int) -> list[int]:
        return [max([one for one in cells[count] if one >= each]) for each in cells[count]]

    assert growth(lambda count: lines_of(squared, count)) > 3.5
