"""A machine with 2,000 processes that are none of ours: nobody looks at them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(sys.platform != "linux", reason="processes as /proc shows them"),
]

Start = Callable[..., Any]

STRANGERS = range(3_000_000, 3_002_000)
WATCH = """
import json, os, subprocess, sys, time
opened = []
def _watch(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], (str, bytes, os.PathLike)):
        opened.append(os.fsdecode(arguments[0]))
sys.addaudithook(_watch)
children = [subprocess.Popen(["sleep", "60"]) for _ in range(3)]
"""
WORK = "end = time.monotonic() + 4.5\nwhile time.monotonic() < end: pass"
TELL = """
paths = list(opened)
for child in children:
    child.kill()
    _ = child.wait()
print(json.dumps({"paths": paths, "own": [os.getpid(), *(child.pid for child in children)]}))
"""


def process_folder(root: Path, pid: int) -> None:
    """A process as a machine shows it, which burns much."""
    task = root / f"{pid}/task/{pid}"
    task.mkdir(parents=True)
    fields = ["S", "1", *["0"] * 9, "9999", "9999", "0", "0", "0"]
    (root / f"{pid}/stat").write_text(f"{pid} (stranger) {' '.join(fields)}\n")
    (task / "children").write_text("")


def test_strangers_are_neither_listed_nor_opened(start_kernel: Start, tmp_path: Path) -> None:
    """Around cells, in ticks and at the thread's rounds: only the kernel's own tree is read."""
    proc = tmp_path / "proc"
    for name in ("stat", "cpuinfo", "meminfo", "self/cgroup"):
        (proc / name).parent.mkdir(parents=True, exist_ok=True)
        (proc / name).write_bytes((Path("/proc") / name).read_bytes())
    for pid in STRANGERS:
        process_folder(proc, pid)
    kernel = start_kernel(GREENCELL_PROCFS_ROOT=str(proc))
    kernel.run(WATCH)
    for number in range(3):
        kernel.run(f"x = {number}")
    run = kernel.run(WORK)
    assert [data["kind"] for data in run.ours].count("tick") >= 2
    kernel.ask("snapshot")
    found = json.loads(kernel.run(TELL).text)

    roots = ("/proc", str(proc))
    assert [path for path in found["paths"] if path.rstrip("/") in roots] == []
    processes = {
        part
        for path in found["paths"]
        for root in roots
        if path.startswith(f"{root}/") and (part := path[len(root) + 1 :].split("/")[0]).isdigit()
    }
    assert processes == set(map(str, found["own"]))
