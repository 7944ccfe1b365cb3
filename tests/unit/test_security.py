"""Who may be hostile, and what keeps them out; the page is docs/security.md."""

from __future__ import annotations

import ast
import copy
import csv
import io
import json
import math
import os
import re
import stat
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import greencell
from greencell import report
from greencell.carbon.carbon_info import Wishes
from greencell.carbon.grid_table import GridTable
from greencell.cli import main
from greencell.control import Control
from greencell.document import cell_object, session_document
from greencell.errors import UsageError
from greencell.extension import Extension
from greencell.feed import Feed
from greencell.history.database import open_database
from greencell.history.keeper import notebook_path
from greencell.history.leftover import Row, leftovers
from greencell.history.past import Wanted, past_sessions
from greencell.history.recorder import _put
from greencell.history.rows import COLUMNS, Identity, cell_values, session_values
from greencell.history.schema import MIGRATIONS
from greencell.history.statements import ALWAYS
from greencell.magic_words import Shown
from greencell.magics import Magics
from greencell.place import Place
from greencell.report.history_text import history_csv, history_text
from greencell.report.html_format import cells_html, comparison_html, summary_html
from greencell.report.terminal import UNSAFE
from greencell.report.text_formats import cells_text, to_text
from greencell.what_if import WhatIf
from greencell.wire import Notice
from tests_support import CARBON, Bench, RecordingOutlet

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
    made["session"].update(greencell_version=text, python_version=text, started_at=text)
    made["carbon"]["live"] = made["carbon"]["marginal"] = {
        "provider": text, "zone": text, "intensity_g_per_kwh": 50.0, "basis": text, "at": text,
        "is_estimated": False,
    }  # fmt: skip
    made["skipped"] = [
        {"id": text, "reason": text, "remedy": text, "flag": text, "caution": text, "benefit": text}
    ]
    for cell in made["cells"]:
        cell.update(label=text, cell_id=text, zone=text, flags=[text], metrics={text: 1.0})
        cell.update(status=text, basis=text, provenance=text, started_at=text)
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


LINES = [
    "", "cells", "cells --sort energy", "sources", "zone", "live", "compare-zones FR DE",
    "footprint", "footprint --cells", "footprint --embodied --water", "sci --per run",
    "equivalents", "statement", *(f"statement {name}" for name in report.STATEMENTS),
]  # fmt: skip


