"""This notebook's past, for a page: right sums, hostile rows dropped, and nobody waits for a disk."""

from __future__ import annotations

import contextlib
import csv
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from greencell.carbon.carbon_info import Wishes
from greencell.carbon.grid_table import GridTable
from greencell.clock import SystemClock
from greencell.control import Control
from greencell.earlier import Earlier
from greencell.errors import UsageError
from greencell.feed import Feed
from greencell.history.keeper import Keeper
from greencell.history.notebook_past import MAX_RUNS, MAX_SESSIONS, past_of_notebook
from greencell.history.process import this_process
from greencell.history.recorder import Recorder
from greencell.history.rows import COLUMNS
from greencell.history.session_rows import SessionRows
from greencell.place import Place
from greencell.report import FORMATS
from greencell.settings import Settings
from tests_support import Bench, RecordingOutlet

NOTEBOOK = "/home/ada/train.ipynb"
GOLDEN = json.loads(
    (Path(__file__).parents[1] / "wire" / "replies" / "history.json").read_text("utf-8")
)
HERE = this_process()


@contextlib.contextmanager
def session(folder: Path, notebook: str = NOTEBOOK) -> Iterator[Bench]:
    """A session whose rows go into a real file by a real thread."""
    bench = Bench.make()
    made = SessionRows(bench.session, HERE, bench.clock, notebook)
    writer = Recorder(folder / "history.sqlite3", HERE, SystemClock(), made)
    bench.session.keeper = Keeper(bench.session, made, writer, bench.clock)
    writer.start()
    yield bench
    bench.session._do_all()
    bench.session.close()
    writer.close(bench.session.id, 5.0)


def run(bench: Bench, seconds: float, cell_id: str = "c", status: str = "ok") -> None:
    opening = bench.session.open_run(cell_id)
    bench.session.begin(opening)
    bench.pass_time(seconds)
    bench.session.end(opening.run, bench.session.take(), status, 1)  # type: ignore[arg-type]
    bench.session._do_all()


def wait_for_disk(bench: Bench, folder: Path) -> None:
    """Wait until all that ended is in the file."""
    end_s, query = time.monotonic() + 10.0, "select count(*) from cell where session = ?"
    while time.monotonic() < end_s:
        with (
            contextlib.suppress(sqlite3.OperationalError),
            contextlib.closing(sqlite3.connect(folder / "history.sqlite3")) as file,
        ):
            (found,) = file.execute(f"{query} and state = 'done'", (bench.session.id,)).fetchone()
            if found == len(bench.session.cells):
                return
        time.sleep(0.01)
    raise AssertionError("the history's thread has not written what ended")


def ask(bench: Bench, folder: Path, wait: bool = True, **settings: Any) -> dict[str, Any]:
    """The answer to a page, once what ended is on disk."""
    if wait and bench.session.keeper is not None:
        wait_for_disk(bench, folder)
    earlier = Earlier(bench.session, replace(Settings(), data_dir=folder, **settings))
    place = Place(bench.session, GridTable(), Wishes())
    feed = Feed(bench.session, RecordingOutlet(), bench.clock)
    control = Control(bench.session, feed, place, earlier)
    reply = control.answer({"wire": 1, "op": "history"})
    assert control._guard.failures == 0, control._guard.last_failure
    assert json.dumps(reply, allow_nan=False)
    return reply


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", NOTEBOOK)


def change(folder: Path, statement: str, *values: object) -> None:
    with contextlib.closing(sqlite3.connect(folder / "history.sqlite3")) as connection, connection:
        connection.execute(statement, values)


