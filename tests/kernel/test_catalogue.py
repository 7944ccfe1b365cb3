"""Faults of the catalogue in a real kernel: what a user may do, and what may happen to a kernel.

"As bare" is a kernel without greencell; where one misbehaves by itself, no worse is the aim.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.kernel

Start = Callable[..., Any]


def tops(kernel: Any) -> list[dict[str, Any]]:
    return [cell for cell in kernel.document()["cells"] if cell["parent"] is None]


def test_blank_cells_are_no_cells(start_kernel: Start) -> None:
    """IPython tells of their end only; the next record is right."""
    kernel = start_kernel()
    for code in ("", "   ", "\n\n", "# only a comment"):
        assert kernel.run(code).visible == []
    kernel.run("x = 1", cell_id="real")

    assert [cell["cell_id"] for cell in tops(kernel)][-1] == "real"
    assert all(cell["duration_s"] < 5 for cell in tops(kernel))


def test_an_inner_error_under_capture_is_the_outer_cells_as_it_is_told(start_kernel: Start) -> None:
    """The reply says error, and so does the record; the inner one is shown under it."""
    kernel = start_kernel()
    run = kernel.run("%%capture\n1/0")

    (outer,) = tops(kernel)
    assert (outer["status"] == "error") == (run.reply["content"]["status"] == "error")


def test_nothing_of_a_failed_cell_is_kept_alive(start_kernel: Start) -> None:
    """A large object in the frame of an exception dies when IPython lets go of it."""
    kernel = start_kernel()
    kernel.run(
        "import gc, weakref\nclass Big: pass\n"
        "def fail():\n    big = Big()\n    global ref\n    ref = weakref.ref(big)\n    raise ValueError"
    )
    kernel.run("fail()")
    for index in range(3):
        kernel.run(f"1/{index} if {index} == 0 else None")
    assert kernel.run("import sys\nsys.last_value = sys.last_traceback = None\nsys.last_exc = None\n"
                      "_ = gc.collect()\nprint(ref() is None)").text.strip() == "True"  # fmt: skip


@pytest.mark.parametrize(
    "code",
    ["raise SystemExit(3)", "raise GeneratorExit", "import asyncio\nraise asyncio.CancelledError",
     "class Odd(BaseException): pass\nraise Odd('x')"],
)  # fmt: skip
def test_odd_exceptions_are_the_users_own(start_kernel: Start, code: str) -> None:
    """Reply and outputs as in a bare kernel; the record is there; the next cell is right."""
    bare = start_kernel(load=False)
    wanted = bare.run(code)
    kernel = start_kernel()

    run = kernel.run(code, cell_id="odd")

    assert run.reply["content"]["status"] == wanted.reply["content"]["status"]
    assert [kind for kind, _ in run.visible] == [kind for kind, _ in wanted.visible]
    kernel.run("x = 1", cell_id="next")
    assert [cell["cell_id"] for cell in tops(kernel)][-2:] == ["odd", "next"]


def test_a_silent_request_is_no_cell(start_kernel: Start) -> None:
    """What a front end runs for itself is in no table; its energy is between the cells."""
    kernel = start_kernel()
    before = kernel.document()["totals"]["between_cells_energy_kwh"]
    content = {
        "code": "sum(range(30_000_000))", "silent": True, "store_history": False,
        "user_expressions": {}, "allow_stdin": False, "stop_on_error": False,
    }  # fmt: skip
    message = kernel.client.session.msg("execute_request", content)
    kernel.client.shell_channel.send(message)
    kernel.wait(message["header"]["msg_id"])
    kernel.run("x = 1", cell_id="c")
    document = kernel.document()

    assert all(cell["duration_s"] < 0.5 for cell in document["cells"])
    assert document["totals"]["between_cells_energy_kwh"] > before


def test_the_same_cell_twice_is_two_runs(start_kernel: Start) -> None:
    """Each with the number of its reply."""
    kernel = start_kernel()
    replies = [
        kernel.run("x = 1", cell_id="same").reply["content"]["execution_count"] for _ in range(3)
    ]

    cells = [cell for cell in tops(kernel) if cell["cell_id"] == "same"]
    assert [cell["execution_count"] for cell in cells] == replies
    assert len({cell["number"] for cell in cells}) == 3


def test_an_end_without_a_result_is_nothing(start_kernel: Start) -> None:
    """``post_run_cell(None)``, which older IPythons send; twice, and with nonsense."""
    kernel = start_kernel()
    trigger = "get_ipython().events.trigger('post_run_cell', {})"
    for argument in ("None", "None", "object()", "42"):
        run = kernel.run(trigger.format(argument))
        assert run.visible == []
    kernel.run("x = 1", cell_id="next")
    assert tops(kernel)[-1]["cell_id"] == "next"
    assert tops(kernel)[-1]["status"] == "ok"


@pytest.mark.parametrize(
    "code", ["%reset -f", "get_ipython().user_ns.clear()", "del In, Out, get_ipython"]
)
def test_an_emptied_namespace_changes_nothing(start_kernel: Start, code: str) -> None:
    """The record of the next cell is there."""
    kernel = start_kernel()
    kernel.run(code)
    kernel.run("y = 2", cell_id="after")

    cells = kernel.ask("snapshot")["snapshot"]["cells"]
    assert cells[-1]["cell_id"] == "after" and cells[-1]["status"] == "ok"


def test_loaded_at_the_start_of_the_kernel(start_kernel: Start, tmp_path: Path) -> None:
    """By IPython's own configuration; the first cell is measured, nothing is printed in it."""
    profile = tmp_path / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text(
        "c = get_config()\nc.InteractiveShellApp.extensions = ['greencell']\nc.GreenCell.zone = 'NO'\n"
    )
    kernel = start_kernel(load=False)
    assert kernel.run("x = 1", cell_id="first").visible == []

    document = kernel.document()
    assert document["cells"][0]["cell_id"] == "first"
    assert document["carbon"]["zone"] == "NO"


