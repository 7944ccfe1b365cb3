"""What lies where the history lies: open files, pipes, halves of files, processes that became others."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from greencell.clock import SystemClock
from greencell.errors import UsageError
from greencell.history.database import Unavailable, open_database
from greencell.history.leftover import Row, leave, leftovers
from greencell.history.past import Wanted, past_document, past_sessions
from greencell.history.process import image_of, is_gone, this_process
from greencell.history.recorder import Recorder
from greencell.history.session_rows import SessionRows
from tests_support import Bench

HERE = this_process()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "history.sqlite3"


@contextmanager
def opened(path: Path) -> Iterator[Recorder]:
    """A history that somebody opens, as a kernel does when it starts."""
    bench = Bench.make()
    rows = SessionRows(bench.session, HERE, SystemClock(), None)
    recorder = Recorder(path, HERE, SystemClock(), rows)
    recorder.start()
    try:
        yield recorder
    finally:
        recorder.close("x", 1.0)


def wait(condition: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def look(path: Path) -> None:
    """Have the history opened, and closed again."""
    with opened(path) as recorder:
        wait(lambda: recorder._opened is not None)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def session_rows(key: str, process: Any = HERE, cells: int = 1) -> list[Row]:
    """A session that runs in a process, and its cells."""
    bench = Bench.make()
    bench.session.id = key
    for _ in range(cells):
        bench.cell(1.0)
    bench.session.settle(force=True)
    rows = SessionRows(bench.session, process, SystemClock(), None)
    return [
        replace(row, values={**row.values, "run": f"{key}-{number}"})
        if row.table == "cell"
        else row
        for number, row in enumerate(rows.everything())
    ]


def states(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("select id, state from session"))


# -- modes -------------------------------------------------------------------------------------


def test_a_history_that_lay_open_is_closed(path: Path) -> None:
    """With its log, its copies and what was left beside it, and the folder, which is all ours."""
    look(path)
    names = ["history.version-0.sqlite3", "history.damaged-20260101-000000.sqlite3",
             "leftover-x.unreadable", "history.sqlite3-journal"]  # fmt: skip
    for name in names:
        (path.parent / name).write_text("")
    with opened(path) as writer:  # its log is there as long as somebody has it open
        wait(lambda: writer._opened is not None)
        for file in path.parent.iterdir():
            file.chmod(0o644)
        path.parent.chmod(0o755)

        look(path)

        assert {f"history.sqlite3{end}" for end in ("", "-wal", "-shm")} <= {
            file.name for file in path.parent.iterdir()
        }
        assert {mode(file) for file in path.parent.iterdir()} == {0o600}
        assert mode(path.parent) == 0o700


def test_a_folder_with_other_things_stays_as_it_is(path: Path) -> None:
    """And so do those: only the history is nobody else's business."""
    path.parent.mkdir()
    other = path.parent / "thesis.tex"
    other.write_text("mine")
    other.chmod(0o644)
    path.parent.chmod(0o755)
    open_database(path).connection.close()
    path.chmod(0o666)

    look(path)

    assert (mode(path), mode(other), mode(path.parent)) == (0o600, 0o644, 0o755)


def test_a_link_beside_the_history_opens_nothing_and_closes_nothing(path: Path) -> None:
    """What it leads to is somebody's; the history itself may be a link of the user's own."""
    look(path)
    elsewhere = path.parent.parent / "elsewhere"
    elsewhere.write_text("")
    elsewhere.chmod(0o644)
    (path.parent / "leftover-a.jsonl").symlink_to(elsewhere)
    real = path.parent.parent / "real.sqlite3"
    path.rename(real)
    real.chmod(0o644)
    path.symlink_to(real)

    look(path)

    assert mode(elsewhere) == 0o644 and elsewhere.read_text() == ""
    assert mode(real) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_file_of_somebody_else_stays_as_it_is(path: Path) -> None:
    """It is not ours to close."""
    look(path)
    stranger = path.parent / "leftover-b.jsonl"
    stranger.write_text("")
    stranger.chmod(0o644)
    os.chown(stranger, 1234, 1234)

    open_database(path).connection.close()

    assert mode(stranger) == 0o644


