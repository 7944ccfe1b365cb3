"""Nothing is asked of the network: without interfaces all works, and no socket is opened."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.kernel

Start = Callable[..., Any]

IN_A_KERNEL = """
    import json, shutil, socket, tempfile
    from jupyter_client.manager import KernelManager

    try:
        socket.create_connection(("127.0.0.1", 9), 1.0)
    except OSError as error:
        reach = type(error).__name__ + ": " + (error.strerror or "")
    else:
        reach = "reached"
    folder = tempfile.mkdtemp(prefix="gc")  # short: the system cuts the names of its sockets
    manager = KernelManager(transport="ipc", ip=folder + "/k", kernel_name="python3")
    manager.start_kernel(cwd=folder)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)

    def run(code):
        seen = []
        client.execute_interactive(code, timeout=60, output_hook=lambda m: seen.append(m["content"]))
        return "".join(str(c.get("text") or c.get("data", {}).get("text/plain", "")) for c in seen)

    said = [run(code) for code in CODES]
    document = json.loads(run("print(open('session.json').read())"))
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    shutil.rmtree(folder)
    print(json.dumps({"reach": reach, "said": said, "document": document}))
"""
CODES = (
    "%load_ext greencell",
    "sum(range(100_000))",
    "%greencell",
    "%greencell zone",
    "%greencell compare-zones",
    "%greencell export session.json",
    "%unload_ext greencell",
)
IN_A_SHELL = """
    import json, os, sys, tempfile, threading

    events = []

    def watch(event, arguments):
        if event.startswith("socket.") or event in ("urllib.Request", "http.client.connect"):
            events.append([event, repr(arguments)[:200]])

    sys.addaudithook(watch)
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    before = len(events)
    os.chdir(tempfile.mkdtemp())
    for code in CODES:
        assert shell.run_cell(code).success, code
    from greencell import report
    from greencell.cli import main

    shell.run_line_magic("load_ext", "greencell")
    shell.run_cell("sum(range(100_000))")
    for name, form in report.FORMATS.items():
        shell.run_line_magic("greencell", f"export out-{name}.{form.suffix} --as {name}")
    assert len(os.listdir()) >= len(report.FORMATS)
    main(["doctor", "--json"])
    main(["zones", "FR"])
    shell.run_line_magic("unload_ext", "greencell")
    heavy = [m for m in ("ssl", "http.client", "urllib.request") if m in sys.modules]
    print("\\n" + json.dumps({"events": events[before:], "heavy": heavy}))
"""


def program(source: str) -> list[str]:
    return [sys.executable, "-c", f"CODES = {CODES!r}\n" + textwrap.dedent(source)]


def last_line(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr[-3_000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def quiet_environment() -> dict[str, str]:
    """Of this process, with a time zone and without settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GREENCELL_")}
    return kept | {"TZ": "Europe/Oslo"}


def namespace() -> list[str] | None:
    """How to run in a network namespace without interfaces; ``None`` where that is refused."""
    if shutil.which("unshare") is None:
        return None
    for command in (["unshare", "-rn"], ["unshare", "-n"]):
        if subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    return None


def test_the_whole_start_works_without_any_interface(tmp_path: Path) -> None:
    """A real kernel over ``ipc``, where not even the loopback is up."""
    command = namespace()
    if command is None:
        pytest.skip("this machine lets nobody make a network namespace (unshare -n)")
    environment = quiet_environment() | {"JUPYTER_RUNTIME_DIR": str(tmp_path)}

    done = subprocess.run(
        [*command, *program(IN_A_KERNEL)],
        capture_output=True, text=True, timeout=180, env=environment, cwd=tmp_path,
    )  # fmt: skip
    found = last_line(done)

    assert "unreachable" in found["reach"].lower()
    loaded, cell, summary, zone, compared, exported, unloaded = found["said"]
    assert "Norway (NO)" in loaded and loaded.count("\n") == 1
    assert cell.strip() == "4999950000"
    assert "Energy" in summary and "guessed from the time zone Europe/Oslo" in zone
    assert "here" in compared and "wrote" in exported and unloaded == ""
    document = found["document"]
    assert document["carbon"]["located_by"] == "timezone"
    assert document["totals"]["cells"] >= 1 and document["totals"]["co2_kg"] > 0


def test_no_socket_is_opened_from_load_to_unload(tmp_path: Path) -> None:
    """Python's own audit sees none, and nothing that could open one is even imported."""
    done = subprocess.run(
        program(IN_A_SHELL), capture_output=True, text=True, timeout=180, env=quiet_environment()
    )
    found = last_line(done)

    assert found["events"] == []
    assert found["heavy"] == []


def test_a_kernel_asks_no_name_and_opens_no_connection(start_kernel: Start) -> None:
    """Its own sockets to the front end are there before; greencell adds none."""
    kernel = start_kernel(load=False)
    kernel.run(
        "import sys\n_seen = []\n"
        "def _watch(event, arguments):\n"
        "    if event.startswith('socket.'):\n"
        "        _seen.append(event)\n"
        "sys.addaudithook(_watch)"
    )
    for code in CODES[:5]:
        kernel.run(code)
    kernel.ask("what-if")
    kernel.ask("export", format="model-card")

    seen = kernel.run("print(sorted(set(_seen)))").text

    assert seen.strip() == "[]"