def test_the_answer_has_the_golden_shape_and_the_sums_are_right(tmp_path: Path) -> None:
    """Two sessions before this one, its own as of now, and what they come to together."""
    for seconds in (2.0, 3.0):
        with session(tmp_path) as bench:
            run(bench, seconds)
            before = bench.session.to_dict()
    with session(tmp_path, "/home/ada/other.ipynb") as bench:
        run(bench, 9.0)
    with session(tmp_path) as bench:
        run(bench, 1.0)
        told = ask(bench, tmp_path)["history"]

        golden = GOLDEN["history"]
        assert set(told) == set(golden)
        assert set(told["total"]) == set(golden["total"])
        assert all(set(one) == set(golden["sessions"][0]) for one in told["sessions"])
        assert [one["state"] for one in told["sessions"]] == ["ended", "ended", "running"]
        assert [one["is_here"] for one in told["sessions"]] == [False, False, True]
        assert told["sessions"][2]["id"] == bench.session.id
        second = told["sessions"][1]
        assert second["energy_j"] == pytest.approx(before["totals"]["energy_kwh"] * 3.6e6)
        assert second["co2_high_g"] == pytest.approx(before["totals"]["co2_high_kg"] * 1e3)
        for name in ("energy_j", "energy_low_j", "energy_high_j", "co2_g"):
            parts = sum(one[name] for one in told["sessions"])
            assert told["total"][name] == pytest.approx(parts)
        assert told["total"]["sessions"] == 3 and told["more"] is False
        (cell,) = told["cells"]
        assert set(cell) == set(golden["cells"][0])
        energies = [one["energy_j"] for one in cell["runs"]]
        assert energies == pytest.approx([180.0, 270.0, 90.0], rel=0.01)
        assert set(cell["runs"][0]) == set(golden["cells"][0]["runs"][0])


def test_a_trend_is_of_good_runs_the_latest_ten(tmp_path: Path) -> None:
    """A failed run tells nothing of what the cell costs; nested runs are part of another."""
    with session(tmp_path) as bench:
        for index in range(MAX_RUNS + 3):
            run(bench, 0.5 + 0.1 * index, "many")
        run(bench, 5.0, "twice")
        run(bench, 9.0, "twice", "error")
        run(bench, 6.0, "twice")
        run(bench, 1.0, "once")
    past = past_of_notebook(tmp_path / "history.sqlite3", NOTEBOOK, 5.0)

    by_id = {cell.cell_id: [run.energy_j for run in cell.runs] for cell in past.cells}
    assert len(by_id["many"]) == MAX_RUNS
    assert by_id["many"] == sorted(by_id["many"]) and by_id["many"][-1] == pytest.approx(
        153.0, 0.02
    )
    assert by_id["twice"] == pytest.approx([450.0, 540.0], rel=0.01)
    with session(tmp_path) as bench:
        run(bench, 1.0)
        told = ask(bench, tmp_path)["history"]
        assert {cell["cell_id"] for cell in told["cells"]} == {"many", "twice"}


def test_fifty_sessions_are_told_and_that_there_are_more(tmp_path: Path) -> None:
    """The latest ones."""
    with session(tmp_path) as bench:
        run(bench, 1.0)
    names = ", ".join(sorted(COLUMNS["session"] - {"id", "started_at"}))
    for index in range(MAX_SESSIONS + 5):
        change(
            tmp_path,
            f"insert into session (id, started_at, {names}) select ?, ?, {names} "
            "from session where id = (select min(id) from session where length(id) > 3)",
            f"s{index:02}", 1e9 + index,
        )  # fmt: skip
    past = past_of_notebook(tmp_path / "history.sqlite3", NOTEBOOK, 5.0)

    assert len(past.sessions) == MAX_SESSIONS and past.more
    assert [one["id"] for one in past.sessions[:2]] == ["s06", "s07"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("document", "{"), ("document", b"\xff\xfe"), ("document", "[" * 5_000),
        ("document", '{"session": 1, "totals": []}'), ("started_at", "soon"), ("zone", b"\xff"),
    ],
)  # fmt: skip
def test_a_row_that_no_greencell_wrote_hides_no_other(
    tmp_path: Path, column: str, value: object
) -> None:
    """It is left out; the others and their sum are there."""
    for _ in range(2):
        with session(tmp_path) as bench:
            run(bench, 2.0)
            last = bench.session.id
    change(tmp_path, f"update session set {column} = ? where id = ?", value, last)
    change(tmp_path, "update cell set document = ? where session = ?", b"\xff{", last)
    with session(tmp_path) as bench:
        run(bench, 1.0)
        told = ask(bench, tmp_path)["history"]

        assert len(told["sessions"]) == 2 and last not in [one["id"] for one in told["sessions"]]
        assert told["total"]["energy_j"] == pytest.approx(270.0, rel=0.02)
        assert len(told["cells"][0]["runs"]) == 2


