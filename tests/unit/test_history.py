"""The history: what is written, what survives, and what becomes of a file that is not one."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from greencell.cli import main
from greencell.clock import SystemClock
from greencell.errors import UsageError
from greencell.history import database, recorder
from greencell.history.database import Newer, Unavailable, file_system, open_database
from greencell.history.keeper import Keeper
from greencell.history.leftover import Row, leave, leftovers
from greencell.history.past import Wanted, forget, past_runs, past_sessions
from greencell.history.process import is_gone, this_process
from greencell.history.recorder import Recorder, Retention
from greencell.history.rows import Identity, record_of
from greencell.history.schema import MIGRATIONS, migrate, version_of
from greencell.history.session_rows import SessionRows
from greencell.report import render
from greencell.wire import picture
from tests_support import Bench

HERE = this_process()
EVER = Wanted()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "history.sqlite3"


@contextlib.contextmanager
def kept(path: Path, **more: Any) -> Iterator[tuple[Bench, Recorder]]:
    """A session in virtual time whose rows go into a real file by a real thread."""
    bench = Bench.make()
    made = SessionRows(bench.session, HERE, bench.clock, "/home/ada/work.ipynb")
    writer = Recorder(path, HERE, SystemClock(), made, **more)
    bench.session.keeper = Keeper(bench.session, made, writer, bench.clock)
    writer.start()
    yield bench, writer
    bench.session.close()
    writer.close(bench.session.id, 2.0)


def beat(bench: Bench) -> None:
    """What the sampler does when it is woken."""
    bench.session._do_all()


def wait(condition: Any, seconds: float = 10.0) -> None:
    end_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end_s, "in vain"
        time.sleep(0.01)


def rows(path: Path, what: str = "select * from cell order by number") -> list[dict[str, Any]]:
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(what)]


def integrity(path: Path) -> str:
    (found,) = rows(path, "pragma integrity_check")
    return str(found["integrity_check"])


# -- what is written ---------------------------------------------------------------------------


def test_a_finished_cell_is_a_row_at_once(path: Path) -> None:
    """Its figures are those of the session document; nothing of its text is there."""
    with kept(path) as (bench, writer):
        bench.session.label_next("train")
        bench.cell(2.0)
        beat(bench)
        wait(lambda: writer._opened is not None and not writer._waiting)
        (row,) = rows(path)
        (cell,) = bench.session.to_dict()["cells"]

        assert (row["state"], row["status"], row["number"]) == ("done", "ok", 1)
        assert row["energy_j"] == pytest.approx(cell["energy_kwh"] * 3.6e6)
        assert json.loads(row["document"]) == cell
        (session,) = rows(path, "select * from session")
        assert (session["state"], session["notebook"]) == ("running", "/home/ada/work.ipynb")
        assert session["pid"] == os.getpid()
    (session,) = rows(path, "select * from session")
    assert session["state"] == "ended" and session["ended_at"] is not None


def test_quick_cells_in_a_row_go_together() -> None:
    """Each goes once, and not beside each of its neighbours."""
    bench = Bench.make()
    made = SessionRows(bench.session, HERE, bench.clock, None)
    noted: list[list[tuple[object, object]]] = []

    def note(rows: list[Row]) -> None:
        if cells := [row.values for row in rows if row.table == "cell"]:
            noted.append([(cell["number"], cell["state"]) for cell in cells])

    notebook = SimpleNamespace(note=note, notices=())
    bench.session.keeper = Keeper(bench.session, made, notebook, bench.clock)  # type: ignore[arg-type]
    for _ in range(40):
        bench.cell(0.01)
        bench.session._do_all()
    # Ten times a second at most: what ended, and what is in progress or waits for a meter.
    assert len(noted) <= 2 * 5
    bench.session.close()
    assert [number for one in noted for number, state in one if state == "done"] == [*range(1, 41)]


def test_a_running_cell_stands_as_what_it_would_be_if_it_were_lost(path: Path) -> None:
    """Within a second of its start, then by a heart-beat; its end takes the place."""
    with kept(path) as (bench, writer):
        opening = bench.session.open_run("c")
        bench.session.begin(opening)
        bench.pass_time(1.0)
        beat(bench)
        wait(lambda: writer._opened is not None and rows(path) != [])
        (row,) = rows(path)
        assert (row["state"], row["status"]) == ("running", "lost")
        assert row["energy_j"] == pytest.approx(90.0, rel=0.01)

        bench.pass_time(6.0)
        beat(bench)
        wait(lambda: rows(path)[0]["energy_j"] > 600.0)
        bench.session.end(opening.run, bench.session.take(), "ok", 1)
        bench.pass_time(0.2)
        beat(bench)
        wait(lambda: rows(path)[0]["state"] == "done")
        assert rows(path)[0]["status"] == "ok"


def test_a_reset_ends_one_session_and_begins_another(path: Path) -> None:
    """Both are in the history, with their own cells."""
    with kept(path) as (bench, writer):
        bench.cell(1.0)
        bench.session.reset(keep_running=False)
        bench.cell(2.0)
        beat(bench)
        wait(lambda: writer._opened is not None and not writer._waiting)

    sessions = past_sessions(path, EVER)
    assert [s["cells"] for s in sessions] == [1, 1]
    assert [s["state"] for s in sessions] == ["ended", "ended"]


def test_the_file_is_nobody_elses_to_read(path: Path) -> None:
    """0600 in a folder of 0700, from the first byte on."""
    with kept(path) as (bench, writer):
        bench.cell(1.0)
        beat(bench)
        wait(lambda: writer._opened is not None and not writer._waiting)
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_nothing_is_written_while_nothing_runs(path: Path) -> None:
    """An idle session has nothing to tell."""
    with kept(path) as (bench, writer):
        bench.cell(1.0)
        beat(bench)
        wait(lambda: writer._opened is not None and not writer._waiting)
        before = writer.path.stat().st_mtime_ns, rows(path, "select seen_at from session")
        for _ in range(5):
            bench.pass_time(3.0)
            beat(bench)
        assert not writer._waiting
        assert (writer.path.stat().st_mtime_ns, rows(path, "select seen_at from session")) == before


# -- killed ------------------------------------------------------------------------------------

WORKER = """
    import os, sys, time
    os.environ["TZ"] = "UTC"
    from IPython.core.interactiveshell import InteractiveShell
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "greencell")
    print("loaded", flush=True)
    for index in range(int(sys.argv[1])):
        shell.run_cell("sum(range(20_000))", store_history=True)
        print(index, flush=True)
    if len(sys.argv) > 2:
        print("long", flush=True)
        shell.run_cell(f"import time; time.sleep({sys.argv[2]})")
