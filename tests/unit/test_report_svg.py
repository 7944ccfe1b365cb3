"""The image of a session: whole by itself, well-formed whatever the names, and true to the figures."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from greencell import report
from greencell.report.svg_format import MAX_BARS

FIXTURE = Path(__file__).parents[1] / "fixtures" / "session.json"
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "<script>alert(1)</script>",
    "]]><!ENTITY x SYSTEM 'file:///etc/passwd'>",
    "</title><image href='https://example.org/x'/>",
    '" onload="alert(1)',
    "&amp; &#x0; &nosuch;",
    "\ufffe\uffff\ud800\x1b[31m\x00",
    "\u202egpj.exe",
    "{{ 7 * 7 }}{% raw %}",
]


@pytest.fixture
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(FIXTURE.read_text())
    return loaded


def _drawn(document: dict[str, Any]) -> ET.Element:
    """Read by a strict parser."""
    return ET.fromstring(report.render(document, "svg").encode())


def _rows(image: ET.Element) -> list[ET.Element]:
    return image.findall(f"{SVG}g")


def _words(row: ET.Element) -> list[str]:
    return ["".join(text.itertext()).replace("\u202f", " ") for text in row.iter(f"{SVG}text")]


def _cells(document: dict[str, Any], count: int) -> list[dict[str, Any]]:
    first = document["cells"][0]
    return [
        {**first, "number": n, "label": f"c{n}", "parent": None, "execution_count": n,
         "energy_kwh": n * 1e-6, "energy_low_kwh": n * 9e-7, "energy_high_kwh": n * 1.2e-6,
         "provenance": "measured", "flags": []}
        for n in range(1, count + 1)
    ]  # fmt: skip


def test_it_shows_each_cell_with_its_figure(document: dict[str, Any]) -> None:
    """Top-level cells in their order, then the time between them; text is text."""
    image = _drawn(document)
    words = [_words(row) for row in _rows(image)]
    assert words == [
        ["[2] cell", "0.3–1.3 mWh"],
        ["[3] train", "42–170 µWh"],
        ["[4] cell", "73–300 µWh"],
        ["[6] cell", "–"],
        ["between cells", "≈ 10 µWh"],
    ]
    whole = "".join(image.itertext()).replace("\u202f", " ")
    assert "first-light.ipynb" in whole and "0.4–1.7 mWh" in whole and "France" in whole
    assert image.get("role") == "img"
    assert "[3] train" in (image.findtext(f"{SVG}desc") or "")


def test_bars_and_intervals_are_to_scale(document: dict[str, Any]) -> None:
    """The longest interval fills the width; lengths are as the energies."""
    document["cells"] = _cells(document, 2)
    document["totals"]["between_cells_energy_kwh"] = 0.0
    rows = _rows(_drawn(document))
    lengths = [float(bar.get("width") or 0) for row in rows for bar in row.findall(f"{SVG}rect")]
    assert lengths[:2] == pytest.approx([350 / 2.4, 350 / 1.2], abs=0.1)
    whiskers = [path.get("d") or "" for row in rows for path in row.findall(f"{SVG}path")]
    ends = [[float(x) for x in re.findall(r"[MH]([\d.]+)", path)] for path in whiskers]
    assert ends[1] == pytest.approx([190 + 350 * 1.8 / 2.4, 540], abs=0.1)
    assert [row.findall(f"{SVG}rect")[0].get("class") for row in rows[:2]] == ["measured"] * 2


def test_a_cell_too_short_for_its_meter_is_an_outline_up_to_its_bound(
    document: dict[str, Any],
) -> None:
    """Nothing is drawn as known that is not."""
    document["cells"] = [{**_cells(document, 1)[0], "flags": ["too-short"]}]
    row = _rows(_drawn(document))[0]
    assert _words(row) == ["[1] c1", "< 1.2 mWh"]
    assert [bar.get("class") for bar in row.findall(f"{SVG}rect")] == ["below"]
    assert row.findall(f"{SVG}path") == []


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(document: dict[str, Any], name: str) -> None:
    """Well-formed, nothing but shapes and text, and no address but the name of the language."""
    document["cells"] = [{**document["cells"][0], "label": name}]
    document["session"]["label"] = document["session"]["notebook"] = name
    document["carbon"]["zone_name"] = document["session"]["started_at"] = name
    text = report.render(document, "svg")
    image = ET.fromstring(text.encode())
    allowed = {"svg", "title", "desc", "style", "g", "text", "rect", "path"}
    assert {node.tag.removeprefix(SVG) for node in image.iter()} <= allowed
    names = {key for node in image.iter() for key in node.attrib}
    assert not {key for key in names if key.startswith("on") or "href" in key}
    assert not re.search(r"url\(|@import|<!", re.sub(r"<(title|desc|text).*?</\1>", "", text))
    assert "49" not in (image.findtext(f"{SVG}title") or "")
    page = report.render(document, "html")
    assert "<script" not in page and "<image" not in page


def test_no_cell_and_one_cell(document: dict[str, Any]) -> None:
    """An empty session says so."""
    one = _cells(document, 1)
    document["cells"] = []
    document["totals"]["between_cells_energy_kwh"] = 0.0
    assert "No cell has been measured yet." in "".join(_drawn(document).itertext())
    document["cells"] = one
    assert [_words(row)[0] for row in _rows(_drawn(document))] == ["[1] c1", "between cells"]


def test_of_many_cells_the_dearest_and_it_says_so(document: dict[str, Any]) -> None:
    """An image of 10,000 rows helps nobody."""
    document["cells"] = _cells(document, 10_000)
    image = _drawn(document)
    names = [_words(row)[0] for row in _rows(image)]
    assert len(names) == MAX_BARS + 1
    assert names[:2] == ["[10000] c10000", "[9999] c9999"]
    assert "The 20 dearest of 10 000 cells" in "".join(image.itertext()).replace("\u202f", " ")
    assert "The 20 dearest of 10 000 cells" in report.render(document, "html").replace(
        "\u202f", " "
    )
    assert int(image.get("height") or 0) < 700


def test_long_names_stay_in_their_column(document: dict[str, Any]) -> None:
    """Cut by letters, twice as soon where letters are twice as wide; the whole is in the title."""
    document["cells"] = [{**cell, "label": label} for cell, label in zip(
        _cells(document, 2), ["x" * 300, "\u6f22" * 300], strict=True
    )]  # fmt: skip
    narrow, wide, _ = (_words(row)[0] for row in _rows(_drawn(document)))
    assert 20 <= len(narrow) <= 25 and narrow.endswith("…")
    assert 10 <= len(wide) <= 16 and wide.endswith("…")


def test_it_is_the_same_each_time(document: dict[str, Any]) -> None:
    """Nothing of the moment or of chance is in it."""
    assert report.render(document, "svg") == report.render(document, "svg")


def test_it_follows_the_readers_light_and_needs_nothing_else(document: dict[str, Any]) -> None:
    """Its own style, no script, no resource, no font of its own."""
    text = report.render(document, "svg")
    assert "prefers-color-scheme:dark" in text and "system-ui" in text
    assert re.findall(r"https?://[^\"\s<]+", text) == ["http://www.w3.org/2000/svg"]
