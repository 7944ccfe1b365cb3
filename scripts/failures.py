"""Spreads transient failures over many cells of a real kernel, kills it, and looks for lost rows.

    make failures FAILURES_ARGS="--failures 1000 --cells 2000"

Sockets that are full, no descriptors, no random numbers, a disk that fails, meters that fail, and
handlers of the user's for a signal that raise in our frames: each lasts for a moment. Every cell
that ended a second before the kill must be in the file, and measuring must go on after each.

Where a handler raises at the very call of a hook, IPython shows it as an error in a callback:
Python looks for signals as it enters a function, where nothing of that function can catch one.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from jupyter_client.manager import start_new_kernel

from greencell.testing import PowercapTree

COMMITTED_S = 1.0
GOES_ON_S = 5.0
FAULTS = '''
import errno, os, random, signal, sqlite3, sys, threading, time
import greencell.history.recorder as recorder
import greencell.sources.sysfs_file as sysfs_file

OURS = os.path.dirname(sys.modules["greencell"].__file__) + os.sep
DONE = {}


class Late(Exception):
    """What a handler of the user's raises."""


def number(kind):
    return {
        "socket": errno.ENOBUFS, "descriptors": errno.EMFILE, "random": errno.EIO,
        "disk": errno.EIO, "meters": errno.EIO,
    }[kind]


def wrap(kind, call, ours=lambda arguments: True):
    def attempt(*arguments, **named):
        if kind in failing and ours(arguments) and of_ours():
            DONE[kind] = DONE.get(kind, 0) + 1
            raise OSError(number(kind), os.strerror(number(kind)))
        return call(*arguments, **named)
    return attempt


def of_ours():
    frame = sys._getframe(2)
    for _ in range(4):
        if frame is None:
            return False
        if frame.f_code.co_filename.startswith(OURS):
            return True
        frame = frame.f_back
    return False


def handler(_number, frame):
    if frame is not None and frame.f_code.co_filename.startswith(OURS):
        DONE["signal"] = DONE.get("signal", 0) + 1
        raise Late


failing = set()
kernel = get_ipython().kernel
kernel.session.send = wrap("socket", kernel.session.send, lambda a: "comm_msg" in a)
os.open = wrap("descriptors", os.open)
os.urandom = wrap("random", os.urandom)
os.pread = wrap("meters", os.pread)
writing = recorder.Recorder._write


def write(self, connection):
    if "disk" in failing:
        DONE["disk"] = DONE.get("disk", 0) + 1
        raise sqlite3.OperationalError("disk I/O error")
    return writing(self, connection)


recorder.Recorder._write = write
signal.signal(signal.SIGALRM, handler)
KINDS = ["socket", "descriptors", "random", "disk", "meters", "signal"]


def spread(count, seed):
    """So many failures, each for a moment; how often it was met stands in DONE."""
    rng = random.Random(seed)
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        if kind == "signal":
            signal.setitimer(signal.ITIMER_REAL, 1e-3, 1e-3)
        else:
            failing.add(kind)
        time.sleep(rng.uniform(0.001, 0.03))
        while kind == "disk" and "disk" not in DONE:
            time.sleep(0.01)  # writes are rare: the first such failure lasts until one meets it
        failing.discard(kind)
        signal.setitimer(signal.ITIMER_REAL, 0.0)
    DONE["spread"] = count
