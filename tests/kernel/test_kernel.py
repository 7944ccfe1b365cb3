"""greencell in a real kernel: what is recorded, said and left alone."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import signal
import sqlite3
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from greencell.testing import NoCompiler, PowercapTree
from greencell.testing.nvml import build

pytestmark = pytest.mark.kernel

Start = Callable[..., Any]


def test_loading_says_one_line_and_is_idempotent(start_kernel: Start) -> None:
    """One line that names meter, zone and intensity; a second load adds no hook."""
    kernel = start_kernel(load=False)
    first = kernel.run("%load_ext greencell")
    assert first.text.count("\n") == 1
    assert "France (FR) 41.4 g CO2e/kWh, guessed from the time zone" in first.text
    assert [m["kind"] for m in first.ours] == ["hello"]

    kernel.run("%load_ext greencell")
    count = (
        "len([c for c in get_ipython().events.callbacks['pre_run_cell'] if 'greencell' in repr(c)])"
    )
    assert kernel.run(count).text == "1"
    before = kernel.document()
    kernel.run("%reload_ext greencell\n%reload_ext greencell")
    assert kernel.run(count).text == "1"
    after = kernel.document()
    assert after["session"]["id"] == before["session"]["id"]
    assert after["cells"][: len(before["cells"])] == before["cells"]
    assert after["totals"]["cells"] == before["totals"]["cells"] + 2
    threads = "import threading; [t.name for t in threading.enumerate()].count('greencell-sampler')"
    assert kernel.run(threads).text == "1"


def test_loading_imports_few_rooms_and_a_page_that_asks_the_others(start_kernel: Start) -> None:
    """In a kernel with a page, too: at most 60 of our modules until somebody asks for more."""
    kernel = start_kernel(load=False, GREENCELL_SYSFS_ROOT="/nowhere")
    count = "print(sum(m.partition('.')[0] == 'greencell' for m in sys.modules))"
    told = kernel.run(f"import sys\nget_ipython().run_line_magic('load_ext', 'greencell')\n{count}")
    assert int(told.text.splitlines()[-1]) <= 60
    assert kernel.ask("snapshot")["ok"] and kernel.ask("export", format="html")["ok"]
    assert "greencell.control" in kernel.run("print(*sorted(sys.modules))").text.split()


def test_cells_are_recorded_with_ids_counts_labels_and_status(start_kernel: Start) -> None:
    """The next cell after loading is the first; errors and names are kept."""
    kernel = start_kernel()
    kernel.run("x = 1", cell_id="aaa")
    kernel.run("1/0", cell_id="bbb")
    kernel.run("%%greencell train\ny = 2\ny", cell_id="ccc")
    kernel.run("%greencell label prepared")
    kernel.run("import time; time.sleep(0.2)", cell_id="ddd")
    kernel.run("%%capture\nprint(1)", cell_id="eee")

    document = kernel.document()

    tops = [c for c in document["cells"] if c["parent"] is None]
    assert [c["cell_id"] for c in tops] == ["aaa", "bbb", "ccc", None, "ddd", "eee"]
    assert [c["status"] for c in tops] == ["ok", "error", "ok", "ok", "ok", "ok"]
    assert [c["label"] for c in tops] == [None, None, "train", None, "prepared", None]
    assert [c["execution_count"] for c in tops] == [2, 3, 4, 5, 6, 7]
    (nested,) = [c for c in document["cells"] if c["parent"] is not None]
    assert nested["parent"] == tops[-1]["number"]
    totals = document["totals"]
    assert totals["cells_energy_kwh"] == pytest.approx(
        math.fsum(c["energy_kwh"] for c in tops), rel=1e-9
    )
    assert totals["energy_kwh"] == pytest.approx(
        totals["cells_energy_kwh"] + totals["between_cells_energy_kwh"], rel=1e-9
    )
    assert tops[4]["duration_s"] == pytest.approx(0.2, abs=0.1)


CELLS = [
    "1 + 1",
    "_ + 40",
    "print('a'); 'b'",
    "import sys; print('err', file=sys.stderr)",
    "1/0",
    "def f(:\n  pass",
    "%%nosuch\nx",
    "",
    "# only a comment",
    "from IPython.display import display, HTML\ndisplay(HTML('<b>x</b>'))",
    "import asyncio\nawait asyncio.sleep(0.01)\n'awaited'",
    "raise SystemExit(3)",
    "%%capture out\nprint('captured')",
    "out.stdout",
    "get_ipython().run_cell('print(5)').success",
    "import warnings; warnings.warn('careful')",
    "len(Out), In[-2]",
    "!echo shell",
    "%reset -f",
    "'after reset'",
    "import logging; logging.basicConfig(level=0); logging.getLogger().info('hello')",
    "raise KeyboardInterrupt",
    "get_ipython().execution_count",
]
QUIET_LOAD = (
    "import contextlib, io\n"
    "with contextlib.redirect_stdout(io.StringIO()):\n"
    "    get_ipython().run_line_magic({})"
)


def test_cells_are_the_same_with_and_without_greencell(start_kernel: Start) -> None:
    """Outputs, exceptions, _, Out and reply status; not one byte more or less."""
    bare, ours = start_kernel(load=False), start_kernel(load=False)
    bare.run(QUIET_LOAD.format("'load_ext', 'storemagic'"))
    ours.run(QUIET_LOAD.format("'load_ext', 'greencell'"))

    for code in CELLS:
        expected, got = bare.run(code), ours.run(code)
        assert seen(got) == seen(expected), code
        assert got.reply["content"]["status"] == expected.reply["content"]["status"], code


def seen(run: Any) -> str:
    """What is visible, without the process id in the names of temporary files."""
    return re.sub(r"ipykernel_\d+", "ipykernel", repr(run.visible))


def test_a_running_cell_is_told_live(start_kernel: Start) -> None:
    """Start mark, a tick a second with growing energy, the record; small and finite."""
    kernel = start_kernel()
    run = kernel.run(
        "import time\nend=time.monotonic()+6.5\nwhile time.monotonic()<end: pass", cell_id="live"
    )
    messages = run.ours + [
        m["content"]["data"] for m in kernel.drain(0.5) if m["msg_type"] == "comm_msg"
    ]
    kinds = [m["kind"] for m in messages]
    ticks = [m for m in messages if m["kind"] == "tick"]

    assert kinds[0] == "cell-start"
    assert 4 <= len(ticks) <= 7
    assert kinds.count("snapshot") == 1
    assert kinds[-1] == "cell-end"
    energies = [tick["running"]["energy_j"] for tick in ticks]
    assert energies == sorted(energies) and energies[0] > 0
    assert all(tick["running"]["cell_id"] == "live" for tick in ticks)
    assert all(len(json.dumps(tick)) <= 1_000 for tick in ticks)
    assert [m["seq"] for m in messages] == sorted(m["seq"] for m in messages)
    assert messages[-1]["record"]["energy_j"] >= energies[-1]
    for message in messages:
        assert not {"state", "method", "buffer_paths"} & set(message)
        json.dumps(message, allow_nan=False)


def test_a_cell_that_holds_the_interpreter_is_told_when_it_lets_go(start_kernel: Start) -> None:
    """One C call that gives no thread a turn: nothing of ours delays it, its record is right.

    A page knows from its own request that it runs.
    """
    kernel = start_kernel()
    run = kernel.run("sum(range(2 * 10**8))", cell_id="held")
    kernel.drain(0.5)

    held = kernel.ask("snapshot")["snapshot"]["cells"][-1]
    assert (held["cell_id"], held["request"]) == ("held", run.reply["parent_header"]["msg_id"])
    assert held["duration_s"] > 0.5 * (run.arrived_s[-1] - run.arrived_s[0])


def test_a_quick_cell_costs_one_message_and_many_go_together(start_kernel: Start) -> None:
    """No start mark; their ends come in batches that hold each run once, with its request."""
    kernel = start_kernel()
    requests = [kernel.run("pass").reply["parent_header"]["msg_id"] for _ in range(30)]
    messages = [m["content"]["data"] for m in kernel.drain(1.0) if m["msg_type"] == "comm_msg"]
    told = kernel.ask("snapshot")["snapshot"]["cells"]

    assert {m["kind"] for m in messages} <= {"cell-end"}
    assert len(messages) <= 3
    last = messages[-1]
    assert last["record"] == last.get("records", [last["record"]])[-1]
    assert last["record"]["request"] == requests[-1]
    assert last["as_of"] == pytest.approx(time.time(), abs=30.0)
    assert last["idle_power_low_w"] <= last["idle_power_w"] <= last["idle_power_high_w"]
    assert [cell["request"] for cell in told[-30:]] == requests


def test_nobody_is_told_anything_before_somebody_asked(start_kernel: Start) -> None:
    """After hello there is silence, until a page probes or asks; then a cell is told as ever."""
    kernel = start_kernel(load=False)
    hello = kernel.run("%load_ext greencell")
    runs = [kernel.run("import time; time.sleep(1.3)"), kernel.run("pass")]
    late = [m for m in kernel.drain(0.5) if m["msg_type"] == "comm_msg"]
    assert [m["kind"] for m in hello.ours] == ["hello"]
    assert [message for run in runs for message in run.ours] == [] == late

    kernel.control("comm_info_request", {"target_name": "greencell"})
    kernel.run("%reload_ext greencell")  # it is remembered for this kernel's life
    told = kernel.run("import time; time.sleep(1.3)").ours
    assert [m["kind"] for m in told][:2] == ["cell-start", "tick"]


def test_a_kernel_that_loads_it_at_its_start_says_nothing(
    start_kernel: Start, tmp_path: Path
) -> None:
    """No page has asked yet, and it would be in nobody's cell."""
    profile = tmp_path / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    lines = 'c = get_config()\nc.InteractiveShellApp.extensions = ["greencell"]\n'
    (profile / "ipython_config.py").write_text(lines)
    kernel = start_kernel(load=False)
    run = kernel.run("x = 1", cell_id="first")

    assert run.ours == []
    assert kernel.document()["cells"][-1]["cell_id"] == "first"


