"""Who may be hostile, and what keeps them out; the page is docs/security.md."""

from __future__ import annotations

import ast
import copy
import csv
import io
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import greencell
from greencell import report
from greencell.carbon.carbon_info import Wishes
from greencell.carbon.grid_table import GridTable
from greencell.control import Control
from greencell.errors import UsageError
from greencell.feed import Feed
from greencell.history.past import Wanted, past_sessions
from greencell.history.rows import Identity, cell_values, session_values
from greencell.place import Place
from greencell.report.history_text import history_csv, history_text
from greencell.report.html_format import cells_html, comparison_html, summary_html
from greencell.report.shape import UNSAFE
from greencell.report.text_formats import cells_text, to_text
from greencell.what_if import WhatIf
from tests_support import Bench, RecordingOutlet

PACKAGE = Path(greencell.__file__).parent
CANARIES = [
    "<img src=x onerror=alert(1)>",
    "<button data-commandlinker-command='docmanager:delete'>x</button>",
    "</style><script>alert(1)</script>",
    "=cmd|' /C calc'!A0", "@property", "-1+1", "+1", "\t=1", "\r=1",
    "\\input{/etc/passwd}", "$(touch /tmp/x)", "`id`", "{{ 7*7 }}{% for x in y %}",
    "[x](javascript:alert(1))", "| a | b |", "constructor", "__proto__", "../../etc/passwd",
    "'; drop table cell; --", "\x1b]0;owned\x07\x1b[2J", "\u202egpj.exe", "a\nb\r\nc", "\ud800", "\0",
]  # fmt: skip


def document() -> dict[str, Any]:
    bench = Bench.make("kernel")
    for _ in range(2):
        bench.cell(1.0)
    made: dict[str, Any] = bench.session.to_dict()
    return made


def hostile(text: str) -> dict[str, Any]:
    """A document with a text wherever one may come from elsewhere."""
    made = copy.deepcopy(document())
    made["session"].update(label=text, notebook=text, id=text)
    made["host"].update(cpu=text, os=text, gpus=[text])
    made["carbon"].update(zone=text, zone_name=text, source=text, note=text, reason=text)
    made["carbon"].update(candidates=[text], pue_source=text, basis=text, located_by="timezone")
    for source in made["sources"]:
        source.update(id=text, detail=text, component=text)
    made["skipped"] = [{"id": text, "reason": text, "remedy": text, "flag": text}]
    for cell in made["cells"]:
        cell.update(label=text, cell_id=text, zone=text, flags=[text], metrics={text: 1.0})
        cell["by_component_kwh"] = {text: 1e-6}
    made["totals"].update(by_component_kwh={text: 1e-6}, bases=[text, "direct"])
    return made


