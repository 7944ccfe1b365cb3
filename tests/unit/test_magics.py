"""The magics that show figures and sources: the same rooms as the command line."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from greencell.api import Measurement
from greencell.magics import Magics, Shown
from greencell.report import figures
from greencell.report.shape import visible
from tests_support import Bench


@pytest.fixture
def bench() -> Bench:
    bench = Bench.make()
    bench.session.label_next("train\x1b[31m\u202e")
    bench.cell(2.0)
    return bench


def said(bench: Bench, line: str) -> Shown:
    """What a magic shows."""
    shown: list[Shown] = []
    extension = SimpleNamespace(session=bench.session)
    Magics(extension, shown.append).line(line)  # type: ignore[arg-type]
    (one,) = shown
    return one


def test_sources_are_those_of_the_doctor(bench: Bench) -> None:
    """Name, provenance, period and error of each, in text."""
    text = repr(said(bench, "sources"))

    assert text.startswith("Counted\n")
    for source in bench.session.to_dict()["sources"]:
        assert source["id"] in text
    assert "every" in text and "±" in text


@pytest.mark.parametrize("line", ["", "cells", "cells --sort energy"])
def test_summary_and_cells_show_figures_as_their_interval_allows(bench: Bench, line: str) -> None:
    """Text and HTML alike, and no label steers the terminal."""
    document = bench.session.to_dict()
    item = document["totals"] if line == "" else document["cells"][0]
    expected = figures.figure(item, "energy")

    shown = said(bench, line)

    for text in (repr(shown), shown._repr_html_() or ""):
        assert expected in text.replace("&lt;", "<")
        assert visible(text) == text
        assert line == "" or "train\\x1b[31m\\u202e" in text


def test_a_mistake_is_one_line_without_controls(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was typed is told as it can be seen."""
    Magics(SimpleNamespace(session=bench.session), print).line("dance\x1b[2J")  # type: ignore[arg-type]

    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("greencell: Unknown command") and line.isprintable()


def test_a_measured_block_shows_its_figure_as_the_interval_allows(bench: Bench) -> None:
    """The same words as in a table, under a name that can be seen."""
    record = bench.session.cells[0]
    block = Measurement("train\x1b[31m")
    assert repr(block) == "<train\\x1b[31m: no figure>"

    block.end(lambda: record)

    expected = figures.figure(bench.session.to_dict()["cells"][0], "energy")
    assert repr(block) == f"<train\\x1b[31m: {expected}, {record.provenance}>"