def test_the_control_thread_is_free_while_a_report_is_made(start_kernel: Start) -> None:
    """An interrupt may come through it, as may a second question: neither waits for the report."""
    kernel = start_kernel()
    kernel.run(
        "for _ in range(1200): get_ipython().run_cell('pass', store_history=False)", timeout_s=120
    )
    held = kernel.send("import time\nfor _ in range(3000): time.sleep(0.01)")
    kernel.until(lambda m: m["msg_type"] == "execute_input")
    request = kernel.client.session.msg(
        "greencell_request", {"wire": 1, "op": "export", "format": "html"}
    )
    kernel.client.control_channel.send(request)
    interrupt = kernel.client.session.msg("interrupt_request", {})
    kernel.client.control_channel.send(interrupt)
    order = []
    while len(order) < 2:
        reply = kernel.client.get_control_msg(timeout=60)
        order.append(reply["msg_type"])
        if reply["msg_type"] == "greencell_reply":
            assert reply["content"]["ok"] and len(reply["content"]["text"]) > 100_000

    assert order == ["interrupt_reply", "greencell_reply"]
    assert kernel.wait(held).reply["content"]["ename"] == "KeyboardInterrupt"


def test_every_reply_carries_the_totals_and_their_age(start_kernel: Start) -> None:
    """A page takes them over, so that two totals on it never differ."""
    kernel = start_kernel()
    kernel.run("sum(range(10**6))")
    for op, extra in (
        ("export", {"format": "json"}),
        ("what-if", {}),
        ("set-zone", {"zone": "FR"}),
    ):
        before = time.time()
        reply = kernel.ask(op, **extra)
        assert reply["ok"], reply
        assert reply["totals"]["energy_j"] > 0
        assert before - 10.0 <= reply["as_of"] <= time.time() + 1.0
        assert reply["idle_power_w"] > 0


