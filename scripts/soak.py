"""Lives with greencell for a while: random cells, faults, reloads, restarts, kills; then looks.

    make soak                          an hour
    make soak SOAK_ARGS="--minutes 5"  the short form

A real ipykernel on a simulated powercap tree runs whatever the seed says. At every restart, and at
the end, what must always hold is checked: every cell that was replied to has one record; totals
are the sum of cells and gaps; every number is finite and in order; no cell shows a word of ours;
one thread of each kind; a sound history without rows of the dead. 1 and the seed if anything fails.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import queue
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager

from greencell.testing import PowercapTree

CELLS = (
    "x = 1", "sum(range(300_000))", "import time; time.sleep(0.4)", "1/0", "def f(:\n  pass",
    "%%capture out\nsum(range(100_000))", "get_ipython().run_cell('y = 2')", "print('a'); 'b'",
    "import asyncio\nawait asyncio.sleep(0.2)", "raise KeyboardInterrupt", "%nonsense",
    "import threading\nthreading.Thread(target=sum, args=(range(10**6),)).start()",
    "import subprocess, sys\n_ = subprocess.run([sys.executable, '-c', 'sum(range(10**6))'])",
    "import os\npid = os.fork()\nif pid == 0: os._exit(0)\n_ = os.waitpid(pid, 0)",
    "%reset -f", "import gc; _ = gc.collect()", "b = bytearray(30_000_000); del b", "", "# nothing",
    "%%greencell named\nz = 3",
)  # fmt: skip
OURS = ("Error in callback", "greencell/", "greencell\\", "database is locked")


@dataclass
class Soak:
    """What runs, and what was seen."""

    rng: random.Random
    home: Path
    tree: PowercapTree
    problems: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    replied: dict[int, str] = field(default_factory=dict)
    trail: list[str] = field(default_factory=list)
    kernel: Kernel | None = None

    def problem(self, text: str) -> None:
        """Something that must never be."""
        self.problems.append(text)
        print("PROBLEM", text, flush=True)
        print("  after:", *self.trail[-30:], sep="\n    ", flush=True)

    def count(self, what: str) -> None:
        """For the summary."""
        self.counts[what] = self.counts.get(what, 0) + 1


class Kernel:
    """A real kernel and its client."""

    def __init__(self, home: Path) -> None:
        self.manager = KernelManager(kernel_name="python3")
        environment = os.environ | {
            "IPYTHONDIR": str(home / "ipython"), "TZ": "Europe/Paris",
            "GREENCELL_DATA_DIR": str(home / "data"), "GREENCELL_SYSFS_ROOT": str(home / "sys"),
        }  # fmt: skip
        self.manager.start_kernel(
            env=environment, cwd=str(home), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        self.client: BlockingKernelClient = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        self.last_count = 0

    def run(self, code: str, interrupt_after_s: float | None = None) -> tuple[dict[str, Any], str]:
        """The reply's content, and everything that was shown."""
        sent = self.client.execute(code, stop_on_error=False)
        shown = self._shown(sent, interrupt_after_s)
        reply = self._reply(sent, interrupted=interrupt_after_s is not None)
        self.last_count = max(self.last_count, reply.get("execution_count", 0))
        return reply, shown

    def _shown(self, sent: str, interrupt_after_s: float | None) -> str:
        shown: list[str] = []
        now_s = time.monotonic()
        end_s = now_s + 60.0
        interrupt_s = math.inf if interrupt_after_s is None else now_s + interrupt_after_s
        while time.monotonic() < end_s:
            if time.monotonic() >= interrupt_s:
                self.manager.interrupt_kernel()
                interrupt_s = math.inf
            with contextlib.suppress(queue.Empty):
                message = self.client.get_iopub_msg(timeout=0.05)
                if message["parent_header"].get("msg_id") != sent:
                    continue
                content = message["content"]
                if message["msg_type"] == "status" and content["execution_state"] == "idle":
                    return "".join(shown)
                if message["msg_type"] in ("stream", "error", "display_data", "execute_result"):
                    shown.append(json.dumps(content))
        raise TimeoutError(sent)

    def _reply(self, sent: str, *, interrupted: bool) -> dict[str, Any]:
        while True:
            try:
                reply = self.client.get_shell_msg(timeout=3 if interrupted else 60)
            except queue.Empty:
                if not interrupted:
                    raise
                return {}  # a bare kernel that is interrupted forgets some, too
            except ValueError:  # or stops in the middle of one, which then begins the next
                return {}
            if reply["parent_header"].get("msg_id") == sent:
                content: dict[str, Any] = reply["content"]
                return content

    def ask(self, op: str, **more: str) -> dict[str, Any]:
        """A request on the control channel."""
        message = self.client.session.msg("greencell_request", {"wire": 1, "op": op, **more})
        self.client.control_channel.send(message)
        while True:
            reply = self.client.get_control_msg(timeout=30)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                content: dict[str, Any] = reply["content"]
                return content

    def stop(self) -> None:
        """As a user's restart does."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=False)

    def kill(self) -> None:
        """As nobody wishes."""
        self.manager.signal_kernel(signal.SIGKILL)
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


# -- what happens ------------------------------------------------------------------------------


def cell(soak: Soak) -> None:
    """A random cell, now and then interrupted at a random moment."""
    kernel = _kernel(soak)
    code = soak.rng.choice(CELLS)
    interrupt = soak.rng.uniform(0.0, 0.3) if soak.rng.random() < 0.1 else None
    before = kernel.last_count
    reply, shown = kernel.run(code, interrupt)
    count = reply.get("execution_count", 0)
    soak.trail.append(f"[{count}] {code!r}, interrupted after {interrupt}, {reply.get('status')}")
    # One that is interrupted before its body began answers with the number of the one before.
    if code.strip() and not code.startswith("#") and count > before:
        soak.replied[count] = soak.trail[-1]
    for word in OURS:
        if word in shown:
            soak.problem(f"{code!r} shows {word!r}: {shown[:600]}")
    soak.count("cells")


def reload(soak: Soak) -> None:
    """The extension is loaded anew, or unloaded and loaded."""
    kernel = _kernel(soak)
    anew = soak.rng.random() < 0.5
    soak.trail.append("loaded again" if anew else "unloaded and loaded")
    if anew:
        kernel.run("%reload_ext greencell")
    else:
        kernel.run("%unload_ext greencell")
        kernel.run("%load_ext greencell")
        soak.replied.clear()  # a new session
    soak.count("reloads")


def request(soak: Soak) -> None:
    """What a panel may ask."""
    kernel = _kernel(soak)
    op = soak.rng.choice(("snapshot", "export", "what-if", "pause", "resume", "reset", "set-zone"))
    more = {"export": {"format": "html"}, "set-zone": {"zone": soak.rng.choice(("FR", "NO", "x"))}}
    reply = kernel.ask(op, **more.get(op, {}))
    soak.trail.append(f"request {op}")
    if not json.dumps(reply, allow_nan=False):
        soak.problem(f"{op} answers nothing")
    if op == "pause":
        kernel.ask("resume")
    if op == "reset":
        soak.replied.clear()
    soak.count("requests")


def fault(soak: Soak) -> None:
    """A counter goes wrong for a cell or two, or the history does."""
    kind = soak.rng.choice(("vanish", "garbage", "reset", "freeze", "locked", "taken"))
    soak.trail.append(f"fault {kind}")
    path = soak.home / "data" / "history.sqlite3"
    if kind == "vanish":
        soak.tree.vanish("package-0")
        cell(soak)
        soak.tree.come_back("package-0")
    elif kind == "garbage":
        soak.tree.garbage("package-0")
        cell(soak)
    elif kind == "reset":
        soak.tree.reset("package-0")
    elif kind == "freeze":
        soak.tree.freeze("package-0")
        cell(soak)
        soak.tree.freeze("package-0", frozen=False)
    elif path.exists():
        if kind == "taken":
            for file in path.parent.glob("history.sqlite3*"):
                file.unlink(missing_ok=True)
        else:
            with contextlib.suppress(sqlite3.Error):
                holder = sqlite3.connect(path, timeout=1, isolation_level=None)
                holder.execute("begin immediate")
                cell(soak)
                holder.execute("rollback")
                holder.close()
    cell(soak)
    soak.count(f"faults: {kind}")


def restart(soak: Soak) -> None:
    """A restart or a kill; what must hold is checked before."""
    check_kernel(soak)
    kernel = _kernel(soak)
    if soak.rng.random() < 0.5:
        kernel.stop()
        soak.count("restarts")
    else:
        time.sleep(1.0)
        kernel.kill()
        soak.count("kills")
    begin(soak)


def begin(soak: Soak) -> None:
    """A fresh kernel with greencell in it."""
    soak.kernel = Kernel(soak.home)
    soak.trail = ["a new kernel"]
    _, shown = soak.kernel.run("%load_ext greencell")
    if "greencell: " not in shown or "did not start" in shown:
        soak.problem(f"load says {shown[:500]}")
    soak.replied.clear()


ACTIONS: tuple[tuple[Callable[[Soak], None], int], ...] = (
    (cell, 80), (request, 8), (fault, 6), (reload, 4), (restart, 2),
)  # fmt: skip


# -- what must hold ----------------------------------------------------------------------------


def check_kernel(soak: Soak) -> None:
    """The session document, the threads, and the records of what was replied."""
    kernel = _kernel(soak)
    kernel.run("pass")
    time.sleep(0.5)
    document = json.loads(kernel.ask("export", format="json")["text"])
    totals, cells = document["totals"], document["cells"]
    tops = [one for one in cells if one["parent"] is None]
    numbers = [one["execution_count"] for one in tops if one["status"] != "lost"]
    for count, what in soak.replied.items():
        if numbers.count(count) != 1:
            _, status = kernel.run("%greencell status --json")
            soak.problem(f"{numbers.count(count)} records of {what}; {status[:2000]}")
    cells_kwh = math.fsum(one["energy_kwh"] or 0.0 for one in tops)
    if not math.isclose(totals["cells_energy_kwh"], cells_kwh, rel_tol=1e-9, abs_tol=1e-18):
        soak.problem(f"cells are {cells_kwh}, their total {totals['cells_energy_kwh']}")
    whole = totals["cells_energy_kwh"] + totals["between_cells_energy_kwh"]
    if not math.isclose(totals["energy_kwh"], whole, rel_tol=1e-9, abs_tol=1e-18):
        soak.problem(f"the total is {totals['energy_kwh']}, its parts {whole}")
    for one in (totals, *cells):
        for low, middle, high in (("energy_low_kwh", "energy_kwh", "energy_high_kwh"),
                                  ("co2_low_kg", "co2_kg", "co2_high_kg")):  # fmt: skip
            values = (one[low], one[middle], one[high])
            if None not in values and not values[0] <= values[1] <= values[2]:
                soak.problem(f"out of order: {values}")
        if (one["energy_kwh"] or 0.0) < 0.0:
            soak.problem(f"negative: {one['energy_kwh']}")
    _, shown = kernel.run(
        "import threading, collections as _c\n"
        "print(dict(_c.Counter(t.name for t in threading.enumerate() if 'greencell' in t.name)))"
    )
    if "'greencell-sampler': 1" not in shown or "'greencell-history': 1" not in shown:
        soak.problem(f"threads: {shown[:300]}")
    soak.count("checks")


def check_history(soak: Soak) -> None:
    """A sound file, in which nobody dead is said to run."""
    path = soak.home / "data" / "history.sqlite3"
    time.sleep(1.5)
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
        (found,) = connection.execute("pragma integrity_check").fetchone()
        if found != "ok":
            soak.problem(f"integrity: {found}")
        running = connection.execute("select count(*) from session where state = 'running'")
        (count,) = running.fetchone()
        if count > 1:
            soak.problem(f"{count} sessions run, and one kernel")
        rows = connection.execute("select count(*), count(distinct run) from cell").fetchone()
        soak.counts["rows in the history"] = rows[0]


def _kernel(soak: Soak) -> Kernel:
    assert soak.kernel is not None
    return soak.kernel


def main() -> int:
    """1 if anything did not hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        tree = PowercapTree(home / "sys")
        tree.add("package-0", 40.0)
        tree.run(0.005)
        soak = Soak(random.Random(options.seed), home, tree)
        begin(soak)
        end_s = time.monotonic() + 60.0 * options.minutes
        actions, weights = zip(*ACTIONS, strict=True)
        while time.monotonic() < end_s and len(soak.problems) < 10:
            soak.rng.choices(actions, weights)[0](soak)
        check_kernel(soak)
        check_history(soak)
        _kernel(soak).stop()
        tree.close()
    print(f"seed {options.seed}: {len(soak.problems)} problems; {soak.counts}")
    return 1 if soak.problems else 0


if __name__ == "__main__":
    sys.exit(main())