"""


def worker(path: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {"GREENCELL_DATA_DIR": str(path.parent), "GREENCELL_HISTORY": "on"}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WORKER), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
    )  # fmt: skip


def until(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdout is not None
    for said in process.stdout:
        if said.strip() == line:
            return
    raise AssertionError("the process ended early")


def killed(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_a_killed_kernel_loses_no_cell_that_ended(path: Path) -> None:
    """The last one too, if it ended a second before; the file is sound."""
    process = worker(path, "30", "60")
    until(process, "long")
    time.sleep(1.0)
    killed(process)

    found = rows(path)
    done = [row for row in found if row["state"] == "done"]
    assert len(done) == 30 and len({row["run"] for row in done}) == 30
    assert integrity(path) == "ok"


def test_the_open_cell_survives_as_lost(path: Path) -> None:
    """With the energy up to the last heart-beat; the next kernel marks it, once."""
    process = worker(path, "2", "60")
    until(process, "long")
    time.sleep(2.5)
    killed(process)
    with kept(path) as (_, writer):
        wait(lambda: writer._opened is not None)

    found = rows(path)
    (lost,) = [row for row in found if row["status"] == "lost"]
    assert lost["state"] == "lost"
    assert lost["energy_j"] > 0 and lost["duration_s"] >= 0.5
    (session,) = past_sessions(path, EVER)
    assert session["state"] == "lost" and session["cells"] == 2


def test_a_process_of_the_same_number_is_not_the_same_process() -> None:
    """Numbers are given anew; another machine's nobody can tell."""
    assert not is_gone(HERE, HERE)
    assert is_gone(Identity(HERE.hostname, HERE.boot, HERE.pid, HERE.started - 1_000), HERE)
    assert is_gone(Identity(HERE.hostname, "another boot", HERE.pid, HERE.started), HERE)
    assert is_gone(Identity(HERE.hostname, HERE.boot, 2**22 - 1, 1.0), HERE)
    assert not is_gone(Identity("elsewhere", HERE.boot, 1, 1.0), HERE)


