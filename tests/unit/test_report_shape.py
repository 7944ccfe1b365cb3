"""Documents from anywhere: shown as far as they hold, refused in one line, never a traceback."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from greencell import report
from greencell.cli import main
from greencell.errors import UsageError
from greencell.report.html_format import cells_html, summary_html
from greencell.report.shape import legible
from greencell.report.terminal import say, visible
from greencell.report.text_formats import cells_text, to_text

SAMPLE = Path(__file__).parents[1] / "fixtures" / "session.json"
VIEWS: dict[str, Callable[[dict[str, Any]], str]] = {
    "text": to_text,
    "cells": lambda document: cells_text(document, "energy"),
    "summary": summary_html,
    "table": lambda document: cells_html(document, "co2"),
    **{name: lambda d, name=name: report.render(d, name) for name in report.FORMATS},  # type: ignore[misc]
}
SHOWN = [name for name in VIEWS if name != "json"]


@pytest.fixture
def document() -> dict[str, Any]:
    """A session of all that may stand in one."""
    loaded: dict[str, Any] = json.loads(SAMPLE.read_text())
    loaded["totals"].update(
        others_energy_kwh=1e-7, idle_energy_kwh=1e-8, node_energy_kwh=1e-6, flags=["gap"]
    )
    loaded["sources"][0].update(scope="component", lag_s=0.0, baseline_w=1.5)
    loaded["skipped"][1].update(caution="it opens more", benefit="cpu measured")
    loaded["cells"][0]["metrics"] = {"loss": 0.5}
    return loaded


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value in a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (*above, key)
        if isinstance(item, (dict, list)):
            yield from places(item, (*above, key))


def changed(document: dict[str, Any], place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """A copy with another value at one place."""
    altered = copy.deepcopy(document)
    at: Any = altered
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    return altered


def told(document: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code of ``greencell report`` and what it says."""
    path = tmp_path / "s.json"
    path.write_text(json.dumps(document))
    code = main(["report", str(path)])
    out, err = capsys.readouterr()
    return code, err if code else out


@pytest.mark.parametrize("wrong", [None, True, 7, "x\x1b[31m", [3], {"a": "b"}, [[]], 1e999])
def test_whatever_stands_anywhere_is_shown_or_named_in_one_line(
    document: dict[str, Any], wrong: Any
) -> None:
    """Every place, every wrong kind, every format: text, or the line of a user's mistake."""
    del document["cells"][1:]
    for place in places(document):
        altered = changed(document, place, wrong)
        try:
            legible(altered)
        except UsageError as refusal:
            line = str(refusal)
            assert line.isprintable() and str(place[0]) in line, line
        else:
            for name in SHOWN:
                text = VIEWS[name](altered)
                assert "\x1b" not in text and "None" not in text, (place, name)