def test_a_run_that_is_not_stored_has_no_number(start_kernel: Start) -> None:
    """It would take the number of the next cell."""
    kernel = start_kernel()
    kernel.run("a = 1", cell_id="numbered")
    content = {
        "code": "b = 2", "silent": False, "store_history": False, "user_expressions": {},
        "allow_stdin": False, "stop_on_error": False,
    }  # fmt: skip
    message = kernel.client.session.msg("execute_request", content, metadata={"cellId": "none"})
    kernel.client.shell_channel.send(message)
    kernel.wait(message["header"]["msg_id"])
    reply = kernel.run("c = 3", cell_id="next").reply["content"]

    counts = {cell["cell_id"]: cell["execution_count"] for cell in kernel.document()["cells"]}
    assert counts["none"] is None
    assert counts["next"] == reply["execution_count"] == counts["numbered"] + 1


@pytest.mark.parametrize(
    "removal",
    [
        "for hooks in get_ipython().events.callbacks.values(): hooks.clear()",
        "from IPython.core.events import EventManager, available_events\n"
        "get_ipython().events = EventManager(get_ipython(), available_events)",
        "ip = get_ipython()\n"
        "ip.input_transformers_cleanup.clear()\n"
        "for hooks in ip.events.callbacks.values(): hooks.clear()\n"
        "import time; time.sleep(1.5)",
    ],
    ids=["cleared", "replaced", "cleared with the transformers"],
)
def test_hooks_that_somebody_removes_are_put_back_within_a_cell(
    start_kernel: Start, removal: str
) -> None:
    """The next cell is measured again; it is said once; unloading still takes all out."""
    kernel = start_kernel()
    kernel.run("x = 1", cell_id="before")
    kernel.run(removal, cell_id="culprit")
    kernel.run("sum(range(10**6))", cell_id="after")

    by_id = {cell["cell_id"]: cell for cell in kernel.document()["cells"]}
    assert by_id["after"]["energy_kwh"] > 0 and by_id["after"]["status"] == "ok"
    notices = [n["id"] for n in kernel.ask("snapshot")["snapshot"]["notices"]]
    assert notices.count("hooks-removed") == 1
    kernel.run("%unload_ext greencell")
    left = kernel.run("print(sum(map(len, get_ipython().events.callbacks.values())))").text
    transformers = kernel.run("print(get_ipython().input_transformers_cleanup)").text
    assert "greencell" not in transformers
    assert int(left) <= 6  # IPython's own


def test_nothing_is_sent_while_idle(start_kernel: Start) -> None:
    """A push at idle would keep a hub from culling the kernel."""
    kernel = start_kernel()
    kernel.run("x = 1")
    kernel.drain(0.5)

    assert kernel.drain(3.0) == []


def test_the_control_channel_answers_while_a_cell_runs(start_kernel: Start) -> None:
    """Probe, snapshot, zone, label, export; the cell goes on."""
    kernel = start_kernel()
    msg_id = kernel.send("import time; time.sleep(3)", cell_id="busy")
    time.sleep(0.5)
    began = time.monotonic()
    probe = kernel.control("comm_info_request", {"target_name": "greencell"})
    assert "greencell" in probe["comms"]
    snapshot = kernel.ask("snapshot")
    assert snapshot["ok"] and snapshot["snapshot"]["running"]["cell_id"] == "busy"
    zone = kernel.ask("set-zone", zone="PL")
    assert zone["ok"] and zone["carbon"]["zone"] == "PL"
    assert kernel.ask("label", label="next one")["ok"]
    assert kernel.ask("export", format="md")["text"].startswith("# Energy")
    assert time.monotonic() - began < 2.0
    run = kernel.wait(msg_id)
    pushed = [m["kind"] for m in run.ours]
    assert "snapshot" in pushed, "a probe brings a snapshot at once"
    kernel.run("pass")

    cells = kernel.document()["cells"]
    assert [c["zone"] for c in cells] == ["FR", "PL"]
    assert cells[1]["label"] == "next one"