@pytest.mark.parametrize("figure", ["1e999", '"x"', "-1", "NaN", "1e14", "null"])
def test_a_hostile_figure_reaches_no_sum(tmp_path: Path, figure: str) -> None:
    """Out of its interval, out of all numbers, or no number at all."""
    with session(tmp_path) as bench:
        run(bench, 2.0)
    change(
        tmp_path,
        "update session set document = replace(document, '\"energy_kwh\": ', "
        f'\'"energy_kwh": {figure}, "x": \')',
    )
    change(tmp_path, "update cell set energy_j = '1e300', document = replace(document, 'c', 'd')")
    with session(tmp_path) as bench:
        run(bench, 1.0)
        told = ask(bench, tmp_path)["history"]

        assert [one["is_here"] for one in told["sessions"]] == [True]
        assert told["total"]["energy_j"] == pytest.approx(90.0, rel=0.02)
        assert told["cells"] == []


def test_a_notebook_is_found_by_its_whole_path_and_no_text_is_sql(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quote, a percent sign and a comment are parts of a name."""
    odd = "/home/ada/100%'; drop table session; --.ipynb"
    with session(tmp_path, odd) as bench:
        run(bench, 2.0)
    monkeypatch.setenv("JPY_SESSION_NAME", odd)
    with session(tmp_path, odd) as bench:
        run(bench, 1.0)
        assert ask(bench, tmp_path)["history"]["total"]["sessions"] == 2
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/ada/100%")
    with session(tmp_path, odd) as bench:
        run(bench, 1.0)
        assert ask(bench, tmp_path)["history"]["total"]["sessions"] == 1


def test_what_cannot_be_told_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Off, no file, a newer file, no name of the notebook."""
    bench = Bench.make()
    run(bench, 1.0)
    assert "GREENCELL_HISTORY=on" in ask(bench, tmp_path, history=False)["error"]
    assert "no history yet" in ask(bench, tmp_path / "none")["error"]
    with session(tmp_path) as kept:
        run(kept, 1.0)
    change(tmp_path, "pragma user_version = 99")
    assert "newer greencell" in ask(bench, tmp_path)["error"]
    monkeypatch.delenv("JPY_SESSION_NAME")
    assert "which notebook" in ask(bench, tmp_path)["error"]
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "history.sqlite3").write_bytes(b"no database" * 1_000)
    monkeypatch.setenv("JPY_SESSION_NAME", NOTEBOOK)
    line = ask(bench, tmp_path / "bad")["error"]
    assert "cannot be read" in line and len(line.splitlines()) == 1


