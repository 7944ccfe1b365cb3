"""The magics that show figures and sources: the same rooms as the command line."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from greencell.carbon.carbon_info import Wishes
from greencell.carbon.grid_table import GridTable
from greencell.magic_words import Shown
from greencell.magics import HELP, Magics
from greencell.measurement import Measurement
from greencell.place import Place
from greencell.report import figures
from greencell.report.terminal import visible
from tests_support import Bench


@pytest.fixture
def bench() -> Bench:
    bench = Bench.make("kernel")
    bench.session.label_next("train\x1b[31m\u202e")
    bench.cell(2.0)
    return bench


def said(bench: Bench, line: str) -> Shown:
    """What a magic shows."""
    shown: list[Shown] = []
    Magics(extension_of(bench), shown.append).line(line)
    (one,) = shown
    return one


def extension_of(bench: Bench) -> Any:
    """As much of an extension as these magics ask of one."""
    place = Place(bench.session, GridTable(), Wishes())
    return SimpleNamespace(session=bench.session, place=place)


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

    block.__dict__.update(_state="over", _record=record)

    expected = figures.figure(bench.session.to_dict()["cells"][0], "energy")
    assert repr(block) == f"<train\\x1b[31m: {expected}, {record.provenance}>"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("compare-zones", ["elsewhere", "▸ FR", "Norway", "here"]),
        ("compare-zones PL aws:eu-west-3", ["▸ FR", "Poland", "Paris, France"]),
        ("footprint", ["Operational", "E × I × PUE", "Embodied      not included", "by the grid ± 20"]),
        ("footprint --cells", ["cell", "operational", "energy ±", "grid ±", "train"]),
        ("footprint --cells --embodied", ["embodied, estimated; assumed: a personal computer"]),
        ("footprint --embodied --water", ["assumed     a personal computer", "Water         not known"]),
        ("footprint --embodied-kg 1410 --lifetime-years 4 --share 0.0625", ["1410 kg", "set by the user"]),
        ("sci --per epoch --count 10", ["SCI = ", "per epoch, 10 of them", "not included", "ISO/IEC 21031"]),
        ("sci --per 'training run' --embodied", ["per training run", "M      ", "assumed: "]),
        ("equivalents", ["LED lamp", "by definition, 2026", "in an average European car", "in ten years"]),
        ("statement sci --per epoch", ["SCI = ", "per epoch"]),
        ("statement model-card", ["## Environmental Impact"]),
        ("statement huggingface --training-type fine-tuning", ['training_type: "fine-tuning"']),
    ],
)  # fmt: skip
def test_what_the_commands_about_carbon_say(bench: Bench, line: str, words: list[str]) -> None:
    """Each in text, whole, without a control character."""
    text = repr(said(bench, line))

    for word in words:
        assert word in text.replace("\u202f", " ")
    assert visible(text) == text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("compare-zones Atlantis", "Unknown zone 'Atlantis'"),
        ("compare-zones paris", "fits several: FR (France), aws:eu-west-3 (Paris)"),
        ("ahead", "No forecast here"),
        ("ahead soon", "HOURS takes a number above 0"),
        ("sci", "name it, e.g. --per 'training run'"),
        ("sci --per", "--per needs a value"),
        ("sci --per epoch --count none", "--count takes a number above 0"),
        ("sci --per epoch --count nan", "--count takes a number above 0"),
        ("footprint --share 2", "The share of the hardware must be above 0 and up to 1"),
        ("footprint --embodied-kg -5", "--embodied-kg takes a number above 0"),
        ("footprint bogus", "does not take 'bogus'"),
        ("export x.pdf --as poem", "--as takes one of"),
        ("equivalents twice", "does not take 'twice'"),
    ],
)
def test_a_mistake_about_carbon_is_one_line(
    bench: Bench, line: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what would be right; nothing is shown."""
    Magics(extension_of(bench), lambda _: pytest.fail("shown")).line(line)

    out = capsys.readouterr().out
    assert words in out
    assert out.startswith("greencell: ") and out.count("\n") == 1


def test_statements_are_listed_for_who_names_none(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """And for who names one that there is not."""
    for line in ("statement", "statement poem"):
        Magics(extension_of(bench), lambda _: pytest.fail("shown")).line(line)
        out = capsys.readouterr().out
        assert "climate performance model card" in out and "ai-act" in out


def test_every_command_is_in_the_help(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """Aligned, one line each, none too long for a terminal."""
    magics = Magics(extension_of(bench), lambda _: None)
    magics.line("help")

    lines = capsys.readouterr().out.splitlines()
    assert set(HELP) == set(magics._commands)
    assert max(map(len, lines)) <= 100
