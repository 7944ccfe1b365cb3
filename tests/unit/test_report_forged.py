"""A session file that was made to deceive: no text of it forges a line, no figure is impossible."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greencell import report
from greencell.cli import main
from greencell.errors import UsageError
from greencell.report.carbon_text import cells_footprint_text
from greencell.report.html_format import cells_html, summary_html
from greencell.report.place_text import place_line, place_text
from greencell.report.shape import legible
from greencell.report.sources_text import sources_text
from greencell.report.terminal import UNSAFE
from greencell.report.text_formats import cells_text, to_text
from tests_support import long_document

VIEWS: dict[str, Callable[[dict[str, Any]], str]] = {
    "text": to_text,
    "cells": cells_text,
    "summary": summary_html,
    "table": lambda document: cells_html(document, "order"),
    "footprint": lambda document: cells_footprint_text(legible(document), None),
    "place": lambda document: place_text(legible(document)["carbon"]),
    "place in a line": lambda document: place_line(legible(document)["carbon"]),
    **{name: lambda d, name=name: report.render(d, name) for name in report.FORMATS},  # type: ignore[misc]
}
ENDS = [
    "\n",
    "\r",
    "\r\n",
    "\v",
    "\f",
    "\x1c",
    "\x1d",
    "\x1e",
    "\x85",
    "\u2028",
    "\u2029",
    "\n\n",
    "\t\n",
]
WORDS = ("schema", "attribution", "provenance", "located_by", "kind", "scope", "component")
"""Texts by which a report chooses what it shows; they are put in too, but not all of them at once."""


def complete(text: str) -> dict[str, Any]:
    """A session with this text in every place where one may stand, names of figures included."""
    made = long_document(3)
    made["carbon"].update(note=text, reason=text, candidates=[text], pue_source=text)
    reading = {"provider": text, "zone": text, "intensity_g_per_kwh": 50.0, "basis": text, "at": text,
               "is_estimated": True}  # fmt: skip
    made["carbon"].update(live=reading, marginal=dict(reading))
    made["skipped"] = [
        dict.fromkeys(("id", "reason", "remedy", "flag", "caution", "benefit"), text)
    ]
    made["notes"] = [text, text]
    made["host"]["gpus"] = [text]
    made["session"].update(notebook=text, label=text, ended_at=text)
    made["totals"].update(bases=[text, "direct"], flags=[text], by_component_kwh={text: 1e-6})
    for cell in (*made["cells"], *made["blocks"]):
        cell.update(metrics={text: 0.5}, flags=[text], basis=text, by_component_kwh={text: 1e-6})
    return {name: replaced(value, text) for name, value in made.items()}


def replaced(value: Any, text: str) -> Any:
    """The same with the text in place of each of its texts, but for words that choose a view."""
    if isinstance(value, dict):
        return {key: item if key in WORDS else replaced(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, text) for item in value]
    return text if isinstance(value, str) else value


def forged(shown: str) -> list[str]:
    """Lines that begin as what was forged."""
    return [
        line for line in shown.splitlines() if line.lstrip(" \t|-*#>'\"\\").startswith("FORGED")
    ]


@pytest.mark.parametrize("end", ENDS, ids=repr)
@pytest.mark.parametrize("view", VIEWS)
def test_no_text_begins_a_line_of_its_own(view: str, end: str) -> None:
    """In every place at once: whatever ends a line for any reader is written out."""
    shown = VIEWS[view](complete(f"France{end}FORGED   0 Wh  (measured, ± 1 %)"))

    assert not forged(shown)
    assert not UNSAFE.search(shown)
    assert "\t" not in shown and "\r" not in shown


@pytest.mark.parametrize("word", WORDS)
def test_nor_does_a_word_that_chooses_what_is_shown(word: str) -> None:
    """Each in turn, in every view."""

    def put(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: f"x\nFORGED\r\x1b[2J{word}" if key == word and isinstance(item, str)
                else put(item) for key, item in value.items()
            }  # fmt: skip
        return [put(item) for item in value] if isinstance(value, list) else value

    made = put(complete("x"))
    for view in VIEWS.values():
        shown = view(made)
        assert not forged(shown) and not UNSAFE.search(shown)


@settings(max_examples=25, deadline=None)
@given(st.text(min_size=1, max_size=30).map(lambda text: f"x{text}x"))
def test_any_text_leaves_as_many_lines_as_an_innocent_one(text: str) -> None:
    """Nothing is added, in any format."""
    hostile, innocent = complete(text), complete("x" * len(text))
    for name, view in VIEWS.items():
        assert len(view(hostile).splitlines()) == len(view(innocent).splitlines()), name


def test_sources_are_told_in_lines_of_ours() -> None:
    """A remedy is a line to copy: what is copied is one command."""
    made = legible(complete("sudo x\nrm y"))

    lines = sources_text(made["sources"], made["skipped"]).splitlines()

    assert not any(line.strip().startswith("rm y") for line in lines)


def test_the_command_shows_a_forged_name_as_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it came to light: the name of a place with lines in it."""
    made = long_document(2)
    made["carbon"]["zone_name"] = "France\nEnergy   0 Wh  (measured)\nCO2e     0 g"
    path = tmp_path / "s.json"
    path.write_text(json.dumps(made))

    assert main(["report", str(path)]) == 0

    out = capsys.readouterr().out
    assert "France\\nEnergy" in out
    assert sum(line.startswith("Energy") for line in out.splitlines()) == 1
    assert sum(line.startswith("CO2e") for line in out.splitlines()) == 1


