"""Whoever works on greencell's own files, or on others under autoreload: one of everything stays."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.kernel

Start = Callable[..., Any]

PACKAGE = Path(__file__).parents[2] / "greencell"
COUNT = """
import atexit, json, threading
def _count():
    ip = get_ipython()
    kernel = ip.kernel
    ours = lambda found: [f for f in found if "greencell" in repr(f) or "greencell" in str(getattr(f, "__module__", ""))]
    return {
        "pre": len(ours(ip.events.callbacks["pre_run_cell"])),
        "post": len(ours(ip.events.callbacks["post_run_cell"])),
        "transformers": len(ours(ip.input_transformers_cleanup)),
        "magics": sum(name in ip.magics_manager.magics[kind] for kind in ("line", "cell") for name in ("greencell", "energy")),
        "at exit": sum(1 for call in _at_exit if "greencell" in repr(call)),
        "forks": _forks,
        "requests": sum("greencell" in kind for kind in kernel.control_handlers),
        "probes": "greencell" in repr(kernel.control_handlers["comm_info_request"]),
        "comms": sum("greencell" in name for name in kernel.comm_manager.comms),
        "threads": sorted(t.name for t in threading.enumerate() if "greencell" in t.name),
        "files": sum("greencell" in path for path in kernel.debugger.kernel_modules if "*" in path),
    }
print(json.dumps(_count()))
"""
WATCH = """
import atexit, os
_at_exit, _forks = [], 0
_register, _unregister, _fork = atexit.register, atexit.unregister, os.register_at_fork
def _watched(call, *arguments, **named):
    _at_exit.append(call)
    return _register(call, *arguments, **named)
def _unwatched(call):
    _at_exit[:] = [kept for kept in _at_exit if kept != call]
    _unregister(call)
def _watched_fork(**calls):
    global _forks
    _forks += "_abandon" in repr(calls)  # ours on this shell
    _fork(**calls)
atexit.register, atexit.unregister, os.register_at_fork = _watched, _unwatched, _watched_fork
"""
GONE = {
    "pre": 0, "post": 0, "transformers": 0, "magics": 0, "at exit": 0, "requests": 0,
    "probes": False, "comms": 0, "threads": [], "files": 0,
}  # fmt: skip


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """greencell's files where a test may touch them."""
    folder = tmp_path / "checkout"
    shutil.copytree(
        PACKAGE, folder / "greencell", ignore=shutil.ignore_patterns("labextension", "static", "__pycache__")
    )  # fmt: skip
    return folder


def counted(kernel: Any) -> dict[str, Any]:
    """How often greencell is in the kernel."""
    told: dict[str, Any] = json.loads(kernel.run(COUNT).text)
    return told


def counted_first(kernel: Any) -> dict[str, Any]:
    """The same after the first cell, once the history has its thread."""
    for _ in range(60):
        count = counted(kernel)
        if "greencell-history" in count["threads"]:
            break
        time.sleep(0.25)
    return count


def counted_again(kernel: Any, before: dict[str, Any]) -> dict[str, Any]:
    """The same after cells: a thread that met a half reloaded module is started anew by one."""
    for _ in range(20):
        count = counted(kernel)
        if count["threads"] == before["threads"]:
            break
        time.sleep(0.5)
    return count


TOUCHED = "for path in sorted(pathlib.Path(greencell.__file__).parent.rglob('*.py')): os.utime(path, (time.time() + 5,) * 2)"
CHANGED = (
    "for path in sorted(pathlib.Path(greencell.__file__).parent.rglob('*.py')):\n"
    "    _ = path.write_text(path.read_text(encoding='utf-8') + '\\n_ADDED = list()\\n', encoding='utf-8')\n"
    "    os.utime(path, (time.time() + 5,) * 2)"
)


@pytest.mark.parametrize(
    ("mode", "done"),
    [("2", TOUCHED), ("2", CHANGED), ("complete", TOUCHED)],
    ids=["touched", "changed", "touched, all objects"],
)
def test_files_reloaded_by_autoreload_leave_one_of_each(
    start_kernel: Start, copied: Path, mode: str, done: str
) -> None:
    """Classes and functions are rewritten under a loaded extension; what it put in comes out again."""
    kernel = start_kernel(load=False, PYTHONPATH=str(copied))
    kernel.run(WATCH)
    kernel.run(
        f"%load_ext autoreload\n%autoreload {mode}\n%load_ext greencell\nimport greencell, os, pathlib, time"
    )
    kernel.run("x = 1")
    first = counted_first(kernel)
    assert (first["pre"], first["post"], first["transformers"], first["at exit"]) == (1, 1, 1, 1)

    kernel.run(done)
    kernel.run("%%greencell named\nx = sum(range(10**6))")
    assert counted_again(kernel, first) == first
    kernel.run("%reload_ext greencell")
    kernel.run("x = sum(range(10**6))")
    assert counted_again(kernel, first) == first
    kernel.run("%unload_ext greencell")
    left = counted(kernel)
    assert {name: left[name] for name in GONE} == GONE
    kernel.run("%load_ext greencell")
    assert kernel.run("x = 1").reply["content"]["status"] == "ok"
    assert counted_again(kernel, first) == first
    before = kernel.document()["totals"]["cells"]
    assert before >= 2
    kernel.run("x = sum(range(10**6))")
    document = kernel.document()
    assert document["totals"]["cells"] == before + 1
    assert document["cells"][-1]["energy_kwh"] > 0


REWRITTEN = """
import sys
from IPython.extensions.autoreload import superreload
for name, module in sorted(sys.modules.items()):
    if name.split(".")[0] == "greencell":
        _ = superreload(module)
"""
IMPORTED_ANEW = """
import importlib, greencell
_ = importlib.reload(greencell)
"""
DEEPLY = """
import builtins, sys
from IPython.lib import deepreload
import greencell
_ = deepreload.reload(greencell, exclude=[n for n in sys.modules if n.split(".")[0] != "greencell"])
"""
TAKEN_OUT = """
import sys
for name in [n for n in sys.modules if n.split(".")[0] == "greencell"]:
    del sys.modules[name]
import greencell
"""


@pytest.mark.parametrize(
    "done",
    [REWRITTEN, IMPORTED_ANEW, DEEPLY, TAKEN_OUT],
    ids=["superreload", "importlib", "deepreload", "sys.modules"],
)
def test_modules_reloaded_by_hand_leave_one_of_each(start_kernel: Start, done: str) -> None:
    """Whatever becomes of our modules under a loaded extension: it is found again and taken out."""
    kernel = start_kernel(load=False)
    kernel.run(WATCH)
    kernel.run("%load_ext greencell\nimport greencell, time")
    kernel.run("x = 1")
    first = counted_first(kernel)

    assert kernel.run(done).reply["content"]["status"] == "ok"
    kernel.run("%%greencell named\nx = sum(range(10**6))")
    kernel.run("x = sum(range(10**6))")
    assert counted_again(kernel, first) == first
    kernel.run("%reload_ext greencell")
    kernel.run("x = sum(range(10**6))")
    assert counted_again(kernel, first) == first
    again = kernel.run("%unload_ext greencell\n%load_ext greencell")
    assert again.text.count("\n") == 1 and "did not start" not in again.text
    kernel.run("x = sum(range(10**6))")
    assert counted_again(kernel, first) == first
    assert kernel.document()["cells"][-1]["energy_kwh"] > 0
    kernel.run("%unload_ext greencell")
    left = counted(kernel)
    assert {name: left[name] for name in GONE} == GONE