BAD_REQUESTS: list[dict[str, Any]] = [
    {}, {"op": "snapshot"}, {"wire": 2, "op": "snapshot"}, {"wire": "1", "op": "snapshot"},
    {"wire": 1, "op": "rm"}, {"wire": 1, "op": ["x"]}, {"wire": 1, "op": "export"},
    {"wire": 1, "op": "export", "format": "exe"}, {"wire": 1, "op": "set-zone", "zone": "nowhere"},
    {"wire": 1, "op": "set-zone", "zone": {"a": 1}}, {"wire": 1, "op": "label", "label": "x" * 10_000},
    {"__proto__": {"wire": 1}}, {"wire": 1, "op": "export", "format": "../../etc/passwd"},
]  # fmt: skip


def test_bad_requests_are_refused_in_one_line(start_kernel: Start) -> None:
    """And the kernel and the next cell are as before."""
    kernel = start_kernel()
    for content in BAD_REQUESTS:
        answer = kernel.control("greencell_request", content)
        assert answer["ok"] is False, content
        assert answer["error"] and "\n" not in answer["error"]

    assert kernel.run("1 + 1").text == "2"


def test_pause_resume_and_reset_by_the_panel(start_kernel: Start) -> None:
    """Each is answered, and a reset is a new session for all pages."""
    kernel = start_kernel()
    kernel.run("x = 1")
    before = kernel.document()
    assert kernel.ask("pause")["paused"] is True
    assert kernel.ask("resume")["paused"] is False
    assert kernel.ask("reset")["ok"]
    hello = [m["content"]["data"] for m in kernel.drain(0.5) if m["msg_type"] == "comm_msg"]

    assert hello[-1]["kind"] == "hello"
    after = kernel.document()
    assert after["session"]["id"] != before["session"]["id"]
    assert after["cells"] == []


BAD_LINES = [
    "%greencell bogus", "%greencell zone nowhere", "%greencell export", "%greencell export x.pdf",
    "%greencell export /no/such/folder/x.json", "%greencell cells --sort beauty",
    "%greencell 'unclosed", "%greencell label", "%greencell pause now", "%greencell status --yaml",
]  # fmt: skip


def test_a_users_mistake_is_one_line(start_kernel: Start) -> None:
    """It says what would do; no traceback, and measuring goes on."""
    kernel = start_kernel()
    for line in BAD_LINES:
        run = kernel.run(line)
        assert run.reply["content"]["status"] == "ok", line
        assert run.text.count("\n") == 1, run.text
        assert run.text.startswith("greencell: "), run.text
    assert kernel.document()["totals"]["cells"] == len(BAD_LINES)


def test_broken_settings_are_named_and_measuring_starts(start_kernel: Start) -> None:
    """One line for each, then the line of every start."""
    kernel = start_kernel(
        load=False, GREENCELL_ZONE="Atlantis", GREENCELL_PUE="0.2", GREENCELL_INTERVAL_S="soon"
    )
    text = kernel.run("%load_ext greencell").text

    assert len(text.strip().splitlines()) == 4
    for word in ("Atlantis", "GREENCELL_PUE", "GREENCELL_INTERVAL_S"):
        assert word in text
    assert kernel.document()["carbon"]["zone"] == "FR"


def test_export_writes_all_formats_and_refuses_to_overwrite(
    start_kernel: Start, tmp_path: Path
) -> None:
    """From the magic and from Python, the same document."""
    kernel = start_kernel()
    kernel.run("x = 1")
    for name in ("json", "csv", "md", "html", "tex", "yaml", "svg"):
        assert "wrote" in kernel.run(f"%greencell export s.{name}").text
        assert (tmp_path / f"s.{name}").stat().st_size > 50
    assert "--force" in kernel.run("%greencell export s.json").text
    assert "wrote" in kernel.run("%greencell export s.json --force").text
    written = json.loads((tmp_path / "s.json").read_text())
    assert written["schema"] == "greencell.session.v1"
    assert kernel.run("import greencell; len(greencell.session().cells) > 8").text == "True"


def test_measure_inside_and_outside_a_notebook(start_kernel: Start) -> None:
    """A block's figure has an interval, and the cell's own figure holds it."""
    kernel = start_kernel()
    code = (
        "import greencell, time\n"
        "with greencell.measure('block') as m:\n    sum(range(3_000_000))\n"
        "print(m.energy_low_j <= m.energy_j <= m.energy_high_j, m.energy_j > 0, m.duration_s > 0, m.co2_kg > 0)\n"
        "@greencell.measured('f')\nasync def f(): time.sleep(0.01); return 7\n"
        "print(await f(), f.measurement.duration_s >= 0.01)"
    )
    assert kernel.run(code).text == "True True True True\n7 True\n"
    plain = start_kernel(load=False)
    assert plain.run(code).text == "True True True True\n7 True\n"
    (cell,) = kernel.document()["cells"]
    assert cell["energy_kwh"] > 0


