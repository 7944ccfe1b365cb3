"""Measured blocks in documents, tables and the history: beside the cells, and in no sum."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from greencell.block_book import MAX_BLOCKS, BlockBook
from greencell.clock import SystemClock
from greencell.document import session_document
from greencell.errors import UsageError
from greencell.history.keeper import Keeper
from greencell.history.past import Wanted, past_sessions
from greencell.history.process import this_process
from greencell.history.recorder import Recorder
from greencell.history.session_rows import SessionRows
from greencell.report import render
from greencell.report.shape import legible
from greencell.report.text_formats import cells_text, to_text
from tests_support import Bench


def block(bench: Bench, label: str, seconds: float = 1.0, cell: str | None = None) -> None:
    """A measured block, in a cell or in none."""
    opening = bench.session.open_run(None, cell, label, is_cell=False)
    bench.session.begin(opening)
    bench.pass_time(seconds)
    bench.session.end(opening.run, bench.session.take(), "ok", None)


def cell_with_blocks(bench: Bench, *labels: str) -> None:
    opening = bench.session.open_run("c")
    bench.session.begin(opening)
    for label in labels:
        block(bench, label, cell=opening.run)
    bench.session.end(opening.run, bench.session.take(), "ok", 7)


@pytest.fixture
def notebook() -> dict[str, Any]:
    """The document of a session with cells, blocks in one of them, and one outside."""
    bench = Bench.make()
    bench.cell(1.0)
    cell_with_blocks(bench, "load", "fit")
    block(bench, "beside")
    bench.pass_time(1.0)
    return bench.session.to_dict()


def test_a_block_has_a_cells_figures_and_the_number_of_its_cell(notebook: dict[str, Any]) -> None:
    """What only cells have, it has not; nothing of it is added to any sum."""
    load, fit, beside = notebook["blocks"]

    assert [(b["label"], b["parent"]) for b in (load, fit, beside)] == [
        ("load", 2), ("fit", 2), ("beside", None),
    ]  # fmt: skip
    cells = notebook["cells"]
    assert set(cells[0]) - set(fit) == {"number", "cell_id", "execution_count", "metrics"}
    assert set(fit) <= set(cells[0])
    assert fit["energy_low_kwh"] <= fit["energy_kwh"] <= fit["energy_high_kwh"]
    assert load["energy_kwh"] + fit["energy_kwh"] == pytest.approx(cells[1]["energy_kwh"], rel=1e-3)
    totals = notebook["totals"]
    assert totals["cells"] == 2
    assert totals["cells_energy_kwh"] == pytest.approx(sum(c["energy_kwh"] for c in cells))


def test_a_session_without_blocks_tells_of_none() -> None:
    """Its document is as it was."""
    bench = Bench.make()
    bench.cell(1.0)
    document = bench.session.to_dict()

    assert "blocks" not in document and "blocks_not_listed" not in document["totals"]
    assert "lock" not in to_text(document) + cells_text(document)


def test_a_block_that_outlives_its_cell_keeps_its_number() -> None:
    """It began there."""
    bench = Bench.make()
    cell = bench.session.open_run("c")
    bench.session.begin(cell)
    opening = bench.session.open_run(None, cell.run, "long", is_cell=False)
    bench.session.begin(opening)
    bench.pass_time(1.0)
    bench.session.end(cell.run, bench.session.take(), "ok", 1)
    bench.pass_time(1.0)
    bench.session.end(opening.run, bench.session.take(), "ok", None)
    bench.pass_time(1.0)

    (told,) = bench.session.to_dict()["blocks"]
    assert (told["parent"], told["duration_s"]) == (1, pytest.approx(2.0))


def test_a_block_whose_end_waits_for_a_meter_is_told_as_provisional() -> None:
    """Like a cell; it is counted once when the meter has ticked."""
    bench = Bench.make()
    opening = bench.session.open_run(None, None, "quick", is_cell=False)
    bench.session.begin(opening)
    bench.clock.advance(0.01)
    bench.session.end(opening.run, bench.session.take(), "ok", None)

    (told,) = bench.session.to_dict()["blocks"]
    assert told["final"] is False
    bench.pass_time(1.0)
    (told,) = bench.session.to_dict()["blocks"]
    assert told["final"] is True
    assert bench.session.block_counts == (0, 1)


def test_a_reload_goes_on_with_the_blocks() -> None:
    """As with the cells."""
    bench = Bench.make()
    block(bench, "before")
    bench.session.close()
    again = Bench.make()
    again.session._go_on(bench.session)
    again.session._started_at = bench.session._started_at

    assert [b["label"] for b in again.session.to_dict()["blocks"]] == ["before"]


def test_the_latest_five_thousand_are_listed_and_the_others_counted(
    notebook: dict[str, Any],
) -> None:
    """Memory is bounded; the number of all is known."""
    bench = Bench.make()
    block(bench, "x")
    bench.pass_time(0.5)
    (record,) = bench.session.view(live=False).blocks
    book = BlockBook()
    for number in range(MAX_BLOCKS + 10):
        book.keep(replace(record, label=str(number), started_at=float(number)))
    view = replace(
        bench.session.view(live=False), blocks=book.latest, blocks_not_listed=book.not_listed
    )

    document = session_document(view)

    assert len(document["blocks"]) == MAX_BLOCKS == 5_000
    assert document["blocks"][0]["label"] == "10" and document["totals"]["blocks_not_listed"] == 10
    assert "Blocks   5010 in" in to_text(document)
    for name, shown in (("md", 100), ("html", 100)):
        text = render(document, name)
        assert f"{5_010 - shown} more blocks" in text and "5009" in text
        assert text.count("| 50") + text.count("<td>50") == 10
    assert "4990 more blocks" in cells_text(document)
    json.loads(render(document, "json"))


@pytest.mark.parametrize(
    "told", [to_text, cells_text, lambda d: render(d, "md"), lambda d: render(d, "html")]
)
def test_tables_show_blocks_in_one_of_their_own(
    notebook: dict[str, Any], told: Callable[[dict[str, Any]], str]
) -> None:
    """With the cell they ran in, as the notebook numbers it."""
    text = told(notebook).replace("\\[", "[").replace("\\]", "]")

    if told is to_text:
        assert "Blocks   3 measured" in text
    else:
        assert "in [7]" in text and text.index("[7]") < text.index("beside")


def test_tables_of_blocks_are_sorted_as_those_of_cells(notebook: dict[str, Any]) -> None:
    """The dearest first, where that is asked."""
    for number, told in enumerate(notebook["blocks"]):
        for end in ("energy_low_kwh", "energy_kwh", "energy_high_kwh"):
            told[end] = 1e-6 * (number + 1)

    lines = cells_text(notebook, "energy").splitlines()

    named = [line.split()[0] for line in lines if line]
    assert named.index("beside") < named.index("fit") < named.index("load")


@pytest.mark.parametrize(
    ("blocks", "place"),
    [
        ("x", "blocks"),
        ([5], "blocks[0]"),
        ([{"label": 5}], "blocks[0].label"),
        ([{"parent": "1"}], "blocks[0].parent"),
    ],
)
def test_blocks_of_a_file_that_are_none_are_refused_in_one_line(
    notebook: dict[str, Any], blocks: object, place: str
) -> None:
    """The line names the place."""
    with pytest.raises(UsageError) as told:
        legible({**notebook, "blocks": blocks})

    assert place in str(told.value) and str(told.value).isprintable()


def test_blocks_of_an_older_or_newer_file_are_read_as_far_as_they_go(
    notebook: dict[str, Any],
) -> None:
    """Missing is unknown, more is passed over, none is none."""
    shown = legible({**notebook, "blocks": [{"label": "x\x1b[2J", "later": 1}]})

    (told,) = shown["blocks"]
    assert told["label"] == "x\\x1b[2J" and told["energy_kwh"] is None and "later" not in told
    del notebook["blocks"]
    assert legible(notebook)["blocks"] == []
    assert "\x1b" not in cells_text({**notebook, "blocks": [{"label": "x\x1b[2J"}]})


# -- the history -------------------------------------------------------------------------------


def kept(path: Path) -> tuple[Bench, Recorder]:
    bench = Bench.make()
    rows = SessionRows(bench.session, this_process(), bench.clock, None)
    writer = Recorder(path, this_process(), SystemClock(), rows)
    bench.session.keeper = Keeper(bench.session, rows, writer, bench.clock)
    writer.start()
    return bench, writer


def session_rows(path: Path) -> list[dict[str, Any]]:
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
        connection.row_factory = sqlite3.Row
        assert connection.execute("select count(*) from cell").fetchone()[0] == 0
        return [dict(row) for row in connection.execute("select * from session")]


def written(writer: Recorder) -> None:
    end_s = time.monotonic() + 10.0
    while writer._opened is None or writer._waiting:
        assert time.monotonic() < end_s
        time.sleep(0.01)


def test_blocks_stand_in_the_row_of_their_session_and_in_none_of_their_own(tmp_path: Path) -> None:
    """Few while it runs, more at its end; older readers see a session without cells."""
    path = tmp_path / "history.sqlite3"
    bench, writer = kept(path)
    for number in range(130):
        block(bench, str(number), 0.1)
    bench.pass_time(1.0)
    bench.session._do_all()
    written(writer)
    (row,) = session_rows(path)
    running = json.loads(row["document"])
    assert (row["state"], row["cells"]) == ("running", 0)
    assert [b["label"] for b in running["blocks"]] == [str(n) for n in range(110, 130)]
    assert running["totals"]["blocks_not_listed"] == 110

    bench.session.close()
    writer.close(bench.session.id, 2.0)
    (past,) = past_sessions(path, Wanted())
    assert (past["state"], past["cells"], len(past["blocks"])) == ("ended", 0, 100)
    assert past["blocks_not_listed"] == 30 and past["energy_kwh"] > 0


def test_a_session_in_which_nothing_was_measured_is_in_no_file(tmp_path: Path) -> None:
    """Nor is one that a reset began, until something is."""
    path = tmp_path / "history.sqlite3"
    bench, writer = kept(path)
    block(bench, "x")
    bench.pass_time(1.0)
    bench.session._do_all()
    bench.session.reset(keep_running=True)
    bench.pass_time(10.0)
    bench.session._do_all()
    bench.session.close()
    writer.close(bench.session.id, 2.0)

    (row,) = session_rows(path)
    assert row["state"] == "ended" and row["id"] != bench.session.id


def test_a_block_in_progress_is_noted_now_and_then_and_an_idle_session_never() -> None:
    """Within a second of its begin, then by a heart-beat; many quick ones once a second."""
    bench = Bench.make()
    noted: list[float] = []

    class Notes:
        path = Path()
        notices = ()

        def note(self, rows: Any) -> None:
            noted.extend(bench.clock.monotonic_ns() / 1e9 for row in rows if row.table == "session")

    rows = SessionRows(bench.session, this_process(), bench.clock, None)
    bench.session.keeper = Keeper(bench.session, rows, Notes(), bench.clock)

    def beats(seconds: float) -> int:
        before = len(noted)
        for _ in range(round(10 * seconds)):
            bench.pass_time(0.1)
            bench.session._do_all()
        return len(noted) - before

    assert beats(5.0) == 0
    opening = bench.session.open_run(None, None, "long", is_cell=False)
    bench.session.begin(opening)
    assert beats(1.0) == 1
    assert 5 <= beats(29.0) <= 7
    bench.session.end(opening.run, bench.session.take(), "ok", None)
    assert 1 <= beats(2.0) <= 2
    assert beats(30.0) == 0
    before = len(noted)
    for _ in range(100):
        block(bench, "quick", 0.1)
        bench.session._do_all()
    assert 8 <= len(noted) - before <= 12