def test_nobody_waits_for_a_disk_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused after the limit; and at once while the first reading still hangs; then it works."""
    with session(tmp_path) as bench:
        run(bench, 1.0)
    let_go, entered = threading.Event(), []
    earlier = Earlier(bench.session, replace(Settings(), data_dir=tmp_path), wait_s=0.2)
    read = earlier._read

    def hang(notebook: str) -> Any:
        entered.append(notebook)
        let_go.wait(20)
        return read(notebook)

    monkeypatch.setattr(earlier, "_read", hang)
    feed = Feed(bench.session, RecordingOutlet(), bench.clock)
    control = Control(bench.session, feed, None, earlier)  # type: ignore[arg-type]  # not asked
    for expected in (1, 1):
        began_s = time.monotonic()
        reply = control.answer({"wire": 1, "op": "history"})
        assert time.monotonic() - began_s < 1.0
        assert reply["ok"] is False and "does not answer" in reply["error"]
        assert len(entered) == expected
    let_go.set()
    assert earlier._asking is not None
    earlier._asking.join(10)
    assert control.answer({"wire": 1, "op": "history"})["ok"] is True


def test_a_file_that_another_writes_is_read_all_the_same(tmp_path: Path) -> None:
    """A write-ahead log lets readers read; without one, a lock is told in one line in time."""
    with session(tmp_path) as bench:
        run(bench, 1.0)
        ask(bench, tmp_path)
        with contextlib.closing(sqlite3.connect(tmp_path / "history.sqlite3")) as other:
            other.execute("begin immediate")
            assert ask(bench, tmp_path)["ok"] is True
    with contextlib.closing(sqlite3.connect(tmp_path / "history.sqlite3")) as other:
        other.execute("pragma journal_mode = delete")
        other.execute("begin exclusive")
        began_s = time.monotonic()
        reply = ask(bench, tmp_path, wait=False)
        assert reply["ok"] is False and len(reply["error"].splitlines()) == 1
        assert time.monotonic() - began_s < 1.5


def test_a_large_history_is_read_in_time(tmp_path: Path) -> None:
    """Fifty sessions of a thousand runs: only so many rows are looked at."""
    with session(tmp_path) as bench:
        run(bench, 1.0)
        run(bench, 1.0)
    with contextlib.closing(sqlite3.connect(tmp_path / "history.sqlite3")) as file, file:
        (row,) = file.execute("select document from cell limit 1").fetchall()
        (owner,) = file.execute("select id from session").fetchone()
        values = [
            (f"r{i}", owner, i + 10, 1e9, "done", "ok", 1e9 + i, 1.0, 90.0, 0.1, row[0])
            for i in range(50_000)
        ]
        file.executemany(f"insert into cell values ({', '.join('?' * 11)})", values)
    began_s = time.monotonic()
    past = past_of_notebook(tmp_path / "history.sqlite3", NOTEBOOK, 5.0)

    assert time.monotonic() - began_s < 3.0  # about 0.1 s on an idle machine
    assert len(past.cells[0].runs) == MAX_RUNS


def asked_of(bench: Bench, folder: Path, **content: object) -> dict[str, Any]:
    """The answer to any request, with a history in the folder."""
    earlier = Earlier(bench.session, replace(Settings(), data_dir=folder))
    place = Place(bench.session, GridTable(), Wishes())
    feed = Feed(bench.session, RecordingOutlet(), bench.clock)
    control = Control(bench.session, feed, place, earlier)
    reply = control.answer({"wire": 1, **content})
    assert control._guard.failures == 0, control._guard.last_failure
    return reply


def test_a_session_that_is_over_is_exported_from_the_history(tmp_path: Path) -> None:
    """In every format as it would have been at its end, whichever session asks."""
    with session(tmp_path) as bench:
        run(bench, 2.0, "a")
        run(bench, 3.0, "b", status="error")
        wait_for_disk(bench, tmp_path)
    before = bench.session.to_dict()
    with session(tmp_path) as later:
        run(later, 1.0)
        for name in FORMATS:
            reply = asked_of(later, tmp_path, op="export", format=name, session=bench.session.id)
            assert reply["ok"], reply
            assert bench.session.id in reply["filename"]
        reply = asked_of(later, tmp_path, op="export", format="json", session=bench.session.id)
        mine = asked_of(later, tmp_path, op="export", format="json")

    told = json.loads(reply["text"])
    assert told["cells"] == before["cells"]
    for name in ("energy_kwh", "energy_low_kwh", "energy_high_kwh", "co2_kg", "cells"):
        assert told["totals"][name] == pytest.approx(before["totals"][name]), name
    assert told["session"]["id"] == bench.session.id
    assert json.loads(mine["text"])["session"]["id"] == later.session.id


@pytest.mark.parametrize("wanted", ["0" * 16, "../../etc/passwd", "", 7, "x" * 5_000, "'; drop"])
def test_a_session_that_the_history_does_not_hold_is_refused_in_one_line(
    tmp_path: Path, wanted: object
) -> None:
    """Nothing is guessed in its stead."""
    with session(tmp_path) as bench:
        run(bench, 1.0)
        wait_for_disk(bench, tmp_path)
        reply = asked_of(bench, tmp_path, op="export", format="json", session=wanted)

    assert reply["ok"] is False
    assert "\n" not in reply["error"] and "session" in reply["error"]


def test_a_row_that_cannot_be_read_is_counted_as_not_listed(tmp_path: Path) -> None:
    """It hides no other, and the sums still hold it."""
    with session(tmp_path) as bench:
        run(bench, 1.0, "a")
        run(bench, 1.0, "b")
        wait_for_disk(bench, tmp_path)
    change(tmp_path, "update cell set document = '{' where number = 1")
    with session(tmp_path) as later:
        reply = asked_of(later, tmp_path, op="export", format="json", session=bench.session.id)

    told = json.loads(reply["text"])
    assert [cell["cell_id"] for cell in told["cells"]] == ["b"]
    assert told["totals"]["cells_not_listed"] == 1
    assert told["totals"]["cells"] == 2


def test_no_export_of_the_past_where_the_history_is_off(tmp_path: Path) -> None:
    """The one line says what to do."""
    with session(tmp_path) as bench:
        run(bench, 1.0)
        earlier = Earlier(bench.session, replace(Settings(), data_dir=tmp_path, history=False))
        with pytest.raises(UsageError, match="GREENCELL_HISTORY=on"):
            earlier.document("0" * 16)


def test_names_are_in_an_export_only_if_they_came_with_it(tmp_path: Path) -> None:
    """A label wins; what was sent is in no later export, nor in the history."""
    with session(tmp_path) as bench:
        run(bench, 1.0, "a")
        bench.session.label_next("mine")
        run(bench, 1.0, "b")
        names = {"a": "secret = 1", "b": "other()", "gone": "x"}
        asking = {"op": "export", "notebook": "salary.ipynb", "names": names}
        told = json.loads(asked_of(bench, tmp_path, format="json", **asking)["text"])
        after = asked_of(bench, tmp_path, op="export", format="json")["text"]
        wait_for_disk(bench, tmp_path)
    assert told["session"]["notebook"] == "salary.ipynb"
    assert [cell["label"] for cell in told["cells"]] == ["secret = 1", "mine"]
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for text in (after, kept.decode("utf-8", "replace")):
        assert "secret" not in text and "salary" not in text


@pytest.mark.parametrize("name", FORMATS)
def test_names_in_an_export_are_text_and_nothing_else(tmp_path: Path, name: str) -> None:
    """No formula, markup, TeX or control of theirs is left, as with labels."""
    evil = "=1+1 <script>alert(1)</script> \\input{x} \x1b[31m \u202e\nnext\r\n"
    with session(tmp_path) as bench:
        run(bench, 1.0, "a")
        asking = {"op": "export", "notebook": evil, "names": {"a": evil}}
        text = asked_of(bench, tmp_path, format=name, **asking)["text"]

    assert "\x1b" not in text and "\u202e" not in text and "\r" not in text
    if name in ("html", "svg", "md"):
        assert "<script>alert" not in text
    if name == "csv":
        assert all(
            not cell.startswith("=") for row in csv.reader(text.splitlines()) for cell in row
        )
    if name == "tex":
        assert "\\input{x}" not in text


@pytest.mark.parametrize(
    "asking",
    [
        {"notebook": 7}, {"notebook": "x" * 201}, {"names": "x"}, {"names": {"a": 7}},
        {"names": {"a": "x" * 201}}, {"names": {str(n): "x" for n in range(10_001)}},
    ],
)  # fmt: skip
def test_what_can_be_no_name_is_refused(tmp_path: Path, asking: dict[str, object]) -> None:
    """In one line that says what would be right."""
    with session(tmp_path) as bench:
        run(bench, 1.0)
        reply = asked_of(bench, tmp_path, op="export", format="json", **asking)

    assert reply["ok"] is False
    assert reply["error"].startswith("export takes")


def test_zones_are_suggested_from_the_tables(tmp_path: Path) -> None:
    """Code, name and intensity; the golden reply has the same shape."""
    folder = Path(__file__).parents[1] / "wire" / "replies"
    golden = json.loads((folder / "zones.json").read_text("utf-8"))
    with session(tmp_path) as bench:
        reply = asked_of(bench, tmp_path, op="zones", query="Fran")
        nothing = asked_of(bench, tmp_path, op="zones", query="qqqq")

    assert reply["zones"][0]["zone"] == "FR"
    assert set(reply["zones"][0]) == set(golden["zones"][0])
    assert nothing["zones"] == []