def test_blocks_of_a_notebook_stand_under_their_cell(start_kernel: Start, tmp_path: Path) -> None:
    """In the document, the tables and the exports; those of threads during a cell are its, too."""
    kernel = start_kernel()
    kernel.run(
        "import greencell, threading\n"
        "def work():\n    with greencell.measure('thread'): sum(range(1_000_000))\n"
        "@greencell.measured\ndef fit(): sum(range(1_000_000))\n"
    )
    kernel.run(
        "thread = threading.Thread(target=work)\n"
        "with greencell.measure('all'):\n"
        "    thread.start(); fit(); thread.join()\n"
    )
    assert kernel.run("print(fit.measurement.energy_j > 0)").text == "True\n"

    document = kernel.document()
    blocks = {block["label"]: block for block in document["blocks"]}
    assert {label: block["parent"] for label, block in blocks.items()} == {
        "all": 2, "fit": 2, "thread": 2,
    }  # fmt: skip
    assert "concurrent" in blocks["thread"]["flags"] and "concurrent" in blocks["all"]["flags"]
    assert [cell["number"] for cell in document["cells"]] == [1, 2, 3]
    table = kernel.run("%greencell cells").text
    assert "fit" in table and "in [3]" in table and "concurrent" in table
    assert "wrote" in kernel.run("%greencell export blocks.md").text
    assert "| thread |" in (tmp_path / "blocks.md").read_text(encoding="utf-8")


def test_loading_takes_over_from_the_session_of_a_script(start_kernel: Start) -> None:
    """Two sessions would count everything twice. A block that runs meanwhile has what it had."""
    kernel = start_kernel(load=False)
    kernel.run(
        "import greencell, threading\nwith greencell.measure('plain') as before: sum(range(1_000_000))\n"
        "open_ = greencell.measure('open').start(); plain = greencell.session()"
    )
    kernel.run("%load_ext greencell")
    told = kernel.run(
        "open_.stop()\nwith greencell.measure('in a cell') as m: sum(range(1_000_000))\n"
        "names = [t.name for t in threading.enumerate()]\n"
        "print(before.energy_j > 0, open_.energy_j > 0, open_.record.status, m.energy_j > 0,\n"
        "      greencell.session() is not plain, names.count('greencell-sampler'))"
    ).text
    assert told == "True True lost True True 1\n"
    (block,) = kernel.document()["blocks"]
    assert block["label"] == "in a cell"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_of_a_kernel_measures_blocks_for_itself(start_kernel: Start) -> None:
    """Nothing of it is written or sent; the cell's record holds its energy."""
    kernel = start_kernel()
    told = kernel.run(
        "import greencell, os\n"
        "r, w = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    with greencell.measure('child') as m: sum(range(1_000_000))\n"
        "    os.write(w, str(m.energy_j > 0).encode()); os._exit(0)\n"
        "os.wait(); print(os.read(r, 10).decode())"
    )
    assert told.text == "True\n"
    document = kernel.document()
    assert "blocks" not in document and len(document["cells"]) == 1


def test_an_interrupted_cell_is_recorded_as_such(start_kernel: Start) -> None:
    """With its energy so far; the next cell is right."""
    kernel = start_kernel()
    msg_id = kernel.send("import time\nwhile True: time.sleep(0.01)")
    time.sleep(0.7)
    kernel.manager.interrupt_kernel()
    assert kernel.wait(msg_id).reply["content"]["status"] == "error"
    assert kernel.run("1 + 1").text == "2"

    cells = kernel.document()["cells"]
    assert [c["status"] for c in cells] == ["interrupted", "ok"]
    assert cells[0]["energy_kwh"] > 0


def _is_at_the_door(run: Any) -> bool:
    """Whether an interrupt hit the very call of a hook, where no code of it can catch anything.

    The interpreter looks for signals as it enters a function; that is once in thousands of storms.
    """
    shown = [m["content"]["traceback"] for m in run.messages if m["msg_type"] == "error"]
    plain = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(line for lines in shown for line in lines))
    arrows = re.findall(r"^-+> *\d+ (.*)$", plain, re.MULTILINE)
    return bool(arrows) and re.match(r" *def _(pre|post)_run_cell", arrows[-1]) is not None


def test_a_storm_of_interrupts_shows_no_callback_error(start_kernel: Start) -> None:
    """SIGINT at any moment, also in our hooks: nothing of ours is ever seen."""
    kernel = start_kernel()
    for attempt in range(25):
        msg_id = kernel.send("x = sum(range(20000))")
        time.sleep(0.0004 * attempt)
        kernel.manager.interrupt_kernel()
        try:
            run = kernel.wait(msg_id, timeout_s=2.0)
        except Exception:  # noqa: BLE001  # a bare kernel loses some of these replies too
            continue
        assert "Error in callback" not in run.text or _is_at_the_door(run)
    kernel.drain(0.5)
    assert kernel.run("'alive'").text == "'alive'"