def test_a_bad_setting_at_the_start_of_the_kernel_is_in_nobodys_cell(
    start_kernel: Start, tmp_path: Path
) -> None:
    """Nothing is printed in the first cells; the status tells it."""
    profile = tmp_path / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text(
        "c = get_config()\nc.InteractiveShellApp.extensions = ['greencell']\nc.GreenCell.pue = 'x'\n"
    )
    kernel = start_kernel(load=False)
    assert [kernel.run("x = 1").visible for _ in range(2)] == [[], []]

    status = kernel.run("%greencell status").text
    assert "c.GreenCell.pue='x' is not usable" in status


def test_an_interrupted_await_is_as_bare(start_kernel: Start) -> None:
    """The same reply, in about the same time; one record with the energy of all of it."""
    took_s, replies = [], []
    kernels = [start_kernel(load=False), start_kernel()]
    for kernel in kernels:
        sent = kernel.send("import asyncio\nawait asyncio.sleep(4)", cell_id="await")
        began_s = time.monotonic()
        time.sleep(1.0)
        kernel.manager.interrupt_kernel()
        run = kernel.wait(sent)
        took_s.append(time.monotonic() - began_s)
        replies.append((run.reply["content"]["status"], [kind for kind, _ in run.visible]))

    assert replies[0] == replies[1]
    assert abs(took_s[0] - took_s[1]) < 2.0
    (cell,) = [cell for cell in tops(kernels[1]) if cell["cell_id"] == "await"]
    assert (cell["status"] == "ok") == (replies[1][0] == "ok")
    assert 0.0 < cell["duration_s"] < took_s[1] + 1.0