def test_twenty_kernels_write_one_file(path: Path) -> None:
    """All begin at once on a file that is not there: one schema, no row lost, nothing said."""
    count, cells = 20, 5
    workers = [worker(path, str(cells)) for _ in range(count)]
    for process in workers:
        assert process.wait(120) == 0
        assert process.stdout is not None
        process.stdout.close()

    assert integrity(path) == "ok"
    found = rows(path)
    assert len(found) == count * cells
    assert {row["state"] for row in found} == {"done"}
    assert len(past_sessions(path, EVER)) == count
    assert list(path.parent.glob("*damaged*")) == []


def test_a_forked_child_writes_nothing(path: Path) -> None:
    """And closes nothing that the parent has open."""
    code = """
        import os, sys, time
        from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell.instance()
        shell.run_line_magic("load_ext", "greencell")
        shell.run_cell("1 + 1")
        time.sleep(0.5)
        shell.run_cell("import os, sys\\npid = os.fork()\\nif pid == 0: sys.exit(0)\\nos.waitpid(pid, 0)")
        shell.run_cell("2 + 2")
    """
    environment = os.environ | {"GREENCELL_DATA_DIR": str(path.parent)}
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)],
        env=environment, timeout=60, capture_output=True,
    )  # fmt: skip

    assert integrity(path) == "ok"
    assert len({row["run"] for row in rows(path)}) == len(rows(path)) == 3
    assert len(rows(path, "select * from session")) == 1


# -- a file that is not one --------------------------------------------------------------------


def filled(path: Path) -> None:
    with kept(path) as (bench, writer):
        for _ in range(30):
            bench.cell(0.2)
        beat(bench)
        wait(lambda: writer._opened is not None and not writer._waiting)


