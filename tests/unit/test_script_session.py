"""Plain scripts, run as such: one session, in documents and history, and an exit that is felt by nobody."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from greencell.cli import main

PATIENCE_S = 120.0
PATIENT = "import greencell.script_session as _s; _s._EXIT_S = _s._THREAD_S = _s._WRITE_S = 60.0\n"
"""A busy machine may take longer than an exit would wait."""
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


class Scripts:
    """Runs scripts whose history lies in a folder of the test's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"

    def start(self, code: str, first: str = PATIENT, **environment: str) -> subprocess.Popen[str]:
        path = self.folder / "work.py"
        path.write_text(first + textwrap.dedent(code), encoding="utf-8")
        return subprocess.Popen(
            [sys.executable, "-W", "error", str(path)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder,
            env={**os.environ, "GREENCELL_DATA_DIR": str(self.data), "GREENCELL_ZONE": "FR", **environment},
        )  # fmt: skip

    def run(self, code: str, first: str = PATIENT, **environment: str) -> str:
        """What a script printed; it must end well and say nothing else."""
        process = self.start(code, first, **environment)
        out, err = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, err) == (0, "")
        return out

    def sessions(self) -> list[dict[str, Any]]:
        path = self.data / "history.sqlite3"
        with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
            connection.row_factory = sqlite3.Row
            if not connection.execute("pragma user_version").fetchone()[0]:
                return []  # it is being made
            assert connection.execute("select count(*) from cell").fetchone()[0] == 0
            found = connection.execute("select * from session order by started_at")
            return [dict(row) for row in found]


@pytest.fixture
def scripts(tmp_path: Path) -> Scripts:
    return Scripts(tmp_path)


def wait(condition: Any) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, "in vain"
        time.sleep(0.02)


BUSY = "def busy(): sum(range(300_000))\n"