class Elements(HTMLParser):
    """All elements and their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def elements(html: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Elements()
    parser.feed(html)
    parser.close()
    return parser.found


VIEWS = {
    "report": lambda d: report.render(d, "html"),
    "summary": summary_html,
    "cells": lambda d: cells_html(d, "order"),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("text", CANARIES)
def test_no_text_becomes_an_element_or_an_attribute(view: str, text: str) -> None:
    """The same elements as for an innocent text; nothing that loads, runs or links."""
    innocent = [
        (tag, sorted(attributes)) for tag, attributes in elements(VIEWS[view](hostile("x")))
    ]
    found = elements(VIEWS[view](hostile(text)))

    assert [(tag, sorted(attributes)) for tag, attributes in found] == innocent
    for tag, attributes in found:
        assert tag not in ("script", "iframe", "object", "embed", "link", "img", "a", "form")
        assert not any(n.startswith(("on", "data-")) or n in ("href", "src") for n in attributes)


def test_the_report_allows_nothing_from_elsewhere() -> None:
    """A strict policy, in the head, before any text; no address in the whole page."""
    html = report.render(document(), "html")
    policy = next(
        a["content"] for t, a in elements(html)
        if t == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )  # fmt: skip

    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "script" not in policy and "unsafe-eval" not in policy
    assert html.index("Content-Security-Policy") < html.index("<title>")
    assert not re.search(r"https?://|//[a-z]|@import|url\(", html)


@pytest.mark.parametrize("name", report.FORMATS)
@pytest.mark.parametrize("text", CANARIES)
def test_no_format_steers_a_terminal(name: str, text: str) -> None:
    """No control character and no turning of the reading direction gets out, in any format."""
    assert not UNSAFE.search(report.render(hostile(text), name).replace("\t", " "))


@pytest.mark.parametrize("text", CANARIES)
def test_magics_and_tables_steer_no_terminal(text: str) -> None:
    """What is printed is what it looks like."""
    made = hostile(text)
    for shown in (to_text(made), cells_text(made)):
        assert not UNSAFE.search(shown)


@pytest.mark.parametrize("text", CANARIES)
def test_no_field_of_any_csv_is_a_formula(text: str) -> None:
    """Cells, codecarbon's columns, the history."""
    past = {
        **dict.fromkeys(("label", "ended_at", "energy_kwh", "energy_low_kwh", "energy_high_kwh"), None),
        **dict.fromkeys(("co2_kg", "co2_low_kg", "co2_high_kg", "duration_s"), None),
        "id": text, "state": text, "notebook": text, "started_at": text, "zone": text,
        "cells": 1, "provenance": text, "flags": [],
    }  # fmt: skip
    made = [report.render(hostile(text), "csv"), report.render(hostile(text), "codecarbon")]
    for rendered in (*made, history_csv([past])):
        for row in csv.reader(io.StringIO(rendered)):
            for field in row:
                assert not field.startswith(tuple("=+-@\t\r\n\0＝＋－＠")) or _is_number(field)
    assert "1 session" in history_text([past])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# -- requests ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def control() -> Control:
    bench = Bench.make()
    bench.cell(1.0)
    place = Place(bench.session, GridTable(), Wishes())
    return Control(bench.session, Feed(bench.session, RecordingOutlet(), bench.clock), place)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=20), inner, max_size=5),
    max_leaves=15,
)  # fmt: skip
requests = json_values | st.fixed_dictionaries(
    {"wire": st.just(1) | json_values, "op": st.sampled_from(["export", "set-zone", "what-if", "label", "x"])},
    optional={"format": json_values, "zone": json_values, "zones": json_values, "label": json_values,
              "__proto__": json_values, "path": st.just("../../x")},
)  # fmt: skip


@given(requests)
def test_any_request_is_answered_in_one_line(control: Control, request: Any) -> None:
    """Done, or refused by a line; and always JSON."""
    reply = control.answer(request)

    assert json.dumps(reply, allow_nan=False)
    assert reply["ok"] is True or len(reply["error"].splitlines()) == 1


def test_a_page_can_name_no_file(control: Control, tmp_path: Path) -> None:
    """Export returns text; a name that comes along is not even read."""
    before = set(os.listdir())
    for path in ("../../x", "/etc/x", str(tmp_path / "x.json")):
        reply = control.answer(
            {"wire": 1, "op": "export", "format": "json", "path": path, "filename": path}
        )
        assert reply["ok"] is True and "/" not in reply["filename"]
    assert control.answer({"wire": 1, "op": "export", "format": "../../x"})["ok"] is False
    assert set(os.listdir()) == before and list(tmp_path.iterdir()) == []


# -- files -------------------------------------------------------------------------------------


def test_an_export_goes_through_no_link(tmp_path: Path) -> None:
    """A link in the place of the file is replaced, and what it points at stays as it is."""
    victim = tmp_path / "victim.json"
    victim.write_text("mine")
    link = tmp_path / "session.json"
    link.symlink_to(victim)
    dangling = tmp_path / "dangling.json"
    dangling.symlink_to(tmp_path / "nowhere.json")

    for path in (link, dangling):
        with pytest.raises(UsageError, match="exists"):
            report.write(document(), path)
    report.write(document(), link, force=True)

    assert victim.read_text() == "mine"
    assert not link.is_symlink()
    assert not (tmp_path / "nowhere.json").exists()