def garble(path: Path) -> None:
    """A page in the middle, where no write stumbles over it."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(min(8192, size - 4096)))


DAMAGES = {
    "a text": lambda path: path.write_text("not a database " * 500),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2 + 100),
    "a page": garble,
    "a folder": lambda path: (path.unlink(), path.mkdir(), (path / "x").write_text("mine")),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_is_set_aside_and_a_fresh_one_begun(path: Path, name: str) -> None:
    """Not a byte of it is deleted; one notice; the session is all there."""
    filled(path)
    DAMAGES[name](path)
    before = path.read_bytes() if path.is_file() else None

    with kept(path) as (bench, writer):
        bench.cell(1.0)
        beat(bench)
        wait(lambda: writer._opened is not None and not writer._waiting)
        ids = [notice.id for notice in writer.notices]

    assert ids == ["history-damaged"]
    (aside,) = path.parent.glob("history.damaged-*")
    assert aside.is_dir() if before is None else aside.read_bytes() == before
    assert len(rows(path)) == 1
    assert integrity(path) == "ok"


def test_an_empty_file_is_a_new_one(path: Path) -> None:
    """As ``touch`` leaves it."""
    path.parent.mkdir()
    path.touch()
    filled(path)

    assert len(rows(path)) == 30


def test_a_file_of_a_newer_version_is_not_touched(path: Path) -> None:
    """Not a byte; the session stays in memory, and that is said once."""
    filled(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"pragma user_version = {len(MIGRATIONS) + 1}")
        connection.commit()
        connection.execute("pragma wal_checkpoint(truncate)")
    before = path.read_bytes()

    with kept(path) as (bench, writer):
        bench.cell(1.0)
        beat(bench)
        wait(lambda: writer._is_newer)
        (notice,) = writer.notices
        assert "newer greencell" in notice.text and "upgrade" in notice.remedy
        assert "in memory only" in writer.words

    assert path.read_bytes() == before
    with pytest.raises(UsageError, match="newer greencell"):
        past_sessions(path, EVER)
    with pytest.raises(Newer):
        open_database(path)


def test_an_older_file_is_brought_forward_after_a_copy(path: Path) -> None:
    """All or nothing; what was in it is still there."""
    path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as old:
        migrate(old, ["create table thing (name text)"])
        old.execute("insert into thing values ('kept')")

    steps = ["create table thing (name text)", "alter table thing add column size integer"]
    with contextlib.closing(open_database(path, steps).connection) as new:
        assert version_of(new) == 2
        assert new.execute("select name, size from thing").fetchall() == [("kept", None)]
    with contextlib.closing(sqlite3.connect(path.with_name("history.version-1.sqlite3"))) as copy:
        assert copy.execute("select * from thing").fetchall() == [("kept",)]

    with pytest.raises(Unavailable):
        open_database(path, [*steps, "create table other (x)", "nonsense"])
    with contextlib.closing(sqlite3.connect(path)) as unharmed:
        assert version_of(unharmed) == 2


def test_a_file_that_is_taken_away_is_begun_anew_with_all_of_the_session(path: Path) -> None:
    """Somebody cleans up while a kernel runs."""
    with kept(path) as (bench, writer):
        bench.cell(1.0)
        beat(bench)
        wait(lambda: writer._opened is not None and not writer._waiting)
        for file in path.parent.iterdir():
            file.unlink()
        bench.cell(1.0)
        beat(bench)
        wait(lambda: writer._opened is not None and not writer._waiting and len(rows(path)) == 2)


# -- a disk that does not want -----------------------------------------------------------------


def test_a_lock_that_is_held_delays_nothing_and_loses_nothing(path: Path) -> None:
    """Another process writes for long; the rows come later."""
    filled(path)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("begin immediate")
    with kept(path) as (bench, writer):
        began_s = time.monotonic()
        for _ in range(5):
            bench.cell(0.5)
            beat(bench)
        assert time.monotonic() - began_s < 2.0
        wait(lambda: writer._tries > 1)
        assert len(rows(path)) == 30
        holder.execute("commit")
        holder.close()
        wait(lambda: not writer._waiting, 20.0)
        assert len(rows(path)) == 35
        assert writer.notices == ()


def test_a_process_that_ends_while_the_file_is_locked_leaves_its_rows(path: Path) -> None:
    """Its end is not delayed; the next one takes them in, once."""
    filled(path)
    holder = sqlite3.connect(path, isolation_level=None)
    with kept(path) as (bench, writer):
        wait(lambda: writer._opened is not None)
        holder.execute("begin immediate")
        bench.cell(1.0)
        beat(bench)
        bench.session.close()
        began_s = time.monotonic()
        writer.close(bench.session.id, 0.3)
        assert time.monotonic() - began_s < 1.5
    assert len(list(leftovers(path.parent))) == 1
    holder.execute("commit")
    holder.close()

    with kept(path) as (_, writer):
        wait(lambda: writer._opened is not None)
    assert len(rows(path)) == 31
    assert list(leftovers(path.parent)) == []
    assert len(past_sessions(path, EVER)) == 2


@pytest.mark.parametrize(
    "content",
    ["", "nonsense\n", "[]\n", '["cell", {"run": "x", "a b": 1}]\n', '["cell", {"run": "x"}]\n',
     '["cell; drop table cell", {"run": 1}]\n', '["session", {"id": "x", "evil) --": 1}]\n',
     '["cell", {"run": "x", "nonsense": 1}]\n'],
)  # fmt: skip
def test_a_leftover_that_is_none_harms_nothing(path: Path, content: str) -> None:
    """It is read once; the tables stay as they are."""
    filled(path)
    (path.parent / "leftover-x.jsonl").write_text(content)

    with kept(path) as (bench, writer):
        bench.cell(1.0)
        beat(bench)
        wait(lambda: writer._opened is not None and not writer._waiting)
    assert len(rows(path)) == 31
    assert not (path.parent / "leftover-x.jsonl").exists()


def test_a_full_disk_is_one_notice_and_a_retry(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells go on in memory; when there is room again, all of them are written."""
    monkeypatch.setattr(recorder, "MAX_RETRY_S", 0.2)
    with kept(path) as (bench, writer):
        wait(lambda: writer._opened is not None)
        opened = writer._opened
        assert opened is not None
        full = threading.Event()
        real = recorder._put

        def put(*arguments: Any) -> None:
            if full.is_set():
                raise sqlite3.OperationalError("database or disk is full")
            real(*arguments)

        monkeypatch.setattr(recorder, "_put", put)
        full.set()
        for _ in range(3):
            bench.cell(0.5)
            beat(bench)
        wait(lambda: writer.notices != ())
        (notice,) = writer.notices
        assert "disk is full" in notice.text and "kept in memory" in notice.text
        full.clear()
        wait(lambda: not writer._waiting)
        assert len(rows(path)) == 3
        assert writer.notices == ()