@pytest.mark.parametrize(
    ("place", "wrong", "words"),
    [
        (("totals",), None, "totals should be an object, but is null"),
        (("totals", "energy_kwh"), "3", "totals.energy_kwh should be a number, but is a text"),
        (("cells",), None, "cells should be a list, but is null"),
        (("cells", 0), 3, "cells[0] should be an object, but is a number"),
        (("cells", 0, "flags"), "gap", "cells[0].flags should be a list, but is a text"),
        (("cells", 0, "parent"), [1], "cells[0].parent should be a whole number, but is a list"),
        (("cells", 0, "final"), "no", "cells[0].final should be true or false, but is a text"),
        (("carbon", "year"), {}, "carbon.year should be a whole number, but is an object"),
        (("session", "duration_s"), 10**400, "session.duration_s is beyond all numbers"),
        (("host", "gpus"), [True], "host.gpus[0] should be a text, but is true or false"),
        (("cells", 0, "metrics"), {"a\n\x1b": "b"}, "cells[0].metrics.a \\x1b should be a number"),
    ],
)
def test_the_line_names_the_place_and_what_it_should_be(
    document: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    place: tuple[Any, ...], wrong: Any, words: str,
) -> None:  # fmt: skip
    """Exit code 1, one line on stderr."""
    code, line = told(changed(document, place, wrong), tmp_path, capsys)

    assert code == 1
    assert words in line
    assert line.count("\n") == 1


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '"x"', '{"schema": "other"}', "[" * 100_000, '{"schema": NaN}', "\udcff"],
)
def test_what_is_no_session_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """Cut off, something else, nested without end, not even text."""
    path = tmp_path / "s.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))

    assert main(["report", str(path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_nulls_are_shown_as_unknown(
    document: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unknown is told, and the rest of the report goes on."""
    for part in ("session", "host", "carbon", "totals"):
        document[part] = dict.fromkeys(document[part])
    document["cells"][1] = dict.fromkeys(document["cells"][1])

    code, text = told(document, tmp_path, capsys)

    assert code == 0
    assert "Energy   unknown  (unknown" in text
    assert "unknown (unknown), unknown g/kWh" in text
    assert "– unknown" in text
    assert "None" not in text and "null" not in text
    assert "emissions: null" in report.render(document, "yaml")


def test_older_documents_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the fields of later versions, and without those that may be left out."""
    old = json.loads(SAMPLE.read_text())
    assert "others_energy_kwh" not in old["totals"]
    del old["skipped"], old["cells"][0]["final"], old["cells"][0]["metrics"]

    code, text = told(old, tmp_path, capsys)

    assert code == 0
    assert "0.3–1.3 mWh" in text.replace("\u202f", " ")
    assert "others" not in text and "whole machine" not in text
    for name in report.FORMATS:
        assert main(["report", str(tmp_path / "s.json"), "-o", str(tmp_path / f"o.{name}")]) == 0
    assert json.loads((tmp_path / "o.json").read_text()) == old


STEERING = [
    ("\x1b[31mred", "\\x1b[31mred"),
    ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
    ("\x9b31m", "\\x9b31m"),
    ("a\x00b\x7f", "a\\x00b\\x7f"),
    ("back\x08space", "back\\x08space"),
    ("\u202egnp.exe", "\\u202egnp.exe"),
    ("\u2066x\u2069", "\\u2066x\\u2069"),
    ("\u200ea\u200fb\u061c", "\\u200ea\\u200fb\\u061c"),
    ("two\u2028lines", "two\\u2028lines"),
    ("half\ud800", "half\\ud800"),
]


@pytest.mark.parametrize(("label", "shown"), STEERING)
@pytest.mark.parametrize("name", SHOWN)
def test_no_text_steers_a_terminal_or_turns_the_direction(
    document: dict[str, Any], name: str, label: str, shown: str
) -> None:
    """Controls are written out, wherever a text of the document is shown."""
    document["cells"][0]["label"] = document["session"]["label"] = label
    document["sources"][0]["detail"] = document["carbon"]["zone_name"] = label
    document["skipped"][0]["reason"] = document["host"]["cpu"] = label

    text = VIEWS[name](document)

    assert visible(text) == text
    escapes = {"tex": "\\textbackslash{}", "md": "\\\\", "yaml": "\\\\"}
    if name in ("text", "cells", "csv", "html"):
        assert shown in text.replace("&#39;", "'")
    elif name in escapes:
        code = shown[shown.index("\\") + 1 :][:3]
        assert escapes[name] + code in text


@pytest.mark.parametrize(("label", "shown"), STEERING)
def test_json_keeps_the_text_and_writes_it_out(
    document: dict[str, Any], tmp_path: Path, label: str, shown: str
) -> None:
    """A program reads what was there, a terminal sees no control."""
    document["cells"][0]["label"] = label
    path = report.write(document, tmp_path / "s.json")

    text = path.read_text(encoding="utf-8")
    assert visible(text) == text
    assert json.loads(text) == document


def test_ordinary_texts_stay_as_they_are() -> None:
    """Letters of all scripts, joined emoji, tabs and line ends are no controls."""
    for text in ("Größe", "训练", "עברית", "👩\u200d🔬", "a\tb\nc", "3\u202fWh", "☕\ufe0f"):
        assert visible(text) == text


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_report_is_printed_whatever_the_terminal_knows(tmp_path: Path, encoding: str) -> None:
    """Signs that it lacks are spelled; nothing raises."""
    with (tmp_path / "out").open("w", encoding=encoding, newline="\n") as stream:
        say("≥\u202f3.4\u202fWh – 训练 \x1b", stream)

    written = (tmp_path / "out").read_bytes().decode(encoding)
    expected = {
        "ascii": ">= 3.4 Wh - ?? \\x1b\n",
        "cp1252": ">= 3.4 Wh – ?? \\x1b\n",
        "utf-8": "≥\u202f3.4\u202fWh – 训练 \\x1b\n",
    }
    assert written == expected[encoding]