def test_children_count_also_those_that_end_inside_the_cell(start_kernel: Start) -> None:
    """A subprocess that burns CPU makes its cell dearer than a sleep of the same length."""
    kernel = start_kernel()
    burn = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time\\nend=time.monotonic()+1.0\\nwhile time.monotonic()<end: pass'])"
    kernel.run(burn, cell_id="burn")
    duration = kernel.document()["cells"][0]["duration_s"]
    kernel.run(f"import time; time.sleep({duration})", cell_id="sleep")

    burnt, slept = kernel.document()["cells"]

    assert burnt["energy_kwh"] > 1.2 * slept["energy_kwh"]


def test_a_fork_measures_nothing_in_the_child(start_kernel: Start) -> None:
    """os.fork and sys.exit in a cell: one record, and the kernel lives."""
    kernel = start_kernel()
    run = kernel.run(
        "import os, sys\npid = os.fork()\nif pid == 0:\n    os._exit(0)\nos.waitpid(pid, 0)[1]"
    )
    assert run.text == "0"
    kernel.run(
        "import multiprocessing as mp\nwith mp.get_context('fork').Pool(2) as pool:\n    print(pool.map(abs, [-1, -2]))"
    )

    assert kernel.document()["totals"]["cells"] == 2


def test_unload_leaves_nothing_and_load_works_again(start_kernel: Start) -> None:
    """No thread, callback, handler or magic is left."""
    kernel = start_kernel()
    kernel.run("x = 1")
    assert kernel.run("%unload_ext greencell").text == ""
    code = (
        "import threading\nip = get_ipython()\n"
        "print([c for n in ip.events.callbacks.values() for c in n if 'greencell' in repr(c)],"
        " [t.name for t in threading.enumerate() if 'greencell' in t.name],"
        " 'greencell_request' in ip.kernel.control_handlers,"
        " 'greencell' in ip.magics_manager.magics['line'],"
        " 'greencell' in ip.kernel.comm_manager.comms,"
        " [f for f in ip.input_transformers_cleanup if 'greencell' in f.__module__],"
        " [f for f in ip.kernel.debugger.kernel_modules if '*' in f])"
    )
    assert kernel.run(code).text == "[] [] False False False [] []\n"
    kernel.run("%load_ext greencell")
    kernel.run("x = 2")
    assert kernel.document()["totals"]["cells"] == 1


def test_simulated_hardware_in_a_real_kernel(start_kernel: Start, tmp_path: Path) -> None:
    """Powercap and NVML in real time, read through settings and bindings, against their truth."""
    try:
        build(tmp_path)
    except NoCompiler as reason:
        pytest.skip(str(reason))
    tree = PowercapTree(tmp_path / "sys")
    tree.add("package-0", 40.0, range_uj=100_000_000, start_uj=90_000_000)
    tree.add("dram", 5.0, parent="package-0")
    tree.run()
    kernel = start_kernel(
        GREENCELL_SYSFS_ROOT=str(tmp_path / "sys"), GREENCELL_ATTRIBUTION="machine",
        LD_LIBRARY_PATH=str(tmp_path), FAKENVML_GPUS="2", FAKENVML_POWER_W="100",
    )  # fmt: skip
    kernel.run("import time; time.sleep(2)")
    kernel.run("time.sleep(1)")
    document = kernel.document()
    tree.close()

    assert [s["id"] for s in document["sources"]][:2] == ["rapl:package-0", "rapl:dram-0"]
    assert document["totals"]["provenance"] == "measured"
    for cell in document["cells"]:
        for component, power_w in (("cpu", 40.0), ("dram", 5.0), ("gpu", 200.0)):
            energy_j = cell["by_component_kwh"][component] * 3.6e6
            assert energy_j == pytest.approx(power_w * cell["duration_s"], rel=0.05), component
        assert cell["energy_low_kwh"] < cell["energy_kwh"] < cell["energy_high_kwh"]


def test_a_slow_counters_cell_is_told_at_once_and_again_when_it_ticked(
    start_kernel: Start, tmp_path: Path
) -> None:
    """A GPU that ticks five times a second: what waits for its tick is told before, and after it."""
    try:
        build(tmp_path)
    except NoCompiler as reason:
        pytest.skip(str(reason))
    kernel = start_kernel(
        LD_LIBRARY_PATH=str(tmp_path), FAKENVML_GPUS="1", FAKENVML_POWER_W="100",
        FAKENVML_UPDATE_MS="200", GREENCELL_ATTRIBUTION="machine",
    )  # fmt: skip
    kernel.run("import time; time.sleep(1.5)")
    kernel.drain(1.5)
    told: dict[str, list[bool]] = {}
    for _ in range(6):
        run = kernel.run("time.sleep(0.13)", cell_id="short")
        late = [m["content"]["data"] for m in kernel.drain(0.8) if m["msg_type"] == "comm_msg"]
        for message in [*run.ours, *late]:
            if message["kind"] == "cell-end" and message["record"]["cell_id"] == "short":
                told.setdefault(message["record"]["run"], []).append(message["record"]["final"])

    assert len(told) == 6
    # Where the tick came within a moment of the end, there was nothing to say before.
    assert all(finals in ([True], [False, True]) for finals in told.values())
    assert [False, True] in told.values()
    document = kernel.document()
    cells = [c for c in document["cells"] if c["cell_id"] == "short"]
    assert all(c["final"] for c in cells)
    errors = [c["by_component_kwh"]["gpu"] * 3.6e6 / (100.0 * c["duration_s"]) - 1 for c in cells]
    # One may begin right at a tick, whose side cannot be told; plain differences are 0 J or 20 J.
    assert statistics.median(map(abs, errors)) < 0.05
    (gpu,) = [s for s in document["sources"] if s["component"] == "gpu"]
    assert gpu["period_s"] == pytest.approx(0.2, rel=0.1)