def test_a_writer_whose_thread_has_ended_writes_all_the_same(path: Path) -> None:
    """Whatever killed it: the next row starts it again, and those that waited are written."""
    with kept(path) as (bench, writer):
        bench.cell(1.0)
        beat(bench)
        wait(lambda: not writer._waiting)
        writer._thread.stop(5.0)
        assert not writer._thread.alive
        for _ in range(3):
            bench.cell(1.0)
            beat(bench)
            bench.clock.advance(1.0)
            beat(bench)
        wait(lambda: not writer._waiting)

        assert writer._thread.alive
    with contextlib.closing(sqlite3.connect(path)) as file:
        assert file.execute("select count(*) from cell where state = 'done'").fetchone() == (4,)


def test_without_threads_rows_are_written_where_they_are_handed_over(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that can start no thread keeps its history too."""

    def refuses(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuses)
    with kept(path) as (bench, writer):
        for _ in range(3):
            bench.cell(1.0)
            beat(bench)
            bench.clock.advance(1.0)
            beat(bench)
            time.sleep(0.15)  # rows in quick succession go together
        assert writer.guard.failures == 0
    with contextlib.closing(sqlite3.connect(path)) as file:
        assert file.execute("select count(*) from cell where state = 'done'").fetchone() == (3,)


def test_a_disk_that_hangs_delays_no_cell(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that writes stands still; nobody else waits for it, nor at the end."""
    gate = threading.Event()
    real = open_database

    def hanging(*arguments: Any) -> Any:
        gate.wait(30.0)
        return real(*arguments)

    monkeypatch.setattr(recorder, "open_database", hanging)
    with kept(path) as (bench, writer):
        took_s = []
        for _ in range(20):
            began_s = time.perf_counter()
            opening = bench.session.open_run("c")
            bench.session.begin(opening)
            bench.session.end(opening.run, bench.session.take(), "ok", 1)
            took_s.append(time.perf_counter() - began_s)
            bench.pass_time(0.2)
            beat(bench)
        assert sorted(took_s)[10] < 0.01
        gate.set()
        wait(lambda: writer._opened is not None and not writer._waiting)
        assert len(rows(path)) == 20


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_no_error(tmp_path: Path) -> None:
    """Memory only, one notice."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with kept(closed / "data" / "history.sqlite3") as (bench, writer):
        bench.cell(1.0)
        beat(bench)
        wait(lambda: writer.notices != ())


def test_a_folder_that_is_a_file_is_no_error(tmp_path: Path) -> None:
    """As above, whoever runs this."""
    (tmp_path / "file").write_text("")
    with kept(tmp_path / "file" / "history.sqlite3") as (bench, writer):
        bench.cell(1.0)
        beat(bench)
        wait(lambda: writer.notices != ())
        (notice,) = writer.notices
        assert "not saved" in notice.text
        assert "in memory only" in writer.words


MOUNTS = "/dev/sda / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\n//nas /home/ada/nas cifs rw 0 0\nx /home/ada/fuse fuse.sshfs rw 0 0\n"


@pytest.mark.parametrize(
    ("place", "kind"),
    [("/etc", "ext4"), ("/home/ada", "nfs4"), ("/home/ada/nas/x", "cifs"), ("/homes", "ext4"),
     ("/home/ada/fuse", "sshfs")],
)  # fmt: skip
def test_the_kind_of_file_system(tmp_path: Path, place: str, kind: str) -> None:
    """The deepest mount that holds the path."""
    (tmp_path / "mounts").write_text(MOUNTS)
    assert file_system(Path(place), tmp_path / "mounts") == kind


def test_a_network_folder_has_no_write_ahead_log(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's own does not work there, and says so only at the first write."""
    monkeypatch.setattr(database, "file_system", lambda _path: "nfs4")
    filled(path)

    (mode,) = rows(path, "pragma journal_mode")
    assert mode["journal_mode"] == "delete"
    assert len(rows(path)) == 30


# -- what is kept, and what is forgotten -------------------------------------------------------


def test_nothing_is_deleted_unless_that_is_set(path: Path) -> None:
    """By age or by size; the session that runs stays."""
    for _ in range(3):
        filled(path)
    assert len(past_sessions(path, EVER)) == 3
    with kept(path, retention=Retention(max_age_days=1e-9)) as (_, writer):
        wait(lambda: writer._opened is not None)
    assert past_sessions(path, EVER) == []
    assert rows(path) == []


def test_the_oldest_go_first_where_the_size_is_bounded(path: Path) -> None:
    """Until the rest is small enough."""
    for _ in range(4):
        filled(path)
    newest = past_sessions(path, EVER)[-1]["id"]
    with contextlib.closing(open_database(path).connection) as connection:
        whole = recorder.size_mb(connection)
        assert recorder.keep(connection, Retention(max_size_mb=whole / 2), time.time()) >= 1
        assert recorder.size_mb(connection) <= whole / 2
    left = past_sessions(path, EVER)
    assert 1 <= len(left) < 4 and left[-1]["id"] == newest


def test_sessions_are_found_by_notebook_and_by_days(path: Path) -> None:
    """A path, or its end; wildcards are letters like any other."""
    filled(path)
    now_s = time.time()

    assert len(past_sessions(path, Wanted.of(now_s, None, "work.ipynb"))) == 1
    assert len(past_sessions(path, Wanted.of(now_s, None, "/home/ada/work.ipynb"))) == 1
    for nothing in ("ork.ipynb", "%", "w_rk.ipynb", "' or 1=1 --"):
        assert past_sessions(path, Wanted.of(now_s, None, nothing)) == []
    assert past_sessions(path, Wanted.of(time.time() + 1e7, 1.0, None)) == []


def test_forgetting_takes_the_cells_along(path: Path) -> None:
    """And leaves what was not meant."""
    filled(path)
    assert forget(path, Wanted.of(time.time(), None, "other.ipynb")) == 0
    assert forget(path, EVER) == 1
    assert rows(path) == [] and past_sessions(path, EVER) == []


def test_the_command_line_shows_and_forgets(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table with a sum, JSON, CSV; no history yet is one line."""
    monkeypatch.setenv("GREENCELL_DATA_DIR", str(path.parent))
    path.parent.mkdir()
    assert main(["history"]) == 1
    assert capsys.readouterr().err.startswith("greencell: There is no history yet")
    filled(path)
    filled(path)

    assert main(["history"]) == 0
    text = capsys.readouterr().out
    assert "/home/ada/work.ipynb" in text and "2 sessions" in text and "60" in text
    assert main(["history", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2
    assert main(["history", "--csv"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert main(["history", "--days", "nan"]) == 1
    assert "above 0" in capsys.readouterr().err
    assert main(["history", "--forget"]) == 0
    assert capsys.readouterr().out == "forgot 2 sessions\n"


def test_rows_of_a_dead_process_are_left_whole(path: Path) -> None:
    """A leftover file is there completely, or not at all."""
    path.parent.mkdir()
    leave(path.parent, "abc", [Row("cell", {"run": "r"}), Row("session", {"id": "s"})])
    ((found, left),) = leftovers(path.parent)
    assert [row.key for row in left] == [("session", "s"), ("cell", "r")]
    assert stat.S_IMODE(found.stat().st_mode) == 0o600


def written(path: Path) -> int:
    """How many runs are in the file; one that is being made has none yet."""
    try:
        return len(rows(path)) if path.exists() else 0
    except sqlite3.OperationalError:
        return 0


def recorder_of(bench: Bench) -> Recorder:
    """The one that writes this session."""
    keeper = bench.session.keeper
    assert isinstance(keeper, Keeper) and isinstance(keeper._recorder, Recorder)
    return keeper._recorder


def flat(values: dict[str, Any]) -> dict[str, Any]:
    """Without levels: ``energy_j.low``."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= {f"{name}.{key}": inner for key, inner in flat(value).items()}
        else:
            found[name] = value
    return found


def many_cells(bench: Bench, count: int) -> None:
    """Quick cells, written in portions as the sampler would hand them over."""
    for number in range(count):
        opening = bench.session.open_run(f"c{number}")
        bench.session.begin(opening)
        bench.clock.advance(0.05)
        bench.session.end(opening.run, bench.session.take(), "ok", number + 1)
        bench.clock.advance(0.05)
        if number % 250 == 0:
            beat(bench)
    bench.pass_time(1.0)
    beat(bench)


def test_beyond_five_thousand_cells_memory_holds_the_latest(path: Path) -> None:
    """The others are read from the file where somebody wants all; the sums never lose them."""
    count = 6_000
    with kept(path) as (bench, _):
        many_cells(bench, count)
        wait(lambda: len(bench.session.cells_in_memory) < count)

        document = bench.session.to_dict()

        assert 5_000 <= len(bench.session.cells_in_memory) <= 5_500
        assert [cell["number"] for cell in document["cells"]] == list(range(1, count + 1))
        assert document["totals"]["cells_not_listed"] == 0
        sum_kwh = math.fsum(cell["energy_kwh"] for cell in document["cells"])
        assert document["totals"]["cells_energy_kwh"] == pytest.approx(sum_kwh, rel=1e-9)
        first, last = bench.session.cells[0], bench.session.cells[-1]
        assert (first.cell_id, last.cell_id) == ("c0", f"c{count - 1}")
        assert first.energy_j is not None and first.energy_j.value == pytest.approx(4.5)
        snapshot = picture(bench.session.view(live=True), None, (), paused=False, records=10)
        assert snapshot["cells_total"] == count and len(snapshot["cells"]) == 10

        # The file is taken away: the next one holds all of it again.
        for file in path.parent.glob("history.sqlite3*"):
            file.unlink()
        bench.cell(0.2)
        beat(bench)
        wait(lambda: written(path) == count + 1)
        assert len(bench.session.to_dict()["cells"]) == count + 1


def test_what_cannot_be_read_again_is_said(path: Path) -> None:
    """Still in the sums, and not passed over in silence."""
    with kept(path) as (bench, _):
        many_cells(bench, 5_600)
        wait(lambda: len(bench.session.cells_in_memory) < 5_600)
        paged = 5_600 - len(bench.session.cells_in_memory)
        with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
            connection.execute("delete from cell where number <= 100")
            connection.commit()

        document = bench.session.to_dict()

        assert paged > 100
        assert document["totals"]["cells_not_listed"] == 100
        assert document["totals"]["cells"] == 5_600 == len(document["cells"]) + 100
        assert "100 earlier cells are in the sums and not in the list" in render(document, "md")


def test_without_a_history_memory_keeps_all(tmp_path: Path) -> None:
    """Where nothing was written, nothing is let go."""
    bench = Bench.make()
    many_cells(bench, 5_600)
    assert len(bench.session.cells_in_memory) == len(bench.session.cells) == 5_600


def test_a_row_becomes_the_run_that_it_was(path: Path) -> None:
    """To the last digit but one: the document's units are others."""
    with kept(path) as (bench, _):
        bench.cell(1.0)
        bench.pass_time(1.0)
        beat(bench)
        wait(lambda: written(path) == 1)
        (record,) = bench.session.cells
        (again,) = past_runs(path, bench.session.id, 1)

    for name, value in flat(asdict(record)).items():
        near = pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
        assert flat(asdict(again))[name] == near, name


@pytest.mark.parametrize("document", ["", "[]", "{}", "null", '{"cell_id": 1}', "[" * 100_000])
def test_a_row_that_nobody_wrote_is_no_run(document: str) -> None:
    """Somebody may have edited the file."""
    assert record_of({"run": "r", "number": 1, "document": document}) is None


def test_a_file_that_is_damaged_in_the_middle_gives_what_can_be_read(path: Path) -> None:
    """Into the fresh one; the damaged one stays as it was."""
    with kept(path) as (bench, _):
        many_cells(bench, 5_600)
        wait(lambda: len(bench.session.cells_in_memory) < 5_600)
        wait(lambda: len(rows(path)) == 5_600)
        rows(path, "pragma wal_checkpoint(truncate)")
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.seek(size - size % 4096 - 40 * 4096)
            file.write(os.urandom(3 * 4096))
        spoiled = path.read_bytes()
        with pytest.raises(sqlite3.DatabaseError):
            rows(path, "select count(document) from cell")

        recorder_of(bench)._close_connection()  # as after the first write that found it
        bench.cell(0.2)
        beat(bench)
        wait(lambda: any(notice.id == "history-damaged" for notice in bench.session.notices()))
        wait(lambda: len(rows(path)) > 5_000 and not recorder_of(bench)._waiting)

        (aside,) = path.parent.glob("history.damaged-*.sqlite3")
        assert aside.read_bytes() == spoiled
        document = bench.session.to_dict()
        listed, unlisted = len(document["cells"]), document["totals"]["cells_not_listed"]
        assert listed + unlisted == document["totals"]["cells"] == 5_601
        assert len(rows(path)) == listed