def test_blocks_of_a_script_stand_in_its_document_its_exports_and_the_history(
    scripts: Scripts, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One session for all; each joule of theirs is in its total; nothing is printed."""
    out = scripts.run(
        """
        import json, greencell
        assert greencell.session() is None
        for label in ("train", "train", "<b>eval|"):
            with greencell.measure(label) as m:
                sum(range(300_000))
        session = greencell.session()
        with greencell.measure("last"):
            pass
        assert session is greencell.session()
        for suffix in ("json", "csv", "md", "html", "svg", "yaml", "tex"):
            session.export(f"out.{suffix}")
        print(json.dumps(session.to_dict()))
        """
    )
    document = json.loads(out)
    blocks = document["blocks"]
    assert [block["label"] for block in blocks] == ["train", "train", "<b>eval|", "last"]
    assert {block["status"] for block in blocks} == {"ok"} and document["cells"] == []
    totals = document["totals"]
    assert (totals["cells"], totals["cells_energy_kwh"], totals["blocks_not_listed"]) == (0, 0.0, 0)
    assert totals["energy_kwh"] == pytest.approx(totals["between_cells_energy_kwh"])
    assert sum(block["energy_kwh"] or 0.0 for block in blocks) <= totals["energy_kwh"] * (1 + 1e-9)
    assert "between" not in (scripts.folder / "out.md").read_text(encoding="utf-8")
    html = (scripts.folder / "out.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;eval|" in html and "<b>eval" not in html
    assert (scripts.folder / "out.csv").read_text(encoding="utf-8").count("\n") == 1

    assert main(["report", str(scripts.folder / "out.json")]) == 0
    told = capsys.readouterr().out
    assert "Blocks   4 in" in told and "<b>eval|" in told and "no cell" not in told

    (row,) = scripts.sessions()
    assert (row["state"], row["label"], row["notebook"], row["cells"]) == (
        "ended",
        "work.py",
        None,
        0,
    )
    assert [block["label"] for block in json.loads(row["document"])["blocks"]] == [
        "train", "train", "<b>eval|", "last",
    ]  # fmt: skip
    assert row["energy_j"] >= totals["energy_kwh"] * 3.6e6
    monkeypatch.setenv("GREENCELL_DATA_DIR", str(scripts.data))
    assert main(["history"]) == 0
    told = capsys.readouterr().out
    assert "work.py" in told and "4 measured blocks" in told
    assert main(["history", "--json"]) == 0
    (past,) = json.loads(capsys.readouterr().out)
    assert len(past["blocks"]) == 4


def test_threads_that_measure_first_build_one_session(scripts: Scripts) -> None:
    """However many begin at once, each block is there."""
    out = scripts.run(
        """
        import threading, greencell
        gate = threading.Barrier(8)
        def work():
            gate.wait()
            with greencell.measure("thread"):
                sum(range(100_000))
        threads = [threading.Thread(target=work) for _ in range(8)]
        [t.start() for t in threads]; [t.join() for t in threads]
        print(len(greencell.session().to_dict()["blocks"]),
              sum(t.name == "greencell-sampler" for t in threading.enumerate()))
        """
    )

    assert out == "8 1\n"
    assert len(scripts.sessions()) == 1


def test_a_block_that_raises_shows_the_users_error_and_is_kept(scripts: Scripts) -> None:
    """The traceback ends where the user's does; so does ``sys.exit`` in a block."""
    process = scripts.start(
        """
        import greencell
        with greencell.measure("fails"):
            sum(range(100_000))
            raise ValueError("mine")
        """
    )
    _, err = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 1
    assert err.splitlines()[-1] == "ValueError: mine" and "During handling" not in err
    (row,) = scripts.sessions()
    (block,) = json.loads(row["document"])["blocks"]
    assert (block["label"], block["status"], row["state"]) == ("fails", "error", "ended")


def test_a_block_that_runs_at_the_exit_is_kept_as_far_as_it_got(scripts: Scripts) -> None:
    """Nobody stopped it, so more of it is not known."""
    scripts.run("import greencell\ngreencell.measure('open').start()\nsum(range(300_000))")

    (row,) = scripts.sessions()
    (block,) = json.loads(row["document"])["blocks"]
    assert (block["label"], block["status"]) == ("open", "lost") and "lost" in block["flags"]


def test_a_script_that_is_killed_in_its_block_is_in_the_history_as_lost(scripts: Scripts) -> None:
    """With what it had used so far; the next session's file tells so."""
    process = scripts.start(
        """
        import greencell, time
        m = greencell.measure("long").start()
        print("begun", flush=True)
        while True: sum(range(10_000))
        """
    )
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    wait((scripts.data / "history.sqlite3").exists)
    wait(lambda: scripts.sessions() != [])
    process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    process.communicate(timeout=PATIENCE_S)
    scripts.run("import greencell\nwith greencell.measure(): pass")

    killed, other = scripts.sessions()
    assert (killed["state"], other["state"]) == ("lost", "ended")


@pytest.mark.parametrize(
    "hang",
    [
        "Session.close = lambda *_: time.sleep(600)",
        "Meter.close = lambda *_: time.sleep(600)",
        "Recorder.close = lambda *_: time.sleep(600)",
        "Recorder.close = lambda *_: 1 / 0",
        "Session.close = raise_exit",
        "threading.Thread.start = refuse",
    ],
)
def test_nothing_holds_up_an_exit_or_is_heard_of_at_it(scripts: Scripts, hang: str) -> None:
    """Whatever hangs or fails there, half a second is the most that is waited."""
    code = f"""
        import threading, time, greencell
        from greencell.history.recorder import Recorder
        from greencell.meter import Meter
        from greencell.running_session import Session
        def raise_exit(*_): raise SystemExit(7)
        def refuse(_): raise RuntimeError("can't start new thread")
        with greencell.measure("x"): pass
        {hang}
        print(time.time(), flush=True)
        """
    said_at = float(scripts.run(code, first=""))

    assert time.time() - said_at < 20.0


def test_an_interrupt_while_the_session_is_built_is_the_users(scripts: Scripts) -> None:
    """It ends the code of the block before it begins; the next one is measured."""
    out = scripts.run(
        """
        import signal, greencell, greencell.equipment as equipment
        equip = equipment.equip
        def interrupted(*arguments):
            equipment.equip = equip
            signal.raise_signal(signal.SIGINT)
            return equip(*arguments)
        equipment.equip = interrupted
        try:
            with greencell.measure("first"):
                print("ran")
        except KeyboardInterrupt:
            with greencell.measure("second") as m:
                pass
            print("interrupted", m.duration_s is not None)
        """
    )

    assert out == "interrupted True\n"


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no such signals here")
def test_no_interrupt_is_lost_in_our_own_steps(scripts: Scripts) -> None:
    """However many come at whatever moment of quick blocks, the user's code hears of each."""
    out = scripts.run(
        """
        import random, signal, threading, time, greencell

        heard, ready = 0, threading.Event()
        main = threading.main_thread().ident

        def storm():
            for sent in range(200):
                ready.wait()
                ready.clear()
                time.sleep(random.uniform(0.0, 0.003))
                signal.pthread_kill(main, signal.SIGINT)
                end = time.monotonic() + 10
                while heard <= sent and time.monotonic() < end:
                    time.sleep(0.0005)
                if heard <= sent:
                    print("lost", sent, flush=True)
                    return

        thread = threading.Thread(target=storm, daemon=True)
        with greencell.measure("first"):
            thread.start()
        while heard < 200 and thread.is_alive():
            try:
                ready.set()
                while thread.is_alive():
                    with greencell.measure("quick"):
                        pass
            except KeyboardInterrupt:
                heard += 1
        with greencell.measure("last") as m:
            sum(range(100_000))
        blocks = greencell.session().to_dict()["blocks"]
        print(heard, m.energy_j is not None, "concurrent" in m.flags, len(blocks) > 200)
        """
    )

    assert out == "200 True False True\n"


def test_blocks_at_the_exit_run_unmeasured(scripts: Scripts) -> None:
    """The session is closed by then, and no other is begun."""
    out = scripts.run(
        """
        import atexit, greencell
        def late():
            with greencell.measure("late") as m:
                pass
            print(m.energy_j, greencell.session())
        atexit.register(late)
        with greencell.measure("x"): pass
        """
    )

    assert out == "None None\n"
    assert len(scripts.sessions()) == 1


@pytest.mark.parametrize("way", ["-c", "-"])
def test_a_program_without_a_file_is_measured_too(scripts: Scripts, way: str) -> None:
    """From the command line or from a pipe; it has no name."""
    code = PATIENT + "import greencell\nwith greencell.measure('x'): pass"
    arguments = ["-c", code] if way == "-c" else ["-"]
    environment = {**os.environ, "GREENCELL_DATA_DIR": str(scripts.data)}
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        input=code, env=environment, capture_output=True, text=True, timeout=PATIENCE_S,
    )  # fmt: skip

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (row,) = scripts.sessions()
    assert (row["label"], row["state"]) == (None, "ended")