def test_what_outlives_its_cell_is_billed_to_the_gap(start_kernel: Start) -> None:
    """A thread and a child that go on: the time between cells pays, visibly, not the next cell."""
    kernel = start_kernel(GREENCELL_CPU_TDP_W="65")
    kernel.run(
        "import subprocess, sys, threading, time\n"
        "burn = 'import time\\nt = time.time()\\nwhile time.time() < t + 2: pass'\n"
        "child = subprocess.Popen([sys.executable, '-c', burn])"
    )
    time.sleep(2.5)
    kernel.run("child.wait()")
    totals = kernel.document()["totals"]
    starting, waiting = kernel.document()["cells"]

    assert totals["between_cells_energy_kwh"] > 5 * starting["energy_kwh"]
    assert totals["between_cells_energy_kwh"] > 5 * waiting["energy_kwh"]


def test_counters_that_vanish_in_mid_session_break_nothing(
    start_kernel: Start, tmp_path: Path
) -> None:
    """Cells stay clean; the energy is null with a flag, and comes back with the counter."""
    tree = PowercapTree(tmp_path / "sys")
    tree.add("package-0", 40.0)
    tree.run()
    kernel = start_kernel(
        GREENCELL_SYSFS_ROOT=str(tmp_path / "sys"), GREENCELL_ATTRIBUTION="machine"
    )
    kernel.run("x = 1")
    tree.vanish("package-0")
    run = kernel.run("1 + 1")
    assert run.visible == [("execute_result", {"text/plain": "2"})]
    time.sleep(1.5)  # a read soon after would tell enough to draw a line
    tree.come_back("package-0")
    kernel.run("import time; time.sleep(0.5)")
    good, lost, back = kernel.document()["cells"]
    tree.close()

    assert good["energy_kwh"] is not None
    assert lost["energy_kwh"] is None and lost["flags"] == ["gap"]
    assert back["energy_kwh"] is not None


def test_a_forked_child_that_falls_back_into_the_kernel_records_nothing(
    start_kernel: Start,
) -> None:
    """sys.exit in a raw fork runs our end hook in the child too: one record, the parent's."""
    kernel = start_kernel()
    code = "import os, sys\npid = os.fork()\nif pid == 0:\n    sys.exit(0)\nprint('parent')"

    assert kernel.run(code).text == "parent\n"

    assert kernel.document()["totals"]["cells"] == 1


def test_a_dead_sampler_is_revived_by_the_next_cell(start_kernel: Start) -> None:
    """Whatever killed the thread: the next cell ticks and its record is right."""
    kernel = start_kernel()
    kernel.run("import greencell; greencell.session()._sampler.stop(1)")
    run = kernel.run("import time; time.sleep(1.5)", cell_id="after")

    assert "tick" in [message["kind"] for message in run.ours]
    after = kernel.document()["cells"][-1]
    assert after["cell_id"] == "after"
    assert after["energy_kwh"] > 0


def test_cells_in_subshells_share_the_time_they_overlap(start_kernel: Start) -> None:
    """Two cells at once on two threads: each its own record, flagged, and the sums hold."""
    kernel = start_kernel()
    subshell = kernel.control("create_subshell_request", {})
    if subshell.get("status") != "ok":
        pytest.skip("this ipykernel has no subshells")
    main = kernel.send("import time; time.sleep(1.5)", cell_id="main")
    time.sleep(0.3)
    content = {
        "code": "import time; time.sleep(0.5)", "silent": False, "store_history": True,
        "user_expressions": {}, "allow_stdin": False, "stop_on_error": False,
    }  # fmt: skip
    message = kernel.client.session.msg("execute_request", content, metadata={"cellId": "sub"})
    message["header"]["subshell_id"] = subshell["subshell_id"]
    kernel.client.shell_channel.send(message)
    kernel.wait(message["header"]["msg_id"])
    kernel.wait(main)

    document = kernel.document()
    cells = {cell["cell_id"]: cell for cell in document["cells"]}
    assert {name: cell["parent"] for name, cell in cells.items()} == {"main": None, "sub": None}
    assert all("concurrent" in cell["flags"] for cell in cells.values())
    assert cells["sub"]["duration_s"] == pytest.approx(0.5, abs=0.3)
    assert document["totals"]["cells_energy_kwh"] == pytest.approx(
        math.fsum(cell["energy_kwh"] for cell in cells.values()), rel=1e-9
    )