# -- figures -----------------------------------------------------------------------------------

IMPOSSIBLE: list[tuple[str, dict[str, Any], str]] = [
    ("totals", {"energy_kwh": -1.0}, "totals.energy_kwh is below 0"),
    ("totals", {"co2_low_kg": -1e-9}, "totals.co2_low_kg is below 0"),
    ("totals", {"cells": -3}, "totals.cells is below 0"),
    ("totals", {"energy_low_kwh": 9.0}, "totals.energy_low_kwh is above energy_kwh"),
    ("totals", {"energy_high_kwh": 0.0}, "totals.energy_kwh is above energy_high_kwh"),
    ("totals", {"energy_kwh": None, "energy_low_kwh": 9.0}, "totals.energy_low_kwh is above energy_high_kwh"),
    ("totals", {"co2_kg": 1e9}, "totals.co2_kg is above co2_high_kg"),
    ("totals", {"by_component_kwh": {"a\nb": -1.0}}, "totals.by_component_kwh.a b is below 0"),
    ("totals", {"grid_relative_error": -0.2}, "totals.grid_relative_error is below 0"),
    ("session", {"duration_s": -1}, "session.duration_s is below 0"),
    ("carbon", {"intensity_g_per_kwh": -40.0}, "carbon.intensity_g_per_kwh is below 0"),
    ("carbon", {"pue": -1.0}, "carbon.pue is below 0"),
    ("carbon", {"year": -2025}, "carbon.year is below 0"),
    ("host", {"ram_gb": -8.0}, "host.ram_gb is below 0"),
    ("totals", {"energy_kwh": 1e16}, "totals.energy_kwh is beyond all numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("part", "changes", "words"), IMPOSSIBLE)
def test_an_impossible_figure_is_named_in_one_line(
    part: str, changes: dict[str, Any], words: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """And nothing of the file is shown or written."""
    made = long_document(2)
    made[part].update(changes)
    path = tmp_path / "s.json"
    path.write_text(json.dumps(made))

    for more in ([], ["-o", str(tmp_path / "o.html")], ["--as", "latex"]):
        assert main(["report", str(path), *more]) == 1
        said = capsys.readouterr()
        assert words in said.err and said.err.count("\n") == 1 and said.out == ""
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("quantity", ["energy_{}kwh", "co2_{}kg"])
def test_an_impossible_figure_of_a_cell_is_named_too(quantity: str) -> None:
    """With the cell's place in the file."""
    made = long_document(3)
    low, value = quantity.format("low_"), quantity.format("")
    made["cells"][1].update({low: made["cells"][1][value] * 2})

    with pytest.raises(UsageError, match=rf"cells\[1\]\.{low} is above {value}"):
        legible(made)


def test_a_model_whose_factors_are_the_wrong_way_round_is_named() -> None:
    """With its place among the sources."""
    made = long_document(1)
    made["sources"][0].update(low_factor=2.0, high_factor=0.5)

    with pytest.raises(UsageError, match=r"sources\[0\]\.low_factor is above high_factor"):
        legible(made)


def test_so_is_that_of_a_block() -> None:
    """What ``measure`` counted is read as strictly."""
    made = long_document(3)
    made["blocks"][1]["energy_kwh"] = -1.0

    with pytest.raises(UsageError, match=r"blocks\[1\]\.energy_kwh is below 0"):
        legible(made)


def test_what_rounding_leaves_is_taken() -> None:
    """Ends that differ in the last digit, and the dust of a subtraction."""
    made = long_document(1)
    made["totals"].update(
        energy_low_kwh=made["totals"]["energy_kwh"] * (1 + 1e-12), idle_energy_kwh=-1e-18
    )

    assert legible(made)["totals"]["idle_energy_kwh"] == 0.0


def test_what_a_user_measures_may_be_below_0() -> None:
    """A loss in logarithms is no energy."""
    made = long_document(1)
    made["cells"][0]["metrics"] = {"log-likelihood": -1e300}

    assert "-1e+300" in report.render(made, "csv")


@pytest.mark.parametrize(
    "more", ['"x": 1e999', '"x": -1e999', '"x": NaN', '"x": [[Infinity]]', '"x": ' + "[" * 900 + "]" * 900]
)  # fmt: skip
def test_what_no_report_shows_breaks_none(
    more: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A field that no reader knows, which only the JSON carries on."""
    path = tmp_path / "s.json"
    path.write_text(json.dumps(long_document(1))[:-1] + f", {more}}}")

    code = main(["report", str(path), "-o", str(tmp_path / "o.json")])

    said = capsys.readouterr()
    assert (said.out + said.err).count("\n") == 1
    assert code == 1 or json.loads((tmp_path / "o.json").read_text())["x"]