@pytest.mark.parametrize(
    "settings", [{"GREENCELL_HISTORY": "off"}, {"GREENCELL_DATA_DIR": "/dev/null/x"}]
)
def test_a_history_that_is_off_or_has_no_place_changes_nothing(
    scripts: Scripts, settings: dict[str, str]
) -> None:
    """The figures are there; nothing is printed and nothing written."""
    out = scripts.run(
        "import greencell\nwith greencell.measure() as m: sum(range(300_000))\nprint(m.energy_j > 0)",
        **settings,
    )

    assert out == "True\n" and not scripts.data.exists()


def test_a_setting_that_cannot_be_used_is_kept_where_it_arrives(scripts: Scripts) -> None:
    """One line of it, told on stderr; the default is used."""
    process = scripts.start(
        """
        import greencell
        from greencell import script_session
        with greencell.measure(): pass
        (line,) = script_session.current().problems
        print(line)
        """,
        GREENCELL_PUE="none",
    )
    out, err = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 0 and out == err
    assert "GREENCELL_PUE" in err and err.count("\n") == 1


@forks
def test_a_forked_child_begins_with_nothing_of_its_parents(scripts: Scripts) -> None:
    """A block that is open meanwhile is the parent's; the child may measure for itself."""
    out = scripts.run(
        """
        import os, sys, threading, warnings, greencell
        warnings.simplefilter("ignore")  # Python's own: of forks beside threads
        m = greencell.measure("both").start()
        before = greencell.session()
        if os.fork() == 0:
            threads = [t.name for t in threading.enumerate()]
            assert greencell.session() is None and threads == ["MainThread"], threads
            m.stop()
            assert m.energy_j is None
            with greencell.measure("child") as own: sum(range(300_000))
            assert own.energy_j > 0 and greencell.session().id != before.id
            sys.exit(5)
        _, status = os.wait()
        m.stop()
        assert greencell.session() is before and m.energy_j > 0
        print(os.waitstatus_to_exitcode(status), [b["label"] for b in before.to_dict()["blocks"]])
        """
    )

    assert out == "5 ['both']\n"
    # The parent's figure holds the child's: a second row would count it twice.
    (row,) = scripts.sessions()
    assert row["state"] == "ended"