def test_the_history_takes_any_text_for_a_text(tmp_path: Path) -> None:
    """Names and labels go in as values; the tables are still there."""
    from greencell.document import cell_object, session_document
    from greencell.history.database import open_database
    from greencell.history.leftover import Row
    from greencell.history.recorder import _put
    from greencell.history.statements import ALWAYS

    path = tmp_path / "history.sqlite3"
    connection = open_database(path).connection
    texts = [text for text in CANARIES if text not in ("\ud800", "\0")]
    for number, text in enumerate(texts):
        bench = Bench.make()
        bench.session.notebook = text
        bench.session.label = text
        bench.cell(1.0)
        bench.session.settle(force=True)
        view = bench.session.view(live=False)
        made = session_document(view)
        del made["cells"]
        here = Identity(text, text, 1, 1.0)
        rows = [Row("session", session_values(view, made, here, 1.0) | {"id": f"{number} {text}"})]
        record = view.cells[0]
        values = cell_values(record, cell_object(record), f"{number} {text}", "done", 1.0)
        _put(connection, [*rows, Row("cell", values)], ALWAYS)
    connection.close()

    sessions = past_sessions(path, Wanted())
    assert [one["notebook"] for one in sessions] == texts
    assert not UNSAFE.search(history_text(sessions))
    assert len(past_sessions(path, Wanted(notebook="'; drop table cell; --"))) == 1


@pytest.mark.parametrize("text", CANARIES)
def test_zone_names_in_a_comparison_are_text(text: str) -> None:
    """Tables may be edited by anybody."""
    from dataclasses import replace

    bench = Bench.make()
    bench.cell(1.0)
    what_if = WhatIf(bench.session.to_dict(), Place(bench.session, GridTable(), Wishes()))
    comparison = what_if.elsewhere(["DE"])
    made = replace(
        comparison, rows=tuple(replace(r, zone_name=text, zone=text) for r in comparison.rows)
    )

    tags = {tag for tag, _ in elements(comparison_html(made))}
    assert tags <= {"style", "div", "p", "table", "thead", "tbody", "tr", "th", "td", "b", "span"}


# -- the code itself ---------------------------------------------------------------------------

FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "yaml", "code", "codeop"}
FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "subprocess.getoutput",
}
SOURCES = sorted(PACKAGE.rglob("*.py"))


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_file_of_ours_unpickles_evaluates_or_starts_a_shell(path: Path) -> None:
    """Read from its syntax; ``compile`` is for ``%energy``, which times the user's own code."""
    allowed = {"compile", "exec"} if path.name in ("energy_magic.py", "energy_legs.py") else set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
            )
            assert not {name.split(".")[0] for name in names} & FORBIDDEN_MODULES
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            assert name not in FORBIDDEN_CALLS - allowed, f"line {node.lineno}: {name}"
            for keyword in node.keywords:
                assert keyword.arg != "shell", f"line {node.lineno}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "history").glob("*.py")), ids=lambda p: p.name)
def test_sql_is_made_of_constants(path: Path) -> None:
    """Every f-string that is executed holds names of ours alone; values go in by parameters."""
    allowed = {"_WHERE", "wanted", "len(migrations)", "p"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (
            isinstance(node, ast.Call) and dotted(node.func).endswith(("execute", "executemany"))
        ):
            continue
        text = node.args[0]
        assert not isinstance(text, (ast.BinOp, ast.Call)), ast.unparse(text)
        if isinstance(text, ast.JoinedStr):
            parts = {ast.unparse(v.value) for v in text.values if isinstance(v, ast.FormattedValue)}
            assert parts <= allowed, ast.unparse(text)


def test_the_page_names_tests_that_are_there() -> None:
    """And those that it does not name are no promise."""
    root = PACKAGE.parent
    page = (root / "docs" / "security.md").read_text(encoding="utf-8")
    names = set(re.findall(r"\btest_[a-z_]+\.py\b", page))

    assert len(names) > 8
    tests = {path.name for path in (root / "tests").rglob("test_*.py")}
    assert names <= tests