# -- what is no file ---------------------------------------------------------------------------


def fifo(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.mkdir()


def loop(path: Path) -> None:
    path.symlink_to(path)


def closed(path: Path) -> None:
    path.write_text(json.dumps(["session", {"id": "x"}]))
    path.chmod(0o000)


KINDS: list[Callable[[Path], None]] = [fifo, listening, device, folder, loop, closed]


@pytest.mark.parametrize(
    "name", ["leftover-a.jsonl", "leftover-a.unfinished", "leftover-a.unreadable"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_beside_the_history_stops_nothing(
    kind: Callable[[Path], None], name: str, path: Path
) -> None:
    """Nobody waits for a pipe's other end; good leftovers beside it are read."""
    path.parent.mkdir()
    kind(path.parent / name)
    leave(path.parent, "good", session_rows("good"))

    look(path)

    assert states(path) == {"good": "running"}
    assert not (path.parent / "leftover-good.jsonl").exists()


@pytest.mark.parametrize("kind", [fifo, listening, device])
def test_a_history_that_is_no_file_is_left_alone(kind: Callable[[Path], None], path: Path) -> None:
    """Who leads it to /dev/null wants none; a pipe is somebody's. The session stays in memory."""
    path.parent.mkdir()
    kind(path)

    with pytest.raises(Unavailable, match="is no file"):
        open_database(path)
    with opened(path) as recorder:
        wait(lambda: "in memory only" in recorder.words)

    assert not path.is_file() and [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("end", ["-journal", "-wal", "-shm"])
def test_a_pipe_in_the_place_of_a_log_is_not_waited_for(end: str, path: Path) -> None:
    """Neither by a kernel nor by the command."""
    look(path)
    for file in path.parent.iterdir():
        if file != path:
            file.unlink()
    os.mkfifo(f"{path}{end}")

    with pytest.raises(UsageError, match=f"history.sqlite3{end} is no file"):
        past_sessions(path, Wanted())
    with opened(path) as recorder:
        wait(lambda: "is no file" in recorder.words)


def test_a_history_that_may_not_be_read_is_one_line(path: Path) -> None:
    """The folder of somebody else, for instance."""
    look(path)
    path.parent.chmod(0o000)
    is_root = os.geteuid() == 0  # who may read anything
    for folder in path.parents[1:4]:
        if folder.stat().st_uid == os.geteuid() and len(folder.parts) > 2:
            folder.chmod(0o755)
    if is_root:
        os.seteuid(65_534)
    try:
        with pytest.raises(UsageError, match="cannot be read: Permission denied") as refusal:
            past_sessions(path, Wanted())
    finally:
        if is_root:
            os.seteuid(0)
        path.parent.chmod(0o700)
    assert str(refusal.value).isprintable()


def test_a_leftover_that_cannot_be_removed_is_read_all_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The history goes on; it is read again the next time, which changes nothing."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError

    path.parent.mkdir()
    leave(path.parent, "good", session_rows("good"))
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refused)
        look(path)
    assert states(path) == {"good": "running"}

    look(path)
    assert states(path) == {"good": "running"}
    assert list(leftovers(path.parent)) == []


def test_a_row_that_the_database_does_not_take_spoils_no_other(path: Path) -> None:
    """A cell whose session nobody knows; the file is kept for whoever can read it."""
    orphan = session_rows("unknown")[1]
    path.parent.mkdir()
    leave(path.parent, "mixed", [orphan, *session_rows("good")])

    look(path)

    assert states(path) == {"good": "running"}
    assert [p.name for p in path.parent.glob("leftover-*")] == ["leftover-mixed.unreadable"]


# -- halves ------------------------------------------------------------------------------------


def half(path: Path, key: str, keep: int = 3) -> Path:
    """What a process leaves that dies while it writes: whole lines, and a part of one."""
    path.parent.mkdir(exist_ok=True)
    leave(path.parent, key, session_rows(key, cells=4))
    whole = path.parent / f"leftover-{key}.jsonl"
    lines = whole.read_text().splitlines(keepends=True)
    whole.unlink()
    unfinished = path.parent / f"leftover-{key}.unfinished"
    unfinished.write_text("".join(lines[:keep]) + lines[keep][:40])
    return unfinished


def test_what_is_whole_in_an_unfinished_leftover_is_read(path: Path) -> None:
    """The session and its first cells; then it is tidied away."""
    unfinished = half(path, "dead")

    look(path)

    assert states(path) == {"dead": "running"}
    assert len(past_document(path, "dead")["cells"]) == 2
    assert not unfinished.exists()


def test_an_unfinished_leftover_that_is_being_written_is_left_to_its_writer(path: Path) -> None:
    """Who writes holds a lock; an empty one has none yet."""
    unfinished = half(path, "alive")
    empty = path.parent / "leftover-new.unfinished"
    empty.touch()
    with unfinished.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        look(path)
        assert unfinished.exists() and empty.exists() and states(path) == {}

    look(path)
    assert not unfinished.exists() and states(path) == {"alive": "running"}

    os.utime(empty, (1.0, 1.0))
    look(path)
    assert not empty.exists()


def test_a_writer_locks_what_it_writes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the reader expects it: the real one, stopped in the middle."""
    path.parent.mkdir()
    written, go_on = threading.Event(), threading.Event()
    rows = session_rows("slow", cells=2)

    class Stopping(dict[str, Any]):
        def items(self) -> Any:
            written.set()
            assert go_on.wait(20.0)
            return super().items()

    rows[2] = replace(rows[2], values=Stopping(rows[2].values))
    writer = threading.Thread(target=leave, args=(path.parent, "slow", rows))
    writer.start()
    assert written.wait(20.0)
    held = _is_held(path.parent / "leftover-slow.unfinished")
    go_on.set()
    writer.join()

    assert held
    assert [p.name for p, _ in leftovers(path.parent)] == ["leftover-slow.jsonl"]


def _is_held(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


# -- processes that became others --------------------------------------------------------------

PROGRAM = """
import os, sys, time
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from greencell.history.database import open_database
from greencell.history.process import this_process
from greencell.history.recorder import _put
from greencell.history.statements import ALWAYS
from test_history_strangers import session_rows
_put(open_database(Path(sys.argv[1])).connection, session_rows("before", this_process()), ALWAYS)
print("written", flush=True)
sys.stdin.readline()
os.execv(sys.executable, [sys.executable, "-c", "import time; print('other', flush=True); time.sleep(60)"])
"""


@pytest.mark.skipif(image_of(os.getpid()) is None, reason="the system tells no images")
def test_a_session_whose_process_became_another_program_is_lost(path: Path) -> None:
    """``os.execv`` keeps number and start; and until then it runs."""
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path), *folders],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        try:
            assert process.stdout.readline() == "written\n"
            look(path)
            assert states(path) == {"before": "running"}

            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "other\n"
            (session,) = past_sessions(path, Wanted())
            assert session["state"] == "lost"  # also before a kernel has looked
            look(path)
            assert states(path) == {"before": "lost"}
            (session,) = past_sessions(path, Wanted())
            assert session["cells"] == 1
            assert "process" not in past_document(path, "before")
        finally:
            process.kill()


@pytest.mark.skipif(image_of(os.getpid()) is None, reason="the system tells no images")
def test_images_are_told_apart() -> None:
    """This one is the same each time; another of this number is gone; what is not told is here."""
    assert image_of(HERE.pid) == HERE.image
    assert not is_gone(HERE, HERE)
    assert is_gone(replace(HERE, image="another"), HERE)
    assert not is_gone(replace(HERE, image=None), HERE)
    assert image_of(2**22 - 1) is None


def test_a_process_that_ended_and_was_not_fetched_is_gone() -> None:
    """Its number is still given, but nobody is there."""
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    try:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        import psutil

        started = psutil.Process(process.pid).create_time()
        assert is_gone(replace(HERE, pid=process.pid, started=started, image=None), HERE)
    finally:
        process.wait()