@pytest.mark.skipif(sys.platform == "win32", reason="bash is not there")
def test_an_interrupt_with_children_leaves_a_record(start_kernel: Start) -> None:
    """The child gets the signal, too; the next cell is right."""
    kernel = start_kernel()
    sent = kernel.send("%%bash\nsleep 30", cell_id="bash")
    time.sleep(1.0)
    kernel.manager.interrupt_kernel()
    kernel.wait(sent)
    kernel.run("x = 1", cell_id="next")

    assert [cell["cell_id"] for cell in tops(kernel)][-2:] == ["bash", "next"]
    assert tops(kernel)[-1]["status"] == "ok"


def test_a_thousand_bogus_requests_harm_nothing(start_kernel: Start) -> None:
    """On the control channel; no output, and the next cell is clean."""
    kernel = start_kernel()
    odd: list[Any] = [
        {}, {"wire": 2}, {"wire": 1}, {"wire": 1, "op": []}, {"wire": 1, "op": "export", "format": {}},
        {"wire": 1, "op": "set-zone", "zone": "x" * 100_000}, {"wire": 1, "op": "__proto__"},
        {"wire": 1, "op": "what-if", "zones": 7}, {"wire": 1, "op": "label", "label": ["a"]},
        {"__proto__": {"wire": 1}}, {"wire": 1e308, "op": "reset"},
    ]  # fmt: skip
    for index in range(1_000):
        reply = kernel.control("greencell_request", odd[index % len(odd)])
        assert reply["ok"] is False and len(reply["error"].splitlines()) == 1
    assert [
        m for m in kernel.drain(0.3) if m["msg_type"] in ("stream", "error", "display_data")
    ] == []
    assert kernel.run("1 + 1").visible == [("execute_result", {"text/plain": "2"})]


@pytest.mark.parametrize(
    "code",
    ["import logging; logging.basicConfig(level=0)", "import warnings; warnings.simplefilter('error')",
     "import sys; sys.setswitchinterval(1.0)"],
)  # fmt: skip
def test_a_loud_interpreter_hears_nothing_of_us(start_kernel: Start, code: str) -> None:
    """No log record, no warning, whatever the user turned on."""
    kernel = start_kernel()
    kernel.run(code)
    for _ in range(3):
        run = kernel.run("import time; time.sleep(0.2); print('mine')")
        assert [text for kind, text in run.visible if kind in ("stdout", "stderr")] == ["mine\n"]
    kernel.run("%greencell zone NO")
    assert "greencell" not in kernel.run("pass").text


CHILDREN = {
    "fork": "import multiprocessing as m\nwith m.get_context('fork').Pool(2) as p: print(sum(p.map(abs, range(9))))",
    "spawn": "import multiprocessing as m\nwith m.get_context('spawn').Pool(2) as p: print(sum(p.map(abs, range(9))))",
    "forkserver": (
        "import multiprocessing as m\nwith m.get_context('forkserver').Pool(2) as p: print(sum(p.map(abs, range(9))))"
    ),
    "os._exit": "import os\npid = os.fork()\nif pid == 0: os._exit(0)\n_ = os.waitpid(pid, 0)\nprint(36)",
    "subprocess": (
        "import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'print(36)'], "
        "capture_output=True, text=True).stdout.strip())"
    ),
    "executor": (
        "from concurrent.futures import ProcessPoolExecutor\n"
        "with ProcessPoolExecutor(2) as e: print(sum(e.map(abs, range(9))))"
    ),
}


@pytest.mark.skipif(sys.platform != "linux", reason="forks as Linux does them")
@pytest.mark.parametrize("name", CHILDREN)
def test_children_of_every_kind_leave_one_record(start_kernel: Start, name: str) -> None:
    """No record, thread or message of theirs; the history has the kernel's rows alone."""
    kernel = start_kernel()
    run = kernel.run(CHILDREN[name], cell_id="children", timeout_s=60.0)

    printed = "".join(text for kind, text in run.visible if kind == "stdout")
    assert printed.strip() == "36"
    kernel.run("x = 1", cell_id="next")
    assert [cell["cell_id"] for cell in tops(kernel)][-2:] == ["children", "next"]
    threads = "import threading; [t.name for t in threading.enumerate()].count('greencell-history')"
    assert kernel.run(threads).text == "1"


