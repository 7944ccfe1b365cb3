"""Reports: every format of the session document, and nothing hostile gets through."""

from __future__ import annotations

import csv
import io
import json
import re
import stat
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from greencell import report
from greencell.errors import UsageError
from greencell.report import figures
from greencell.report.html_format import cells_html, summary_html
from greencell.report.text_formats import cells_text, to_text

FOLDER = Path(__file__).parents[1] / "fixtures"
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<button data-commandlinker-command='x'>",
    "=cmd|' /C calc'!A0",
    "@property",
    "\\input{/etc/passwd} $x$ 50% & #1 _a_ ^b~",
    "a | b `c` [d](javascript:alert(1))",
    "line\nbreak",
    "＝1+1",
]
plain = str.maketrans({"\u202f": " "})


@pytest.fixture
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / "session.json").read_text())
    return loaded


@pytest.fixture
def hostile(document: dict[str, Any]) -> dict[str, Any]:
    template = document["cells"][0]
    document["cells"] = [
        {**template, "number": n, "label": text, "cell_id": text, "zone": text, "parent": None}
        for n, text in enumerate(HOSTILE, 1)
    ]
    document["session"]["label"] = document["session"]["notebook"] = HOSTILE[0]
    document["carbon"]["zone_name"] = HOSTILE[4] + HOSTILE[0]
    document["host"]["cpu"] = HOSTILE[0]
    return document


def test_every_format_renders(document: dict[str, Any]) -> None:
    """All six, and the two views of the magics."""
    for name in report.FORMATS:
        assert report.render(document, name).strip()
    assert "Energy" in to_text(document)
    assert "train" in cells_text(document, "energy")
    assert "gcr" in summary_html(document) and "gcr" in cells_html(document, "order")


def test_json_is_the_document(document: dict[str, Any]) -> None:
    """Nothing added, nothing lost, no NaN."""
    assert json.loads(report.render(document, "json")) == document


def test_csv_has_a_row_for_each_cell_and_unknown_is_empty(document: dict[str, Any]) -> None:
    """Names are flattened by a dot."""
    rows = list(csv.DictReader(io.StringIO(report.render(document, "csv"))))

    assert len(rows) == len(document["cells"])
    assert float(rows[0]["by_component_kwh.cpu"]) == document["cells"][0]["by_component_kwh"]["cpu"]
    unknown = next(
        r for r, c in zip(rows, document["cells"], strict=True) if c["energy_kwh"] is None
    )
    assert unknown["energy_kwh"] == ""


def test_csv_runs_no_formula(hostile: dict[str, Any]) -> None:
    """No text field starts with what a spreadsheet would run."""
    for row in csv.reader(io.StringIO(report.render(hostile, "csv"))):
        for field in row:
            assert not re.match(r"[=+@\t\r\n＝＋－＠]|-[^\d]", field), field


class Tags(HTMLParser):
    """Collects tags and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_html_takes_hostile_texts_for_text(hostile: dict[str, Any]) -> None:
    """No element, attribute or script comes from a label, an id or a name."""
    for html in (
        report.render(hostile, "html"),
        summary_html(hostile),
        cells_html(hostile, "order"),
    ):
        seen = Tags()
        seen.feed(html)
        assert not seen.tags & {"img", "button", "script", "iframe", "link"}
        assert not any(name.startswith(("on", "data-")) for name in seen.attributes)
        assert "&lt;img" in html


def test_html_is_one_file_with_a_strict_policy(document: dict[str, Any]) -> None:
    """Opens offline: nothing is fetched."""
    html = report.render(document, "html")

    assert "default-src 'none'" in html
    assert not re.search(r"""(src|href)=|https?://|url\(""", html)


def test_markdown_takes_hostile_texts_for_text(hostile: dict[str, Any]) -> None:
    """No tag, no link, and each cell stays one row."""
    text = report.render(hostile, "md")

    assert "<img" not in text
    assert "](javascript" not in text
    assert sum(line.startswith("| \\[") for line in text.splitlines()) == len(HOSTILE)


def test_tex_escapes_everything(hostile: dict[str, Any]) -> None:
    """What is left of a hostile name is printable text."""
    text = report.render(hostile, "tex")

    assert "\\input" not in text
    assert re.search(r"(?<!\\)[&%#_]", text) is None
    assert text.count("\n") == 1


def test_yaml_is_in_grams(document: dict[str, Any]) -> None:
    """The Hub reads grams: kilograms there are the classic error."""
    text = report.render(document, "yaml")

    grams = float(re.search(r"emissions: (\S+)", text)[1])  # type: ignore[index]
    assert grams == pytest.approx(document["totals"]["co2_kg"] * 1000, rel=1e-3)
    assert "e-" not in text.split("emissions:")[1].split("\n")[0]


def test_write_is_whole_or_not_at_all(document: dict[str, Any], tmp_path: Path) -> None:
    """The file is there and nothing else; an existing one is refused without force."""
    path = report.write(document, tmp_path / "a.json")
    path.write_text("precious")

    with pytest.raises(UsageError, match="--force"):
        report.write(document, path)
    assert path.read_text() == "precious"

    report.write(document, path, force=True)
    assert json.loads(path.read_text()) == document
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    assert stat.S_IMODE(path.stat().st_mode) & 0o111 == 0


@pytest.mark.parametrize("name", ["x", "x.pdf", "missing/x.json", "."])
def test_a_bad_path_is_one_line(document: dict[str, Any], tmp_path: Path, name: str) -> None:
    """It says what would do, and nothing is left behind."""
    with pytest.raises(UsageError) as error:
        report.write(document, tmp_path / name)

    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kwh", "shown"),
    [
        (None, "–"),
        (0.0, "0 Wh"),
        (1e-3, "1.00 Wh"),
        (2.5, "2.50 kWh"),
        (3.4e-7, "340 µWh"),
        (1e-15, "< 1 nWh"),
    ],
)
def test_energies_in_words(kwh: float | None, shown: str) -> None:
    """The unit that suits; unknown is a dash, never 0."""
    assert figures.energy(kwh).translate(plain) == shown