'''


@dataclass
class Result:
    """What was seen.

    Attributes:
        injected: how often a failure was met, by kind.
        missing: cells that ended in time and have no finished row.
        without_energy: cells whose row has no energy.
        longest_s: the longest stretch of cells without energy.
    """

    cells: int
    injected: dict[str, int]
    missing: list[int]
    without_energy: int
    longest_s: float
    shown: list[str]


def run(failures: int, cells: int, seed: int, folder: Path) -> Result:
    """Drive one kernel, kill it, compare."""
    tree = PowercapTree(folder / "sys")
    tree.add("package-0", 40.0)
    environment = os.environ | {
        "GREENCELL_DATA_DIR": str(folder / "data"), "GREENCELL_SYSFS_ROOT": str(folder / "sys"),
        "IPYTHONDIR": str(folder / "ipython"), "TZ": "Europe/Paris",
    }  # fmt: skip
    manager, client = start_new_kernel(env=environment)
    shown: list[str] = []
    ended: dict[int, float] = {}
    rng = random.Random(seed)

    def cell(code: str) -> None:
        number = len(ended) + 1
        content = {
            "code": code, "silent": False, "store_history": True, "user_expressions": {},
            "allow_stdin": False, "stop_on_error": False,
        }  # fmt: skip
        metadata = {"cellId": f"cell-{number}"}
        message = client.session.msg("execute_request", content, metadata=metadata)
        client.shell_channel.send(message)
        while True:
            heard = client.get_iopub_msg(timeout=60)
            if heard["msg_type"] in ("stream", "error"):
                shown.append(str(heard["content"]))
            is_idle = heard["content"].get("execution_state") == "idle"
            if is_idle and heard["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                break
        client.get_shell_msg(timeout=60)
        ended[number] = time.time()

    try:
        cell("%load_ext greencell")
        message = client.session.msg("comm_info_request", {"target_name": "greencell"})
        client.control_channel.send(message)
        cell(FAULTS)
        shown.clear()
        cell(
            f"import threading; threading.Thread(target=spread, args=({failures}, {seed}), daemon=True).start()"
        )
        injected, number = "{}", 0
        while number < cells or "spread" not in injected:
            tree.advance(0.01)
            cell(rng.choice(["pass", "x = 1", "import time; time.sleep(0.005)"]))
            number += 1
            if number % 50 == 0:
                injected = client.execute_interactive(
                    "pass",
                    user_expressions={"done": "dict(DONE)"},
                    store_history=False,
                    silent=True,
                )["content"]["user_expressions"]["done"]["data"]["text/plain"]
        time.sleep(COMMITTED_S)
        killed_at = time.time()
        manager.signal_kernel(signal.SIGKILL)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        tree.close()
    return _compare(folder, ended, killed_at, injected, shown)


def _compare(
    folder: Path, ended: dict[int, float], killed_at: float, injected: str, shown: list[str]
) -> Result:
    import ast

    with contextlib.closing(sqlite3.connect(folder / "data" / "history.sqlite3")) as file:
        rows = {
            int(str(cell_id).removeprefix("cell-")): (state, energy_j)
            for cell_id, state, energy_j in file.execute(
                "select document ->> 'cell_id', state, energy_j from cell"
            )
        }
    missing, blind = [], []
    del ended[1]  # the cell that loaded greencell
    for count, at in sorted(ended.items()):
        state, energy_j = rows.get(count, ("", None))
        if state != "done" and at < killed_at - COMMITTED_S:
            missing.append(count)
        if energy_j is None:
            blind.append((count, at))
    longest_s, since = 0.0, None
    for count, at in sorted(ended.items()):
        if (count, at) in blind:
            since = since if since is not None else at
            longest_s = max(longest_s, at - since)
        else:
            since = None
    return Result(len(ended), ast.literal_eval(injected), missing, len(blind), longest_s, shown)


def main() -> int:
    """Run once; 1 if a row is missing or measuring did not go on."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--failures", type=int, default=1_000)
    parser.add_argument("--cells", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = run(options.failures, options.cells, options.seed, Path(folder))
    met = {kind: count for kind, count in result.injected.items() if kind != "spread"}
    print(f"{options.failures} failures over {result.cells} cells, met this often: {met}")
    print(f"rows missing: {len(result.missing)} {result.missing[:20]}")
    print(
        f"cells without energy: {result.without_energy}, longest stretch {result.longest_s:.1f} s"
    )
    ours = [line for line in result.shown if "Late" not in line and "Error in callback" not in line]
    print(f"times a handler of the user's hit the very call of a hook: {len(result.shown) // 2}")
    print(f"other lines that cells showed: {len(ours)} {ours[:3]}")
    good = not result.missing and not ours and result.longest_s <= GOES_ON_S
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