def test_the_history_is_there_after_a_restart_and_a_kill(
    start_kernel: Start, tmp_path: Path
) -> None:
    """Every cell that was replied to, once; the one that was killed, as lost; the magic tells."""
    kernel = start_kernel()
    for index in range(3):
        kernel.run(f"x = {index}")
    kernel.send("import time; time.sleep(60)")
    time.sleep(2.5)
    kernel.manager.signal_kernel(signal.SIGKILL)
    kernel.manager.shutdown_kernel(now=True)

    later = start_kernel(JPY_SESSION_NAME="/home/ada/later.ipynb")
    later.run("y = 1")
    end_s = time.monotonic() + 10.0
    while (
        "lost: its kernel was killed" not in (text := later.run("%greencell history").text)
        or "later.ipynb" not in text
    ):
        assert time.monotonic() < end_s, text
    assert "/home/ada/later.ipynb" in text and "2 sessions" in text
    only = later.run("%greencell history --notebook later.ipynb --days 1").text
    assert "1 session " in only and "lost" not in only
    assert str(tmp_path / "history") in later.run("%greencell status").text

    with contextlib.closing(sqlite3.connect(tmp_path / "history" / "history.sqlite3")) as file:
        found = file.execute(
            "select status, cell.state, energy_j from cell order by cell.started_at"
        ).fetchall()
    assert [row[0] for row in found[:4]] == ["ok", "ok", "ok", "lost"]
    assert [row[1] for row in found[:4]] == ["done", "done", "done", "lost"]
    assert found[3][2] > 0


def test_history_that_is_off_writes_nothing(start_kernel: Start, tmp_path: Path) -> None:
    """Not even a folder; the magic says how to have one."""
    kernel = start_kernel(GREENCELL_HISTORY="off")
    kernel.run("x = 1")
    assert "GREENCELL_HISTORY=on" in kernel.run("%greencell history").text
    assert re.search(r"^history +off$", kernel.run("%greencell status").text, re.MULTILINE)
    time.sleep(0.5)
    assert not (tmp_path / "history").exists()


def test_a_history_without_a_place_is_said_once_and_harms_nothing(
    start_kernel: Start, tmp_path: Path
) -> None:
    """The folder is a file: cells are as ever, a notice says that nothing is saved."""
    (tmp_path / "file").write_text("")
    kernel = start_kernel(GREENCELL_DATA_DIR=str(tmp_path / "file"))
    assert kernel.run("1 + 1").visible == [("execute_result", {"text/plain": "2"})]
    end_s = time.monotonic() + 20.0
    while True:
        notices = kernel.ask("snapshot")["snapshot"]["notices"]
        if [one["id"] for one in notices].count("history") == 1:
            break
        assert time.monotonic() < end_s
        time.sleep(0.2)
    assert kernel.document()["totals"]["cells"] >= 1


def test_half_a_character_in_a_notebook_stops_no_figure(start_kernel: Start) -> None:
    """A cell id as a hostile notebook has it: each cell is measured, told and kept, as any other."""
    kernel = start_kernel()
    # As a browser writes JSON: half a character is an escape there.
    kernel.client.session.pack = lambda value: json.dumps(value, default=str).encode("ascii")
    for number in range(5):
        run = kernel.run(f"print({number})", cell_id=f"\ud800{number}")
        assert run.visible == [("stdout", f"{number}\n")]

    slow = kernel.run("import time; time.sleep(0.3)", cell_id="\ud800 slow")
    assert [m["running"]["cell_id"] for m in slow.ours if m["kind"] == "cell-start"] == ["? slow"]
    status = json.loads(kernel.run("%greencell status --json").text)
    assert (status["hook_failures"], status["hook_last_failure"]) == (0, None)
    assert [cell["cell_id"] for cell in kernel.document()["cells"]][:5] == [
        f"?{number}" for number in range(5)
    ]
    assert kernel.ask("snapshot")["snapshot"]["cells_total"] >= 6


def test_a_hook_that_fails_is_told_as_a_notice(start_kernel: Start) -> None:
    """Its cell is there as lost, so a person must know why; the next ones are as ever."""
    kernel = start_kernel()
    kernel.run(
        "from greencell.running_session import Session\n"
        "kept = Session.open_run\n"
        "def failing(*args, **named):\n"
        "    Session.open_run = kept\n"
        "    raise OSError('no more of these')\n"
        "Session.open_run = failing"
    )
    run = kernel.run("print('unharmed')")
    assert run.visible == [("stdout", "unharmed\n")]
    kernel.run("")  # is no cell, and has no number
    kernel.run("1 + 1")

    document = kernel.document()
    assert [(cell["execution_count"], cell["status"]) for cell in document["cells"]] == [
        (2, "ok"), (3, "lost"), (4, "ok"),
    ]  # fmt: skip
    notices = kernel.ask("snapshot")["snapshot"]["notices"]
    assert "Something in greencell failed (hook): OSError: no more of these" in [
        notice["text"] for notice in notices
    ]