def test_two_kernels_count_their_own(start_kernel: Start) -> None:
    """Each its share: together no more than the machine."""
    first, second = start_kernel(), start_kernel()
    work = "import time\nend = time.monotonic() + 2\nwhile time.monotonic() < end: pass"
    sent = [(kernel, kernel.send(work, cell_id="work")) for kernel in (first, second)]
    for kernel, message in sent:
        kernel.wait(message)

    cells = [next(c for c in tops(k) if c["cell_id"] == "work") for k in (first, second)]
    together = sum(cell["energy_kwh"] for cell in cells)
    # Busy power of each once; idle power both claim, as each would alone.
    dynamic = max(cell["machine_energy_kwh"] for cell in cells)
    assert together <= 2.0 * dynamic
    assert all(cell["energy_kwh"] > 0 for cell in cells)


def test_waiting_for_an_answer_is_in_the_cell(start_kernel: Start) -> None:
    """``input()``: its time and idle energy count, ticks go on, nothing is printed."""
    kernel = start_kernel()
    sent = kernel.send("answer = input('name? ')", cell_id="ask", allow_stdin=True)
    kernel.client.get_stdin_msg(timeout=20)
    time.sleep(2.5)
    kernel.client.input("Ada")
    run = kernel.wait(sent)

    assert run.visible == []
    assert [data["kind"] for data in run.ours].count("tick") >= 1
    (cell,) = [cell for cell in tops(kernel) if cell["cell_id"] == "ask"]
    assert cell["status"] == "ok" and cell["duration_s"] >= 2.5


def test_a_shutdown_is_as_quick_as_bare_and_keeps_the_last_cell(
    start_kernel: Start, tmp_path: Path
) -> None:
    """The restart that a user asks for does not wait for us; the record is on disk."""
    took_s = []
    for load in (False, True):
        kernel = start_kernel(load=load)
        kernel.run("x = 1", cell_id="last")
        began_s = time.monotonic()
        kernel.manager.shutdown_kernel(now=False)
        took_s.append(time.monotonic() - began_s)

    assert took_s[1] < took_s[0] + 1.5
    with contextlib.closing(sqlite3.connect(tmp_path / "history" / "history.sqlite3")) as file:
        assert file.execute("select status, state from cell").fetchall() == [("ok", "done")]
        assert file.execute("select state from session").fetchall() == [("ended",)]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes as POSIX has them")
def test_a_disk_that_is_full_for_a_while_loses_nothing(start_kernel: Start, tmp_path: Path) -> None:
    """No file may grow: cells are clean, one notice; then it may again, and all rows are there."""
    kernel = start_kernel()
    # IPython's own history says in some cell that it cannot write.
    kernel.run("get_ipython().history_manager.enabled = False")
    kernel.run(
        "import resource, signal\n_ = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))"
    )
    for index in range(5):
        assert kernel.run(f"{index} + 1").visible == [
            ("execute_result", {"text/plain": str(index + 1)})
        ]
    end_s = time.monotonic() + 30.0
    while "history" not in [n["id"] for n in kernel.ask("snapshot")["snapshot"]["notices"]]:
        assert time.monotonic() < end_s
        time.sleep(0.2)
    kernel.run("resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)")
    wanted = len(kernel.document()["cells"])

    end_s = time.monotonic() + 60.0
    count = 0
    while count < wanted:
        assert time.monotonic() < end_s, count
        time.sleep(0.3)
        path = tmp_path / "history" / "history.sqlite3"
        # It may have been full before there were tables.
        with contextlib.closing(sqlite3.connect(path)) as file, contextlib.suppress(sqlite3.Error):
            (count,) = file.execute("select count(*) from cell where state = 'done'").fetchone()