@pytest.mark.parametrize("method", ["spawn", pytest.param("fork", marks=forks)])
def test_workers_of_a_pool_measure_for_themselves(scripts: Scripts, method: str) -> None:
    """Their figures come back by pickle; the program's own session is one row in the history."""
    out = scripts.run(
        f"""
        import multiprocessing, warnings, greencell
        warnings.simplefilter("ignore")

        @greencell.measured
        def work(x):
            sum(range(200_000))
            return x

        def task(x):
            return work(x), work.measurement

        if __name__ == "__main__":
            with greencell.measure("all"):
                with multiprocessing.get_context({method!r}).Pool(2) as pool:
                    done = pool.map(task, range(4))
                    pool.close(); pool.join()
            print([x for x, _ in done], all(m.duration_s > 0 for _, m in done))
        """
    )

    assert out == "[0, 1, 2, 3] True\n"
    (row,) = scripts.sessions()
    assert [block["label"] for block in json.loads(row["document"])["blocks"]] == ["all"]


def test_a_program_that_a_measured_one_starts_is_counted_once(scripts: Scripts) -> None:
    """Its energy is in the one that started it. By itself it has a row of its own."""
    inner = scripts.folder / "inner.py"
    inner.write_text(
        "import greencell\nwith greencell.measure('inner') as m: sum(range(2_000_000))\nprint(m.energy_j > 0)"
    )
    out = scripts.run(
        f"""
        import subprocess, sys, time, greencell
        with greencell.measure("outer"):
            time.sleep(1.5)
            subprocess.run([sys.executable, {str(inner)!r}], check=True)
        """
    )
    assert out == "True\n"
    assert [row["label"] for row in scripts.sessions()] == ["work.py"]

    environment = {**os.environ, "GREENCELL_DATA_DIR": str(scripts.data)}
    subprocess.run([sys.executable, str(inner)], check=True, env=environment, capture_output=True)
    assert [row["label"] for row in scripts.sessions()] == ["work.py", "inner.py"]


MEASURED_TESTS = '''
import asyncio
import greencell
import pytest

@pytest.fixture
@greencell.measured
def number():
    yield 3

@pytest.fixture(params=["a", "b"])
@greencell.measured("letter")
def letter(request):
    return request.param

@greencell.measured
@pytest.mark.parametrize("x", [1, 2])
def test_above(x, number, letter):
    """Documented."""
    assert x + number in (4, 5) and letter in "ab"

@pytest.mark.parametrize("x", [1, 2])
@greencell.measured()
def test_below(x, number):
    assert x < number

class TestMethods:
    @greencell.measured("method")
    def test_method(self, letter):
        assert letter

    @staticmethod
    @greencell.measured
    def test_static():
        async def work(): return 5
        assert asyncio.run(greencell.measured(work)()) == 5

@greencell.measured
def test_that_fails(number):
    with greencell.measure("inner") as m:
        pass
    assert m.energy_j is None or m.energy_j >= 0
    assert [1, number] == [1, 4]

def test_figures():
    assert test_above.measurement.duration_s > 0
    labels = {b["label"] for b in greencell.session().to_dict()["blocks"]}
    assert labels == {
        "number", "letter", "test_above", "test_below", "method", "TestMethods.test_static", "work",
        "inner", "test_that_fails",
    }
'''


@pytest.mark.parametrize("mode", ["prepend", "importlib"])
def test_measured_tests_run_under_pytest_as_others_do(scripts: Scripts, mode: str) -> None:
    """Fixtures, parameters, methods, rewritten assertions; a warning would be an error."""
    (scripts.folder / "test_inner.py").write_text(MEASURED_TESTS, encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", "-q",
            f"--import-mode={mode}", "test_inner.py",
        ],
        cwd=scripts.folder, capture_output=True, text=True, timeout=PATIENCE_S,
        env={**os.environ, "GREENCELL_DATA_DIR": str(scripts.data), "PYTEST_ADDOPTS": ""},
    )  # fmt: skip

    assert "1 failed, 10 passed" in done.stdout, done.stdout + done.stderr
    # The assertion was rewritten: it tells what differs.
    assert "At index 1 diff: 3 != 4" in done.stdout
    assert "warning" not in done.stdout.lower() and done.stderr == ""