@pytest.mark.parametrize("text", CANARIES)
def test_no_magic_steers_a_terminal_or_the_page(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever a command shows or prints, as text and as HTML; also where it refuses."""
    bench = Bench.make("kernel")
    bench.cell(1.0)
    monkeypatch.setattr(bench.session, "to_dict", lambda: hostile(text))
    bench.session._carbon = replace(CARBON, zone_name=text, source=text, note=text, reason=text)
    bench.session.place_notices = (Notice("live:x", "warning", text, text),)
    place = Place(bench.session, GridTable(), Wishes())
    extension: Any = SimpleNamespace(session=bench.session, place=place)
    extension.place_lines = lambda: Extension.place_lines(extension)
    extension.live_words = lambda: Extension.live_words(extension)
    shown: list[Shown] = []
    magics = Magics(extension, shown.append)

    for line in LINES:
        magics.line(line)

    printed = capsys.readouterr().out
    assert len(shown) > len(LINES) // 2
    for seen in (printed, *map(repr, shown)):
        assert not UNSAFE.search(seen)
    for one in shown:
        tags = {tag for tag, _ in elements(one._repr_html_() or "")}
        assert not tags & {"script", "img", "button", "iframe", "a", "link", "form", "object"}


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


@pytest.mark.parametrize("start", list("=+-@＝＋－＠"))
@pytest.mark.parametrize("between", [";", "\t", "\n", "\r", "; ", ';"', ";;", "x;"])
def test_no_part_of_a_field_is_a_formula_either(start: str, between: str) -> None:
    """A spreadsheet whose separator is another one cuts our fields in pieces."""
    text = f"a{between}{start}cmd|' /C calc'!A0"
    for name in ("csv", "codecarbon"):
        rendered = report.render(hostile(text), name)
        for piece in re.split("[;\t\r\n]", rendered):
            assert not re.match(f' *"* *[{re.escape(start)}]cmd', piece), piece


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
    {"wire": st.just(1) | json_values, "op": st.sampled_from(["export", "set-zone", "what-if", "history", "label", "x"])},
    optional={"format": json_values, "zone": json_values, "zones": json_values, "label": json_values,
              "__proto__": json_values, "path": st.just("../../x")},
)  # fmt: skip


@given(requests)
def test_any_request_is_answered_in_one_line(control: Control, request: Any) -> None:
    """Done, or refused by a line; and always JSON."""
    answered(control, request)


def answered(control: Control, request: Any) -> dict[str, Any]:
    reply = control.answer(request)

    assert control._guard.failures == 0, control._guard.last_failure
    assert as_it_travels(reply)
    assert reply["ok"] is True or len(reply["error"].splitlines()) == 1
    return reply


def as_it_travels(message: Any) -> bytes:
    """As Jupyter's own client writes a message."""
    text = json.dumps(message, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogateescape")


ODD: list[Any] = [
    None, True, 0, -1, 10**400, math.nan, math.inf, "", " ", "x" * 201, "x" * 1_000_000, "\ud800", "\0",
    [], [[]] * 1_000, {}, {"__proto__": {"ok": True}}, {"constructor": 1}, {1: 2}, b"bytes", object(),
    *CANARIES,
]  # fmt: skip


def test_a_thousand_odd_requests_are_refused_in_one_line(control: Control) -> None:
    """Of any shape and size, in every place of a request; none counts as a failure of ours."""
    made: list[Any] = list(ODD)
    for odd in ODD:
        made += [{"wire": odd, "op": "snapshot"}, {"wire": 1, "op": odd}, {"op": odd}]
        for op, name in (("export", "format"), ("set-zone", "zone"), ("label", "label")):
            made += [{"wire": 1, "op": op}, {"wire": 1, "op": op, name: [odd]}]
            made += [{"wire": 1, "op": op, "__proto__": {name: odd}}]
            if op != "label":  # any short text is a name
                made += [{"wire": 1, "op": op, name: odd}]
        made += [{"wire": 1, "op": "what-if", "zones": [odd]}]
        made += [{"wire": 1, "op": "what-if", "zones": {"0": odd}}]
        made += [{"wire": 1, "op": f"{word}{odd!r}"[:500]} for word in ("export", "reset", "eval ")]

    # What says the version as a truth value says it.
    refused = [r for r in made if not (isinstance(r, dict) and r.get("wire") is True)]
    assert len(refused) > 800
    for request in refused:
        reply = answered(control, request)
        assert reply["ok"] is False, str(request)[:200]
        assert len(reply["error"]) <= 400


@pytest.mark.parametrize("name", ["JSON", ".json", "Html", "..csv", " md "])
def test_a_format_may_be_spelled_as_it_likes(control: Control, name: str) -> None:
    """The answer has the name as it stands in the list."""
    reply = answered(control, {"wire": 1, "op": "export", "format": name})

    assert reply["format"] in report.FORMATS
    assert reply["filename"].endswith(f".{reply['format']}")


@pytest.mark.parametrize("text", [*CANARIES, "x" * 100_000])
def test_no_label_or_cell_id_stops_the_messages(text: str) -> None:
    """Half a character is no text for a socket: every message with it would be lost."""
    bench = Bench.make()
    outlet = RecordingOutlet()
    feed = Feed(bench.session, outlet, bench.clock)
    bench.session.feed = feed
    opening = bench.session.open_run(text, None, text)
    feed.asked = True
    bench.session.begin(opening)
    bench.pass_time(0.2)
    feed.beat()
    bench.pass_time(1.0)
    bench.session.label_run(opening.run, text)
    feed.beat()
    bench.session.end(opening.run, bench.session.take(), "ok", 1)
    feed.cell_ended(*bench.session._settle(force=True))
    feed.beat()
    bench.session.label_next(text)
    bench.cell(1.0)

    messages = [*outlet.messages, feed.snapshot()]
    assert {"cell-start", "cell-end", "snapshot"} <= {message["kind"] for message in messages}
    for message in messages:
        assert len(as_it_travels(message)) < 20_000


def test_a_figure_that_is_none_spoils_no_export() -> None:
    """What a user logs beside a run may be beyond all numbers, and is unknown then."""
    bench = Bench.make()
    opening = bench.session.open_run("c")
    bench.session.begin(opening)
    bench.pass_time(1.0)
    with pytest.raises(TypeError):
        bench.session.log_metric(opening.run, "loss", None)  # type: ignore[arg-type]
    for name, value in (("a", math.nan), ("b", math.inf), ("c", 10**400), ("d", 1e300)):
        assert bench.session.log_metric(opening.run, name, value)
    bench.session.end(opening.run, bench.session.take(), "ok", 1)

    made = bench.session.to_dict()
    assert made["cells"][0]["metrics"] == {"a": None, "b": None, "c": None, "d": 1e300}
    for name in report.FORMATS:
        assert report.render(made, name).strip()


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


# -- numbers -----------------------------------------------------------------------------------

NUMBERS = [
    1.7e308, -1.7e308, 5e-324, -5e-324, 1e15, -1e15, 1e16, 1e-30, -0.0, 10**15, 10**308, 10**400,
]  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("name", [*report.FORMATS, "text", "cells", "summary", "table"])
def test_no_number_of_a_file_breaks_a_report(number: float, name: str) -> None:
    """Shown as a number, or refused in one line; never infinite, never a traceback."""

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [filled(item) for item in value]
        return number if isinstance(value, float) else value

    views = {
        "text": to_text, "cells": cells_text, "summary": summary_html,
        "table": lambda d: cells_html(d, "co2"),
    }  # fmt: skip
    if name == "json":
        return  # the file as it is
    try:
        made = filled(document())
        text = views[name](made) if name in views else report.render(made, name)
    except UsageError as refusal:
        assert abs(number) > 1e15 or number < -1e-12
        assert len(str(refusal).splitlines()) == 1
    else:
        assert -1e-12 < number <= 1e15
        assert not re.search(r"\b(nan|inf|infinity)\b", text, re.IGNORECASE)


@pytest.mark.parametrize(
    "digits", ["9" * 5_000, "1e999", "-1e999", "NaN", "Infinity", "1" + "0" * 400]
)
def test_no_digits_of_a_file_break_the_command(
    digits: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, exit code 1."""
    text = json.dumps(document() | {"attribution": "kernel"})
    path = tmp_path / "s.json"
    path.write_text(re.sub(r'("duration_s": )[0-9.e-]+', rf"\g<1>{digits}", text))

    assert main(["report", str(path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


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


def test_an_export_changes_nothing_for_other_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asking for the umask means to set it, and files of other threads would be open to all."""
    before = os.umask(0o027)
    try:
        monkeypatch.setattr(os, "umask", lambda _: pytest.fail("the umask was set"))
        made = report.write(document(), tmp_path / "s.json")
    finally:
        monkeypatch.undo()
        os.umask(before)

    assert stat.S_IMODE(made.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [made]


def test_a_copy_of_the_history_is_as_private_as_the_history(tmp_path: Path) -> None:
    """The one made before an older file becomes a newer one."""
    path = tmp_path / "history.sqlite3"
    open_database(path, MIGRATIONS).connection.close()
    newer = [*MIGRATIONS, "create table more (x integer)"]
    open_database(path, newer).connection.close()

    files = sorted(tmp_path.glob("*.sqlite3"))
    assert len(files) == 2
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.parametrize(
    "values",
    [{"energy_j": 10**30}, {"label": "\ud800"}, {"state); drop table cell; --": 1}, {"évil": 1},
     {"select": 1}, {"label": ["x"]}, {"document": {}}],
)  # fmt: skip
def test_a_leftover_row_that_the_database_does_not_take_is_none(
    values: dict[str, Any], tmp_path: Path
) -> None:
    """Names of columns are ours; values are such as can be stored."""
    good = ["session", {"id": "s", "energy_j": 1.0, "label": "é", "notebook": None}]
    lines = [json.dumps(good), json.dumps(["session", {"id": "x"} | values])]
    (tmp_path / "leftover-1.jsonl").write_text("\n".join(lines))

    ((_, found),) = leftovers(tmp_path)
    assert [row.values for row in found] == [good[1]]


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "{}", '{"session": [], "totals": 3}', "[" * 99_999]
)
def test_a_row_that_no_greencell_wrote_hides_no_other(tmp_path: Path, text: str) -> None:
    """What other rows say is shown."""
    path = tmp_path / "history.sqlite3"
    connection = open_database(path).connection
    _put(connection, [session_row("one"), session_row("two")], ALWAYS)
    connection.execute("update session set document = ? where id = 'one'", (text,))
    connection.close()

    assert [one["id"] for one in past_sessions(path, Wanted())] == ["two"]


def test_a_notebook_whose_path_is_no_text_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths are bytes; this one is of a file system in Latin-1."""
    monkeypatch.setitem(os.environ, "JPY_SESSION_NAME", os.fsdecode(b"/home/ren\xe9/a.ipynb"))
    row = session_row("one", notebook=notebook_path())
    path = tmp_path / "history.sqlite3"
    connection = open_database(path).connection
    _put(connection, [row], ALWAYS)
    connection.close()

    (one,) = past_sessions(path, Wanted())
    assert one["notebook"] == "/home/ren?/a.ipynb"


def session_row(key: str, **more: Any) -> Row:
    bench = Bench.make()
    bench.cell(1.0)
    view = bench.session.view(live=False)
    made = session_document(view)
    del made["cells"]
    return Row(
        "session", session_values(view, made, Identity("h", "b", 1, 1.0), 1.0) | {"id": key} | more
    )


def test_the_history_takes_any_text_for_a_text(tmp_path: Path) -> None:
    """Names and labels go in as values; the tables are still there."""
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
    bench = Bench.make()
    bench.cell(1.0)
    what_if = WhatIf(bench.session.to_dict(), Place(bench.session, GridTable(), Wishes()))
    comparison = what_if.elsewhere(["DE"])
    made = replace(
        comparison, rows=tuple(replace(r, zone_name=text, zone=text) for r in comparison.rows)
    )

    tags = {tag for tag, _ in elements(comparison_html(made))}
    assert tags <= {"style", "div", "p", "table", "thead", "tbody", "tr", "th", "td", "b", "span"}


# -- secrets -----------------------------------------------------------------------------------

SECRETS = {"SOURCE": "hunter-of-source", "ERROR": "hunter-of-error", "TOKEN": "hunter-of-token"}
SESSION = r"""
import sqlite3, sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.io import capture_output
import greencell
from greencell.extension import extension_of
from greencell.report import FORMATS

folder, exports = sys.argv[1:]
shell = InteractiveShell.instance()
said = []

def greencell_says(line):
    with capture_output() as output:
        shell.run_line_magic("greencell", line)
    said.extend([output.stdout, output.stderr, *(str(one.data) for one in output.outputs)])

with capture_output() as output:
    shell.run_line_magic("load_ext", "greencell")
said.append(output.stdout)
with capture_output():  # what the user's own code prints is the user's
    shell.run_cell("password = 'hunter-of-source'")
    shell.run_cell("%%greencell train\npassword = 'hunter-of-source'")
    shell.run_cell("raise RuntimeError('hunter-of-error')")
    shell.run_cell("class HunterOfError(Exception): 'hunter-of-error'\nraise HunterOfError")
    shell.run_cell("this is no python: hunter-of-source")
extension = extension_of(shell)
for line in ("", "cells", "status", "status --json", "sources", "zone", "live", "footprint"):
    greencell_says(line)
for name in FORMATS:
    greencell_says(f"export {exports}/{name} --as {name}")
for one in (extension, extension.session, extension.place, extension.place._provider,
            extension.settings, extension.history, extension.history.opened().recorder, extension.hooks):
    said.append(repr(one) + str(getattr(one, "__dict__", "")))
recorder = extension.history.opened().recorder
while recorder._opened is None or recorder._waiting:
    __import__("time").sleep(0.01)
busy = sqlite3.connect(f"{folder}/history.sqlite3", isolation_level=None)
busy.execute("begin immediate")
with capture_output():
    shell.run_cell("password = 'hunter-of-source'")
    shell.run_line_magic("unload_ext", "greencell")
print("\n".join(said))
"""


def test_no_secret_leaves_the_cell_or_the_environment(tmp_path: Path) -> None:
    """Not the text of a cell, not its error, no token: in no export, no word of ours, no file."""
    data, exports = tmp_path / "data", tmp_path / "exports"
    exports.mkdir()
    environment = os.environ | {
        "GREENCELL_DATA_DIR": str(data),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "GREENCELL_INTENSITY_PROVIDER": "electricitymaps",
        "GREENCELL_INTENSITY_PROVIDER_URL": "http://127.0.0.1:9",
        "GREENCELL_ZONE": "FR",
        "GREENCELL_ELECTRICITYMAPS_TOKEN": SECRETS["TOKEN"],
        "GREENCELL_WATTTIME_USER": SECRETS["TOKEN"],
        "GREENCELL_WATTTIME_PASSWORD": SECRETS["TOKEN"],
        "PYTHONPATH": str(PACKAGE.parent),
    }
    done = subprocess.run(
        [sys.executable, "-c", SESSION, str(data), str(exports)],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2_000:]

    files = [path for folder in (data, exports) for path in folder.rglob("*") if path.is_file()]
    names = {path.name.partition("-")[0] for path in files}
    assert {"history.sqlite3", "leftover", *(n.partition("-")[0] for n in report.FORMATS)} <= names
    everything = b"".join(path.read_bytes() for path in files) + done.stdout.encode()
    # What may be told is there, so the search would have found the rest.
    assert b"train" in everything and b"Electricity Maps" in everything
    for secret in SECRETS.values():
        assert secret.encode() not in everything
    assert b"HunterOfError" not in everything
    assert {stat.S_IMODE(p.stat().st_mode) for p in files if p.parent == data} == {0o600}
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


# -- the code itself ---------------------------------------------------------------------------

FORBIDDEN_MODULES = {
    "pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml",
    "code", "codeop", "pty", "xml", "telnetlib", "xmlrpc",
}  # fmt: skip
FORBIDDEN_CALLS = {
    "eval", "exec", "compile", "__import__", "execfile", "breakpoint", "input",
    "os.system", "os.popen", "os.startfile", "subprocess.getoutput", "subprocess.getstatusoutput",
    "asyncio.create_subprocess_shell", "importlib.import_module", "runpy.run_path",
    "runpy.run_module", "tempfile.mktemp",
}  # fmt: skip
FORBIDDEN_STARTS = ("os.exec", "os.spawn", "os.posix_spawn", "pickle.", "marshal.", "yaml.")
DOORS = {("energy_magic.py", "exec"), ("report/__init__.py", "importlib.import_module")}
"""%energy times the user's own statement, which is compiled and run as the user's cell. A report's
format names its room of ours by a word of the table there."""
STARTED = {
    # JupyterLab, by the user's own command line; vcgencmd of a Raspberry Pi, word for word; a
    # compiler for the double of NVML, in tests alone. All of them as lists, without a shell.
    "cli/lab.py", "sources/raspberry_pi.py", "testing/nvml.py",
}  # fmt: skip
SOURCES = sorted(PACKAGE.rglob("*.py"))
NAMES = [path.relative_to(PACKAGE).as_posix() for path in SOURCES]


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def tricks(source: str, name: str = "") -> list[str]:
    """What a file does that none of ours may."""
    tree = ast.parse(source)
    meant: dict[str, str] = {}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            meant |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            meant |= {a.asname or a.name: f"{node.module or ''}.{a.name}" for a in node.names}
    for module in meant.values():
        if module.split(".")[0] in FORBIDDEN_MODULES:
            found.append(f"imports {module}")
        if module.split(".")[0] == "subprocess" and name not in STARTED:
            found.append("starts processes")
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Attribute, ast.Name)):
            continue
        # Also where it is not called but handed on.
        first, point, rest = dotted(node).partition(".")
        used = meant.get(first, first) + point + rest
        forbidden = used in FORBIDDEN_CALLS or used.startswith(FORBIDDEN_STARTS)
        if forbidden and (name, used) not in DOORS:
            found.append(f"line {node.lineno}: {used}")
    found += [
        f"line {node.lineno}: a shell"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and any(k.arg in ("shell", None) for k in node.keywords)
        and dotted(node.func).startswith("subprocess")
    ]  # fmt: skip
    return found


@pytest.mark.parametrize("name", NAMES)
def test_no_file_of_ours_unpickles_evaluates_or_starts_a_shell(name: str) -> None:
    """Read from its syntax. The user's own code is run by %energy, and by the shell itself."""
    assert tricks((PACKAGE / name).read_text(encoding="utf-8"), name) == []


@pytest.mark.parametrize(
    "source",
    ["import pickle", "from pickle import loads", "import os as o; o.system('x')", "f = eval",
     "from os import system as s; s('x')", "from subprocess import run", "map(exec, x)",
     "import xml.etree.ElementTree", "import yaml; yaml.load(x)", "import os; os.execv('x', [])"],
)  # fmt: skip
def test_the_search_for_tricks_finds_them(source: str) -> None:
    """Under other names too."""
    assert tricks(source) != []


def test_two_rooms_run_what_the_user_wrote() -> None:
    """``%%greencell`` inside a cell hands the rest to the shell that runs the cell, and to no other."""
    running = {
        name for name, path in zip(NAMES, SOURCES, strict=True)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and dotted(node.func).endswith((".run_cell", ".run_code", ".ex"))
    }  # fmt: skip

    assert running == {"extension.py", "magics.py"}


def test_a_shell_is_found_where_processes_may_be_started() -> None:
    """Also one that hides in keywords from elsewhere."""
    start = "import subprocess; subprocess.run"
    assert tricks(f"{start}(['x'])", "cli/lab.py") == []
    assert tricks(f"{start}('x', shell=True)", "cli/lab.py") != []
    assert tricks(f"{start}(['x'], **more)", "cli/lab.py") != []


SQL_PARTS = {
    # Constants of these files, numbers of ours, and names of columns, which are those of COLUMNS.
    "_WHERE", "wanted", "len(migrations)", "p", "table", "names", "values", "key", "updates",
    "unless", "name", "_OF_PROCESS",
}  # fmt: skip
SQL = re.compile(r"\s*(select|insert|update|delete|pragma|create|drop|on conflict|:|.* = excluded)")


@pytest.mark.parametrize("path", sorted((PACKAGE / "history").glob("*.py")), ids=lambda p: p.name)
def test_sql_is_made_of_constants(path: Path) -> None:
    """Nothing is put into a statement but names of ours; values go in by parameters."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2].startswith(
            "execute"
        ):
            # A constant, a name of one, or an f-string; nothing added, formatted or joined here.
            assert isinstance(node.args[0], (ast.Constant, ast.Name, ast.Attribute, ast.JoinedStr))
            assert dotted(node.func).rpartition(".")[2] != "executescript"
        if isinstance(node, ast.JoinedStr) and SQL.match(ast.unparse(node)[2:]):
            parts = {ast.unparse(v.value) for v in node.values if isinstance(v, ast.FormattedValue)}
            assert parts <= SQL_PARTS, ast.unparse(node)


def test_the_names_in_statements_are_those_of_the_tables(tmp_path: Path) -> None:
    """No row has another column, and no table has one that rows do not know."""
    connection = open_database(tmp_path / "history.sqlite3").connection
    for table, names in COLUMNS.items():
        columns = {row[1] for row in connection.execute(f"pragma table_info({table})")}
        assert columns == names
    connection.close()
    assert set(session_row("x").values) == COLUMNS["session"]
    bench = Bench.make()
    bench.cell(1.0)
    bench.session.settle(force=True)
    (record,) = bench.session.cells
    assert set(cell_values(record, {}, "s", "done", 1.0)) == COLUMNS["cell"]


def test_the_page_names_tests_that_are_there() -> None:
    """And those that it does not name are no promise."""
    root = PACKAGE.parent
    page = (root / "docs" / "security.md").read_text(encoding="utf-8")
    names = set(re.findall(r"\btest_[a-z_]+\.py\b|\b[a-z]+\.test\.ts\b", page))

    assert len(names) > 8
    tests = {path.name for path in (root / "tests").rglob("*test*.*s")}
    tests |= {path.name for path in (root / "tests").rglob("test_*.py")}
    assert names <= tests
